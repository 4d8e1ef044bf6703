//! HTTP through a gateway: as it is, in mutual TLS, and with TLS that the gateway starts.

use super::journey::Journey;
use super::mesh::FOUND;

const HTTP: Journey = Journey {
    name: "journey-http",
    target: "edition.cnn.com:80",
    flags: &["--hop", "plain"],
    url: "http://edition.cnn.com",
    answers: ("301 1.1", "301 1.1"),
    gateway: FOUND,
    to_gateway: (80, "edition-cnn-com"),
    to_host: 80,
};

#[test]
fn http_through_a_gateway_that_istioctl_installed() {
    HTTP.go();
}

#[test]
fn http_through_a_gateway_by_injection() {
    Journey { name: "journey-http-own", gateway: "journey-http-own-gateway/egress", ..HTTP }.go();
}

#[test]
fn http_in_mutual_tls_to_the_gateway() {
    let to_gateway = (443, "edition-cnn-com-mutual-80");
    Journey { name: "journey-http-mutual", flags: &[], to_gateway, ..HTTP }.go();
}

#[test]
fn http_with_tls_that_the_gateway_starts() {
    let originate = Journey {
        name: "journey-originate",
        flags: &["--originate-tls", "--hop", "plain"],
        answers: ("301 1.1", "200 1.1"),
        to_host: 10080,
        ..HTTP
    };
    originate.go();
}
