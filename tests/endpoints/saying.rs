//! What the components of real nodes say.

use std::time::Duration;

use edgebench_exporter::endpoints::{Found, Handle, Settings, start};
use edgebench_sampler::Bytes;
use edgebench_tests::fake_endpoint::{Behaviour, FakeEndpoint};

use crate::authority::Authority;
use crate::rig::{asking, eventually, fixture, on_event_loop, once, pod, settings};

fn text(text: &str) -> Behaviour {
    Behaviour::Text(text.to_owned())
}

#[test]
fn the_real_nodes_components_are_found_by_their_pods_and_asked_over_tls() {
    let authority = Authority::new();
    let handler = FakeEndpoint::with_tls(
        text(fixture!("kubevirt-metrics/virt-handler-1.9.prom")),
        authority.server("virt-handler"),
    );
    let controller = FakeEndpoint::with_tls(
        text(fixture!("kubevirt-metrics/virt-controller-1.9.prom")),
        authority.server("virt-controller"),
    );
    let api = FakeEndpoint::with_tls(
        text(fixture!("kubevirt-metrics/virt-api-1.9.prom")),
        authority.server("virt-api"),
    );
    let pods = vec![
        pod("virt-handler", "v1.9.0-rc.2", &handler),
        pod("virt-controller", "v1.9.0-rc.2", &controller),
        pod("virt-api", "v1.9.0-rc.2", &api),
        // Who serves none is not asked.
        pod("cdi-apiserver", "v1.66.0", &api),
    ];
    let found = Found { pods, ca: Some(authority.pem()), ..Found::default() };
    let endpoints = once(settings(), found);
    let rows: Vec<_> = endpoints
        .iter()
        .map(|endpoint| {
            let said = endpoint.said.as_ref().unwrap_or_else(|| panic!("{endpoint:?}"));
            (endpoint.component.as_str(), endpoint.pod_uid.as_deref(), said.process.resident, said.vmis.len())
        })
        .collect();
    assert_eq!(
        rows,
        [
            ("virt-handler", Some("uid-of-virt-handler"), Some(Bytes(85_118_976)), 1),
            ("virt-controller", Some("uid-of-virt-controller"), Some(Bytes(86_552_576)), 1),
            ("virt-api", Some("uid-of-virt-api"), Some(Bytes(209_248_256)), 0),
        ]
    );
    for endpoint in &endpoints {
        assert_eq!((endpoint.trouble, endpoint.failures.as_slice()), (None, &[][..]));
        assert!(
            endpoint.bytes > 10_000 && endpoint.series > 50 && endpoint.read_at.is_some(),
            "{endpoint:?}"
        );
    }
    let request = &api.requests()[0];
    assert!(request.starts_with("GET /metrics HTTP/1.1\r\n"), "{request}");
    let request = request.to_ascii_lowercase();
    assert!(request.contains("accept: text/plain;version=0.0.4") && !request.contains("gzip"), "{request}");
    assert!(request.contains(&format!("host: {}\r\n", api.address())), "{request}");
}

#[test]
fn the_version_of_a_pod_mends_what_its_answer_does_not_say() {
    let vcpu =
        "kubevirt_vmi_vcpu_seconds_total{id=\"0\",name=\"a\",namespace=\"b\",state=\"running\"} 7000\n";
    let peer = FakeEndpoint::with_tls(text(vcpu), Authority::new().server("virt-handler"));
    let cpu = |version: &str| {
        let found = Found { pods: vec![pod("virt-handler", version, &peer)], ..Found::default() };
        let settings = Settings { skip_verify: edgebench_exporter::endpoints::SkipVerify::All, ..settings() };
        once(settings, found)[0].said.as_ref().unwrap().vmis[0].vcpus[0].cpu.map(|cpu| cpu.0)
    };
    assert_eq!(cpu("v1.4.0"), Some(7_000_000_000));
    assert_eq!(cpu("v1.9.0"), Some(7_000_000_000_000));
    assert_eq!(cpu("devel"), None);
}

#[test]
fn an_endpoint_of_a_flag_and_of_a_pod_is_asked_once() {
    let peer = FakeEndpoint::with_tls(text("process_open_fds 3\n"), Authority::new().server("virt-handler"));
    let found = Found { pods: vec![pod("virt-handler", "v1.9.0", &peer)], ..Found::default() };
    let endpoints = once(asking(&[("virt-handler", &peer)]), found);
    assert_eq!(endpoints.len(), 1);
    assert_eq!(endpoints[0].pod, "virt-handler-abcde");
}

#[test]
fn who_comes_is_asked_and_who_goes_is_gone() {
    let (old, new) =
        (FakeEndpoint::new(text("process_open_fds 1\n")), FakeEndpoint::new(text("process_open_fds 2\n")));
    let cdi = |peer: &FakeEndpoint, name: &str| {
        let mut pod = pod("cdi-operator", "v1.62.0", peer);
        pod.name = name.into();
        pod
    };
    let pods = std::sync::Arc::new(std::sync::Mutex::new(vec![cdi(&old, "old")]));
    let seen = pods.clone();
    on_event_loop(async {
        let handle =
            start(settings(), move || Found { pods: seen.lock().unwrap().clone(), ..Found::default() });
        eventually(&handle, "cdi-operator", |endpoint| endpoint.pod == "old" && endpoint.said.is_some())
            .await;
        *pods.lock().unwrap() = vec![cdi(&new, "new")];
        let endpoint = eventually(&handle, "cdi-operator", |it| it.pod == "new" && it.said.is_some()).await;
        assert_eq!(endpoint.said.unwrap().process.open_fds, Some(2));
        handle.with(|endpoints| assert_eq!(endpoints.len(), 1));
        let asked = old.requests().len();
        eventually(&handle, "cdi-operator", |_| new.requests().len() > 5).await;
        assert_eq!(old.requests().len(), asked);
    });
}

#[test]
fn what_is_too_old_is_not_served() {
    let peer = FakeEndpoint::new(text("process_open_fds 1\n"));
    let settings = Settings { keep: Duration::from_millis(300), ..asking(&[("virt-handler", &peer)]) };
    on_event_loop(async {
        let handle: Handle = start(settings, Found::default);
        eventually(&handle, "virt-handler", |it| it.said.is_some()).await;
        peer.becomes(Behaviour::status("503 Service Unavailable"));
        let first = eventually(&handle, "virt-handler", |it| it.trouble.is_some()).await;
        assert!(first.read_at.is_some());
        let later = eventually(&handle, "virt-handler", |it| it.said.is_none()).await;
        assert_eq!(later.read_at, first.read_at, "when it was last read is still known");
        peer.becomes(text("process_open_fds 2\n"));
        let healed = eventually(&handle, "virt-handler", |it| it.said.is_some()).await;
        assert_eq!(healed.trouble, None);
    });
}
