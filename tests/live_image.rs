//! The container image without a container engine: what is in it, that it is the same bytes each time, that container
//! tools read it, and that its programs start where there is nothing else.
//!
//! `cargo test -p edgebench-tests --test live_image -- --ignored --test-threads=1`, as root, with Debian's `skopeo`,
//! `umoci` and `binutils`. The programs are those of `EDGEBENCH_TEST_STATIC_BINARIES` (`tests/run` builds them), else
//! they are built now.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test program")]

use std::env;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};
use tempfile::TempDir;

const PROGRAMS: [&str; 2] = ["edgebench", "edgebench-exporter"];

fn script(name: &str) -> PathBuf {
    fs::canonicalize(concat!(env!("CARGO_MANIFEST_DIR"), "/../deploy")).unwrap().join(name)
}

/// Both programs, static.
fn static_binaries() -> PathBuf {
    if let Some(given) = env::var_os("EDGEBENCH_TEST_STATIC_BINARIES") {
        return given.into();
    }
    let test = env::current_exe().unwrap();
    let target = test.ancestors().nth(3).unwrap();
    let place = target.join("static-binaries");
    let status = Command::new(script("static-binaries"))
        .args(["--profile", "dev"])
        .arg(&place)
        .env("CARGO_TARGET_DIR", target)
        .env("CARGO_PROFILE_DEV_STRIP", "true")
        .status()
        .unwrap();
    assert!(status.success());
    place
}

fn run(program: impl AsRef<std::ffi::OsStr>, arguments: &[&str]) -> String {
    let program = program.as_ref();
    let output =
        Command::new(program).args(arguments).output().unwrap_or_else(|e| panic!("{program:?}: {e}"));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program:?} {arguments:?}: {said}");
    String::from_utf8(output.stdout).unwrap()
}

fn made(what: &str, binaries: &Path, file: &Path, more: &[&str]) {
    let words = [&[what, binaries.to_str().unwrap(), file.to_str().unwrap()], more].concat();
    run(script("image-layer"), &words);
}

#[test]
#[ignore = "live: builds static programs"]
fn the_layer_holds_two_static_programs_of_root_and_the_license() {
    let dir = TempDir::new().unwrap();
    let layer = dir.path().join("layer.tar");
    made("layer", &static_binaries(), &layer, &[]);
    let listed = run("tar", &["--list", "--verbose", "--numeric-owner", "--file", layer.to_str().unwrap()]);
    let rows: Vec<(String, String)> = listed
        .lines()
        .map(|line| {
            let words: Vec<&str> = line.split_whitespace().collect();
            assert_eq!((words[1], words[3], words[4]), ("0/0", "1970-01-01", "00:00"), "{line}");
            (words[0].to_owned(), words[5].to_owned())
        })
        .collect();
    let rows: Vec<(&str, &str)> = rows.iter().map(|(mode, path)| (mode.as_str(), path.as_str())).collect();
    assert_eq!(
        rows,
        [
            ("drwxr-xr-x", "licenses/"),
            ("-rw-r--r--", "licenses/LICENSE"),
            ("drwxr-xr-x", "usr/"),
            ("drwxr-xr-x", "usr/local/"),
            ("drwxr-xr-x", "usr/local/bin/"),
            ("-rwxr-xr-x", "usr/local/bin/edgebench"),
            ("-rwxr-xr-x", "usr/local/bin/edgebench-exporter"),
        ]
    );
    for program in PROGRAMS {
        let path = static_binaries().join(program);
        let headers = run("readelf", &["--program-headers", "--dynamic", path.to_str().unwrap()]);
        assert!(headers.contains("LOAD"), "{headers}");
        assert!(
            !headers.contains("INTERP") && !headers.contains("NEEDED"),
            "{program} is not static: {headers}"
        );
    }
    // What is no static program would be seen.
    assert!(run("readelf", &["--program-headers", "/bin/true"]).contains("INTERP"));
}

#[test]
#[ignore = "live: builds static programs"]
fn the_same_programs_make_the_same_bytes() {
    let dir = TempDir::new().unwrap();
    // Other times, another order, other permissions, another umask.
    let copies = ["a", "b"].map(|name| dir.path().join(name));
    for (copy, order, mode) in [(&copies[0], [0, 1], 0o700), (&copies[1], [1, 0], 0o777)] {
        fs::create_dir(copy).unwrap();
        for program in order.map(|place| PROGRAMS[place]) {
            let to = copy.join(program);
            fs::copy(static_binaries().join(program), &to).unwrap();
            fs::set_permissions(&to, fs::Permissions::from_mode(mode)).unwrap();
        }
    }
    for (what, more) in [("layer", &[][..]), ("image", &["edgebench:0.1.0", "amd64"])] {
        let files = copies.each_ref().map(|copy| {
            let file = copy.join(what);
            made(what, copy, &file, more);
            fs::read(file).unwrap()
        });
        assert!(files[0] == files[1], "{what}");
    }
    let tree = dir.path().join("tree");
    let command = "umask 077; \"$0\" tree \"$1\" \"$2\"";
    let words = [
        "-c",
        command,
        script("image-layer").to_str().unwrap(),
        copies[0].to_str().unwrap(),
        tree.to_str().unwrap(),
    ]
    .map(str::to_owned);
    run("sh", &words.iter().map(String::as_str).collect::<Vec<_>>());
    let mode = |path: &str| fs::metadata(tree.join(path)).unwrap().mode() & 0o7777;
    assert_eq!(
        (mode("usr/local/bin"), mode("usr/local/bin/edgebench"), mode("licenses/LICENSE")),
        (0o755, 0o755, 0o644)
    );
}

#[test]
#[ignore = "live: builds static programs"]
fn container_tools_read_the_image_and_find_the_layer_in_it() {
    let dir = TempDir::new().unwrap();
    let (image, layer) = (dir.path().join("image.tar"), dir.path().join("layer.tar"));
    made("image", &static_binaries(), &image, &["registry.example.com/edgebench:0.1.0", "amd64"]);
    made("layer", &static_binaries(), &layer, &[]);
    let digest = run("sha256sum", &[layer.to_str().unwrap()]);
    let digest = format!("sha256:{}", digest.split(' ').next().unwrap());
    for transport in ["oci-archive", "docker-archive"] {
        let reference = format!("{transport}:{}", image.display());
        let config = run("skopeo", &["--insecure-policy", "inspect", "--config", &reference]);
        let config: Value = serde_json::from_str(&config).unwrap();
        assert_eq!(config["architecture"], "amd64", "{transport}");
        assert_eq!(config["rootfs"]["diff_ids"], json!([digest]), "{transport}");
        assert_eq!(config["config"]["User"], "65534:65534", "nobody, by number: runAsNonRoot can tell");
        assert_eq!(config["config"]["Entrypoint"], json!(["/usr/local/bin/edgebench-exporter"]));
        assert_eq!(config["created"], "1970-01-01T00:00:00Z");
    }
    let layout = dir.path().join("layout");
    let to = format!("oci:{}:0.1.0", layout.display());
    run(
        "skopeo",
        &["--insecure-policy", "copy", "--quiet", &format!("oci-archive:{}", image.display()), &to],
    );
    let bundle = dir.path().join("bundle");
    run("umoci", &["unpack", "--image", &format!("{}:0.1.0", layout.display()), bundle.to_str().unwrap()]);
    for program in PROGRAMS {
        let unpacked = fs::read(bundle.join("rootfs/usr/local/bin").join(program)).unwrap();
        assert!(unpacked == fs::read(static_binaries().join(program)).unwrap(), "{program}");
    }
    let config: Value = serde_json::from_slice(&fs::read(bundle.join("config.json")).unwrap()).unwrap();
    assert_eq!(config["process"]["user"]["uid"], 65534);
    assert_eq!(config["process"]["args"], json!(["/usr/local/bin/edgebench-exporter"]));
}

#[test]
#[ignore = "live: builds static programs, needs root"]
fn both_programs_start_as_nobody_where_there_is_nothing_else() {
    let dir = TempDir::new().unwrap();
    let root = dir.path().join("root");
    made("tree", &static_binaries(), &root, &[]);
    fs::create_dir(root.join("proc")).unwrap();
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let inside = |command: &str| {
        let script = format!(
            "mount --rbind /proc \"$1/proc\" && mount -o remount,bind,ro \"$1/proc\" && exec chroot --userspec=65534:65534 \"$1\" {command}"
        );
        run("unshare", &["--mount", "sh", "-euc", &script, "sh", root.to_str().unwrap()])
    };
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(inside("/usr/local/bin/edgebench --version"), format!("edgebench {version}\n"));
    assert!(
        inside("/usr/local/bin/edgebench-exporter --version")
            .starts_with(&format!("edgebench-exporter {version} ("))
    );
    let metrics = inside("/usr/local/bin/edgebench-exporter --once --log.level=error");
    for family in [
        "edgebench_node_memory_used_bytes ",
        "edgebench_component_resident_memory_bytes{",
        "edgebench_build_info{",
    ] {
        assert!(metrics.lines().any(|line| line.starts_with(family)), "{family}");
    }
    let tables = inside("/usr/local/bin/edgebench footprint --samples=1 --interval=10ms");
    assert!(tables.contains("Summary"), "{tables}");
}

#[test]
#[ignore = "live: reads the Dockerfile"]
fn the_dockerfile_and_the_script_say_the_same() {
    let text = fs::read_to_string(script("Dockerfile")).unwrap();
    let said = fs::read_to_string(script("image-layer")).unwrap();
    let instruction = |name: &str| {
        let lines: Vec<&str> =
            text.lines().filter_map(|line| line.strip_prefix(name)?.strip_prefix(' ')).collect();
        (*lines.last().unwrap_or_else(|| panic!("no {name}"))).to_owned()
    };
    assert!(said.contains(&format!("\"User\":\"{}\"", instruction("USER"))));
    assert!(said.contains(&format!("\"Entrypoint\":{}", instruction("ENTRYPOINT"))));
    assert!(said.contains(&format!("\"{}/tcp\"", instruction("EXPOSE"))));
    assert!(said.contains(&format!("\"Env\":[\"{}\"]", instruction("ENV"))));
    let bases: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("FROM ")).collect();
    assert_eq!(bases.len(), 2);
    assert!(bases[0].contains(" rust:") && !bases[0].contains("latest"), "{}", bases[0]);
    assert_eq!(bases[1], "scratch");
}
