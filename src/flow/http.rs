//! HTTP: the application speaks plain HTTP; sidecar and gateway read the Host header.
//!
//! The `Gateway` has one server for the host: plaintext on the gateway's HTTP port, or HTTPS with
//! the mesh's own certificates, so that the gateway knows who calls. Both rules match on a port:
//! without it the rule would also take the host's other HTTP ports.

use super::hosting::Hosting;
use super::pieces::{entry_port, http_server, http_to_gateway, http_to_host};
use super::{Pieces, RoutedPort};

pub(super) fn pieces(routed: &RoutedPort, at: &Hosting<'_>) -> Pieces {
    Pieces {
        entry_ports: vec![entry_port(routed.port, "HTTP")],
        server: http_server(routed, at),
        to_gateway: http_to_gateway(routed, at),
        to_host: http_to_host(routed, at),
        served: at.host.text(),
        outside: None,
    }
}
