//! A capture is folded as it is read: its length costs three numbers a sample.
//!
//! `VmHWM` of `/proc/PID/status` is the highest RSS so far (proc(5)). A report that is longer than a pipe
//! (64 KiB, pipe(7)) waits for its reader, so that all reading is done and the program is still there.

use std::io::Read;
use std::process::Child;

use edgebench_tests::captures::Run;
use edgebench_tests::{Host, Workdir};

use super::kubevirt;

/// Runs it until its first byte comes out, asks for its highest RSS in KiB, and lets it end.
fn highest_resident_kib(mut child: Child) -> u64 {
    let mut stdout = child.stdout.take().unwrap();
    stdout.read_exact(&mut [0]).unwrap();
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap();
    let mut rest = Vec::new();
    stdout.read_to_end(&mut rest).unwrap();
    assert!(child.wait().unwrap().success());
    assert!(rest.len() > 70_000, "the report fills the pipe: {} bytes", rest.len());
    // There is none once it has ended.
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

fn with_processes() -> Host {
    (100..400).fold(kubevirt(102_400), |host, pid| {
        host.process(pid, |p| p.comm(format!("process-{pid}")).anon_kib(400))
    })
}

/// Writes a capture of so many samples, all but the first the same.
fn save(dir: &Workdir, name: &str, samples: u64) {
    let run = Run { samples: 1, ..Run::default() };
    run.save(&with_processes(), &dir.path().join(name), |_, _| {});
    let text = String::from_utf8(dir.read(name)).unwrap();
    let more = usize::try_from(samples - 1).unwrap();
    let mut lines: Vec<_> = text.split_inclusive('\n').collect();
    let last = lines.iter().rposition(|line| line.starts_with("{\"reading\":")).unwrap();
    let reading = lines[last].repeat(more);
    lines.insert(last, &reading);
    let end: serde_json::Value = serde_json::from_str(lines.pop().unwrap()).unwrap();
    let mut end = end["end"].clone();
    end["readings"] = (samples + 1).into();
    end["lines"] = (end["lines"].as_u64().unwrap() + samples - 1).into();
    dir.write(name, format!("{}{}\n", lines.concat(), serde_json::json!({ "end": end })));
}

/// What it takes to hold a capture of so many samples against a short one.
fn compared(samples: u64) -> u64 {
    let dir = Workdir::new();
    save(&dir, "short.json", 1);
    save(&dir, "long.json", samples);
    assert!(dir.read("long.json").len() as u64 > samples * 1000, "a reading takes a kilobyte");
    let arguments = ["compare", "short.json", "long.json", "--format", "json"];
    highest_resident_kib(dir.command(arguments).spawn().unwrap())
}

#[test]
fn comparing_captures_of_20_000_readings_takes_little_memory() {
    let (short, long) = (compared(1500), compared(20_000));
    assert!(long < 40 * 1024, "{long} KiB");
    // Three numbers of 8 bytes a sample, in vectors that double: 1.5 MiB; the rest is room to sort them.
    assert!(long - short < 6 * 1024, "{short} KiB for 1,500 samples, {long} KiB for 20,000");
}
