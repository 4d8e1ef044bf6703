//! Ranges of addresses, as Istio's and Kubernetes' objects write them.

use ipnet::IpNet;
use std::net::IpAddr;

/// Whether a range holds an address: a CIDR, an address, or `*`.
pub fn holds(range: &str, address: IpAddr) -> bool {
    match range {
        "*" => true,
        range if range.contains('/') => range
            .parse::<IpNet>()
            .is_ok_and(|range| range.contains(&address)),
        range => range.parse() == Ok(address),
    }
}
