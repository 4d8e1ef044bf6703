//! TLS passthrough: the application starts TLS with the host; sidecar and gateway read the SNI of
//! its `ClientHello` and hand the bytes on.
//!
//! The port of the `ServiceEntry` is TLS, never HTTP: an HTTP port would send the bytes past the
//! gateway. In mutual TLS the application's TLS travels inside the mesh's (double TLS): the gateway
//! ends the outer one and sees bytes, so its rule is a `tcp` one, in a `VirtualService` and under a
//! server of its own.

use super::hosting::Hosting;
use super::pieces::{bytes_to_host, entry_port, mutual_server};
use super::{Hop, Pieces, Route, RoutedPort};
use serde_json::{Value, json};

pub(super) fn pieces(routed: &RoutedPort, at: &Hosting<'_>) -> Pieces {
    let host = at.host.text();
    let to_gateway = json!({
        "match": [{"gateways": ["mesh"], "port": routed.port, "sniHosts": [host]}],
        "route": [{"destination": at.to_gateway(routed)}],
    });
    let (opened, to_host, served) = match routed.hop {
        Hop::Mutual => (
            mutual_server(routed, at, "TLS"),
            bytes_to_host(routed, at),
            routed.outer_name(at.host),
        ),
        Hop::Plain => (plain_server(routed, &host), plain_to_host(routed, at), host),
    };
    Pieces {
        entry_ports: vec![entry_port(routed.port, "TLS")],
        server: opened,
        to_gateway: Route::Tls(to_gateway),
        to_host,
        served,
        outside: None,
    }
}

fn plain_server(routed: &RoutedPort, host: &str) -> Value {
    json!({
        "port": {"number": routed.gateway_port, "name": format!("tls-{}", routed.port), "protocol": "TLS"},
        "hosts": [host],
        "tls": {"mode": "PASSTHROUGH"},
    })
}

fn plain_to_host(routed: &RoutedPort, at: &Hosting<'_>) -> Route {
    Route::Tls(json!({
        "match": [{"gateways": [at.gateway_object()], "port": routed.gateway_port, "sniHosts": [at.host.text()]}],
        "route": [{"destination": at.to_host(routed)}],
    }))
}
