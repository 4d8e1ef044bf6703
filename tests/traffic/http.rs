//! HTTP through a gateway.

use super::journey::Journey;
use super::mesh::FOUND;

const HTTP: Journey = Journey {
    name: "journey-http",
    target: "edition.cnn.com:80",
    url: "http://edition.cnn.com",
    answer: "301 1.1",
    gateway: FOUND,
    gateway_port: 80,
};

#[test]
fn http_through_a_gateway_that_istioctl_installed() {
    HTTP.go();
}

#[test]
fn http_through_a_gateway_by_injection() {
    Journey { name: "journey-http-own", gateway: "journey-http-own-gateway/egress", ..HTTP }.go();
}
