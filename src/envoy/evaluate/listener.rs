//! The listener. A sidecar gets every connection on `virtualOutbound` and hands it on by its
//! original destination: the exact address first, then the wildcard of the family, else it stays. A
//! gateway has one per port.

use super::{Connection, Role};
use crate::envoy::{Listener, Proxy};
use std::net::IpAddr;

pub(super) fn choose<'a>(proxy: &'a Proxy, connection: &Connection) -> Option<&'a Listener> {
    match connection.role {
        Role::Gateway => proxy
            .listeners
            .iter()
            .find(|l| l.bound && l.has_port(connection.port)),
        Role::Sidecar => captured(proxy, connection),
    }
}

fn captured<'a>(proxy: &'a Proxy, connection: &Connection) -> Option<&'a Listener> {
    let outbound = || proxy.listeners.iter().filter(|l| !l.inbound);
    let at = |want: &[IpAddr]| {
        let fits = |l: &&Listener| {
            l.addresses.iter().any(|a| {
                a.port == connection.port && a.ip.parse().is_ok_and(|ip| want.contains(&ip))
            })
        };
        outbound().filter(|l| !l.hands_on).find(fits)
    };
    let (v4, v6) = (IpAddr::from([0; 4]), IpAddr::from([0; 16]));
    let exact = connection.address.and_then(|address| at(&[address]));
    let wildcard = || match connection.address {
        Some(IpAddr::V6(_)) => at(&[v6]),
        Some(IpAddr::V4(_)) => at(&[v4]),
        None => at(&[v4]).or_else(|| at(&[v6])),
    };
    exact
        .or_else(wildcard)
        .or_else(|| outbound().find(|l| l.hands_on))
}
