//! TCP: bytes without a name in them, told apart by the address and port that they are sent to.
//!
//! The `ServiceEntry` has the host's addresses, so that the sidecar captures these and no other
//! host on the port. To the gateway the bytes go in mutual TLS, under a name of the port's own;
//! where the hop is plain they need a port of the gateway for themselves, and a Service of ours has
//! it.

use super::hosting::Hosting;
use super::pieces::{bytes_to_host, entry_port, mutual_server};
use super::{Hop, Pieces, Route, RoutedPort};
use serde_json::json;

pub(super) fn pieces(routed: &RoutedPort, at: &Hosting<'_>) -> Pieces {
    let to_gateway = json!({
        "match": [{"gateways": ["mesh"], "port": routed.port}],
        "route": [{"destination": at.to_gateway(routed)}],
    });
    let (opened, served) = match routed.hop {
        Hop::Mutual => (mutual_server(routed, at, "TLS"), routed.outer_name(at.host)),
        Hop::Plain => {
            let port = json!({"number": routed.gateway_port, "name": format!("tcp-{}", routed.port), "protocol": "TCP"});
            (
                json!({"port": port, "hosts": [routed.outer_name(at.host)]}),
                routed.outer_name(at.host),
            )
        }
    };
    Pieces {
        entry_ports: vec![entry_port(routed.port, "TCP")],
        server: opened,
        to_gateway: Route::Tcp(to_gateway),
        to_host: bytes_to_host(routed, at),
        served,
        outside: None,
    }
}
