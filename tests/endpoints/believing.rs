//! Whose certificate is believed, and who is shown a token.

use edgebench_exporter::endpoints::{Endpoint, Found, Settings, SkipVerify, Trouble, start};
use edgebench_tests::Workdir;
use edgebench_tests::fake_endpoint::{Behaviour, FakeEndpoint};
use rcgen::ExtendedKeyUsagePurpose;
use rustls::ServerConfig;

use crate::authority::{Authority, self_signed};
use crate::rig::{Log, asking, eventually, on_event_loop, once, pod, settings};

const TEXT: &str = "process_open_fds 3\n";

fn serving(config: ServerConfig) -> FakeEndpoint {
    FakeEndpoint::with_tls(Behaviour::Text(TEXT.to_owned()), config)
}

fn ask(settings: Settings, component: &str, peer: &FakeEndpoint, ca: Option<&Authority>) -> Endpoint {
    let pods = vec![pod(component, "v1.66.0", peer)];
    once(settings, Found { pods, ca: ca.map(Authority::pem), ..Found::default() }).remove(0)
}

fn trouble(peer: &FakeEndpoint, ca: Option<&Authority>) -> Option<Trouble> {
    let endpoint = ask(settings(), "virt-handler", peer, ca);
    assert_eq!(endpoint.said.is_some(), endpoint.trouble.is_none());
    endpoint.trouble
}

#[test]
fn who_was_signed_by_kubevirts_ca_is_believed_at_an_address() {
    let (authority, other) = (Authority::new(), Authority::new());
    let peer = serving(authority.server("virt-handler"));
    assert_eq!(trouble(&peer, Some(&authority)), None);
    assert_eq!(trouble(&peer, Some(&other)), Some(Trouble::Tls), "a certificate of another CA");
    assert_eq!(trouble(&peer, None), Some(Trouble::Tls), "no CA is known");
    assert_eq!(trouble(&serving(self_signed()), Some(&authority)), Some(Trouble::Tls));
    assert!(peer.requests().len() == 1, "the others were told nothing");
}

#[test]
fn a_certificate_that_is_old_or_for_a_client_is_not_believed() {
    let authority = Authority::new();
    let old = authority.signs("virt-handler", |params| params.not_after = rcgen::date_time_ymd(2020, 1, 1));
    assert_eq!(trouble(&serving(old), Some(&authority)), Some(Trouble::Tls));
    let client = authority.signs("virt-handler", |params| {
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    });
    assert_eq!(trouble(&serving(client), Some(&authority)), Some(Trouble::Tls));
}

#[test]
fn an_endpoint_that_is_given_by_name_has_to_have_that_name() {
    let authority = Authority::new();
    let dir = Workdir::new();
    dir.write("ca.pem", authority.pem());
    let by_name = |peer: &FakeEndpoint| {
        let fixed = vec![format!("virt-api={}", peer.url_by_name()).parse().unwrap()];
        let settings = Settings { fixed, ca_file: Some(dir.path().join("ca.pem")), ..settings() };
        once(settings, Found::default()).remove(0).trouble
    };
    assert_eq!(by_name(&serving(authority.server("localhost"))), None);
    assert_eq!(by_name(&serving(authority.server("virt-api"))), Some(Trouble::Tls));
}

#[test]
fn a_file_counts_before_the_config_map_and_may_change() {
    let (first, second) = (Authority::new(), Authority::new());
    let peer = serving(second.server("virt-handler"));
    let dir = Workdir::new();
    dir.write("ca.pem", first.pem());
    let settings =
        Settings { ca_file: Some(dir.path().join("ca.pem")), ..asking(&[("virt-handler", &peer)]) };
    let ca = second.pem();
    on_event_loop(async {
        let handle = start(settings, move || Found { ca: Some(ca.clone()), ..Found::default() });
        let refused = eventually(&handle, "virt-handler", |it| it.trouble.is_some()).await;
        assert_eq!(refused.trouble, Some(Trouble::Tls));
        dir.write("ca.pem", first.pem() + &second.pem());
        eventually(&handle, "virt-handler", |it| it.said.is_some()).await;
        std::fs::remove_file(dir.path().join("ca.pem")).unwrap();
        eventually(&handle, "virt-handler", |it| it.trouble == Some(Trouble::Tls)).await;
    });
}

#[test]
fn a_ca_that_is_renewed_is_followed() {
    let (first, second) = (Authority::new(), Authority::new());
    let peer = serving(second.server("virt-handler"));
    let ca = std::sync::Arc::new(std::sync::Mutex::new(first.pem()));
    let known = ca.clone();
    on_event_loop(async {
        let handle = start(asking(&[("virt-handler", &peer)]), move || Found {
            ca: Some(known.lock().unwrap().clone()),
            ..Found::default()
        });
        eventually(&handle, "virt-handler", |it| it.trouble == Some(Trouble::Tls)).await;
        *ca.lock().unwrap() = second.pem();
        eventually(&handle, "virt-handler", |it| it.said.is_some() && it.trouble.is_none()).await;
    });
}

#[test]
fn cdis_certificate_alone_can_be_left_unverified() {
    let authority = Authority::new();
    let peer = serving(self_signed());
    let asked = |skip_verify, component| {
        ask(Settings { skip_verify, ..settings() }, component, &peer, Some(&authority)).trouble
    };
    assert_eq!(asked(SkipVerify::None, "cdi-operator"), Some(Trouble::Tls));
    assert_eq!(asked(SkipVerify::Cdi, "cdi-operator"), None);
    assert_eq!(asked(SkipVerify::Cdi, "virt-handler"), Some(Trouble::Tls));
    assert_eq!(asked(SkipVerify::All, "virt-handler"), None);
}

#[test]
fn http_and_https_are_not_confused() {
    let plain = FakeEndpoint::new(Behaviour::Text(TEXT.to_owned()));
    let authority = Authority::new();
    assert_eq!(trouble(&plain, Some(&authority)), Some(Trouble::Tls));
    let tls = serving(authority.server("virt-handler"));
    let fixed = vec![format!("virt-handler={}", tls.url().replace("https", "http")).parse().unwrap()];
    let endpoint = once(Settings { fixed, ..settings() }, Found::default()).remove(0);
    assert!(endpoint.trouble.is_some() && endpoint.said.is_none());
}

#[test]
fn a_token_is_read_anew_and_shown_to_who_wants_it_alone() {
    let authority = Authority::new();
    let wanting =
        |config| FakeEndpoint::with_tls(Behaviour::WantsToken("t0ken-2".into(), TEXT.into()), config);
    let (cdi, proxied) = (wanting(authority.server("cdi")), wanting(authority.server("virt-api")));
    let open = serving(authority.server("virt-handler"));
    let plain = FakeEndpoint::new(Behaviour::WantsToken("t0ken-2".into(), TEXT.into()));
    let dir = Workdir::new();
    dir.write("token", "t0ken-1\n");
    let mut old_cdi = pod("cdi-controller", "v1.62.0", &plain);
    old_cdi.name = "plain".into();
    let pods = vec![
        pod("cdi-operator", "v1.66.0", &cdi),
        pod("virt-api", "v1.9.0", &proxied),
        pod("virt-handler", "v1.9.0", &open),
        old_cdi,
    ];
    let found = Found { pods, ca: Some(authority.pem()), ..Found::default() };
    let settings = Settings { token_file: Some(dir.path().join("token")), ..settings() };
    let log = Log::default();
    let listening = log.listen();
    on_event_loop(async {
        let handle = start(settings, move || found.clone());
        for component in ["cdi-operator", "virt-api", "cdi-controller"] {
            let refused = eventually(&handle, component, |it| it.trouble.is_some()).await;
            assert_eq!(refused.trouble, Some(Trouble::Unauthorized), "{component}");
        }
        dir.write("token", "t0ken-2\n");
        for component in ["cdi-operator", "virt-api", "virt-handler"] {
            eventually(&handle, component, |it| it.said.is_some() && it.trouble.is_none()).await;
        }
        eventually(&handle, "cdi-controller", |it| it.trouble == Some(Trouble::Unauthorized)).await;
    });
    drop(listening);
    let shows = |peer: &FakeEndpoint, head: &str| {
        peer.requests().iter().any(|request| request.to_ascii_lowercase().contains(head))
    };
    assert!(shows(&cdi, "authorization: bearer t0ken-1\r\n"), "the former one was shown too");
    assert!(
        cdi.requests().iter().all(|request| request.to_ascii_lowercase().contains("authorization")),
        "at once"
    );
    assert!(
        !proxied.requests()[0].to_ascii_lowercase().contains("authorization"),
        "only once it was asked for"
    );
    assert!(!shows(&open, "authorization"), "who wants none");
    assert!(!shows(&plain, "authorization"), "without TLS");
    assert!(log.lines().iter().all(|line| !line.contains("t0ken")), "{:?}", log.lines());
}

#[test]
fn a_token_that_can_not_be_read_is_named_where_it_is_needed() {
    let authority = Authority::new();
    let peer = serving(authority.server("virt-handler"));
    for (component, expected) in [("cdi-operator", Some(Trouble::Unauthorized)), ("virt-handler", None)] {
        let settings = Settings { token_file: Some("/nowhere/token".into()), ..settings() };
        assert_eq!(ask(settings, component, &peer, Some(&authority)).trouble, expected, "{component}");
    }
}
