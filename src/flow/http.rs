//! HTTP: the application speaks plain HTTP; sidecar and gateway read the Host header.
//!
//! The `Gateway` has one plaintext server for the host on the gateway's HTTP port. Both rules match on a port: without
//! it the rule would also take the host's other HTTP ports.

use super::assemble::{Hosting, entry_port};
use super::{Pieces, Route, Wire};
use serde_json::json;

pub(super) fn pieces(wire: &Wire, at: &Hosting<'_>) -> Pieces {
    let to_gateway = json!({
        "match": [{"gateways": ["mesh"], "port": wire.port}],
        "route": [{"destination": at.to_gateway(wire)}],
    });
    let to_host = json!({
        "match": [{"gateways": [at.gateway_object()], "port": wire.gateway_port}],
        "route": [{"destination": at.to_host(wire)}],
    });
    Pieces {
        entry_port: entry_port(wire, "HTTP"),
        server: json!({
            "port": {"number": wire.gateway_port, "name": format!("http-{}", wire.port), "protocol": "HTTP"},
            "hosts": [at.host.text()],
        }),
        to_gateway: Route::Http(to_gateway),
        to_host: Route::Http(to_host),
    }
}
