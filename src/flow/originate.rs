//! Origination: the application speaks plain HTTP, the gateway starts TLS with the host, with a
//! client certificate where one is given.
//!
//! The gateway connects on a port of the `ServiceEntry` that leads to the host's 443 and that
//! nobody else uses, so TLS that the application starts itself can go to the same host beside it.
//! The rule names the SNI *and* the names that the certificate may carry: an SNI alone would switch
//! the check of the name off.

use super::hosting::Hosting;
use super::pieces::{entry_port, http_server, http_to_gateway, http_to_host};
use super::{Pieces, RoutedPort};
use serde_json::{Value, json};

pub(super) fn pieces(routed: &RoutedPort, at: &Hosting<'_>) -> Pieces {
    let mut outside = entry_port(routed.outside_port(), "HTTPS");
    outside["targetPort"] = json!(routed.host_port());
    Pieces {
        entry_ports: vec![entry_port(routed.port, "HTTP"), outside],
        server: http_server(routed, at),
        to_gateway: http_to_gateway(routed, at),
        to_host: http_to_host(routed, at),
        served: at.host.text(),
        outside: Some(tls(routed, at)),
    }
}

fn tls(routed: &RoutedPort, at: &Hosting<'_>) -> Value {
    let host = at.server.text();
    let mut tls = json!({"mode": "SIMPLE", "sni": host, "subjectAltNames": [host]});
    if let Some(secret) = &routed.credential {
        tls["mode"] = json!("MUTUAL");
        tls["credentialName"] = json!(secret);
    }
    json!({"port": {"number": routed.outside_port()}, "tls": tls})
}
