//! promtool on the rules: it parses them, and runs their unit tests.

use edgebench_tests::rules::{directory, promtool, test_files};

#[test]
#[ignore = "live: runs promtool"]
fn promtool_finds_nothing_wrong_with_the_rules() {
    let files = ["recording.yaml", "alerts.yaml"].map(|file| directory().join(file));
    let (is_content, said) = promtool(&["check", "rules", "--lint-fatal"], &files);
    assert!(is_content, "{said}");
    assert_eq!(said.matches("rules found").count(), 2, "{said}");
}

#[test]
#[ignore = "live: runs promtool"]
fn every_rule_and_every_alert_does_what_its_unit_tests_say() {
    let files = test_files();
    assert_eq!(files.len(), 6);
    let (is_content, said) = promtool(&["test", "rules"], &files);
    assert!(is_content, "{said}");
    assert_eq!(said.matches("SUCCESS").count(), files.len(), "{said}");
}

#[test]
#[ignore = "live: runs promtool"]
fn the_unit_tests_would_fail_on_another_threshold() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir(dir.path().join("tests")).unwrap();
    for (file, from, to) in [("recording.yaml", "", ""), ("alerts.yaml", "> 0.9\n", "> 0.95\n")] {
        let text = std::fs::read_to_string(directory().join(file)).unwrap();
        assert!(text.contains(from), "{file}: {from}");
        std::fs::write(dir.path().join(file), text.replace(from, to)).unwrap();
    }
    let test = dir.path().join("tests/node.yaml");
    std::fs::copy(directory().join("tests/node.yaml"), &test).unwrap();
    let (is_content, said) = promtool(&["test", "rules"], &[test]);
    assert!(!is_content && said.contains("EdgebenchNodeMemoryNearlyFull"), "{said}");
}
