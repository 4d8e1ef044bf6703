//! TCP: bytes without a name in them, told apart by the address and port that they are sent to.
//!
//! The `ServiceEntry` has the host's addresses, so that the sidecar captures these and no other
//! host on the port. To the gateway the bytes go in mutual TLS, under a name of the wire's own;
//! where the hop is plain they need a port of the gateway for themselves, and a Service of ours has
//! it.

use super::hosting::Hosting;
use super::pieces::{bytes_to_host, entry_port, mutual_server};
use super::{Hop, Pieces, Route, Wire};
use serde_json::json;

pub(super) fn pieces(wire: &Wire, at: &Hosting<'_>) -> Pieces {
    let to_gateway = json!({
        "match": [{"gateways": ["mesh"], "port": wire.port}],
        "route": [{"destination": at.to_gateway(wire)}],
    });
    let (opened, served) = match wire.hop {
        Hop::Mutual => (mutual_server(wire, at, "TLS"), wire.outer_name(at.host)),
        Hop::Plain => {
            let port = json!({"number": wire.gateway_port, "name": format!("tcp-{}", wire.port), "protocol": "TCP"});
            (
                json!({"port": port, "hosts": [wire.outer_name(at.host)]}),
                wire.outer_name(at.host),
            )
        }
    };
    Pieces {
        entry_ports: vec![entry_port(wire.port, "TCP")],
        server: opened,
        to_gateway: Route::Tcp(to_gateway),
        to_host: bytes_to_host(wire, at),
        served,
        outside: None,
    }
}
