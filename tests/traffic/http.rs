//! HTTP through a gateway: as it is, in mutual TLS, and with TLS that the gateway starts.

use super::journey::Journey;
use super::mesh::FOUND;

const HTTP: Journey = Journey {
    name: "journey-http",
    host: "edition.cnn.com",
    port: "80",
    flags: &["--hop", "plain"],
    scheme: "http",
    answers: ("301 1.1", "301 1.1"),
    gateway: FOUND,
    to_gateway: (80, ""),
    to_host: 80,
};

#[test]
fn http_through_a_gateway_that_istioctl_installed() {
    HTTP.go();
}

#[test]
fn http_through_a_gateway_by_injection() {
    let own = Journey {
        name: "journey-http-own",
        host: "httpown.example.com",
        gateway: "journey-http-own-gateway/egress",
        ..HTTP
    };
    own.go();
}

#[test]
fn http_in_mutual_tls_to_the_gateway() {
    let to_gateway = (443, "-mutual-80");
    let host = "httpmutual.example.com";
    Journey {
        name: "journey-http-mutual",
        host,
        flags: &[],
        to_gateway,
        ..HTTP
    }
    .go();
}

#[test]
fn http_with_tls_that_the_gateway_starts() {
    let originate = Journey {
        name: "journey-originate",
        host: "originate.example.com",
        flags: &["--originate-tls", "--hop", "plain"],
        answers: ("301 1.1", "200 1.1"),
        to_host: 10080,
        ..HTTP
    };
    originate.go();
}
