//! A process names itself as it likes: no name breaks a table, a document for machines or a terminal.
//!
//! A comm has 15 bytes of any kind but NUL (`prctl(PR_SET_NAME)`), an argument up to 2 MiB
//! (`ulimit -s` / 4, execve(2)), and both reach the tables, the notes, captures and what is made of them.

use edgebench_tests::page::Element;
use edgebench_tests::{Host, Workdir};
use serde_json::Value;

use super::footprint;

/// Names that are to look like something else.
const NAMES: [&[u8]; 22] = [
    b"two\nlines",
    b"over\rwritten",
    b"a\tb",
    b"x) R 1 (",
    b"\xff\xfe\x80\xc3",
    b"\x1b[31mred",
    b"\x1b]0;title\x07",
    b"\x1b[2J\x1b[H",
    b"\x9b2Jgone",
    "\u{9b}2Jgone".as_bytes(),
    "\u{202e}txt.exe".as_bytes(),
    "a\u{200b}b\u{feff}".as_bytes(),
    b"|a|b|",
    b"`x` <b>*y*",
    b"<script>",
    b"a,b\"c\",",
    b"=1+1",
    b"@SUM(A1)",
    b"  blanks  ",
    b"",
    "虚拟机👍🏽".as_bytes(),
    b"fifteen-letters",
];

/// A node where every process has such a name: as comm, as exe, as argument and as VM.
fn hostile() -> Host {
    let huge = vec![b'a'; 2 << 20];
    let host = Host::new()
        .file("proc/sys/kernel/hostname", "\u{1b}[31mnode\u{202e}\n")
        .file("etc/os-release", "PRETTY_NAME=\"\u{1b}[2JOS | \u{9b}1m\"\n")
        .memory(&[("AnonPages", 900_000), ("MemFree", 5_126_448)]);
    let host = NAMES.iter().zip(100..).fold(host, |host, (name, pid)| {
        let kib = u64::from(10_000 + 16 * pid);
        host.process(pid, |p| {
            p.exe([b"/usr/bin/", *name].concat()).comm(name).cmdline([*name, b"hunter2"]).anon_kib(kib)
        })
    });
    // A component that is known, by an exe that says more than its name.
    let host = host.process(200, |p| {
        let arguments = [huge.as_slice(), b"hunter2"];
        p.exe("/tmp/\u{1b}[31m\n/virt-handler (deleted)")
            .comm("\u{1b}[31m")
            .cmdline(arguments)
            .anon_kib(50_000)
    });
    NAMES.iter().zip(300..).fold(host, |host, (name, pid)| {
        let guest = [b"guest=default_", *name, b",debug-threads=on"].concat();
        let secret: &[u8] = b"secret,id=masterKey0,data=hunter2";
        let arguments = [b"qemu-kvm", b"-name".as_slice(), &guest, b"-accel", b"kvm", b"-object", secret];
        // One of them is longer than what is read of it.
        let append = if pid == 300 { huge.as_slice() } else { b"quiet" };
        let more: [&[u8]; 4] = [b"-m", b"size=1024k", b"-append", append];
        host.process(pid, |p| {
            p.exe("/usr/libexec/qemu-kvm").comm("qemu-kvm").cmdline([&arguments[..], &more].concat())
        })
    })
}

/// What no terminal may get to see.
fn assert_harmless(text: &str) {
    for character in text.chars().filter(|c| *c != '\n') {
        assert!(edgebench::layout::is_shown(character), "{character:?} in {text}");
    }
}

/// All that `footprint` and `compare` say of the hostile node in a format.
fn said(format: &str) -> Vec<String> {
    let host = hostile();
    let dir = Workdir::new();
    let label = "\u{1b}[31mlabel\n";
    let file = "\u{1b}[31m\n\u{202e}.json";
    let more = ["--format", format, "--all", "--label", label, "--save", file];
    let outcome = dir.run(footprint(&host, &more));
    assert_eq!((outcome.code, outcome.stderr.as_str()), (0, ""));
    let compared = dir.shows(["compare", file, file, "--format", format, "--all"]);
    let three = dir.shows(["compare", file, "--with", file, file, "--format", format]);
    for text in [&outcome.stdout, &compared, &three] {
        assert_harmless(text);
    }
    vec![outcome.stdout, compared, three]
}

/// The lines of a block, from its heading to the first line that begins with `end`.
fn rows<'a>(text: &'a str, heading: &str, end: &str) -> Vec<&'a str> {
    let from = text.lines().skip_while(|line| !line.starts_with(heading));
    from.skip(2).take_while(|line| !line.trim_start().starts_with(end)).collect()
}

#[test]
fn every_line_of_a_table_belongs_to_it() {
    let texts = said("table");
    for text in &texts[..2] {
        let processes: Vec<_> = rows(text, "Processes", "RES counts");
        let numbers = |row: &str| {
            row.split_whitespace()
                .rev()
                .take(5)
                .all(|word| word == "-" || word.trim_start_matches('~').parse::<f64>().is_ok())
        };
        let of_processes = processes.iter().filter(|row| !row.trim().chars().all(|c| c == '-'));
        let mut count = 0;
        for row in of_processes {
            assert!(numbers(row), "{row}");
            count += 1;
        }
        // The names, the component that is known, and qemu.
        assert_eq!(count, NAMES.len() + 2);
        let machines = rows(text, "Virtual machines", "OVERHEAD =");
        assert_eq!(machines.len(), NAMES.len());
        assert!(machines.iter().all(|row| row.starts_with("  default/") && row.contains(" 1.0 ")));
    }
    for line in texts.iter().flat_map(|text| text.lines()) {
        assert!(line.chars().count() <= 100, "{line}");
    }
}

#[test]
fn markdown_tables_have_their_columns() {
    for text in said("markdown") {
        let columns = |line: &str| line.replace("\\|", "").matches('|').count();
        let mut expected = 0;
        for line in text.lines() {
            match (line.starts_with('|'), expected) {
                (false, _) => expected = 0,
                (true, 0) => expected = columns(line),
                (true, _) => assert_eq!(columns(line), expected, "{line}"),
            }
        }
        assert!(!text.replace("\\<", "").contains('<'), "no HTML: {text}");
    }
}

#[test]
fn a_page_has_no_element_but_its_own() {
    for text in said("html") {
        let page = Element::read(&text).unwrap();
        let names: Vec<_> = page.named("th").into_iter().map(Element::text).collect();
        for name in ["<script>", "`x` <b>*y*", "a,b\"c\",", "|a|b|", "\\x1b[31mred"] {
            assert!(names.iter().any(|other| other == name), "{name} in {names:?}");
        }
    }
}

#[test]
fn json_holds_the_names_as_they_are() {
    for text in said("json") {
        let report: Value = serde_json::from_str(&text).unwrap();
        let report = if report.is_array() { &report[1] } else { &report };
        let components = report["capture"]["captures"][0]["components"].as_array().unwrap();
        let names: Vec<_> = components.iter().filter_map(|row| row["component"].as_str()).collect();
        for name in NAMES {
            let name = String::from_utf8_lossy(&name[..name.len().min(15)]);
            assert!(names.contains(&&*name), "{name:?} in {names:?}");
        }
        assert_eq!(report["capture"]["captures"][0]["vms"].as_array().unwrap().len(), NAMES.len());
    }
}

/// The fields of every record (RFC 4180).
fn records(text: &str) -> Vec<Vec<String>> {
    let mut records = vec![vec![String::new()]];
    let mut quoted = false;
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        let fields = records.last_mut().unwrap();
        match character {
            '"' if quoted && characters.peek() == Some(&'"') => {
                characters.next();
                fields.last_mut().unwrap().push('"');
            }
            '"' => quoted = !quoted,
            ',' if !quoted => fields.push(String::new()),
            '\n' if !quoted => records.push(vec![String::new()]),
            other => fields.last_mut().unwrap().push(other),
        }
    }
    assert!(!quoted);
    assert_eq!(records.pop(), Some(vec![String::new()]), "the last line ends");
    records
}

#[test]
fn csv_has_as_many_fields_in_every_line() {
    for text in said("csv") {
        let records = records(&text);
        assert_eq!(records.len(), text.lines().count(), "a record is a line");
        for record in &records {
            assert_eq!(record.len(), records[0].len(), "{record:?}");
            // What a spreadsheet would take for a formula.
            let numbers = records[0].len() - 3;
            assert!(!record[..numbers].iter().any(|field| field.starts_with(['=', '+', '-', '@'])));
            for number in record[numbers..].iter().filter(|_| record != &records[0]) {
                assert!(number.is_empty() || number.parse::<f64>().is_ok(), "{record:?}");
            }
        }
        assert!(records.iter().any(|record| record[2] == "a,b\"c\","));
    }
}

#[test]
fn sars_lines_have_no_names() {
    for text in said("sar") {
        assert!(text.lines().all(|line| line.is_empty() || line.starts_with(['A', ' '])), "{text}");
    }
}

#[test]
fn a_capture_holds_no_command_line() {
    let host = hostile();
    let dir = Workdir::new();
    dir.run(footprint(&host, &["--save", "capture.json"]));
    let text = String::from_utf8(dir.read("capture.json")).unwrap();
    assert!(!text.contains("hunter2"));
    // argv[0] is a name, which is kept as far as names are read.
    assert!(text.contains(&"a".repeat(4096)) && !text.contains(&"a".repeat(4097)));
    assert!(text.len() < 100_000, "{} bytes", text.len());
    assert!(!text.contains('\u{1b}') && text.lines().all(|line| line.starts_with("{\"")));
}

#[test]
fn doctor_and_errors_show_them_too() {
    let host = hostile();
    let dir = Workdir::new();
    let outcome = dir.run(["doctor", "--procfs", host.proc.to_str().unwrap()]);
    assert_harmless(&outcome.stdout);
    assert_eq!(outcome.stderr, "");
    // The name of the node, in a refusal.
    dir.run(footprint(&host, &["--save", "hostile.json"]));
    dir.run(footprint(&Host::new().file("proc/sys/kernel/hostname", "tame\n"), &["--save", "tame.json"]));
    let differ = ["compare", "tame.json", "hostile.json", "--same-machine"];
    dir.refuses(differ, &["node name: tame before, \\x1b[31mnode\\u{202e} now"]);
}
