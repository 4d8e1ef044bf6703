//! TLS passthrough by SNI.

use super::journey::Journey;
use super::mesh::FOUND;

const TLS: Journey = Journey {
    name: "journey-tls",
    target: "edition.cnn.com:443",
    url: "https://edition.cnn.com",
    answer: "200 2",
    gateway: FOUND,
    gateway_port: 443,
};

#[test]
fn tls_through_a_gateway_that_istioctl_installed() {
    TLS.go();
}

#[test]
fn tls_through_a_gateway_by_injection() {
    Journey { name: "journey-tls-own", gateway: "journey-tls-own-gateway/egress", ..TLS }.go();
}
