//! Where the programs under test are.
//!
//! Cargo tells an integration test the path of the programs of its own package only, and it builds another
//! package's program for a test run only if that package has integration tests itself. So a program is
//! looked for in this order:
//!
//! 1. in the directory that `EDGEBENCH_TEST_BINARIES` names (`tests/run` builds the release ones and says
//!    where);
//! 2. beside the test, if it belongs to this package: cargo has just built it there;
//! 3. where `cargo build` puts it, now.

use std::env;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::OnceLock;

/// `edgebench`, the program people run.
///
/// # Panics
/// If it can't be built.
pub fn edgebench() -> PathBuf {
    static PATH: OnceLock<PathBuf> = OnceLock::new();
    PATH.get_or_init(|| given("edgebench").unwrap_or_else(|| build("edgebench"))).clone()
}

/// `edgebench-exporter`.
///
/// # Panics
/// If it can't be built.
pub fn exporter() -> PathBuf {
    static PATH: OnceLock<PathBuf> = OnceLock::new();
    PATH.get_or_init(|| given("edgebench-exporter").unwrap_or_else(|| build("edgebench-exporter"))).clone()
}

/// The stand-in process: see [`crate::stand_in`].
///
/// # Panics
/// If it can't be built.
pub fn stand_in() -> PathBuf {
    static PATH: OnceLock<PathBuf> = OnceLock::new();
    let find =
        || given("stand-in").or_else(|| beside_the_test("stand-in")).unwrap_or_else(|| build("stand-in"));
    PATH.get_or_init(find).clone()
}

fn given(name: &str) -> Option<PathBuf> {
    let path = PathBuf::from(env::var_os("EDGEBENCH_TEST_BINARIES")?).join(name);
    assert!(path.exists(), "EDGEBENCH_TEST_BINARIES is set, but there is no {}", path.display());
    Some(path)
}

/// A test is `target/PROFILE/deps/NAME-HASH`, a program `target/PROFILE/NAME`.
fn beside_the_test(name: &str) -> Option<PathBuf> {
    let test = env::current_exe().ok()?;
    let deps = test.parent().filter(|dir| dir.ends_with("deps"))?;
    Some(deps.parent()?.join(name)).filter(|path| path.exists())
}

fn build(name: &str) -> PathBuf {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        // `--workspace`, for the features (and so the compiled dependencies) are then those of the test run.
        .args(["build", "--workspace", "--bin", name, "--message-format=json"])
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
        .stderr(Stdio::inherit())
        .output()
        .unwrap_or_else(|e| panic!("cargo, to build {name}: {e}"));
    assert!(output.status.success(), "cargo build --bin {name}: {}", output.status);
    String::from_utf8_lossy(&output.stdout)
        .lines()
        .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
        .filter(|message| message["target"]["name"] == name)
        .find_map(|message| message["executable"].as_str().map(PathBuf::from))
        .unwrap_or_else(|| panic!("cargo built {name} and did not say where"))
}
