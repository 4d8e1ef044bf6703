//! The listener. A sidecar gets every connection on `virtualOutbound` and hands it on by its
//! original destination: the exact address first, then the wildcard of the family, else it stays. A
//! gateway has one per port.

use super::{Connection, Role};
use crate::envoy::Proxy;
use std::net::IpAddr;

/// Its place among the proxy's listeners.
pub(super) fn choose(proxy: &Proxy, connection: &Connection) -> Option<usize> {
    match connection.role {
        Role::Gateway => open(proxy, connection),
        Role::Sidecar => captured(proxy, connection),
    }
}

/// The first listener of the port that is open on the address that is called.
fn open(proxy: &Proxy, connection: &Connection) -> Option<usize> {
    let all = proxy.index().bound.get(&connection.port)?;
    let takes = |at: &&usize| {
        let mut addresses = proxy.listeners[**at].addresses.iter();
        addresses.any(|own| own.port == connection.port && own.takes(connection.address))
    };
    all.iter().find(takes).copied()
}

fn captured(proxy: &Proxy, connection: &Connection) -> Option<usize> {
    let index = proxy.index();
    let at = |ip: IpAddr| index.outbound.get(&(ip, connection.port)).copied();
    let (v4, v6) = (IpAddr::from([0; 4]), IpAddr::from([0; 16]));
    let exact = connection.address.and_then(at);
    let wildcard = || match connection.address {
        Some(IpAddr::V6(_)) => at(v6),
        Some(IpAddr::V4(_)) => at(v4),
        None => at(v4).or_else(|| at(v6)),
    };
    exact.or_else(wildcard).or(index.hands_on)
}
