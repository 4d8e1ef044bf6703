//! `dynamic_active_clusters` and `dynamic_warming_clusters`, endpoint assignments, and
//! `/clusters?format=json`.

use super::super::{Cluster, Counters, Endpoint, Rejection, SocketMatch};
use super::tls::TransportSocket;
use super::{Address, ErrorState, Metadata, number};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;
use std::collections::BTreeMap;

#[derive(Default, Deserialize)]
#[serde(default)]
pub(in super::super) struct ClusterEntry {
    cluster: Option<WireCluster>,
    error_state: Option<ErrorState>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct WireCluster {
    name: String,
    #[serde(rename = "type")]
    discovery: String,
    cluster_type: Extension,
    transport_socket: TransportSocket,
    transport_socket_matches: Vec<WireSocketMatch>,
    typed_extension_protocol_options: ProtocolOptions,
    metadata: Metadata,
    common_lb_config: LoadBalancing,
    load_assignment: Assignment,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Extension {
    name: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct WireSocketMatch {
    name: String,
    #[serde(rename = "match")]
    labels: BTreeMap<String, Value>,
    transport_socket: TransportSocket,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ProtocolOptions {
    #[serde(rename = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions")]
    http: HttpOptions,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct HttpOptions {
    upstream_http_protocol_options: UpstreamOptions,
    explicit_http_config: ExplicitHttp,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ExplicitHttp {
    http2_protocol_options: Option<IgnoredAny>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct UpstreamOptions {
    auto_sni: bool,
    auto_san_validation: bool,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct LoadBalancing {
    healthy_panic_threshold: Option<Percent>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Percent {
    value: f64,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(in super::super) struct EndpointEntry {
    endpoint_config: Assignment,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Assignment {
    cluster_name: String,
    endpoints: Vec<Locality>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Locality {
    lb_endpoints: Vec<Assigned>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Assigned {
    endpoint: AssignedAddress,
    metadata: Metadata,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct AssignedAddress {
    address: Address,
}

/// The labels of a cluster's endpoints, by the address (or the name, where it is still to be
/// resolved) and port.
pub(in super::super) type EndpointLabels = BTreeMap<String, BTreeMap<String, String>>;

impl ClusterEntry {
    pub(in super::super) fn keep(
        self,
        warming: bool,
    ) -> (Option<(Cluster, EndpointLabels)>, Option<Rejection>) {
        let name = self.cluster.as_ref().map_or("", |c| c.name.as_str());
        let rejection = self.error_state.map(|e| e.of("cluster", name));
        (self.cluster.map(|c| c.keep(warming)), rejection)
    }
}

impl WireCluster {
    fn keep(self, warming: bool) -> (Cluster, EndpointLabels) {
        let http = self.typed_extension_protocol_options.http;
        let options = http.upstream_http_protocol_options;
        let explicit = http.explicit_http_config;
        let mut sockets = std::iter::once(&self.transport_socket).chain(
            self.transport_socket_matches
                .iter()
                .map(|m| &m.transport_socket),
        );
        let sends_proxy_protocol = sockets.any(TransportSocket::sends_proxy_protocol);
        let cluster = Cluster {
            discovery: match (self.discovery.as_str(), self.cluster_type.name) {
                ("", name) if name.is_empty() => "STATIC".into(),
                ("", name) => name,
                (kind, _) => kind.into(),
            },
            name: self.name,
            warming,
            socket_matches: self
                .transport_socket_matches
                .into_iter()
                .map(WireSocketMatch::keep)
                .collect(),
            sends_proxy_protocol,
            speaks_http2: explicit.http2_protocol_options.is_some(),
            tls: self.transport_socket.client(),
            sni_from_host: options.auto_sni,
            names_from_host: options.auto_san_validation,
            endpoints: Vec::new(),
            panics: self
                .common_lb_config
                .healthy_panic_threshold
                .is_none_or(|p| p.value > 0.0),
            config: self.metadata.filter_metadata.istio.config,
        };
        (cluster, self.load_assignment.labels())
    }
}

impl WireSocketMatch {
    fn keep(self) -> SocketMatch {
        SocketMatch {
            name: self.name,
            labels: texts(self.labels),
            tls: self.transport_socket.client(),
        }
    }
}

impl EndpointEntry {
    pub(in super::super) fn keep(self) -> (String, EndpointLabels) {
        (
            self.endpoint_config.cluster_name.clone(),
            self.endpoint_config.labels(),
        )
    }
}

impl Assignment {
    fn labels(self) -> EndpointLabels {
        let all = self.endpoints.into_iter().flat_map(|l| l.lb_endpoints);
        let of = |a: Assigned| {
            (
                a.endpoint.address.text(),
                texts(a.metadata.filter_metadata.socket),
            )
        };
        all.map(of)
            .filter(|(_, labels)| !labels.is_empty())
            .collect()
    }
}

fn texts(values: BTreeMap<String, Value>) -> BTreeMap<String, String> {
    let text = |v: Value| match v {
        Value::String(text) => text,
        other => other.to_string(),
    };
    values.into_iter().map(|(k, v)| (k, text(v))).collect()
}

/// `/clusters?format=json`.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(in super::super) struct ClusterStatuses {
    pub(in super::super) cluster_statuses: Vec<ClusterStatus>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(in super::super) struct ClusterStatus {
    pub(in super::super) name: String,
    host_statuses: Vec<HostStatus>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct HostStatus {
    address: Address,
    stats: Vec<Stat>,
    health_status: BTreeMap<String, Value>,
    hostname: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Stat {
    name: String,
    #[serde(deserialize_with = "number")]
    value: u64,
}

impl ClusterStatus {
    pub(in super::super) fn endpoints(self) -> Vec<Endpoint> {
        self.host_statuses
            .into_iter()
            .map(HostStatus::keep)
            .collect()
    }
}

impl HostStatus {
    fn keep(self) -> Endpoint {
        let stat = |name: &str| {
            self.stats
                .iter()
                .find(|s| s.name == name)
                .map_or(0, |s| s.value)
        };
        let counters = Counters {
            cx_total: stat("cx_total"),
            cx_active: stat("cx_active"),
            cx_connect_fail: stat("cx_connect_fail"),
            rq_total: stat("rq_total"),
            rq_error: stat("rq_error"),
        };
        Endpoint {
            address: self.address.text(),
            hostname: self.hostname,
            ill: self
                .health_status
                .iter()
                .filter_map(|(k, v)| ailment(k, v))
                .collect(),
            labels: BTreeMap::new(),
            counters,
        }
    }
}

/// Flags are true where something is wrong; the health that EDS says is a word.
fn ailment(name: &str, value: &Value) -> Option<String> {
    match value {
        Value::Bool(true) => Some(name.to_owned()),
        Value::String(word) if name == "eds_health_status" => {
            (!matches!(word.as_str(), "HEALTHY" | "DEGRADED" | "UNKNOWN")).then(|| word.clone())
        }
        _ => None,
    }
}
