//! Pages of captures that nobody wishes for: one sample, an hour of them, no KubeVirt, 500 components, hostile names.

use edgebench_tests::browser::{Browser, Screen};
use edgebench_tests::captures::Run;
use edgebench_tests::{Host, Workdir};

use super::figures::check_marks;

/// Names that would run if they could. A comm has 15 bytes; an exe and a hostname have more.
const HOSTILE: [&str; 8] = [
    "<script>document.title='run'</script>",
    "\"><script>document.title='run'</script>",
    "'><img src=x onerror=document.title='run'>",
    "</title><script>document.title='run'</script>",
    "</style><script>document.title='run'</script>",
    "</svg><svg onload=document.title='run'>",
    "<!--",
    "&lt;script&gt;\u{202e}\u{0}]]>",
];

fn hostile() -> Host {
    let name = HOSTILE.concat();
    let host = Host::new()
        .file("proc/sys/kernel/hostname", format!("{}\n", HOSTILE[3]))
        .file("etc/os-release", format!("PRETTY_NAME=\"{}\"\n", name.replace(['"', '\0'], "")))
        .memory(&[("AnonPages", 900_000), ("MemFree", 5_126_448)]);
    let host = HOSTILE.iter().zip(100..).fold(host, |host, (name, pid)| {
        let comm: Vec<u8> = name.bytes().filter(|byte| *byte != 0).take(15).collect();
        host.process(pid, |p| p.exe(format!("/usr/bin/{name}").replace('\0', "")).comm(comm).anon_kib(20_000))
    });
    HOSTILE.iter().zip(300..).fold(host, |host, (name, pid)| {
        let guest = format!("guest=default_{},debug-threads=on", name.replace(['\0', ','], ""));
        let arguments = ["qemu-kvm".to_owned(), "-name".into(), guest, "-accel".into(), "kvm".into()];
        let arguments: Vec<_> = arguments.into_iter().chain(["-m".into(), "size=1024k".into()]).collect();
        host.process(pid, |p| {
            p.exe("/usr/libexec/qemu-kvm")
                .comm("qemu-kvm")
                .cmdline(arguments.iter().map(String::as_bytes))
                .anon_kib(30_000)
        })
    })
}

#[test]
#[ignore = "live: needs chromium"]
fn hostile_names_are_read_and_not_run() {
    let host = hostile();
    let dir = Workdir::new();
    let file = "<img src=x onerror=document.title='run'>.json";
    let run = Run { label: Some("<script>document.title='run'</script>"), ..Run::default() };
    run.save(&host, &dir.path().join(file), |_, _| {});
    let mut browser = Browser::new();
    for (name, arguments) in [
        ("two", vec!["compare", file, file, "--all"]),
        ("three", vec!["compare", file, "--with", file, file, "--all"]),
    ] {
        let (html, report) = super::page(&dir, name, &arguments);
        let mut page = browser.open(&html, Screen::DESK);
        check_marks(&mut page, &report);
        assert_eq!((page.complaints(), page.requests()), (Vec::new(), Vec::new()));
        let title = page.value("document.title");
        assert!(title.as_str().unwrap().starts_with("edgebench: </title><script>"), "{title}");
        for foreign in ["script", "img", "iframe", "[onload]", "[onerror]", "[style]"] {
            let found = page.value(&format!("document.querySelectorAll(\"{foreign}\").length"));
            assert_eq!(found, 0, "{foreign}");
        }
        let names = page.value("[...document.querySelectorAll('#processes th[scope=row], article th[scope=row]')].map(th => th.textContent)");
        let names: Vec<_> = names.as_array().unwrap().iter().filter_map(|name| name.as_str()).collect();
        assert!(names.contains(&"<script>documen"), "{names:?}");
    }
    assert_eq!(browser.asked_of_the_network(), [""; 0]);
}

#[test]
#[ignore = "live: needs chromium"]
fn one_sample_an_hour_of_them_and_none_of_kubevirt() {
    let dir = Workdir::new();
    let host = Host::new().process(10, |p| p.exe("/usr/bin/kubelet").anon_kib(200_000));
    let mut browser = Browser::new();
    for samples in [1, 2, 61, 3_600] {
        let file = format!("{samples}.json.gz");
        let run = Run { samples, ..Run::default() };
        run.save(&host, &dir.path().join(&file), |_, _| {});
        let (html, report) = super::page(&dir, &samples.to_string(), &["compare", &file, "1.json.gz"]);
        let size = std::fs::metadata(&html).unwrap().len();
        assert!(size < 300_000, "{size} bytes for {samples} samples");
        let mut page = browser.open(&html, Screen::PHONE);
        check_marks(&mut page, &report);
        assert_eq!((page.complaints(), page.requests()), (Vec::new(), Vec::new()));
        let text = page.value("document.body.innerText");
        let text = text.as_str().unwrap();
        assert!(!text.contains("NaN") && !text.contains("inf"), "{text}");
    }
}

#[test]
#[ignore = "live: needs chromium"]
fn five_hundred_components() {
    let dir = Workdir::new();
    let host = (1000..1500).fold(Host::new(), |host, pid| {
        host.process(pid, |p| {
            p.exe(format!("/usr/bin/program-{pid}")).comm(format!("program-{pid}")).anon_kib(u64::from(pid))
        })
    });
    Run::default().save(&host, &dir.path().join("many.json.gz"), |_, _| {});
    let mut browser = Browser::new();
    for (name, more) in [("folded", None), ("all", Some("--all"))] {
        let mut arguments = vec!["compare", "many.json.gz", "many.json.gz"];
        arguments.extend(more);
        let (html, report) = super::page(&dir, name, &arguments);
        let mut page = browser.open(&html, Screen::DESK);
        let (_, marks) = check_marks(&mut page, &report);
        if more.is_some() {
            assert!(marks > 2 * 500, "{marks}");
        } else {
            assert!(marks < 200, "{marks}");
        }
        assert_eq!((page.complaints(), page.requests()), (Vec::new(), Vec::new()));
    }
}
