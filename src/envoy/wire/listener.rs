//! `dynamic_listeners`: listeners, filter chains, and the last filter of each chain.

use super::super::{self as kept, Chain, ChainMatch, Forward, Listener, Rejection};
use super::filter::{HttpFilter, keep};
use super::route::{RouteTable, Weighted};
use super::tls::TransportSocket;
use super::{Address, ErrorState, Metadata, text_if};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;

#[derive(Default, Deserialize)]
#[serde(default)]
pub(in super::super) struct ListenerEntry {
    name: String,
    active_state: Option<State>,
    warming_state: Option<IgnoredAny>,
    error_state: Option<ErrorState>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct State {
    listener: WireListener,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct WireListener {
    name: String,
    address: Address,
    additional_addresses: Vec<Additional>,
    bind_to_port: Option<bool>,
    use_original_dst: bool,
    traffic_direction: String,
    listener_filters: Vec<Named>,
    filter_chain_matcher: Option<IgnoredAny>,
    filter_chains: Vec<WireChain>,
    default_filter_chain: Option<WireChain>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Additional {
    address: Address,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Named {
    name: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct WireChain {
    name: String,
    filter_chain_match: WireMatch,
    filters: Vec<Filter>,
    transport_socket: TransportSocket,
    metadata: Metadata,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct WireMatch {
    destination_port: Option<u16>,
    prefix_ranges: Vec<Range>,
    server_names: Vec<String>,
    transport_protocol: String,
    application_protocols: Vec<String>,
    source_type: Option<IgnoredAny>,
    source_prefix_ranges: Vec<IgnoredAny>,
    direct_source_prefix_ranges: Vec<IgnoredAny>,
    source_ports: Vec<IgnoredAny>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Range {
    address_prefix: String,
    prefix_len: u8,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Filter {
    name: String,
    typed_config: FilterConfig,
}

/// The fields of both last filters, the TCP proxy and the HTTP connection manager.
#[derive(Default, Deserialize)]
#[serde(default)]
struct FilterConfig {
    #[serde(rename = "@type")]
    kind: String,
    #[serde(deserialize_with = "text_if")]
    cluster: Option<String>,
    weighted_clusters: Option<Weighted>,
    http_filters: Vec<HttpFilter>,
    rules: Option<Value>,
    rds: Option<Rds>,
    route_config: Option<RouteTable>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Rds {
    route_config_name: String,
}

impl ListenerEntry {
    /// The name of one that still waits for something, such as a secret or a route table.
    pub(in super::super) fn warming(&self) -> Option<String> {
        self.warming_state.as_ref().map(|_| self.name.clone())
    }

    pub(in super::super) fn keep(self) -> (Option<Listener>, Option<Rejection>) {
        let rejection = self.error_state.map(|e| e.of("listener", &self.name));
        (self.active_state.map(|s| s.listener.keep()), rejection)
    }
}

impl WireListener {
    fn keep(self) -> Listener {
        let inspects = |which: &str| {
            self.listener_filters
                .iter()
                .any(|f| f.name.ends_with(which))
        };
        let more = self.additional_addresses.iter().map(|a| &a.address);
        let address = |a: &Address| kept::Address {
            ip: a.socket_address.address.clone(),
            port: a.socket_address.port_value,
        };
        Listener {
            addresses: std::iter::once(&self.address)
                .chain(more)
                .map(address)
                .collect(),
            bound: self.bind_to_port.unwrap_or(true),
            hands_on: self.use_original_dst,
            inbound: self.traffic_direction == "INBOUND",
            inspects_tls: inspects("tls_inspector")
                || self
                    .filter_chains
                    .iter()
                    .any(|c| c.filter_chain_match.needs_tls()),
            inspects_http: inspects("http_inspector"),
            takes_proxy_protocol: inspects("proxy_protocol"),
            has_matcher: self.filter_chain_matcher.is_some(),
            chains: self
                .filter_chains
                .into_iter()
                .map(WireChain::keep)
                .collect(),
            default_chain: self.default_filter_chain.map(WireChain::keep),
            name: self.name,
        }
    }
}

impl WireMatch {
    /// Envoy adds the inspector by itself where a chain cannot be chosen without it.
    fn needs_tls(&self) -> bool {
        let hints = !self.server_names.is_empty() || !self.application_protocols.is_empty();
        self.transport_protocol == "tls" || (self.transport_protocol.is_empty() && hints)
    }

    fn keep(self) -> ChainMatch {
        let lists = [
            &self.source_prefix_ranges,
            &self.direct_source_prefix_ranges,
            &self.source_ports,
        ];
        ChainMatch {
            port: self.destination_port,
            asks_source: self.source_type.is_some() || lists.iter().any(|l| !l.is_empty()),
            ranges: self
                .prefix_ranges
                .into_iter()
                .map(|r| (r.address_prefix, r.prefix_len))
                .collect(),
            server_names: self.server_names,
            transport_protocol: self.transport_protocol,
            application_protocols: self.application_protocols,
        }
    }
}

impl WireChain {
    fn keep(mut self) -> Chain {
        let mut answering = Vec::new();
        for filter in &mut self.filters {
            let config = &mut filter.typed_config;
            answering.push(keep(
                &filter.name,
                &config.kind,
                config.rules.take().as_ref(),
            ));
            answering.extend(config.http_filters.drain(..).map(HttpFilter::keep));
        }
        answering.retain(|filter| !filter.is_plumbing());
        Chain {
            answering,
            name: self.name,
            conditions: self.filter_chain_match.keep(),
            tls: self.transport_socket.server(),
            filters: self.filters.iter().map(|f| f.name.clone()).collect(),
            forward: self.filters.pop().map(Filter::forward).unwrap_or_default(),
            config: self.metadata.filter_metadata.istio.config,
        }
    }
}

impl Filter {
    fn forward(self) -> Forward {
        let config = self.typed_config;
        if let Some(rds) = config.rds {
            return Forward::Routes(rds.route_config_name);
        }
        if let Some(table) = config.route_config {
            return Forward::Inline(table.keep());
        }
        match (config.cluster, config.weighted_clusters) {
            (Some(cluster), _) => Forward::Clusters(vec![kept::Share { cluster, weight: 0 }]),
            (None, Some(weighted)) => Forward::Clusters(weighted.keep()),
            (None, None) => Forward::Other(self.name),
        }
    }
}
