//! From the pieces of all ports of a host to its objects. The order of the list is the order in
//! which they are safe to write: nothing sends to the gateway before the last ones, the clients'
//! `VirtualService`s.

use super::hosting::{ClientNamespace, Hosting, RulePlace};
use super::{Hop, Pieces, Route, RoutedPort, allow};
use crate::kubernetes::Kind;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// What an object is for, which decides when it is written and when it is removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// The gateway itself: its namespace, pods and Service, and its access log.
    Gateway,
    /// The `ServiceEntry` by which clients and gateway know the host.
    Entry,
    /// The `ServiceEntry` of the server that answers for a wildcard.
    Server,
    /// TLS that the gateway starts with the host.
    Exit,
    /// Who may call.
    Allow,
    /// The Service with a port of the gateway for one port of the host.
    Companion,
    /// The `Gateway`: the ports that the gateway opens for the host.
    Listener,
    /// The gateway's own `VirtualService`.
    Route,
    /// The clients' `DestinationRule`.
    Rule,
    /// A client's own `VirtualService`.
    Switch,
    /// The NetworkPolicy of a lockdown.
    Policy,
}

/// An object, and what it is for.
#[derive(Clone, Debug, PartialEq)]
pub struct Piece {
    /// What it is for.
    pub part: Part,
    /// The object.
    pub body: Value,
}

/// All objects of a host, in a safe order of writing.
pub fn objects(at: &Hosting<'_>, ports: &[RoutedPort]) -> Vec<Piece> {
    let pieces: Vec<Pieces> = ports
        .iter()
        .map(|routed| routed.flow.pieces(routed, at))
        .collect();
    let mut all = Vec::new();
    let mut add = |part: Part, body: Value| all.push(Piece { part, body });
    add(Part::Entry, service_entry(at, &pieces));
    if at.server != at.host {
        add(Part::Server, server_entry(at, &pieces));
    }
    if let Some(body) = outside(at, &pieces) {
        add(Part::Exit, body);
    }
    if let Some(spec) = allow::spec(at, ports) {
        let name = at.names().allow();
        add(
            Part::Allow,
            at.beside_gateway(Kind::AuthorizationPolicy, &name, &spec),
        );
    }
    for routed in ports.iter().filter(|routed| routed.needs_companion()) {
        add(Part::Companion, companion(at, routed));
    }
    add(Part::Listener, gateway(at, &pieces));
    for body in at_gateway(at, ports, &pieces) {
        add(Part::Route, body);
    }
    for body in destination_rules(at, ports) {
        add(Part::Rule, body);
    }
    for client in at.clients {
        add(Part::Switch, for_client(at, client, &pieces));
    }
    all
}

fn service_entry(at: &Hosting<'_>, pieces: &[Pieces]) -> Value {
    let clients = at.clients.iter().map(|c| c.namespace.as_str());
    let seen_by: BTreeSet<&str> = clients.chain([at.gateway.namespace.as_str()]).collect();
    let ports: Vec<&Value> = pieces.iter().flat_map(|p| &p.entry_ports).collect();
    let mut spec = fields([("hosts", json!([at.host.text()]))]);
    if !at.addresses.is_empty() {
        spec.insert("addresses".into(), json!(at.addresses));
    }
    spec.extend(fields([
        ("ports", json!(ports)),
        ("location", json!("MESH_EXTERNAL")),
        // No resolver answers for a wildcard: the sidecar keeps the address that the application
        // found.
        (
            "resolution",
            json!(if at.server == at.host { "DNS" } else { "NONE" }),
        ),
        ("exportTo", json!(seen_by)),
    ]));
    at.beside_gateway(Kind::ServiceEntry, &at.names().object(), &spec)
}

/// The server that answers for a wildcard: only the gateway goes there.
fn server_entry(at: &Hosting<'_>, pieces: &[Pieces]) -> Value {
    let ports: Vec<&Value> = pieces.iter().flat_map(|p| &p.entry_ports).collect();
    let spec = fields([
        ("hosts", json!([at.server.text()])),
        ("ports", json!(ports)),
        ("location", json!("MESH_EXTERNAL")),
        ("resolution", json!("DNS")),
        ("exportTo", json!([at.gateway.namespace])),
    ]);
    at.beside_gateway(Kind::ServiceEntry, &at.names().server(), &spec)
}

/// TLS that the gateway starts.
fn outside(at: &Hosting<'_>, pieces: &[Pieces]) -> Option<Value> {
    let settings: Vec<&Value> = pieces.iter().filter_map(|p| p.outside.as_ref()).collect();
    let spec = fields([
        ("host", json!(at.server.text())),
        ("trafficPolicy", json!({"portLevelSettings": settings})),
        ("exportTo", json!(["."])),
    ]);
    (!settings.is_empty())
        .then(|| at.beside_gateway(Kind::DestinationRule, &at.names().outside(), &spec))
}

/// A Service with one port of the gateway's pods, for one port of the host.
fn companion(at: &Hosting<'_>, routed: &RoutedPort) -> Value {
    let port = json!({
        "name": format!("tcp-{}", routed.port), "port": routed.gateway_port, "protocol": "TCP",
        "targetPort": routed.companion_port(),
    });
    let spec = fields([
        ("type", json!("ClusterIP")),
        ("selector", json!(at.gateway.selector)),
        ("ports", json!([port])),
    ]);
    at.beside_gateway(Kind::Service, &at.names().companion(routed.port), &spec)
}

fn gateway(at: &Hosting<'_>, pieces: &[Pieces]) -> Value {
    let servers: Vec<&Value> = pieces.iter().map(|p| &p.server).collect();
    let spec = fields([
        ("selector", json!(at.gateway.selector)),
        ("servers", json!(servers)),
    ]);
    at.beside_gateway(Kind::Gateway, &at.names().object(), &spec)
}

/// One `VirtualService` for all ports that are served under the host's own name, and one for each
/// other: a server for bytes takes the first rule of the first `VirtualService` that has its name.
fn at_gateway(at: &Hosting<'_>, ports: &[RoutedPort], pieces: &[Pieces]) -> Vec<Value> {
    let mut by_name: BTreeMap<(bool, &str), Vec<(&RoutedPort, &Pieces)>> = BTreeMap::new();
    for (routed, piece) in ports.iter().zip(pieces) {
        by_name
            .entry((piece.served != at.host.text(), &piece.served))
            .or_default()
            .push((routed, piece));
    }
    let service = |((own_name, served), parts): ((bool, &str), Vec<(&RoutedPort, &Pieces)>)| {
        let mut spec = fields([
            ("hosts", json!([served])),
            ("gateways", json!([at.gateway_object()])),
        ]);
        add_routes(&mut spec, parts.iter().map(|(_, p)| &p.to_host));
        spec.insert("exportTo".into(), json!(["."]));
        let port = parts.first().filter(|_| own_name).map(|(w, _)| w.port);
        let name = port.map_or_else(
            || at.names().at_gateway(),
            |port| at.names().at_gateway_for(port),
        );
        at.beside_gateway(Kind::VirtualService, &name, &spec)
    };
    by_name.into_iter().map(service).collect()
}

fn for_client(at: &Hosting<'_>, client: &ClientNamespace, pieces: &[Pieces]) -> Value {
    let mut spec = fields([
        ("hosts", json!([at.host.text()])),
        ("gateways", json!(["mesh"])),
    ]);
    add_routes(&mut spec, pieces.iter().map(|p| &p.to_gateway));
    spec.insert("exportTo".into(), json!(["."]));
    at.object(
        Kind::VirtualService,
        &client.namespace,
        &at.names().object(),
        &spec,
    )
}

/// One rule per namespace in which a client's lookup ends.
fn destination_rules(at: &Hosting<'_>, ports: &[RoutedPort]) -> Vec<Value> {
    let subsets: BTreeMap<String, Value> = ports
        .iter()
        .filter(|w| !w.needs_companion())
        .map(|w| (w.subset(at.host), subset(at, w)))
        .collect();
    let places: BTreeSet<&RulePlace> = at.clients.iter().map(|c| &c.rule).collect();
    let rule = |place: &RulePlace| {
        let subsets: Vec<&Value> = subsets.values().collect();
        let mut spec = fields([("host", json!(place.host)), ("subsets", json!(subsets))]);
        if !place.export_to.is_empty() {
            spec.insert("exportTo".into(), json!(place.export_to));
        }
        at.object(
            Kind::DestinationRule,
            &place.namespace,
            &at.names().object(),
            &spec,
        )
    };
    places
        .into_iter()
        .filter(|_| !subsets.is_empty())
        .map(rule)
        .collect()
}

/// In mutual TLS the name in the handshake is what the gateway matches on; Istio's default name
/// fits no server.
fn subset(at: &Hosting<'_>, routed: &RoutedPort) -> Value {
    let name = routed.subset(at.host);
    match routed.hop {
        Hop::Plain => json!({"name": name}),
        Hop::Mutual => {
            let tls = json!({"mode": "ISTIO_MUTUAL", "sni": routed.handshake_name(at.host)});
            let port = json!({"port": {"number": routed.gateway_port}, "tls": tls});
            json!({"name": name, "trafficPolicy": {"portLevelSettings": [port]}})
        }
    }
}

fn add_routes<'a>(spec: &mut Map<String, Value>, routes: impl Iterator<Item = &'a Route>) {
    for route in routes {
        let (list, rule) = match route {
            Route::Http(rule) => ("http", rule),
            Route::Tls(rule) => ("tls", rule),
            Route::Tcp(rule) => ("tcp", rule),
        };
        if let Value::Array(rules) = spec.entry(list).or_insert_with(|| json!([])) {
            rules.push(rule.clone());
        }
    }
}

fn fields<const N: usize>(list: [(&str, Value); N]) -> Map<String, Value> {
    list.into_iter()
        .map(|(key, value)| (key.to_owned(), value))
        .collect()
}
