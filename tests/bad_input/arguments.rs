//! Arguments that make no sense are refused before anything is read, written or waited for.
//!
//! clap ends with exit code 2 as well, and says in several lines how it is meant.

use edgebench_tests::Workdir;

fn is_refused(arguments: &[&str], words: &[&str]) {
    let dir = Workdir::new();
    let outcome = dir.run(arguments);
    assert_eq!((outcome.code, outcome.stdout.as_str()), (2, ""), "{arguments:?}: {}", outcome.stderr);
    for word in words {
        assert!(outcome.stderr.contains(word), "{arguments:?}: no {word:?} in: {}", outcome.stderr);
    }
    assert!(dir.contents().is_empty());
}

#[test]
fn a_run_has_at_least_one_sample() {
    is_refused(&["footprint", "--samples", "0"], &["--samples", "'0'", "at least 1 sample"]);
    for wrong in ["-1", "1.5", "ten", "", "18446744073709551616"] {
        is_refused(&["footprint", &format!("--samples={wrong}")], &["--samples", "give a number"]);
    }
}

#[test]
fn an_interval_has_at_least_10_ms() {
    for short in ["9ms", "9.9ms", "9999us", "0.009", "0", "1us"] {
        is_refused(&["footprint", "--interval", short], &["--interval", "at least 10ms", "ticks"]);
    }
    for wrong in ["soon", "", "10 parsecs", "nan", "inf", "1e300", "2days"] {
        is_refused(&["footprint", &format!("--interval={wrong}")], &["--interval"]);
    }
}

#[test]
fn what_is_not_known_is_named() {
    is_refused(&["footprint", "--sample", "10"], &["--sample", "similar argument", "--samples"]);
    is_refused(&["footprint", "--frobnicate"], &["--frobnicate"]);
    is_refused(
        &["footprint", "--format", "yaml"],
        &["yaml", "table", "markdown", "json", "csv", "sar", "html"],
    );
    is_refused(&["footprint", "capture.json"], &["capture.json"]);
    is_refused(&["footprint", "--trust", "nobody"], &["nobody", "any", "pod"]);
    is_refused(&["measure"], &["measure"]);
    is_refused(&["completions", "tcl"], &["tcl", "bash", "zsh", "fish"]);
    is_refused(&[], &["Usage", "footprint", "compare", "doctor"]);
}

#[test]
fn which_file_is_the_capture_has_to_be_clear() {
    let dir = Workdir::new();
    dir.refuses(["compare", "a.json"], &["which of these is the capture", "--with"]);
    dir.refuses(["compare", "a.json", "b.json", "c.json"], &["which of these is the capture", "--with"]);
    is_refused(&["compare"], &["BASELINE"]);
    is_refused(&["compare", "a.json", "--with"], &["--with"]);
    is_refused(&["compare", "--with", "a.json"], &["BASELINE"]);
}
