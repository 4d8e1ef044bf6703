//! From the admin interface's answers to a [`Proxy`]. A small dump comes as a whole; a big one is
//! asked for in pieces, and each is parsed and dropped before the next is asked for.

use super::wire::{
    ClusterEntry, ClusterStatuses, EndpointEntry, EndpointLabels, ListenerEntry, Resources,
    RouteEntry, SecretEntry, Stats, WholeEntry,
};
use super::{Endpoint, Proxy, SecretState, Tally};
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;

/// One question to the admin interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Its state, and how many updates it refused.
    Stats,
    /// The endpoints that Envoy has, and what went there.
    Statuses,
    /// All of the following at once.
    Whole,
    /// Who it is.
    Node,
    /// Listeners.
    Listeners,
    /// Route tables.
    Routes,
    /// Clusters in force.
    Clusters,
    /// Clusters that wait.
    WarmingClusters,
    /// What istiod says about endpoints.
    Endpoints,
    /// Secrets in force.
    Secrets,
    /// Secrets that wait.
    WarmingSecrets,
}

impl Part {
    /// What [`Part::Whole`] answers, question by question; what is in force comes before what
    /// waits.
    pub const PIECES: [Part; 8] = [
        Part::Node,
        Part::Listeners,
        Part::Routes,
        Part::Clusters,
        Part::WarmingClusters,
        Part::Endpoints,
        Part::Secrets,
        Part::WarmingSecrets,
    ];

    /// The path of the question. `/server_info` and the whole bootstrap are a hundred kilobytes of
    /// extensions' names.
    pub fn path(self) -> &'static str {
        match self {
            Part::Whole => "/config_dump?include_eds",
            Part::Node => {
                "/config_dump?mask=bootstrap.node.id,bootstrap.node.metadata,bootstrap.node.user_agent_build_version.version"
            }
            Part::Stats => "/stats?format=json&filter=update_rejected$%7C^server.state$",
            Part::Listeners => "/config_dump?resource=dynamic_listeners",
            Part::Routes => "/config_dump?resource=dynamic_route_configs",
            Part::Clusters => "/config_dump?resource=dynamic_active_clusters",
            Part::WarmingClusters => "/config_dump?resource=dynamic_warming_clusters",
            Part::Endpoints => "/config_dump?include_eds&resource=dynamic_endpoint_configs",
            Part::Statuses => "/clusters?format=json",
            Part::Secrets => "/config_dump?resource=dynamic_active_secrets",
            Part::WarmingSecrets => "/config_dump?resource=dynamic_warming_secrets",
        }
    }
}

/// What the parts that were taken so far add up to.
#[derive(Default)]
pub struct Parts {
    proxy: Proxy,
    labels: BTreeMap<String, EndpointLabels>,
    endpoints: BTreeMap<String, Vec<Endpoint>>,
}

impl Parts {
    /// Take one answer. The error is the JSON parser's, with line and column.
    pub fn take(&mut self, part: Part, answer: &[u8]) -> Result<(), String> {
        match part {
            Part::Stats => self.take_stats(json(answer)?),
            Part::Statuses => {
                let statuses: ClusterStatuses = json(answer)?;
                let clusters = statuses.cluster_statuses.into_iter();
                self.endpoints = clusters.map(|c| (c.name.clone(), c.endpoints())).collect();
            }
            Part::Whole | Part::Node => {
                let entries: Vec<WholeEntry> = resources(answer)?;
                for entry in entries {
                    self.take_entry(entry);
                }
            }
            Part::Listeners => self.take_listeners(resources(answer)?),
            Part::Routes => self.take_routes(resources(answer)?),
            Part::Clusters => self.take_clusters(resources(answer)?, false),
            Part::WarmingClusters => self.take_clusters(resources(answer)?, true),
            Part::Endpoints => self.take_endpoints(resources(answer)?),
            Part::Secrets => self.take_secrets(resources(answer)?, SecretState::Active),
            Part::WarmingSecrets => self.take_secrets(resources(answer)?, SecretState::Warming),
        }
        Ok(())
    }

    /// How many clusters there are, as far as is known: a measure for the size of a dump.
    pub fn size(&self) -> usize {
        self.endpoints.len()
    }

    fn take_entry(&mut self, entry: WholeEntry) {
        if let Some(node) = entry.bootstrap.keep() {
            self.proxy.node = node;
        }
        self.take_listeners(entry.dynamic_listeners);
        self.take_routes(entry.dynamic_route_configs);
        self.take_clusters(entry.dynamic_active_clusters, false);
        self.take_clusters(entry.dynamic_warming_clusters, true);
        self.take_endpoints(entry.dynamic_endpoint_configs);
        self.take_secrets(entry.dynamic_active_secrets, SecretState::Active);
        self.take_secrets(entry.dynamic_warming_secrets, SecretState::Warming);
    }

    fn take_stats(&mut self, stats: Stats) {
        for stat in stats.stats {
            if stat.name == "server.state" {
                self.proxy.state = state_name(stat.value).into();
            } else if stat.value > 0 {
                self.proxy
                    .rejections
                    .insert(updates_of(&stat.name), stat.value);
            }
        }
    }

    fn take_listeners(&mut self, entries: Vec<ListenerEntry>) {
        for entry in entries {
            self.proxy.warming_listeners.extend(entry.warming());
            let (listener, rejection) = entry.keep();
            self.proxy.listeners.extend(listener);
            self.proxy.rejected.extend(rejection);
        }
    }

    fn take_routes(&mut self, entries: Vec<RouteEntry>) {
        for (routes, rejection) in entries.into_iter().map(RouteEntry::keep) {
            self.proxy.routes.extend(routes);
            self.proxy.rejected.extend(rejection);
        }
    }

    fn take_clusters(&mut self, entries: Vec<ClusterEntry>, warming: bool) {
        for entry in entries {
            let (kept, rejection) = entry.keep(warming);
            self.proxy.rejected.extend(rejection);
            if let Some((cluster, labels)) = kept {
                self.labels
                    .entry(cluster.name.clone())
                    .or_default()
                    .extend(labels);
                self.proxy.clusters.push(cluster);
            }
        }
    }

    fn take_endpoints(&mut self, entries: Vec<EndpointEntry>) {
        for (cluster, labels) in entries.into_iter().map(EndpointEntry::keep) {
            self.labels.entry(cluster).or_default().extend(labels);
        }
    }

    fn take_secrets(&mut self, entries: Vec<SecretEntry>, state: SecretState) {
        for (secret, rejection) in entries.into_iter().map(|e| e.keep(state)) {
            self.proxy.secrets.push(secret);
            self.proxy.rejected.extend(rejection);
        }
    }

    /// The proxy that the parts describe.
    pub fn proxy(self) -> Proxy {
        let Parts {
            mut proxy,
            labels,
            mut endpoints,
        } = self;
        proxy
            .rejected
            .sort_by(|a, b| (&a.resource, &a.when).cmp(&(&b.resource, &b.when)));
        proxy
            .rejected
            .dedup_by(|later, first| later.resource == first.resource);
        let none = EndpointLabels::new();
        for cluster in proxy.clusters.iter_mut().filter(|c| !c.warming) {
            let labels = labels.get(&cluster.name).unwrap_or(&none);
            cluster.endpoints = endpoints.remove(&cluster.name).unwrap_or_default();
            for endpoint in &mut cluster.endpoints {
                let port = endpoint
                    .address
                    .rsplit_once(':')
                    .map_or("", |(_, port)| port);
                let named = format!("{}:{port}", endpoint.hostname);
                let found = labels.get(&endpoint.address).or_else(|| labels.get(&named));
                endpoint.labels = found.cloned().unwrap_or_default();
            }
        }
        proxy
    }
}

impl Tally {
    /// Read `/clusters?format=json`.
    pub fn parse(answer: &[u8]) -> Result<Tally, String> {
        let statuses: ClusterStatuses = json(answer)?;
        let of = |e: Endpoint| (e.address, e.counters);
        let clusters = statuses.cluster_statuses.into_iter();
        let clusters = clusters
            .map(|c| (c.name.clone(), c.endpoints().into_iter().map(of).collect()))
            .collect();
        Ok(Tally { clusters })
    }
}

fn json<T: DeserializeOwned>(answer: &[u8]) -> Result<T, String> {
    serde_json::from_slice(answer).map_err(|e| e.to_string())
}

fn resources<T: DeserializeOwned>(answer: &[u8]) -> Result<Vec<T>, String> {
    json::<Resources<T>>(answer).map(|r| r.configs)
}

/// `envoy.admin.v3.ServerInfo.State`.
fn state_name(value: u64) -> &'static str {
    match value {
        0 => "LIVE",
        1 => "DRAINING",
        2 => "PRE_INITIALIZING",
        _ => "INITIALIZING",
    }
}

fn updates_of(stat: &str) -> String {
    match stat {
        "listener_manager.lds.update_rejected" => "listeners".into(),
        "cluster_manager.cds.update_rejected" => "clusters".into(),
        other => other.trim_end_matches(".update_rejected").into(),
    }
}
