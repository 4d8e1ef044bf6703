//! What one routed port adds to the objects of its host.

use super::hosting::Hosting;
use super::{Hop, RoutedPort};
use serde_json::{Value, json};

/// A rule of a `VirtualService`, by the list that it goes into.
#[derive(Clone, Debug, PartialEq)]
pub enum Route {
    /// `http:`.
    Http(Value),
    /// `tls:`.
    Tls(Value),
    /// `tcp:`.
    Tcp(Value),
}

/// The pieces of one port.
#[derive(Clone, Debug, PartialEq)]
pub struct Pieces {
    /// Ports of the `ServiceEntry`.
    pub entry_ports: Vec<Value>,
    /// A server of the `Gateway`.
    pub server: Value,
    /// The sidecar's rule.
    pub to_gateway: Route,
    /// The gateway's rule.
    pub to_host: Route,
    /// The host of the gateway's `VirtualService`: the rule goes into one of its own where it is
    /// not the host.
    pub served: String,
    /// TLS from the gateway to the host, for one port of the `DestinationRule`.
    pub outside: Option<Value>,
}

/// One port of a `ServiceEntry`.
pub(super) fn entry_port(number: u16, protocol: &str) -> Value {
    json!({"number": number, "name": format!("{}-{number}", protocol.to_ascii_lowercase()), "protocol": protocol})
}

/// A server that ends mutual TLS of the mesh; `protocol` is what is inside.
pub(super) fn mutual_server(routed: &RoutedPort, at: &Hosting<'_>, protocol: &str) -> Value {
    json!({
        "port": {
            "number": routed.gateway_port, "name": format!("mutual-{}", routed.port), "protocol": protocol,
        },
        "hosts": [routed.outer_name(at.host)],
        "tls": {"mode": "ISTIO_MUTUAL"},
    })
}

/// The gateway's rule for what comes out of mutual TLS as bytes, or came as bytes: it has no name
/// to match on.
pub(super) fn bytes_to_host(routed: &RoutedPort, at: &Hosting<'_>) -> Route {
    Route::Tcp(json!({
        "match": [{"gateways": [at.gateway_object()], "port": routed.gateway_port}],
        "route": [{"destination": at.to_host(routed)}],
    }))
}

/// The gateway's rule for HTTP.
pub(super) fn http_to_host(routed: &RoutedPort, at: &Hosting<'_>) -> Route {
    Route::Http(json!({
        "match": [{"gateways": [at.gateway_object()], "port": routed.gateway_port}],
        "route": [{"destination": at.to_host(routed)}],
    }))
}

/// The sidecar's rule for HTTP.
pub(super) fn http_to_gateway(routed: &RoutedPort, at: &Hosting<'_>) -> Route {
    Route::Http(json!({
        "match": [{"gateways": ["mesh"], "port": routed.port}],
        "route": [{"destination": at.to_gateway(routed)}],
    }))
}

/// The server for HTTP: plain, or in mutual TLS.
pub(super) fn http_server(routed: &RoutedPort, at: &Hosting<'_>) -> Value {
    match routed.hop {
        Hop::Mutual => mutual_server(routed, at, "HTTPS"),
        Hop::Plain => json!({
            "port": {"number": routed.gateway_port, "name": format!("http-{}", routed.port), "protocol": "HTTP"},
            "hosts": [at.host.text()],
        }),
    }
}
