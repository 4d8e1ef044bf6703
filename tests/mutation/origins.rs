//! Right configurations, in the layouts that people write: Istio's task in one namespace, setup's
//! own output for each flow and hop, split by team, by protocol and by hop.

use crate::mesh::MESH;
use crate::plot::Plot;
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
