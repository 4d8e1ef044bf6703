//! TLS passthrough: the application starts TLS with the host; sidecar and gateway read the SNI of its `ClientHello` and
//! hand the bytes on.
//!
//! The port of the `ServiceEntry` is TLS, never HTTP: an HTTP port would send the bytes past the gateway.

use super::assemble::{Hosting, entry_port};
use super::{Pieces, Route, Wire};
use serde_json::json;

pub(super) fn pieces(wire: &Wire, at: &Hosting<'_>) -> Pieces {
    let host = at.host.text();
    let to_gateway = json!({
        "match": [{"gateways": ["mesh"], "port": wire.port, "sniHosts": [host]}],
        "route": [{"destination": at.to_gateway(wire)}],
    });
    let to_host = json!({
        "match": [{"gateways": [at.gateway_object()], "port": wire.gateway_port, "sniHosts": [host]}],
        "route": [{"destination": at.to_host(wire)}],
    });
    Pieces {
        entry_port: entry_port(wire, "TLS"),
        server: json!({
            "port": {"number": wire.gateway_port, "name": format!("tls-{}", wire.port), "protocol": "TLS"},
            "hosts": [host],
            "tls": {"mode": "PASSTHROUGH"},
        }),
        to_gateway: Route::Tls(to_gateway),
        to_host: Route::Tls(to_host),
    }
}
