//! What is lost without a permission is said once, in `exporter/src/permissions.rs`, and repeated in the chart.

use std::fmt::Write;

use edgebench_exporter::permissions::{ALL, Permission};

use super::values::documented;
use super::{assert_is, unwrapped};

#[test]
fn the_chart_has_the_statement_for_its_notes() {
    let mut text = "\
# What is lost without a capability or a mount: for NOTES.txt, made of exporter/src/permissions.rs by
# UPDATE_GOLDEN=1 cargo test -p edgebench-tests --test deploy
permissions:
"
    .to_owned();
    for permission in ALL {
        writeln!(
            text,
            "  - name: {}\n    value: {}\n    lost: >-\n      {}",
            permission.name, permission.value, permission.lost
        )
        .unwrap();
    }
    assert_is("files/permissions.yaml", &text);
}

/// The README's table.
pub(crate) fn table() -> String {
    let mut text =
        "| without | which is | is lost | families that are absent | of processes of |\n|---|---|---|---|---|\n"
            .to_owned();
    for permission in ALL {
        let families: Vec<_> = permission.families.iter().map(|family| format!("`{family}`")).collect();
        writeln!(
            text,
            "| `{}` | `{}` | {} | {} | {} |",
            permission.name,
            permission.value,
            permission.lost,
            families.join(", "),
            permission.whose.words()
        )
        .unwrap();
    }
    text
}

#[test]
fn the_value_that_grants_it_says_what_is_lost_without() {
    let values = documented();
    for Permission { name, lost, value, .. } in ALL {
        let (path, _) = value.split_once('=').unwrap();
        let doc = &values.iter().find(|value| value.path == path).unwrap().text;
        let whole = format!("Without it is lost: {}", unwrapped(lost));
        assert!(unwrapped(doc).contains(&whole), "values.yaml, {path}, on {name}: {doc}");
    }
}
