//! How a field is shown: what a panel says of all its fields, and what it says of the one with this name (Grafana's field
//! configuration and its overrides).

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::colour::{Theme, named};
use super::unit::{self, Shown};
use crate::dashboards::Panel;

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Field {
    pub(super) unit: String,
    pub(super) decimals: Option<usize>,
    pub(super) min: Option<f64>,
    pub(super) max: Option<f64>,
    mappings: Vec<Mapping>,
    thresholds: Thresholds,
    color: Colour,
    pub(super) custom: Custom,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Thresholds {
    steps: Vec<Step>,
}

/// From a value on; the first one is of all values.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Step {
    pub(super) color: String,
    pub(super) value: Option<f64>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Colour {
    fixed_color: Option<String>,
}

/// Words in place of values.
#[derive(Clone, Debug, Deserialize)]
struct Mapping {
    options: BTreeMap<String, Word>,
}

#[derive(Clone, Debug, Deserialize)]
struct Word {
    text: String,
    color: Option<String>,
}

/// What is of one kind of panel.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Custom {
    pub(super) fill_opacity: f64,
    pub(super) line_width: f64,
    stacking: Stacking,
    pub(super) hidden: bool,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Stacking {
    mode: String,
}

impl Field {
    /// The field of this name in a panel.
    ///
    /// # Panics
    /// If the panel says something of it that is not understood.
    pub(super) fn of(panel: &Panel, name: &str) -> Field {
        let defaults = &panel.field_config.defaults;
        let mut all: Map<String, Value> = defaults.more.clone().into_iter().collect();
        all.insert("unit".into(), defaults.unit.clone().into());
        let mut all = Value::Object(all);
        for special in
            panel.field_config.overrides.iter().filter(|special| special.matcher["options"] == *name)
        {
            for property in &special.properties {
                let place = property.id.split('.').fold(&mut all, |place, part| &mut place[part]);
                *place = property.value.clone();
            }
        }
        serde_json::from_value(all).unwrap_or_else(|e| panic!("{}, {name}: {e}", panel.title))
    }

    pub(super) fn is_stacked(&self) -> bool {
        self.custom.stacking.mode == "normal"
    }

    /// A value in words.
    pub(super) fn shown(&self, value: f64) -> Shown {
        match self.word(value) {
            Some(word) => Shown { number: word.text.clone(), suffix: String::new() },
            None => unit::shown(&self.unit, value, self.decimals),
        }
    }

    /// The colour of a value: that of its word, or of the threshold that it is above.
    pub(super) fn colour(&self, value: f64, theme: Theme) -> &'static str {
        let of_word = self.word(value).and_then(|word| word.color.as_deref());
        let steps = self.thresholds.steps.iter().rev();
        let mut above = steps.filter(|step| step.value.is_none_or(|from| value >= from));
        let of_step = above.next().map(|step| step.color.as_str());
        named(of_word.or(of_step).unwrap_or("text"), theme)
    }

    /// The colour that it has whatever its values are.
    pub(super) fn fixed_colour(&self, theme: Theme) -> Option<&'static str> {
        self.color.fixed_color.as_deref().map(|name| named(name, theme))
    }

    pub(super) fn steps(&self) -> &[Step] {
        &self.thresholds.steps
    }

    fn word(&self, value: f64) -> Option<&Word> {
        // A product with nothing may be -0, which is 0 to who looks.
        let key = (value + 0.0).to_string();
        self.mappings.iter().find_map(|mapping| mapping.options.get(&key))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn panel() -> Panel {
        serde_json::from_value(serde_json::json!({
            "id": 1, "type": "timeseries", "title": "RAM", "gridPos": { "x": 0, "y": 0, "w": 12, "h": 8 },
            "fieldConfig": {
                "defaults": {
                    "unit": "bytes",
                    "thresholds": { "mode": "absolute", "steps": [
                        { "color": "green", "value": null }, { "color": "red", "value": 10 },
                    ] },
                    "custom": { "fillOpacity": 70, "stacking": { "mode": "normal" } },
                },
                "overrides": [{ "matcher": { "id": "byName", "options": "used" }, "properties": [
                    { "id": "custom.stacking", "value": { "mode": "none" } },
                    { "id": "color", "value": { "mode": "fixed", "fixedColor": "text" } },
                    { "id": "mappings", "value": [{ "type": "value", "options": {
                        "0": { "text": "none", "color": "orange", "index": 0 },
                    } }] },
                ] }],
            },
        }))
        .unwrap()
    }

    #[test]
    fn what_is_said_of_one_field_is_said_of_no_other() {
        let (of_all, of_one) = (Field::of(&panel(), "free"), Field::of(&panel(), "used"));
        assert!(of_all.is_stacked() && !of_one.is_stacked());
        assert_eq!(of_one.custom.fill_opacity, 70.0);
        assert_eq!(of_all.fixed_colour(Theme::Dark), None);
        assert_eq!(of_one.fixed_colour(Theme::Dark), Some("var(--ink)"));
        assert_eq!(of_all.shown(0.0).to_string(), "0 B");
        assert_eq!(of_one.shown(0.0).to_string(), "none");
        assert_eq!(of_one.shown(-0.0).to_string(), "none");
    }

    #[test]
    fn a_word_has_its_colour_and_other_values_that_of_their_threshold() {
        let field = Field::of(&panel(), "used");
        assert_eq!(field.colour(0.0, Theme::Dark), named("orange", Theme::Dark));
        assert_eq!(field.colour(9.0, Theme::Dark), named("green", Theme::Dark));
        assert_eq!(field.colour(10.0, Theme::Dark), named("red", Theme::Dark));
    }
}
