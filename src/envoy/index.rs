//! Where a proxy's listeners, chains, virtual hosts and clusters are found: a gateway of thousands
//! of hosts is asked about each of them.

use super::{Chain, Proxy, Routes};
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::OnceLock;

/// The index of a proxy, made when it is first asked for. A copy makes its own.
#[derive(Debug, Default)]
pub(crate) struct Lazy(OnceLock<Index>);

impl Clone for Lazy {
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl PartialEq for Lazy {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

/// Positions in the lists of one proxy.
#[derive(Debug)]
pub(super) struct Index {
    /// Listeners of outbound connections, by the destination that they are for.
    pub(super) outbound: HashMap<(IpAddr, u16), usize>,
    /// Open listeners, by port: several where each has an address of its own.
    pub(super) bound: HashMap<u16, Vec<usize>>,
    /// The listener that hands captured connections on.
    pub(super) hands_on: Option<usize>,
    /// The chains of each listener.
    pub(super) chains: Vec<Chains>,
    pub(super) tables: HashMap<String, Table>,
    clusters: HashMap<String, usize>,
}

/// The chains of a listener.
#[derive(Debug, Default)]
pub(super) struct Chains {
    /// Those without conditions on port and range, by server name; empty for none.
    pub(super) by_name: HashMap<String, Vec<usize>>,
    /// Those with a condition on port or range.
    pub(super) narrower: Vec<usize>,
}

/// A route table: its virtual hosts by domain, the first of each.
#[derive(Debug, Default)]
pub(super) struct Table {
    /// Its place among the proxy's.
    pub(super) at: usize,
    domains: HashMap<String, usize>,
    /// Domains that end with `*`, `*` itself among them.
    open_ended: Vec<(String, usize)>,
}

impl Proxy {
    /// Its index. A proxy is not changed after it was asked.
    pub(super) fn index(&self) -> &Index {
        let index = self.index.0.get_or_init(|| Index::new(self));
        debug_assert_eq!(index.chains.len(), self.listeners.len());
        index
    }

    /// The cluster of that name.
    pub fn cluster(&self, name: &str) -> Option<&super::Cluster> {
        let at = self.index().clusters.get(name)?;
        self.clusters.get(*at)
    }
}

impl Index {
    fn new(proxy: &Proxy) -> Self {
        let mut index = Self {
            outbound: HashMap::new(),
            bound: HashMap::new(),
            hands_on: None,
            chains: proxy
                .listeners
                .iter()
                .map(|l| Chains::of(&l.chains))
                .collect(),
            tables: HashMap::new(),
            clusters: HashMap::new(),
        };
        for (at, listener) in proxy.listeners.iter().enumerate() {
            for address in &listener.addresses {
                if listener.bound {
                    index.bound.entry(address.port).or_default().push(at);
                }
                let outbound = !listener.inbound && !listener.hands_on;
                if let (true, Ok(ip)) = (outbound, address.ip.parse()) {
                    index.outbound.entry((ip, address.port)).or_insert(at);
                }
            }
            if listener.hands_on && !listener.inbound {
                index.hands_on.get_or_insert(at);
            }
        }
        for (at, routes) in proxy.routes.iter().enumerate() {
            let table = || Table::of(at, routes);
            index
                .tables
                .entry(routes.name.clone())
                .or_insert_with(table);
        }
        for (at, cluster) in proxy.clusters.iter().enumerate() {
            index.clusters.entry(cluster.name.clone()).or_insert(at);
        }
        index
    }
}

impl Chains {
    fn of(chains: &[Chain]) -> Self {
        let mut index = Self::default();
        for (at, chain) in chains.iter().enumerate() {
            let conditions = &chain.conditions;
            if conditions.port.is_some() || !conditions.ranges.is_empty() {
                index.narrower.push(at);
                continue;
            }
            let unnamed = conditions.server_names.is_empty().then(String::new);
            for name in conditions.server_names.iter().cloned().chain(unnamed) {
                let known = index.by_name.entry(name).or_default();
                if known.last() != Some(&at) {
                    known.push(at);
                }
            }
        }
        index
    }
}

impl Table {
    pub(super) fn of(at: usize, routes: &Routes) -> Self {
        let mut table = Self {
            at,
            ..Self::default()
        };
        for (at, host) in routes.hosts.iter().enumerate() {
            for domain in host.domains.iter().map(|d| d.to_ascii_lowercase()) {
                if domain.ends_with('*') {
                    table.open_ended.push((domain, at));
                } else {
                    table.domains.entry(domain).or_insert(at);
                }
            }
        }
        table
    }

    /// The virtual host for a host: by its name, the longest end, the longest beginning, or `*`.
    /// A wildcard stands for at least one character.
    pub(super) fn find(&self, host: &str) -> Option<usize> {
        let ends = host.char_indices().skip(1).map(|(at, _)| &host[at..]);
        let by_end = || {
            let mut wildcards = ends.map(|end| format!("*{end}"));
            wildcards.find_map(|domain| self.domains.get(&domain))
        };
        let found = self.domains.get(host).or_else(by_end).copied();
        found.or_else(|| self.find_open_ended(host))
    }

    fn find_open_ended(&self, host: &str) -> Option<usize> {
        let mut best: Option<(usize, usize)> = None;
        for (domain, at) in &self.open_ended {
            let beginning = domain.strip_suffix('*').unwrap_or(domain);
            let fits =
                domain == "*" || (host.len() > beginning.len() && host.starts_with(beginning));
            if fits && best.is_none_or(|(length, _)| beginning.len() > length) {
                best = Some((beginning.len(), *at));
            }
        }
        best.map(|(_, at)| at)
    }
}
