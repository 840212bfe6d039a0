//! Bad input gets a message before anything is applied, and the message names what is bad.

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

use edgebench_tests::charts::{self, Request, chart};
use serde_json::{Value, json};

use crate::exporter;

#[test]
#[ignore = "live: needs Helm's engine"]
fn bad_values_are_refused_by_name() {
    let long = format!("fullnameOverride={}", "a".repeat(300));
    let bad: &[(&str, &[&str])] = &[
        ("profil=full", &["additional properties 'profil' not allowed"]),
        ("profile=root", &["/profile", "'minimal', 'standard', 'full'"]),
        ("image.tags=v1", &["/image", "'tags'"]),
        ("image.digest=sha256:1", &["/image/digest"]),
        ("image.repository=", &["/image/repository"]),
        ("resources.limits.memory=64MB", &["/resources/limits/memory", "64MB"]),
        ("resources.limits.memoy=64Mi", &["memoy"]),
        ("resources.request.cpu=1", &["/resources", "'request'"]),
        ("service.port=0", &["/service/port"]),
        ("service.portName=a-name-that-is-too-long", &["/service/portName"]),
        ("kubevirt.interval=often", &["/kubevirt/interval", "often"]),
        ("kubevirt.endpoints={virt-handler}", &["/kubevirt/endpoints/0"]),
        ("guest.targets={nodeexporter}", &["/guest/targets/0"]),
        ("pss.budget=much", &["/pss/budget"]),
        ("pss.maxResident=4GB", &["/pss/maxResident"]),
        ("collectors.psss=false", &["/collectors", "'psss'"]),
        ("collectors.pss=maybe", &["/collectors/pss"]),
        ("commonLabels.a=b c", &["/commonLabels/a"]),
        ("nameOverride=a/b", &["/nameOverride"]),
        ("prometheus.podmonitor.enabled=true", &["/prometheus", "'podmonitor'"]),
        ("prometheus.rules.runbookUrl=wiki", &["/prometheus/rules/runbookUrl"]),
        ("networkPolicy.apiServerCIDRs={10.0.0.1}", &["/networkPolicy/apiServerCIDRs/0"]),
        ("updateStrategy.type=Recreate", &["/updateStrategy/type"]),
        ("tolerations[0].efect=NoSchedule", &["/tolerations/0", "'efect'"]),
        ("log.level=trace", &["/log/level"]),
        ("extraArgs={log.level=debug}", &["/extraArgs/0"]),
        (long.as_str(), &["/fullnameOverride", "63"]),
        (
            "prometheus.podMonitor.enabled=true,prometheus.monitor.enabled=true",
            &["each pod would be scraped twice"],
        ),
        ("prometheus.monitor.enabled=true,service.enabled=false", &["needs service.enabled"]),
        ("containerSecurityContext.runAsUser=1000", &["profile standard needs uid 0, not 1000"]),
        ("profile=full,securityContext.runAsUser=107", &["profile full needs uid 0, not 107"]),
        (
            "profile=minimal,containerSecurityContext.runAsUser=0",
            &["profile minimal with uid 0 and runAsNonRoot"],
        ),
        ("kubevirt.token=true,kube.enabled=false", &["kubevirt.token needs kube.enabled"]),
        ("fullnameOverride=1edge", &["can't be the name of a Service", "fullnameOverride"]),
        ("a=b=c,d", &["d"]),
    ];
    let requests: Vec<_> = bad.iter().map(|(set, _)| exporter().set(*set)).collect();
    for ((set, words), rendered) in bad.iter().zip(charts::render(&requests)) {
        let error = rendered.error.unwrap_or_else(|| panic!("{set} is not refused"));
        for word in *words {
            assert!(error.contains(word), "{set}, {word}: {error}");
        }
        assert!(rendered.objects.is_empty(), "{set}");
    }
}

#[test]
#[ignore = "live: needs Helm's engine"]
fn a_bomb_of_yaml_is_refused_and_does_not_go_off() {
    let mut bomb = "env:\n  a: &a0 [x,x,x,x,x,x,x,x,x,x]\n".to_owned();
    for level in 1..12 {
        let all = vec![format!("*a{}", level - 1); 10].join(",");
        bomb.push_str(&format!("  a{level}: &a{level} [{all}]\n"));
    }
    let deep = format!("extraManifests: {}{}", "[".repeat(20_000), "]".repeat(20_000));
    let huge_index = "tolerations[99999999].key=a";
    let requests = [
        exporter().values(bomb),
        exporter().values(deep),
        exporter().set(huge_index),
        exporter().values("profile: full\nprofile: minimal\n  bad"),
    ];
    for (request, rendered) in requests.iter().zip(charts::render(&requests)) {
        assert!(rendered.error.is_some(), "{request:?}");
    }
}

/// Every value of a chart, and every map of them, each one as `null`, which removes it.
fn nothing_in_the_place_of_each(values: &Value) -> Vec<Value> {
    let mut all = Vec::new();
    for (name, value) in values.as_object().into_iter().flatten() {
        all.push(json!({name: null}));
        all.extend(nothing_in_the_place_of_each(value).into_iter().map(|inner| json!({name: inner})));
    }
    all
}

#[test]
#[ignore = "live: needs Helm's engine"]
fn what_is_removed_is_missed_by_name_or_is_not_needed() {
    let values: Value =
        serde_saphyr::from_str(&fs::read_to_string(chart("edgebench").join("values.yaml")).unwrap()).unwrap();
    let removed = nothing_in_the_place_of_each(&values);
    assert!(removed.len() > 150, "{}", removed.len());
    let requests: Vec<_> = removed.iter().map(|values| exporter().values(values.to_string())).collect();
    let mut not_needed = BTreeSet::new();
    for (removed, rendered) in removed.iter().zip(charts::render(&requests)) {
        match &rendered.error {
            Some(error) => assert!(error.contains("missing propert"), "{removed}: {error}"),
            None => {
                assert_eq!(rendered.wrong(), [""; 0], "{removed}");
                not_needed.extend(removed.as_object().unwrap().keys().map(String::as_str));
            }
        }
    }
    // Free keys, what the API has a default of, and ports that have none.
    let expected = [
        "affinity",
        "dashboards",
        "livenessProbe",
        "nodeSelector",
        "readinessProbe",
        "resources",
        "service",
        "tolerations",
        "updateStrategy",
    ];
    assert_eq!(not_needed, BTreeSet::from(expected));
}

/// Flux takes no links out of a Git repository: what is left of the chart installs, and says what it can't.
#[test]
#[ignore = "live: needs Helm's engine"]
fn a_copy_without_its_links_says_so_where_it_matters() {
    let dir = tempfile::tempdir().unwrap();
    let copy = dir.path().join("edgebench");
    let copied = Command::new("cp").arg("-a").arg(chart("edgebench")).arg(&copy).status().unwrap();
    assert!(copied.success());
    for link in ["grafana", "recording.yaml", "alerts.yaml"] {
        fs::remove_file(copy.join("files").join(link)).unwrap();
    }
    assert_eq!(Request::of(&copy).render().wrong(), [""; 0]);
    for (set, file) in [
        ("dashboards.enabled=true", "files/grafana"),
        ("prometheus.rules.enabled=true", "files/recording.yaml"),
    ] {
        let error = Request::of(&copy).set(set).render().error.unwrap();
        assert!(
            error.contains(file) && error.contains("packaged chart") && error.contains("Flux"),
            "{error}"
        );
    }
}
