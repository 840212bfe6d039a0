//! What objects have in common: metadata, amounts, and fields that are not what they should be.

use std::collections::BTreeMap;
use std::fmt;

use edgebench_sampler::Bytes;
use serde::de::{self, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::Identity;
use crate::kubevirt::quantity::Quantity;

/// metadata, as far as it is used. Labels and annotations are kept for a moment only.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Meta {
    #[serde(default, deserialize_with = "or_default")]
    namespace: String,
    #[serde(default, deserialize_with = "or_default")]
    name: String,
    #[serde(default, deserialize_with = "or_default")]
    pub(super) uid: String,
    #[serde(default, deserialize_with = "or_default")]
    resource_version: String,
    #[serde(default, deserialize_with = "or_default")]
    pub(super) labels: BTreeMap<String, String>,
    #[serde(default, deserialize_with = "or_default")]
    pub(super) annotations: BTreeMap<String, String>,
    #[serde(default, deserialize_with = "or_default")]
    pub(super) owner_references: Vec<Owner>,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct Owner {
    #[serde(default, deserialize_with = "or_default")]
    pub(super) kind: String,
    #[serde(default, deserialize_with = "or_default")]
    pub(super) name: String,
    #[serde(default, deserialize_with = "or_default")]
    pub(super) uid: String,
}

impl Meta {
    pub(super) fn identity(self) -> Identity {
        Identity { namespace: self.namespace, name: self.name, version: self.resource_version }
    }

    /// Its identity, where it has a name to be known by.
    pub(super) fn named(&self) -> serde_json::Result<Identity> {
        if self.name.is_empty() {
            return Err(de::Error::missing_field("name"));
        }
        Ok(Identity {
            namespace: self.namespace.clone(),
            name: self.name.clone(),
            version: self.resource_version.clone(),
        })
    }

    pub(super) fn label(&self, name: &str) -> Option<String> {
        self.labels.get(name).filter(|value| !value.is_empty()).cloned()
    }

    pub(super) fn annotation(&self, name: &str) -> Option<String> {
        self.annotations.get(name).filter(|value| !value.is_empty()).cloned()
    }
}

/// A quantity: a string, or a bare number; nothing where it is something else.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Amount(pub(super) Option<Quantity>);

impl Amount {
    pub(super) fn bytes(self) -> Option<Bytes> {
        self.0.map(Quantity::bytes)
    }

    /// Given, and not zero.
    pub(super) fn some(self) -> Option<Quantity> {
        self.0.filter(|quantity| !quantity.is_zero())
    }
}

impl<'de> Deserialize<'de> for Amount {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Amount, D::Error> {
        Scalar::deserialize(from).map(|scalar| Amount(scalar.0.as_deref().and_then(Quantity::parse)))
    }
}

/// A string or a number as text; nothing where it is something else.
#[derive(Clone, Debug, Default)]
pub(super) struct Scalar(pub(super) Option<String>);

impl<'de> Deserialize<'de> for Scalar {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Scalar, D::Error> {
        struct Text;
        impl<'de> Visitor<'de> for Text {
            type Value = Scalar;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string or a number")
            }
            fn visit_str<E>(self, text: &str) -> Result<Scalar, E> {
                Ok(Scalar(Some(text.to_owned())))
            }
            fn visit_u64<E>(self, number: u64) -> Result<Scalar, E> {
                Ok(Scalar(Some(number.to_string())))
            }
            fn visit_i64<E>(self, number: i64) -> Result<Scalar, E> {
                Ok(Scalar(Some(number.to_string())))
            }
            fn visit_f64<E>(self, number: f64) -> Result<Scalar, E> {
                Ok(Scalar(Some(number.to_string())))
            }
            fn visit_bool<E>(self, _: bool) -> Result<Scalar, E> {
                Ok(Scalar(None))
            }
            fn visit_unit<E>(self) -> Result<Scalar, E> {
                Ok(Scalar(None))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Scalar, A::Error> {
                while items.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Scalar(None))
            }
            fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Scalar, A::Error> {
                while fields.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(Scalar(None))
            }
        }
        from.deserialize_any(Text)
    }
}

/// Whether a field is there and not `null`, whatever it holds: `"sev": {}`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Present(pub(super) bool);

impl<'de> Deserialize<'de> for Present {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Present, D::Error> {
        Ok(Present(Option::<IgnoredAny>::deserialize(from)?.is_some()))
    }
}

/// The field, or its default where it is `null` or of another shape.
pub(super) fn or_default<'de, D, T>(from: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    // Raw text is read to its end whatever is in it, so a field of another shape does not end the object.
    let raw = <&RawValue>::deserialize(from)?;
    Ok(serde_json::from_str(raw.get()).unwrap_or_default())
}
