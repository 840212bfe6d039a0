//! A capture that is cut short or damaged is refused, with the line it is known at.
//!
//! A capture ends with how many lines it has, and a compressed one with a checksum (RFC 1952, 2.3.1: CRC32).
//! Plain JSON has no checksum: a flipped bit is found where it breaks JSON or a field, and a digit that
//! became another digit is not.

use edgebench_tests::captures::Run;
use edgebench_tests::{Host, Workdir};
use proptest::prelude::*;

/// A node with something in every kind of line: processes, a VM, a pod's cgroup.
fn with_captures() -> Workdir {
    let dir = Workdir::new();
    edgebench_tests::captures::of_the_real_node("4-vm", &dir.path().join("good.json"));
    edgebench_tests::captures::of_the_real_node("4-vm", &dir.path().join("good.json.gz"));
    dir
}

/// Some hundred places in `0..length`, the first three and the last three included.
fn places(length: usize) -> Vec<usize> {
    let mut places: Vec<_> = (0..3).chain((3..length).step_by(length / 100)).collect();
    places.extend(length - 3..length);
    places.dedup();
    places
}

#[test]
fn a_capture_that_is_cut_anywhere_is_refused() {
    let dir = with_captures();
    let whole = dir.read("good.json");
    // Without the last line end nothing is missing. With all lines whole the next one is.
    let ends = (0..whole.len() - 1).filter(|at| whole[*at] == b'\n').flat_map(|at| [at, at + 1]);
    for length in places(whole.len() - 1).into_iter().chain(ends) {
        dir.write("cut.json", &whole[..length]);
        let line = whole[..=length].split(|byte| *byte == b'\n').count();
        // Before the first word is over nobody can know what the file was to be.
        let what = if (1.."{\"header\"".len()).contains(&length) { "no capture" } else { "cut short" };
        let words = [&format!("cut.json, line {line}: "), what];
        dir.refuses(["compare", "good.json", "cut.json"], &words);
    }
    dir.write("cut.json", &whole[..whole.len() - 1]);
    dir.shows(["compare", "good.json", "cut.json"]);
}

#[test]
fn a_compressed_capture_that_is_cut_anywhere_is_refused() {
    let dir = with_captures();
    let whole = dir.read("good.json.gz");
    for length in places(whole.len()) {
        dir.write("cut.json.gz", &whole[..length]);
        // One byte is no gzip yet.
        let what = if length == 1 { "no capture" } else { "cut short" };
        dir.refuses(["compare", "good.json", "cut.json.gz"], &["cut.json.gz, line ", what]);
    }
}

#[test]
fn a_compressed_capture_with_a_flipped_bit_is_refused() {
    let dir = with_captures();
    let whole = dir.read("good.json.gz");
    // The ten bytes before (RFC 1952, 2.3) say which program compressed it on which system.
    for at in places(whole.len()).into_iter().filter(|at| *at >= 10) {
        let mut damaged = whole.clone();
        damaged[at] ^= 1 << (at % 8);
        dir.write("damaged.json.gz", damaged);
        dir.refuses(["compare", "good.json", "damaged.json.gz"], &["damaged.json.gz, line "]);
    }
}

#[test]
fn a_capture_without_one_of_its_lines_is_refused() {
    let dir = with_captures();
    let text = String::from_utf8(dir.read("good.json")).unwrap();
    let lines: Vec<_> = text.split_inclusive('\n').collect();
    for missing in 0..lines.len() {
        let left: String = lines.iter().enumerate().filter(|(n, _)| *n != missing).map(|(_, l)| *l).collect();
        dir.write("less.json", left);
        let (line, what) = match missing {
            0 => (1, "no capture"),
            last if last == lines.len() - 1 => (lines.len(), "cut short"),
            _ => (lines.len() - 1, "damaged"),
        };
        dir.refuses(["compare", "good.json", "less.json"], &[&format!("less.json, line {line}: "), what]);
    }
}

#[test]
fn a_capture_with_a_line_too_many_is_refused() {
    let dir = with_captures();
    let text = String::from_utf8(dir.read("good.json")).unwrap();
    let lines: Vec<_> = text.split_inclusive('\n').collect();
    for twice in 0..lines.len() {
        let more: String =
            lines.iter().enumerate().flat_map(|(n, l)| vec![*l; if n == twice { 2 } else { 1 }]).collect();
        dir.write("more.json", more);
        let what = if twice == lines.len() - 1 { "goes on after its end" } else { "damaged" };
        let line = format!("more.json, line {}: ", lines.len() + 1);
        dir.refuses(["compare", "more.json", "good.json"], &[&line, what]);
    }
    // Two captures in one file are no capture of both.
    dir.write("both.json", text.repeat(2));
    dir.refuses(["compare", "both.json", "good.json"], &["both.json, line ", "goes on after its end"]);
}

#[test]
fn a_line_that_is_no_record_is_named_with_its_column() {
    let dir = with_captures();
    let text = String::from_utf8(dir.read("good.json")).unwrap();
    let lines: Vec<_> = text.split_inclusive('\n').collect();
    for (wrong, what) in [
        ("nonsense\n", "column 1: "),
        ("{\"process\": 7}\n", "column "),
        ("{\"guess\": {}}\n", "unknown variant `guess`"),
        ("\n", "column "),
    ] {
        let mut changed = lines.clone();
        changed[2] = wrong;
        dir.write("wrong.json", changed.concat());
        dir.refuses(["compare", "good.json", "wrong.json"], &["wrong.json, line 3: ", what]);
    }
}

/// Reads it as `edgebench compare` does, without the program: there are many.
fn read(bytes: &[u8]) -> Result<(), edgebench::capture::CaptureError> {
    let dir = Workdir::new();
    dir.write("capture.json", bytes);
    let path = dir.path().join("capture.json");
    let trust = edgebench_sampler::classify::Trust::Any;
    let footprint = edgebench::footprint::Fold::file(&path, trust)?;
    let side = edgebench::comparison::Side::new(vec![footprint]).unwrap();
    let comparison = edgebench::comparison::Comparison::new(Some(side.clone()), side);
    let options = edgebench::report::Options { all: true, saved: None };
    let document = edgebench::report::document(&comparison, &options);
    edgebench::layout::text(&document, &edgebench::layout::Style::plain(80), &mut std::io::sink()).unwrap();
    Ok(())
}

fn good() -> &'static [u8] {
    static GOOD: std::sync::OnceLock<Vec<u8>> = std::sync::OnceLock::new();
    GOOD.get_or_init(|| {
        let dir = Workdir::new();
        let host =
            Host::new().process(7, |p| p.exe("/usr/bin/virt-handler").anon_kib(4000)).process(8, |p| {
                p.exe("/usr/libexec/qemu-kvm")
                    .cmdline(["qemu-kvm", "-name", "guest=a_b", "-accel", "kvm", "-m", "size=1024k"])
                    .anon_kib(9000)
            });
        Run::default().save(&host, &dir.path().join("good.json"), |h, _| {
            h.step(|h| h.process(8, |p| p.cpu_ticks(5, 7).guest_ticks(3)));
        });
        dir.read("good.json")
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// Whatever the damage: an answer or an error with its line, never a panic.
    #[test]
    fn a_flipped_bit_never_panics(at in 0..good().len(), bit in 0..8u8) {
        let mut bytes = good().to_vec();
        bytes[at] ^= 1 << bit;
        if let Err(error) = read(&bytes) {
            prop_assert!(error.line.is_some() || error.what.contains("no sample"), "{error}");
        }
    }
}
