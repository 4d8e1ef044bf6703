//! Right configurations, in the layouts that people write: Istio's task in one namespace, setup's
//! own output for each flow and hop, split by team, by protocol and by hop.

use crate::mesh::MESH;
use crate::plot::Plot;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Value, json};

/// A configuration that works.
pub(crate) struct Origin {
    pub(crate) name: &'static str,
    /// The port that the client calls.
    pub(crate) port: u16,
    /// The host's port that the gateway calls.
    pub(crate) exit: u16,
    /// The answer that the client gets.
    pub(crate) answer: &'static str,
    pub(crate) objects: fn(&Plot) -> Vec<Value>,
}

pub(crate) const ORIGINS: &[Origin] = &[
    http("task-http", task_http),
    tls("task-tls", task_tls),
    http("setup-mutual-http", |p| setup(p, &[":80"])),
    tls("setup-mutual-tls", |p| setup(p, &[":443"])),
    http("setup-plain-http", |p| setup(p, &[":80", "--hop", "plain"])),
    tls("setup-plain-tls", |p| setup(p, &[":443", "--hop", "plain"])),
    Origin {
        name: "setup-originate",
        port: 80,
        exit: 443,
        answer: "200",
        objects: |p| setup(p, &[":80", "--originate-tls"]),
    },
    http("by-team", by_team),
    http("by-protocol-http", by_protocol),
    tls("by-protocol-tls", by_protocol),
    tls("by-hop-mutual", by_hop_mutual),
    Origin {
        name: "setup-client-certificate",
        port: 80,
        exit: 443,
        answer: "200",
        objects: client_certificate,
    },
    tcp("setup-mutual-tcp", 5432, |p| setup(p, &[":5432=tcp"])),
    tcp("task-tcp", 3306, task_tcp),
];

const fn http(name: &'static str, objects: fn(&Plot) -> Vec<Value>) -> Origin {
    Origin {
        name,
        port: 80,
        exit: 80,
        answer: "301",
        objects,
    }
}

const fn tls(name: &'static str, objects: fn(&Plot) -> Vec<Value>) -> Origin {
    Origin {
        name,
        port: 443,
        exit: 443,
        answer: "200",
        objects,
    }
}

/// A port that speaks first, as a database does. No two of these have the same: without a name in
/// them, connections of other plots to the same port would be theirs.
const fn tcp(name: &'static str, port: u16, objects: fn(&Plot) -> Vec<Value>) -> Origin {
    Origin {
        name,
        port,
        exit: port,
        answer: "*.example.com ready",
        objects,
    }
}

/// What setup writes for the host with these arguments; the first is the host's port.
fn setup(plot: &Plot, how: &[&str]) -> Vec<Value> {
    let host = format!("{}{}", plot.host, how[0]);
    let gateway = format!("{}/egress", plot.egress);
    let fixed = [
        "setup",
        &host,
        "--from",
        &plot.team,
        "--gateway",
        &gateway,
        "--dry-run=client",
        "-o",
        "yaml",
        "--no-probe",
    ];
    let run = MESH.egress(&[&fixed[..], &how[1..]].concat());
    let text = String::from_utf8_lossy(&run.stdout);
    assert!(
        run.status.success(),
        "setup {how:?}: {}",
        String::from_utf8_lossy(&run.stderr)
    );
    text.split("\n---\n")
        .map(|document| serde_saphyr::from_str(document).expect("YAML"))
        .collect()
}

fn object(kind: &str, namespace: &str, name: &str, spec: Value) -> Value {
    json!({
        "apiVersion": "networking.istio.io/v1", "kind": kind,
        "metadata": {"name": name, "namespace": namespace}, "spec": spec,
    })
}

fn entry(plot: &Plot, namespace: &str, ports: &[u16]) -> Value {
    let port = |n: &u16| match n {
        80 => json!({"number": 80, "name": "http-port", "protocol": "HTTP"}),
        3306 => json!({"number": 3306, "name": "tcp", "protocol": "TCP"}),
        _ => json!({"number": 443, "name": "tls", "protocol": "TLS"}),
    };
    let ports: Vec<Value> = ports.iter().map(port).collect();
    object(
        "ServiceEntry",
        namespace,
        "partner",
        json!({"hosts": [plot.host], "ports": ports, "resolution": "DNS"}),
    )
}

fn gateway(plot: &Plot, namespace: &str, servers: &[Value]) -> Value {
    object(
        "Gateway",
        namespace,
        "partner",
        json!({"selector": {"egress": plot.team}, "servers": servers}),
    )
}

fn plain_server(plot: &Plot) -> Value {
    json!({"port": {"number": 80, "name": "http", "protocol": "HTTP"}, "hosts": [plot.host]})
}

fn passing_server(plot: &Plot) -> Value {
    json!({"port": {"number": 443, "name": "tls", "protocol": "TLS"}, "hosts": [plot.host], "tls": {"mode": "PASSTHROUGH"}})
}

fn subset(plot: &Plot, policy: Option<Value>) -> Value {
    let mut subset = json!({"name": "partner"});
    if let Some(policy) = policy {
        subset["trafficPolicy"] = policy;
    }
    object(
        "DestinationRule",
        &plot.team,
        "partner",
        json!({"host": plot.service(), "subsets": [subset]}),
    )
}

fn to_gateway(plot: &Plot, port: u16) -> Value {
    json!([{"destination": {"host": plot.service(), "subset": "partner", "port": {"number": port}}, "weight": 100}])
}

fn to_host(plot: &Plot, port: u16) -> Value {
    json!([{"destination": {"host": plot.host, "port": {"number": port}}, "weight": 100}])
}

fn http_routes(plot: &Plot) -> Value {
    json!([
        {"match": [{"gateways": ["mesh"], "port": 80}], "route": to_gateway(plot, 80)},
        {"match": [{"gateways": ["partner"], "port": 80}], "route": to_host(plot, 80)},
    ])
}

fn tls_routes(plot: &Plot) -> Value {
    json!([
        {"match": [{"gateways": ["mesh"], "port": 443, "sniHosts": [plot.host]}], "route": to_gateway(plot, 443)},
        {"match": [{"gateways": ["partner"], "port": 443, "sniHosts": [plot.host]}], "route": to_host(plot, 443)},
    ])
}

/// Istio's own task for HTTP, all of it beside the client.
fn task_http(plot: &Plot) -> Vec<Value> {
    let spec =
        json!({"hosts": [plot.host], "gateways": ["partner", "mesh"], "http": http_routes(plot)});
    vec![
        entry(plot, &plot.team, &[80, 443]),
        gateway(plot, &plot.team, &[plain_server(plot)]),
        subset(plot, None),
        object("VirtualService", &plot.team, "partner", spec),
    ]
}

/// The same for TLS that the application starts.
fn task_tls(plot: &Plot) -> Vec<Value> {
    let spec =
        json!({"hosts": [plot.host], "gateways": ["mesh", "partner"], "tls": tls_routes(plot)});
    vec![
        entry(plot, &plot.team, &[443]),
        gateway(plot, &plot.team, &[passing_server(plot)]),
        subset(plot, None),
        object("VirtualService", &plot.team, "partner", spec),
    ]
}

/// The host and the gateway's half belong to the platform's team.
fn by_team(plot: &Plot) -> Vec<Value> {
    let mesh = json!({
        "hosts": [plot.host],
        "http": [{"match": [{"port": 80}], "route": to_gateway(plot, 80)}],
    });
    let exit = json!({
        "hosts": [plot.host], "gateways": ["partner"],
        "http": [{"match": [{"port": 80}], "route": to_host(plot, 80)}],
    });
    vec![
        entry(plot, &plot.egress, &[80]),
        gateway(plot, &plot.egress, &[plain_server(plot)]),
        object("VirtualService", &plot.egress, "partner-exit", exit),
        subset(plot, None),
        object("VirtualService", &plot.team, "partner", mesh),
    ]
}

/// A VirtualService for HTTP, another one for TLS.
fn by_protocol(plot: &Plot) -> Vec<Value> {
    let http =
        json!({"hosts": [plot.host], "gateways": ["mesh", "partner"], "http": http_routes(plot)});
    let tls =
        json!({"hosts": [plot.host], "gateways": ["mesh", "partner"], "tls": tls_routes(plot)});
    vec![
        entry(plot, &plot.team, &[80, 443]),
        gateway(
            plot,
            &plot.team,
            &[plain_server(plot), passing_server(plot)],
        ),
        subset(plot, None),
        object("VirtualService", &plot.team, "partner-http", http),
        object("VirtualService", &plot.team, "partner-tls", tls),
    ]
}

/// A VirtualService for each hop, and mutual TLS between them.
fn by_hop_mutual(plot: &Plot) -> Vec<Value> {
    let server = json!({"port": {"number": 443, "name": "tls", "protocol": "TLS"}, "hosts": [plot.host], "tls": {"mode": "ISTIO_MUTUAL"}});
    let policy = json!({"portLevelSettings": [{"port": {"number": 443}, "tls": {"mode": "ISTIO_MUTUAL", "sni": plot.host}}]});
    let mesh = json!({
        "hosts": [plot.host], "gateways": ["mesh"],
        "tls": [{"match": [{"port": 443, "sniHosts": [plot.host]}], "route": to_gateway(plot, 443)}],
    });
    let exit = json!({
        "hosts": [plot.host], "gateways": ["partner"],
        "tcp": [{"match": [{"port": 443}], "route": to_host(plot, 443)}],
    });
    vec![
        entry(plot, &plot.team, &[443]),
        gateway(plot, &plot.team, &[server]),
        subset(plot, Some(policy)),
        object("VirtualService", &plot.team, "partner-mesh", mesh),
        object("VirtualService", &plot.team, "partner-exit", exit),
    ]
}

/// The gateway starts mutual TLS with a certificate of its own, which it may read.
fn client_certificate(plot: &Plot) -> Vec<Value> {
    let key = rcgen::generate_simple_self_signed(["client".to_owned()]).expect("a certificate");
    let root = std::fs::read_to_string(MESH.outside.with_file_name("ca.crt"))
        .expect("the world's authority");
    let named = |name: &str| json!({"name": name, "namespace": plot.egress});
    let secret = json!({
        "apiVersion": "v1", "kind": "Secret", "metadata": named("partner"),
        "data": {
            "tls.crt": BASE64.encode(key.cert.pem()),
            "tls.key": BASE64.encode(key.signing_key.serialize_pem()),
            "ca.crt": BASE64.encode(root),
        },
    });
    let role = json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": named("reads"),
        "rules": [{"apiGroups": [""], "resources": ["secrets"], "verbs": ["get", "watch", "list"]}],
    });
    let binding = json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": named("reads"),
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "reads"},
        "subjects": [{"kind": "ServiceAccount", "name": "egress", "namespace": plot.egress}],
    });
    let mut objects = vec![secret, role, binding];
    // setup looks at the Secret before it writes.
    for object in &objects {
        MESH.apply(&object.to_string());
    }
    objects.extend(setup(
        plot,
        &[":80", "--originate-tls", "--client-cert", "partner"],
    ));
    objects
}

/// Bytes without a name, on a port of the gateway for themselves.
fn task_tcp(plot: &Plot) -> Vec<Value> {
    let server =
        json!({"port": {"number": 443, "name": "tcp", "protocol": "TCP"}, "hosts": [plot.host]});
    let spec = json!({
        "hosts": [plot.host], "gateways": ["mesh", "partner"],
        "tcp": [
            {"match": [{"gateways": ["mesh"], "port": 3306}], "route": to_gateway(plot, 443)},
            {"match": [{"gateways": ["partner"], "port": 443}], "route": to_host(plot, 3306)},
        ],
    });
    vec![
        entry(plot, &plot.team, &[3306]),
        gateway(plot, &plot.team, &[server]),
        subset(plot, None),
        object("VirtualService", &plot.team, "partner", spec),
    ]
}
