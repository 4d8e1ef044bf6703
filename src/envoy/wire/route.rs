//! `dynamic_route_configs`: route tables, and the weighted clusters that TCP proxies have too.

use super::super::{
    Action, HeaderCondition, PathCondition, Rejection, Routes, Rule, Share, VirtualHost,
};
use super::filter::PerRoute;
use super::{ErrorState, Metadata};
use serde::Deserialize;
use serde::de::IgnoredAny;
use std::collections::BTreeMap;

#[derive(Default, Deserialize)]
#[serde(default)]
pub(in super::super) struct RouteEntry {
    route_config: Option<RouteTable>,
    error_state: Option<ErrorState>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct RouteTable {
    name: String,
    virtual_hosts: Vec<WireHost>,
    ignore_port_in_host_matching: bool,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct WireHost {
    name: String,
    domains: Vec<String>,
    routes: Vec<WireRule>,
    require_tls: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct WireRule {
    name: String,
    #[serde(rename = "match")]
    condition: WireMatch,
    route: Option<Target>,
    redirect: Option<IgnoredAny>,
    direct_response: Option<Direct>,
    typed_per_filter_config: BTreeMap<String, PerRoute>,
    metadata: Metadata,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct WireMatch {
    prefix: Option<String>,
    path: Option<String>,
    path_separated_prefix: Option<String>,
    headers: Vec<Header>,
    query_parameters: Vec<IgnoredAny>,
    runtime_fraction: Option<IgnoredAny>,
    tls_context: Option<IgnoredAny>,
    dynamic_metadata: Vec<IgnoredAny>,
    grpc: Option<IgnoredAny>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Header {
    name: String,
    string_match: StringMatch,
    invert_match: bool,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct StringMatch {
    exact: Option<String>,
    prefix: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Target {
    cluster: Option<String>,
    weighted_clusters: Option<Weighted>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Weighted {
    clusters: Vec<WeightedCluster>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct WeightedCluster {
    name: String,
    weight: u32,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Direct {
    status: u16,
}

impl Weighted {
    pub(super) fn keep(self) -> Vec<Share> {
        self.clusters
            .into_iter()
            .map(|c| Share {
                cluster: c.name,
                weight: c.weight,
            })
            .collect()
    }
}

impl RouteEntry {
    pub(in super::super) fn keep(self) -> (Option<Routes>, Option<Rejection>) {
        let table = self.route_config.map(RouteTable::keep);
        let name = table.as_ref().map_or("", |t| t.name.as_str());
        let rejection = self.error_state.map(|e| e.of("routes", name));
        (table, rejection)
    }
}

impl RouteTable {
    pub(super) fn keep(self) -> Routes {
        Routes {
            name: self.name,
            hosts: self.virtual_hosts.into_iter().map(WireHost::keep).collect(),
            ignores_port: self.ignore_port_in_host_matching,
        }
    }
}

impl WireHost {
    fn keep(self) -> VirtualHost {
        VirtualHost {
            name: self.name,
            domains: self.domains,
            rules: self.routes.into_iter().map(WireRule::keep).collect(),
            require_tls: self.require_tls,
        }
    }
}

impl WireRule {
    fn keep(self) -> Rule {
        let condition = self.condition;
        let asks_more = !condition.query_parameters.is_empty()
            || !condition.dynamic_metadata.is_empty()
            || condition.runtime_fraction.is_some()
            || condition.tls_context.is_some()
            || condition.grpc.is_some();
        Rule {
            name: self.name,
            path: match (
                condition.prefix,
                condition.path,
                condition.path_separated_prefix,
            ) {
                (Some(prefix), ..) => PathCondition::Prefix(prefix),
                (_, Some(path), _) => PathCondition::Exact(path),
                (.., Some(segments)) => PathCondition::Segments(segments),
                _ => PathCondition::Other,
            },
            headers: condition.headers.into_iter().map(Header::keep).collect(),
            asks_more,
            action: match (self.route, self.redirect, self.direct_response) {
                (Some(target), ..) => target.keep(),
                (_, Some(_), _) => Action::Redirect,
                (.., Some(direct)) => Action::Answer(direct.status),
                _ => Action::Other,
            },
            abort: self
                .typed_per_filter_config
                .values()
                .find_map(PerRoute::abort),
            config: self.metadata.filter_metadata.istio.config,
        }
    }
}

impl Target {
    fn keep(self) -> Action {
        match (self.cluster, self.weighted_clusters) {
            (Some(cluster), _) => Action::Clusters(vec![Share { cluster, weight: 0 }]),
            (None, Some(weighted)) => Action::Clusters(weighted.keep()),
            (None, None) => Action::Other,
        }
    }
}

impl Header {
    fn keep(self) -> HeaderCondition {
        HeaderCondition {
            name: self.name.to_ascii_lowercase(),
            exact: self.string_match.exact,
            prefix: self.string_match.prefix,
            invert: self.invert_match,
        }
    }
}
