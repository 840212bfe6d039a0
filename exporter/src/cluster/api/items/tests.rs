use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

fn read(pieces: &[&[u8]]) -> Result<(Vec<String>, Option<String>), NoList> {
    let (mut items, mut found, mut metadata) = (Items::default(), Vec::new(), None);
    for piece in pieces {
        items.feed(piece, |part| match part {
            Part::Item(text) => found.push(text.to_owned()),
            Part::Metadata(text) => metadata = Some(text.to_owned()),
        })?;
    }
    items.finish()?;
    Ok((found, metadata))
}

fn whole(text: &str) -> Result<(Vec<String>, Option<String>), NoList> {
    read(&[text.as_bytes()])
}

#[test]
fn metadata_may_come_before_or_behind_the_items() {
    let items = vec![r#"{"a":1}"#.to_owned(), r#"{"b":[{}]}"#.to_owned()];
    for text in [
        r#"{"kind":"L","metadata":{"resourceVersion":"7"},"items":[{"a":1},{"b":[{}]}]}"#,
        r#"{"items":[{"a":1},{"b":[{}]}],"kind":"L","metadata":{"resourceVersion":"7"}}"#,
        "{ \"items\" : [ {\"a\":1} ,\n {\"b\":[{}]} ] , \"metadata\" : {\"resourceVersion\":\"7\"} }\n",
    ] {
        assert_eq!(whole(text), Ok((items.clone(), Some(r#"{"resourceVersion":"7"}"#.to_owned()))), "{text}");
    }
}

#[test]
fn brackets_and_quotes_in_strings_are_text() {
    let item = r#"{"a":"]}\"[{","\\":"\\"}"#;
    let text = format!(r#"{{"x":"}}]","items":[{item}],"metadata":{{"continue":"a\"}}"}}}}"#);
    assert_eq!(whole(&text), Ok((vec![item.to_owned()], Some(r#"{"continue":"a\"}"}"#.to_owned()))));
}

#[test]
fn a_list_may_be_empty_or_say_nothing() {
    for text in [r#"{"items":[]}"#, r#"{"items":null}"#, r#"{}"#, r#"{"items":[],"x":[1,{"items":[{}]}]}"#] {
        assert_eq!(whole(text), Ok((Vec::new(), None)), "{text}");
    }
}

#[test]
fn a_list_that_is_cut_is_none() {
    let text = r#"{"kind":"L","metadata":{"resourceVersion":"7"},"items":[{"a":"b"}]}"#;
    for end in 0..text.len() {
        assert_eq!(whole(&text[..end]), Err(NoList::Incomplete), "{}", &text[..end]);
    }
}

#[test]
fn what_is_no_list() {
    for text in ["<html>", "[]", "{]", "{\"a\"}", "7", "{\"a\":1,,}", "{}{}"] {
        assert!(matches!(whole(text), Err(NoList::Malformed)), "{text}: {:?}", whole(text));
    }
}

#[test]
fn an_object_without_end_is_given_up() {
    let mut items = Items::default();
    items.feed(br#"{"items":[{"a":""#, |_| {}).unwrap();
    let more = vec![b'x'; LARGEST_OBJECT];
    assert_eq!(items.feed(&more, |_| {}), Err(NoList::TooLarge));
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        "[\"\\\\{}\\[\\],: a\n\u{e9}]{0,6}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::hash_map("[\"\\\\{}\\[\\],a]{0,4}", inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

fn object() -> impl Strategy<Value = Value> {
    value().prop_map(|value| json!({ "v": value }))
}

proptest! {
    #[test]
    fn any_list_gives_its_items_however_it_is_cut(
        objects in prop::collection::vec(object(), 0..5),
        metadata in object(),
        other in value(),
        pretty in any::<bool>(),
        cut in 1_usize..40,
    ) {
        let list = json!({ "apiVersion": other, "items": objects, "metadata": metadata, "zzz": other });
        let text = if pretty { serde_json::to_string_pretty(&list) } else { serde_json::to_string(&list) }.unwrap();
        let pieces: Vec<&[u8]> = text.as_bytes().chunks(cut).collect();
        let (found, found_metadata) = read(&pieces).unwrap();
        let found: Vec<Value> = found.iter().map(|text| serde_json::from_str(text).unwrap()).collect();
        prop_assert_eq!(found, objects);
        let found_metadata: Value = serde_json::from_str(&found_metadata.unwrap()).unwrap();
        prop_assert_eq!(found_metadata, metadata);
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = read(&[&bytes]);
    }
}
