//! The filter chain. Envoy narrows the chains down one condition at a time, most specific first,
//! and never goes back: a chain for the exact server name shuts out those for a wildcard even where
//! its other conditions then fail.
//!
//! Source: `FilterChainManagerImpl::findFilterChain` in Envoy's `listener_manager`.

use super::{Bytes, Connection};
use crate::envoy::index::Chains;
use crate::envoy::{Chain, ChainMatch, Forward, Listener};
use std::net::IpAddr;

/// The chain, and the words for it: `sni edition.cnn.com`, `http`, `any`.
pub(super) fn choose<'a>(
    listener: &'a Listener,
    index: &Chains,
    connection: &Connection,
) -> Option<(&'a Chain, String)> {
    let seen = Seen::of(listener, &connection.bytes);
    let found = narrow(listener, index, connection, &seen);
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

fn narrow<'a>(
    listener: &'a Listener,
    index: &Chains,
    connection: &Connection,
    seen: &Seen,
) -> Option<&'a Chain> {
    let narrower = index.narrower.iter().map(|at| &listener.chains[*at]);
    let mut first = narrower.filter(|c| goes_before(&c.conditions, connection));
    let chains = if first.next().is_some() {
        let chains = by_port(&listener.chains, connection.port);
        let chains = by_address(chains, connection.address);
        by_server_name(chains, &seen.server_name)
    } else {
        indexed(listener, index, &seen.server_name)
    };
    let chains = exact_or_empty(&chains, |c| &c.transport_protocol, seen.transport);
    let chains = by_protocol(chains, &seen.protocols);
    chains
        .iter()
        .copied()
        .find(|c| !c.conditions.asks_source)
        .or(chains.first().copied())
}

/// Whether a chain with a condition on port or range goes before those without: the port is
/// decided first, and for good.
fn goes_before(conditions: &ChainMatch, connection: &Connection) -> bool {
    match conditions.port {
        Some(port) => port == connection.port,
        None => conditions
            .ranges
            .iter()
            .any(|r| holds(r, connection.address)),
    }
}

/// Those for the server name, where no chain for a port or range takes the connection.
fn indexed<'a>(listener: &'a Listener, index: &Chains, name: &str) -> Vec<&'a Chain> {
    let named = names(name).find_map(|name| index.by_name.get(&name));
    let found = named
        .or_else(|| index.by_name.get(""))
        .into_iter()
        .flatten();
    found.map(|at| &listener.chains[*at]).collect()
}

/// The name itself and the wildcards of it, most specific first.
fn names(name: &str) -> impl Iterator<Item = String> {
    std::iter::once(name.to_owned())
        .filter(|n| !n.is_empty())
        .chain(suffixes(name))
}

fn by_port(chains: &[Chain], port: u16) -> Vec<&Chain> {
    let with = |want: Option<u16>| chains.iter().filter(move |c| c.conditions.port == want);
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
    for key in names(name) {
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
