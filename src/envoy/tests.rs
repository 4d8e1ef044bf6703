//! What a sidecar and a gateway of a live mesh were given, and what they did with connections.

use super::*;
use crate::model::end::StartedMode;
use crate::model::trace::Step;
use serde_json::Value;

const SIDECAR: &str = include_str!("../../tests/fixtures/envoy/sidecar.json");
const GATEWAY: &str = include_str!("../../tests/fixtures/envoy/gateway.json");

const ALL: [Part; 5] = [
    Part::Stats,
    Part::Statuses,
    Part::Whole,
    Part::Listeners,
    Part::Secrets,
];

/// A fixture is the answers to all questions, by the question's name.
pub(crate) fn load(text: &str) -> Proxy {
    let answers: Value = serde_json::from_str(text).unwrap();
    let mut parts = Parts::default();
    for part in [Part::Stats, Part::Statuses]
        .into_iter()
        .chain(Part::PIECES)
    {
        let answer = answers.get(format!("{part:?}")).unwrap();
        parts.take(part, answer.to_string().as_bytes()).unwrap();
    }
    parts.proxy()
}

#[test]
fn the_whole_dump_and_its_pieces_say_the_same() {
    for fixture in [SIDECAR, GATEWAY] {
        let answers: Value = serde_json::from_str(fixture).unwrap();
        let piece = |name: &str| answers[name]["configs"].clone();
        let whole = serde_json::json!({"configs": [
            answers["Node"]["configs"][0],
            {"dynamic_active_clusters": piece("Clusters"), "dynamic_warming_clusters": match piece("WarmingClusters") {
                Value::Null => serde_json::json!([]),
                clusters => clusters,
            }},
            {"dynamic_endpoint_configs": piece("Endpoints")},
            {"dynamic_listeners": piece("Listeners")},
            {"dynamic_route_configs": piece("Routes")},
            {"dynamic_active_secrets": piece("Secrets"), "dynamic_warming_secrets": match piece("WarmingSecrets") {
                Value::Null => serde_json::json!([]),
                secrets => secrets,
            }},
        ]});
        let mut parts = Parts::default();
        parts
            .take(Part::Stats, answers["Stats"].to_string().as_bytes())
            .unwrap();
        parts
            .take(Part::Statuses, answers["Statuses"].to_string().as_bytes())
            .unwrap();
        parts
            .take(Part::Whole, whole.to_string().as_bytes())
            .unwrap();
        assert_eq!(parts.proxy(), load(fixture));
    }
}

fn at(fixture: &str, role: Role, address: &str, port: u16, bytes: Bytes) -> Step {
    evaluate(
        &load(fixture),
        &Connection {
            address: address.parse().ok(),
            port,
            bytes,
            role,
        },
    )
}

fn line(step: &Step) -> String {
    let value = |d: &Option<crate::model::trace::Decision<String>>| {
        d.as_ref().map_or("-".into(), |d| d.value.clone())
    };
    let cluster = step
        .cluster
        .as_ref()
        .map_or("-".into(), |d| d.value.to_string());
    let tls = step.tls.as_ref().map_or("-".into(), |d| {
        format!("{} {:?}", d.value.mode, d.value.sni)
    });
    let endpoints = step.endpoints.as_ref().map_or(0, |d| d.value.len());
    let ends = step
        .ends
        .as_ref()
        .map_or(String::new(), |d| format!(" ends {}", d.value));
    let (listener, chain, route) = (
        value(&step.listener),
        value(&step.chain),
        value(&step.route),
    );
    format!("{listener} · {chain} · {route} · {cluster} · {endpoints} · {tls}{ends}")
}

#[test]
fn the_proxy_says_who_it_is_and_what_it_refused() {
    let sidecar = load(SIDECAR);
    assert_eq!(
        (
            sidecar.node.istio_version.as_str(),
            sidecar.node.envoy_version.as_str()
        ),
        ("1.31.0", "1.40.0")
    );
    assert_eq!(
        (
            sidecar.node.service_account.as_str(),
            sidecar.state.as_str()
        ),
        ("caller", "LIVE")
    );
    assert_eq!(sidecar.rejections.get("listeners"), Some(&1));
    assert_eq!(sidecar.rejected.len(), 1, "{:?}", sidecar.rejected);
    assert_eq!(sidecar.rejected[0].resource, "listener 0.0.0.0_15014");
    assert!(sidecar.rejected[0].reason.contains("nobody.knows"));
    assert!(sidecar.identity().unwrap().delivered() && sidecar.roots().unwrap().delivered());
}

#[test]
fn a_sidecar_sends_wired_hosts_to_the_gateway() {
    let to = |port, bytes| line(&at(SIDECAR, Role::Sidecar, "203.0.113.10", port, bytes));
    assert_eq!(
        to(80, Bytes::http("edition.cnn.com", 80)),
        "0.0.0.0_80 · http · edition.cnn.com:80 · \
         outbound|80|cnn|egress.proxy-lab.svc.cluster.local · 2 · none None"
    );
    assert_eq!(
        to(443, Bytes::tls(Some("Edition.CNN.com"))),
        "0.0.0.0_443 · sni edition.cnn.com · - · \
         outbound|443|cnn|egress.proxy-lab.svc.cluster.local · 2 · none None"
    );
    assert_eq!(
        to(443, Bytes::tls(Some("api.example.com"))),
        "0.0.0.0_443 · sni api.example.com · - · \
         outbound|444|mtls|egress.proxy-lab.svc.cluster.local · 2 · ISTIO_MUTUAL \
         Some(\"api.example.com\")"
    );
}

#[test]
fn a_sidecar_lets_everything_else_through() {
    let to = |port, bytes| line(&at(SIDECAR, Role::Sidecar, "203.0.113.10", port, bytes));
    let passes = "PassthroughCluster · 1 · -";
    assert_eq!(
        to(80, Bytes::http("other.com", 80)),
        format!("0.0.0.0_80 · http · allow_any · {passes}")
    );
    assert_eq!(
        to(80, Bytes::Tcp),
        format!("0.0.0.0_80 · any · - · {passes}")
    );
    assert_eq!(
        to(443, Bytes::tls(None)),
        format!("0.0.0.0_443 · any · - · {passes}")
    );
    assert_eq!(
        to(8080, Bytes::http("edition.cnn.com", 8080)),
        format!("virtualOutbound · any · - · {passes}")
    );
    assert_eq!(
        to(15001, Bytes::Tcp),
        "virtualOutbound · any · - · BlackHoleCluster · 0 · - ends UH: black hole, unknown \
         destinations are dropped"
    );
}

#[test]
fn an_exact_address_comes_before_the_wildcard() {
    let step = at(SIDECAR, Role::Sidecar, "203.0.113.13", 5432, Bytes::Tcp);
    assert_eq!(
        line(&step),
        "203.0.113.13_5432 · any · - · outbound|5432||db.example.com · 1 · none None"
    );
}

#[test]
fn a_gateway_sends_to_the_host() {
    let to = |port, bytes| line(&at(GATEWAY, Role::Gateway, "10.244.0.6", port, bytes));
    assert_eq!(
        to(8080, Bytes::http("edition.cnn.com", 80)),
        "0.0.0.0_8080 · http · edition.cnn.com:80 · outbound|80||edition.cnn.com · 1 · none None"
    );
    assert_eq!(
        to(8443, Bytes::tls(Some("edition.cnn.com"))),
        "0.0.0.0_8443 · sni edition.cnn.com · - · outbound|443||edition.cnn.com · 1 · none None"
    );
    let outer = Bytes::tls(Some("api.example.com"));
    assert_eq!(
        to(8444, outer),
        "0.0.0.0_8444 · sni api.example.com · - · - · 0 · - ends the server demands a client \
         certificate of the mesh, and the TLS that arrives has none"
    );
    assert_eq!(
        load(GATEWAY)
            .listeners
            .iter()
            .filter_map(|l| l.chains[0].tls.as_ref())
            .count(),
        1
    );
}

#[test]
fn a_sidecars_step_leads_on_to_the_gateways() {
    for (host, port, bytes, cluster) in [
        (
            "edition.cnn.com",
            80,
            Bytes::http("edition.cnn.com", 80),
            "outbound|80||edition.cnn.com",
        ),
        (
            "edition.cnn.com",
            443,
            Bytes::tls(Some("edition.cnn.com")),
            "outbound|443||edition.cnn.com",
        ),
        (
            "api.example.com",
            443,
            Bytes::tls(Some("api.example.com")),
            "outbound|443||api.example.com",
        ),
    ] {
        let next = onward(
            &at(SIDECAR, Role::Sidecar, "203.0.113.10", port, bytes.clone()),
            &bytes,
        );
        assert_eq!(next.len(), 2, "{host}");
        let step = evaluate(&load(GATEWAY), &next[0]);
        assert_eq!(
            step.cluster.unwrap().value.to_string(),
            cluster,
            "{host}:{port}"
        );
    }
}

#[test]
fn a_gateway_ends_what_it_does_not_know() {
    let ends = |port, bytes| {
        at(GATEWAY, Role::Gateway, "10.244.0.6", port, bytes)
            .ends
            .unwrap()
            .value
            .to_string()
    };
    assert!(
        ends(8443, Bytes::tls(Some("nobody.invalid")))
            .starts_with("NR: no filter chain for SNI nobody.invalid")
    );
    assert!(
        ends(8443, Bytes::http("edition.cnn.com", 443))
            .starts_with("NR: no filter chain for plain HTTP")
    );
    assert!(
        ends(8080, Bytes::http("nobody.invalid", 80))
            .starts_with("404 NR: no virtual host for nobody.invalid")
    );
    assert!(ends(8080, Bytes::tls(Some("edition.cnn.com"))).starts_with("400 DPE: TLS"));
    assert!(ends(9999, Bytes::Tcp).contains("nothing listens on port 9999"));
    assert!(ends(8444, Bytes::Tcp).starts_with("NR"));
}

#[test]
fn decisions_name_the_object_that_istiod_took_them_from() {
    let step = at(
        SIDECAR,
        Role::Sidecar,
        "203.0.113.10",
        80,
        Bytes::http("edition.cnn.com", 80),
    );
    assert_eq!(
        step.route.unwrap().because[0].to_string(),
        "VirtualService proxy-lab/cnn"
    );
    assert_eq!(
        step.tls.unwrap().because[0].to_string(),
        "DestinationRule proxy-lab/egress"
    );
}

#[test]
fn a_cluster_without_its_secret_waits() {
    let gateway = load(GATEWAY);
    let waiting = gateway.cluster("outbound|443||www.wikipedia.org").unwrap();
    assert!(waiting.warming && waiting.tls.as_ref().unwrap().mode() == StartedMode::Mutual);
    assert!(
        !gateway
            .secret("kubernetes://no-such-secret")
            .unwrap()
            .delivered()
    );
    let plain = gateway.cluster("outbound|80||www.wikipedia.org").unwrap();
    assert!(
        plain.sni_from_host
            && plain.names_from_host
            && plain.tls.as_ref().unwrap().mode() == StartedMode::Simple
    );
    let roots = gateway.secret("file-root:system").unwrap();
    assert!(roots.delivered() && roots.roots == 2 && roots.trusted.is_empty());
}

#[test]
fn a_bundle_keeps_all_of_it_and_no_key() {
    for fixture in [SIDECAR, GATEWAY] {
        let proxy = load(fixture);
        let text = serde_json::to_string(&proxy).unwrap();
        assert_eq!(serde_json::from_str::<Proxy>(&text).unwrap(), proxy);
        assert!(
            !text.contains("rivate")
                && !text.contains("W3JlZGFjdGVkXQ")
                && !text.contains("PRIVATE")
        );
    }
}

#[test]
fn counters_are_read_per_address() {
    let answers: Value = serde_json::from_str(GATEWAY).unwrap();
    let tally = Tally::parse(answers["Statuses"].to_string().as_bytes()).unwrap();
    assert!(tally.clusters["outbound|443||edition.cnn.com"].contains_key("203.0.113.10:443"));
}

proptest::proptest! {
    #[test]
    fn garbage_is_an_error_and_never_a_panic(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..200)) {
        for part in ALL {
            let _ = Parts::default().take(part, &bytes);
        }
        let _ = Tally::parse(&bytes);
    }

    #[test]
    fn a_mangled_dump_is_evaluated_without_a_panic(at in 0usize..40_000, with in "[\"{}\\[\\],:0-9a-z|.*]{1,3}", port in 0u16.., sni in ".{0,12}") {
        let mut text = SIDECAR.to_owned();
        let at = text.char_indices().map(|(i, _)| i).nth(at % text.len().max(1)).unwrap_or(0);
        text.insert_str(at, &with);
        if let Ok(answers) = serde_json::from_str::<Value>(&text) {
            let mut parts = Parts::default();
            for part in Part::PIECES {
                let _ = parts.take(part, answers.get(format!("{part:?}")).unwrap_or(&Value::Null).to_string().as_bytes());
            }
            let proxy = parts.proxy();
            for role in [Role::Sidecar, Role::Gateway] {
                for bytes in [Bytes::tls(Some(&sni)), Bytes::http(&sni, port), Bytes::Tcp] {
                    let _ = evaluate(&proxy, &Connection { address: None, port, bytes, role });
                }
            }
        }
    }
}
