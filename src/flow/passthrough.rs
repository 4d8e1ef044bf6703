//! TLS passthrough: the application starts TLS with the host; sidecar and gateway read the SNI of
//! its `ClientHello` and hand the bytes on.
//!
//! The port of the `ServiceEntry` is TLS, never HTTP: an HTTP port would send the bytes past the
//! gateway. In mutual TLS the application's TLS travels inside the mesh's (double TLS): the gateway
//! ends the outer one and sees bytes, so its rule is a `tcp` one, in a `VirtualService` and under a
//! server of its own.

use super::hosting::Hosting;
use super::pieces::{bytes_to_host, entry_port, mutual_server};
use super::{Hop, Pieces, Route, Wire};
use serde_json::{Value, json};

pub(super) fn pieces(wire: &Wire, at: &Hosting<'_>) -> Pieces {
    let host = at.host.text();
    let to_gateway = json!({
        "match": [{"gateways": ["mesh"], "port": wire.port, "sniHosts": [host]}],
        "route": [{"destination": at.to_gateway(wire)}],
    });
    let (opened, to_host, served) = match wire.hop {
        Hop::Mutual => (
            mutual_server(wire, at, "TLS"),
            bytes_to_host(wire, at),
            wire.outer_name(at.host),
        ),
        Hop::Plain => (plain_server(wire, &host), plain_to_host(wire, at), host),
    };
    Pieces {
        entry_ports: vec![entry_port(wire.port, "TLS")],
        server: opened,
        to_gateway: Route::Tls(to_gateway),
        to_host,
        served,
        outside: None,
    }
}

fn plain_server(wire: &Wire, host: &str) -> Value {
    json!({
        "port": {"number": wire.gateway_port, "name": format!("tls-{}", wire.port), "protocol": "TLS"},
        "hosts": [host],
        "tls": {"mode": "PASSTHROUGH"},
    })
}

fn plain_to_host(wire: &Wire, at: &Hosting<'_>) -> Route {
    Route::Tls(json!({
        "match": [{"gateways": [at.gateway_object()], "port": wire.gateway_port, "sniHosts": [at.host.text()]}],
        "route": [{"destination": at.to_host(wire)}],
    }))
}
