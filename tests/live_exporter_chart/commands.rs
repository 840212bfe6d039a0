//! The four commands of README.md, "On a cluster", fit together: the release is rendered as its command says, and the
//! other commands name what it makes.

use std::fs;

use edgebench_tests::charts::{Request, chart};

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

/// The first block marked `sh` below a heading, command by command.
fn commands(page: &str, heading: &str) -> Vec<Vec<String>> {
    let text = fs::read_to_string(format!("{ROOT}/{page}")).unwrap();
    let (_, section) = text.split_once(&format!("{heading}\n")).unwrap();
    let (_, block) = section.split_once("```sh\n").unwrap();
    let (block, _) = block.split_once("```").unwrap();
    let lines = block.lines().filter(|line| !line.is_empty());
    lines.map(|line| line.split_whitespace().map(str::to_owned).collect()).collect()
}

/// What follows a word.
fn after<'a>(command: &'a [String], word: &str) -> Vec<&'a str> {
    let pairs = command.windows(2).filter(|pair| pair[0] == word);
    pairs.map(|pair| pair[1].as_str()).collect()
}

#[test]
#[ignore = "live: needs Helm's engine"]
fn the_commands_of_the_readme_install_what_they_go_on_with() {
    let commands = commands("README.md", "## On a cluster");
    let [create, label, install, doctor] = commands.as_slice() else { panic!("four commands: {commands:?}") };
    let namespace = after(create, "namespace")[0];
    assert_eq!(after(label, "namespace"), [namespace]);
    assert_eq!(after(label, namespace), ["pod-security.kubernetes.io/enforce=privileged"]);

    assert_eq!(install[..2], ["helm", "install"]);
    let (name, path) = (&install[2], &install[3]);
    let chart = chart("edgebench").canonicalize().unwrap();
    assert_eq!(fs::canonicalize(format!("{ROOT}/{path}")).unwrap(), chart);
    assert_eq!(after(install, "--namespace"), [namespace]);
    let release = Request::of(&chart).release(name, namespace);
    let rendered =
        after(install, "--set").into_iter().fold(release, |request, set| request.set(set)).render();
    assert_eq!(rendered.wrong(), [""; 0]);
    assert_eq!(rendered.all("PodMonitor").len(), 1, "it is scraped");

    let daemonset = rendered.one("DaemonSet");
    assert_eq!(after(doctor, "--namespace"), [namespace]);
    assert_eq!(
        after(doctor, "exec"),
        [format!("daemonset/{}", daemonset["metadata"]["name"].as_str().unwrap())]
    );
    assert_eq!(daemonset["metadata"]["namespace"], namespace);
    let (_, inside) = doctor.split_at(doctor.iter().position(|word| word == "--").unwrap() + 1);
    assert_eq!(inside[..2], ["edgebench", "doctor"]);
    let mounts = &daemonset["spec"]["template"]["spec"]["containers"][0]["volumeMounts"];
    let mounts: Vec<_> =
        mounts.as_array().unwrap().iter().map(|mount| mount["mountPath"].as_str().unwrap()).collect();
    assert!(mounts.contains(&after(doctor, "--procfs")[0]), "{mounts:?}");
    // And its notes say the same command.
    assert!(rendered.notes.unwrap().contains(&inside.join(" ")));
}

#[test]
#[ignore = "live: needs Helm's engine"]
fn the_charts_readme_begins_alike() {
    let own = commands("deploy/charts/edgebench/README.md", "# The chart edgebench");
    assert_eq!(own, commands("README.md", "## On a cluster"));
}
