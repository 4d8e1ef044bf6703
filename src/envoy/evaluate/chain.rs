//! The filter chain. Envoy narrows the chains down one condition at a time, most specific first,
//! and never goes back: a chain for the exact server name shuts out those for a wildcard even where
//! its other conditions then fail.
//!
//! Source: `FilterChainManagerImpl::findFilterChain` in Envoy's `listener_manager`.

use super::{Bytes, Connection};
use crate::envoy::{Chain, ChainMatch, Forward, Listener};
use std::net::IpAddr;

/// The chain, and the words for it: `sni edition.cnn.com`, `http`, `any`.
pub(super) fn choose<'a>(
    listener: &'a Listener,
    connection: &Connection,
) -> Option<(&'a Chain, String)> {
    let seen = Seen::of(listener, &connection.bytes);
    let found = narrow(&listener.chains, connection, &seen);
    let chain = found.or(listener.default_chain.as_ref())?;
    Some((chain, label(chain, &seen)))
}

/// What the listener's inspectors find out before the chain is chosen.
struct Seen {
    server_name: String,
    transport: &'static str,
    protocols: Vec<String>,
}

impl Seen {
    fn of(listener: &Listener, bytes: &Bytes) -> Self {
        let nothing = Seen {
            server_name: String::new(),
            transport: "raw_buffer",
            protocols: Vec::new(),
        };
        match bytes {
            Bytes::Tls { sni, alpn, .. } if listener.inspects_tls => Seen {
                server_name: sni.clone().unwrap_or_default().to_ascii_lowercase(),
                transport: "tls",
                protocols: alpn.clone(),
            },
            Bytes::Http { .. } if listener.inspects_http => Seen {
                protocols: vec!["http/1.1".into()],
                ..nothing
            },
            _ => nothing,
        }
    }
}

fn narrow<'a>(chains: &'a [Chain], connection: &Connection, seen: &Seen) -> Option<&'a Chain> {
    let chains = by_port(&chains.iter().collect::<Vec<_>>(), connection.port);
    let chains = by_address(chains, connection.address);
    let chains = by_server_name(chains, &seen.server_name);
    let chains = exact_or_empty(&chains, |c| &c.transport_protocol, seen.transport);
    let chains = by_protocol(chains, &seen.protocols);
    chains
        .iter()
        .copied()
        .find(|c| !c.conditions.asks_source)
        .or(chains.first().copied())
}

fn by_port<'a>(chains: &[&'a Chain], port: u16) -> Vec<&'a Chain> {
    let with = |want: Option<u16>| {
        chains
            .iter()
            .copied()
            .filter(move |c| c.conditions.port == want)
    };
    let exact: Vec<&Chain> = with(Some(port)).collect();
    if exact.is_empty() {
        with(None).collect()
    } else {
        exact
    }
}

/// The longest range that holds the address; no range holds every address, as length 0 would.
fn by_address(chains: Vec<&Chain>, address: Option<IpAddr>) -> Vec<&Chain> {
    let length = |c: &Chain| match c.conditions.ranges.as_slice() {
        [] => Some(0),
        ranges => ranges
            .iter()
            .filter(|r| holds(r, address))
            .map(|r| u16::from(r.1) + 1)
            .max(),
    };
    let best = chains.iter().filter_map(|c| length(c)).max();
    chains
        .into_iter()
        .filter(|c| length(c).is_some() && length(c) == best)
        .collect()
}

fn holds((prefix, length): &(String, u8), address: Option<IpAddr>) -> bool {
    match (prefix.parse::<IpAddr>(), address) {
        (Ok(IpAddr::V4(prefix)), Some(IpAddr::V4(address))) => {
            let differ = u32::from(prefix) ^ u32::from(address);
            u32::from(*length) <= differ.leading_zeros()
        }
        (Ok(IpAddr::V6(prefix)), Some(IpAddr::V6(address))) => {
            let differ = u128::from(prefix) ^ u128::from(address);
            u32::from(*length) <= differ.leading_zeros()
        }
        _ => false,
    }
}

fn by_server_name<'a>(chains: Vec<&'a Chain>, name: &str) -> Vec<&'a Chain> {
    let keys = std::iter::once(name.to_owned())
        .filter(|n| !n.is_empty())
        .chain(suffixes(name));
    for key in keys {
        let found: Vec<&Chain> = chains
            .iter()
            .copied()
            .filter(|c| c.conditions.server_names.contains(&key))
            .collect();
        if !found.is_empty() {
            return found;
        }
    }
    chains
        .into_iter()
        .filter(|c| c.conditions.server_names.is_empty())
        .collect()
}

/// `*.b.c`, `*.c` for `a.b.c`.
fn suffixes(name: &str) -> impl Iterator<Item = String> {
    name.char_indices()
        .skip(1)
        .filter(|(_, c)| *c == '.')
        .map(|(at, _)| format!("*{}", &name[at..]))
}

fn exact_or_empty<'a>(
    chains: &[&'a Chain],
    of: impl Fn(&ChainMatch) -> &String,
    want: &str,
) -> Vec<&'a Chain> {
    let with = |want: &str| {
        chains
            .iter()
            .copied()
            .filter(|c| of(&c.conditions) == want)
            .collect::<Vec<_>>()
    };
    let exact = with(want);
    if exact.is_empty() { with("") } else { exact }
}

fn by_protocol<'a>(chains: Vec<&'a Chain>, protocols: &[String]) -> Vec<&'a Chain> {
    for protocol in protocols {
        let has = |c: &&Chain| c.conditions.application_protocols.contains(protocol);
        let found: Vec<&Chain> = chains.iter().copied().filter(has).collect();
        if !found.is_empty() {
            return found;
        }
    }
    chains
        .into_iter()
        .filter(|c| c.conditions.application_protocols.is_empty())
        .collect()
}

fn label(chain: &Chain, seen: &Seen) -> String {
    let names = &chain.conditions.server_names;
    let own = names.iter().find(|n| **n == seen.server_name);
    let wild = || suffixes(&seen.server_name).find(|s| names.contains(s));
    if let Some(name) = own.cloned().or_else(wild) {
        return format!("sni {name}");
    }
    match chain.forward {
        Forward::Routes(_) | Forward::Inline(_) => "http".into(),
        _ => "any".into(),
    }
}
