//! One change of a right configuration, judged from objects alone: whether doctor sees it, and whom
//! it names first. `tests/mutation` does the same with requests; this is its quick half.

use super::run::egress;
use serde_json::{Value, json};
use std::path::Path;

/// A right configuration, in `tests/fixtures/variants`.
#[derive(Clone, Copy)]
enum Origin {
    /// By SNI through a PASSTHROUGH server, 443.
    Sni,
    /// Plain HTTP on port 80, TLS started at the gateway, the hop by mutual TLS.
    Originated,
    /// Bytes by the host's address, 5432.
    Tcp,
}

/// What is done to one object.
struct Variant {
    origin: Origin,
    /// `Kind/name`.
    object: &'static str,
    /// A JSON pointer; what it points to need not be there.
    at: &'static str,
    /// What stands there then; null for nothing.
    value: Value,
    /// The code of the first finding, which names the object first; none where all is right.
    code: Option<&'static str>,
}

type Change = (&'static str, &'static str, Value, &'static str);

const ROUTE: &str = "VirtualService/ext";
const HOP: &str = "DestinationRule/egress";
const RULE: &str = "DestinationRule/orig";
const SERVER: &str = "Gateway/egress";
const ENTRY: &str = "ServiceEntry/ext";

fn wrong() -> Vec<Variant> {
    let hop = |tls: &str| json!({"tls": {"mode": tls}});
    let by_sni: Vec<Change> = vec![
        (ROUTE, "/spec/gateways", json!(["egress"]), "EG230"),
        (ROUTE, "/spec/hosts/0", json!("api.partner.con"), "EG230"),
        (ROUTE, "/spec/exportTo", json!(["."]), "EG240"),
        (
            ROUTE,
            "/metadata/labels/istio.io~1rev",
            json!("canary"),
            "EG230",
        ),
        (ROUTE, "/spec/tls/0/match/0/port", json!(8443), "EG224"),
        (ROUTE, "/spec/tls", json!([]), "EG230"),
        (ROUTE, "/spec/tls/1/match/0/port", json!(8443), "EG246"),
        (
            ROUTE,
            "/spec/tls/0/match/0/sourceNamespace",
            json!("nobody"),
            "EG224",
        ),
        (
            ROUTE,
            "/spec/tls/0/route/0/destination/port/number",
            json!(8443),
            "EG202",
        ),
        (
            ROUTE,
            "/spec/tls/1/route/0/destination/port/number",
            json!(8443),
            "EG202",
        ),
        (HOP, "/spec/trafficPolicy", hop("SIMPLE"), "EG250"),
        (HOP, "/spec/trafficPolicy", hop("ISTIO_MUTUAL"), "EG247"),
        (
            HOP,
            "/spec/trafficPolicy/loadBalancer/simple",
            json!("PASSTHROUGH"),
            "EG233",
        ),
        (
            SERVER,
            "/spec/servers/1/hosts/0",
            json!("other/api.partner.com"),
            "EG247",
        ),
        (
            SERVER,
            "/spec/servers/1/tls/mode",
            json!("AUTO_PASSTHROUGH"),
            "EG246",
        ),
        (SERVER, "/spec/selector/istio", json!("egress"), "EG242"),
        (ENTRY, "/spec/exportTo", json!(["."]), "EG202"),
        (ENTRY, "/spec/ports/1/protocol", json!("TCP"), "EG223"),
        (ENTRY, "/spec/resolution", json!("STATIC"), "EG265"),
        (ENTRY, "/spec/resolution", json!("NONE"), "EG265"),
    ];
    let tls = "/spec/trafficPolicy/portLevelSettings/0/tls/mode";
    let port = "/spec/trafficPolicy/portLevelSettings/0/port/number";
    let hop_mode = "/spec/subsets/0/trafficPolicy/portLevelSettings/0/tls/mode";
    let hop_sni = "/spec/subsets/0/trafficPolicy/portLevelSettings/0/tls/sni";
    let hop_names = "/spec/subsets/0/trafficPolicy/portLevelSettings/0/tls/subjectAltNames";
    let others = json!(["spiffe://cluster.local/ns/other/sa/other"]);
    let originated: Vec<Change> = vec![
        (RULE, "/spec/exportTo", json!(["."]), "EG261"),
        (RULE, "/spec/host", json!("api.partner.con"), "EG261"),
        (RULE, "/metadata/namespace", json!("other"), "EG261"),
        (
            RULE,
            "/spec/workloadSelector/matchLabels/app",
            json!("app"),
            "EG261",
        ),
        (RULE, port, json!(80), "EG261"),
        (RULE, tls, json!("ISTIO_MUTUAL"), "EG262"),
        (HOP, hop_mode, json!("SIMPLE"), "EG250"),
        (HOP, hop_mode, json!("DISABLE"), "EG250"),
        (HOP, hop_sni, Value::Null, "EG247"),
        (HOP, hop_names, others, "EG232"),
        (
            ROUTE,
            "/spec/http/0/rewrite/authority",
            json!("moved.example.org"),
            "EG246",
        ),
    ];
    variants(Origin::Sni, by_sni)
        .chain(variants(Origin::Originated, originated))
        .chain(variants(Origin::Tcp, wrong_by_address()))
        .collect()
}

fn wrong_by_address() -> Vec<Change> {
    let subnet = "/spec/tcp/0/match/0/destinationSubnets/0";
    vec![
        (ENTRY, "/spec/ports/0/protocol", json!("TLS"), "EG223"),
        (ENTRY, "/spec/ports/0/protocol", json!("HTTP"), "EG223"),
        (ENTRY, "/spec/resolution", json!("NONE"), "EG265"),
        (ROUTE, subnet, json!("198.51.100.0/24"), "EG224"),
        (ROUTE, "/spec/tcp/0/match/0/port", json!(5433), "EG224"),
        (ROUTE, "/spec/tcp/0", json!({"route": []}), "EG230"),
        (ROUTE, "/spec/tcp/1/match/0/port", json!(5432), "EG246"),
        (
            SERVER,
            "/spec/servers/0/hosts/0",
            json!("other.example.org"),
            "EG247",
        ),
    ]
}

/// Changes that break nothing.
fn right() -> Vec<Variant> {
    let by_sni: Vec<Change> = vec![
        (ENTRY, "/spec/location", json!("MESH_EXTERNAL"), ""),
        (ENTRY, "/spec/exportTo", Value::Null, ""),
        (ENTRY, "/spec/ports/1/targetPort", json!(8443), ""),
        (
            SERVER,
            "/spec/servers/1/hosts/0",
            json!("./api.partner.com"),
            "",
        ),
        (SERVER, "/spec/servers/1/hosts/0", json!("*"), ""),
        (
            ROUTE,
            "/spec/tls/0/match/0/sourceLabels/app",
            json!("billing"),
            "",
        ),
    ];
    let originated: Vec<Change> = vec![
        (RULE, "/metadata/namespace", json!("istio-system"), ""),
        (ROUTE, "/spec/hosts/0", json!("*.partner.com"), ""),
    ];
    let tcp: Vec<Change> = vec![
        (ENTRY, "/spec/addresses", Value::Null, ""),
        (ENTRY, "/spec/resolution", json!("DNS"), ""),
    ];
    variants(Origin::Sni, by_sni)
        .chain(variants(Origin::Originated, originated))
        .chain(variants(Origin::Tcp, tcp))
        .collect()
}

fn variants(origin: Origin, changes: Vec<Change>) -> impl Iterator<Item = Variant> {
    let variant = move |(object, at, value, code): Change| Variant {
        origin,
        object,
        at,
        value,
        code: Some(code).filter(|code| !code.is_empty()),
    };
    changes.into_iter().map(variant)
}

#[test]
fn the_origins_are_healthy() {
    for origin in [Origin::Sni, Origin::Originated, Origin::Tcp] {
        let report = judge(origin, &objects(origin));
        assert_eq!(report["paths"][0]["verdict"], "healthy", "{report:#}");
    }
}

#[test]
fn a_change_that_breaks_the_path_is_named_first() {
    for variant in wrong() {
        let report = judge(variant.origin, &changed(&variant));
        let first = &report["findings"][0];
        let object = &first["objects"][0];
        let named = format!(
            "{}/{}",
            object["kind"].as_str().unwrap_or_default(),
            object["name"].as_str().unwrap_or_default()
        );
        let what = format!("{} {} = {}", variant.object, variant.at, variant.value);
        assert_eq!(first["code"].as_str(), variant.code, "{what}: {first:#}");
        assert_eq!(named, variant.object, "{what}: {first:#}");
        assert_eq!(report["paths"][0]["verdict"], "broken", "{what}");
    }
}

#[test]
fn a_change_that_breaks_nothing_is_healthy() {
    for variant in right() {
        let report = judge(variant.origin, &changed(&variant));
        let what = format!("{} {} = {}", variant.object, variant.at, variant.value);
        assert_eq!(
            report["paths"][0]["verdict"], "healthy",
            "{what}: {report:#}"
        );
    }
}

/// The mesh and the origin's objects.
fn objects(origin: Origin) -> Vec<Value> {
    let name = match origin {
        Origin::Sni => "sni",
        Origin::Originated => "originated",
        Origin::Tcp => "tcp",
    };
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/variants");
    let files = ["mesh", name].map(|name| folder.join(format!("{name}.yaml")));
    let texts = files.map(|file| std::fs::read_to_string(file).expect("a fixture"));
    let documents = texts.iter().flat_map(|text| text.split("\n---\n"));
    documents
        .map(|document| serde_saphyr::from_str(document).expect("YAML"))
        .collect()
}

fn changed(variant: &Variant) -> Vec<Value> {
    let mut objects = objects(variant.origin);
    let (kind, name) = variant.object.split_once('/').expect("KIND/NAME");
    let object = objects
        .iter_mut()
        .find(|o| o["kind"] == kind && o["metadata"]["name"] == name)
        .expect("the object");
    let mut at = object;
    for step in variant.at.split('/').skip(1) {
        at = match step.parse::<usize>() {
            Ok(index) => &mut at[index],
            Err(_) => &mut at[step.replace("~1", "/")],
        };
    }
    *at = variant.value.clone();
    objects
}

fn judge(origin: Origin, objects: &[Value]) -> Value {
    let (host, port) = match origin {
        Origin::Sni => ("api.partner.com", "443"),
        Origin::Originated => ("api.partner.com", "80"),
        Origin::Tcp => ("db.partner.com", "5432"),
    };
    let documents: Vec<String> = objects.iter().map(Value::to_string).collect();
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("objects.yaml");
    std::fs::write(&file, documents.join("\n---\n")).expect("written");
    let run = egress(&[
        "doctor",
        "--offline",
        "-f",
        &file.to_string_lossy(),
        "--host",
        host,
        "--port",
        port,
        "--from",
        "team/deploy/app",
        "-o",
        "json",
    ]);
    serde_json::from_str(&run.stdout).unwrap_or_else(|_| panic!("{}{}", run.stdout, run.stderr))
}
