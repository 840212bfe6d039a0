//! Those that judge the charts would speak: each kind of mistake is made in a chart that is made for it.
//!
//! `cargo test -p edgebench-tests --test live_chart_judges -- --ignored`

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test program")]

use std::fs;
use std::path::Path;

use edgebench_tests::charts::{Rendered, Request};
use tempfile::TempDir;

const MONITOR: &str = "\
apiVersion: monitoring.coreos.com/v1
kind: PodMonitor
metadata: {name: a}
spec:
  selector: {}
  podMetricsEndpoints: [{port: metrics, honorLabels: true}]
";

const VOLUME: &str = "\
apiVersion: cdi.kubevirt.io/v1beta1
kind: DataVolume
metadata: {name: a}
spec:
  source: {http: {url: 'https://example.org/a.img'}}
  storage: {resources: {requests: {storage: 16Gi}}}
";

const MACHINE: &str = "\
apiVersion: kubevirt.io/v1
kind: VirtualMachine
metadata: {name: a}
spec:
  runStrategy: Always
  template: {spec: {domain: {devices: {}, memory: {guest: 1Gi}}}}
";

const MAP: &str = "\
apiVersion: v1
kind: ConfigMap
metadata: {name: a}
data: {a: b}
";

fn chart(template: &str) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = dir.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    write(
        "Chart.yaml",
        "apiVersion: v2\nname: made\nversion: 0.1.0\nkubeVersion: '>=1.25.0-0'\nicon: https://a.b/c.svg\n",
    );
    write("values.yaml", "word: b\n");
    write(
        "values.schema.json",
        r#"{"type": "object", "additionalProperties": false, "properties": {"word": {"type": "string"}}}"#,
    );
    write("templates/a.yaml", template);
    dir
}

fn rendered(path: &Path) -> Rendered {
    Request::of(path).render()
}

#[test]
#[ignore = "live: needs Helm's engine"]
fn what_is_right_passes() {
    for right in [MAP, MONITOR, VOLUME, MACHINE] {
        let rendered = rendered(chart(right).path());
        assert_eq!(rendered.wrong(), [""; 0], "{right}");
        assert_eq!(rendered.objects.len(), 1);
    }
}

#[test]
#[ignore = "live: needs Helm's engine"]
fn a_mistake_in_an_object_is_named_with_its_place() {
    let mistakes = [
        (MAP, "data: {a: b}", "data: {a: b}\ndatas: {}", "'datas' was unexpected"),
        (MAP, "data: {a: b}", "data: {a: 1}", "/data/a: 1 is not of type"),
        (MAP, "data: {a: b}", "data: {a: 1e3}", "/data/a: 1000.0 is not of type"),
        (MAP, "{name: a}", "{name: a, lables: {}}", "'lables' was unexpected"),
        (MAP, "data: {a: b}", "data: {a: b, a: c}", "twice the same key: a"),
        (MAP, "v1", "v7", "no schema says what a ConfigMap of v7 is"),
        (MONITOR, "honorLabels", "honourLabels", "/spec/podMetricsEndpoints/0/honourLabels is lost"),
        (MONITOR, "honorLabels: true", "honorLabels: 'yes'", "invalid type: string"),
        (MONITOR, "PodMonitor", "PodMonitors", "no type for"),
        (VOLUME, "storage: 16Gi", "storage: []", "/spec/storage/resources/requests/storage"),
        (VOLUME, "url:", "uri:", "'uri' was unexpected"),
        (MACHINE, "guest: 1Gi", "guests: 1Gi", "'guests' was unexpected"),
        (MACHINE, "{name: a}", "{name: a, label: {}}", "'label' was unexpected"),
    ];
    for (right, word, wrong, said) in mistakes {
        let wrong = rendered(chart(&right.replacen(word, wrong, 1)).path()).wrong();
        assert!(wrong.iter().any(|line| line.contains(said)), "{said}: {wrong:?}");
    }
}

#[test]
#[ignore = "live: needs Helm's engine"]
fn what_does_not_render_and_what_the_schema_refuses_is_an_error() {
    let dir = chart(MAP);
    for (request, said) in [
        (Request::of(dir.path()).set("word=1"), "got number, want string"),
        (Request::of(dir.path()).set("words=a"), "additional properties 'words' not allowed"),
        (Request::of(dir.path()).set("word"), "key \"word\" has no value"),
        (Request::of(dir.path()).values("word: [\n"), "YAML"),
        (Request::of(&dir.path().join("templates")), "Chart.yaml"),
    ] {
        let rendered = request.render();
        let error = rendered.error.unwrap();
        assert!(error.contains(said), "{said}: {error}");
        assert!(rendered.objects.is_empty());
    }
    let broken = rendered(chart("a: {{ .Values.none.here }}\n").path());
    assert!(broken.error.unwrap().contains("nil pointer"));
}

#[test]
#[ignore = "live: needs Helm's engine"]
fn later_values_win_and_what_is_packaged_renders_alike() {
    let dir = chart("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {a: {{ .Values.word }}}\n");
    let request = Request::of(dir.path()).values("word: c").values("word: d").set("word=e");
    for request in [request.clone(), request.packaged()] {
        let rendered = request.render();
        assert_eq!(rendered.wrong(), [""; 0]);
        assert_eq!(rendered.one("ConfigMap")["data"]["a"], "e");
    }
}
