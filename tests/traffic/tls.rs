//! TLS passthrough by SNI: as the application sent it, and inside mutual TLS.

use super::journey::Journey;
use super::mesh::FOUND;

const TLS: Journey = Journey {
    name: "journey-tls",
    host: "tls.example.com",
    port: "443",
    flags: &["--hop", "plain"],
    scheme: "https",
    answers: ("200 2", "200 2"),
    gateway: FOUND,
    to_gateway: (443, ""),
    to_host: 443,
};

#[test]
fn tls_through_a_gateway_that_istioctl_installed() {
    TLS.go();
}

#[test]
fn tls_through_a_gateway_by_injection() {
    let host = "tlsown.example.com";
    Journey {
        name: "journey-tls-own",
        host,
        gateway: "journey-tls-own-gateway/egress",
        ..TLS
    }
    .go();
}

#[test]
fn tls_in_mutual_tls_to_an_injected_gateway() {
    let double = Journey {
        name: "journey-tls-mutual",
        host: "tlsmutual.example.com",
        flags: &["--access-log", "--replicas", "2"],
        gateway: "journey-tls-mutual-gateway/egress",
        to_gateway: (15443, "-mutual-443"),
        ..TLS
    };
    double.go();
}
