//! TLS passthrough by SNI: as the application sent it, and inside mutual TLS.

use super::journey::Journey;
use super::mesh::FOUND;

const TLS: Journey = Journey {
    name: "journey-tls",
    target: "edition.cnn.com:443",
    flags: &["--hop", "plain"],
    url: "https://edition.cnn.com",
    answers: ("200 2", "200 2"),
    gateway: FOUND,
    to_gateway: (443, "edition-cnn-com"),
    to_host: 443,
};

#[test]
fn tls_through_a_gateway_that_istioctl_installed() {
    TLS.go();
}

#[test]
fn tls_through_a_gateway_by_injection() {
    Journey { name: "journey-tls-own", gateway: "journey-tls-own-gateway/egress", ..TLS }.go();
}

#[test]
fn tls_in_mutual_tls_to_an_injected_gateway() {
    let double = Journey {
        name: "journey-tls-mutual",
        flags: &["--access-log", "--replicas", "2"],
        gateway: "journey-tls-mutual-gateway/egress",
        to_gateway: (15443, "edition-cnn-com-mutual-443"),
        ..TLS
    };
    double.go();
}
