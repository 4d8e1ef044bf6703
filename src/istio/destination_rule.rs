//! DestinationRule: subsets of a host, and how a proxy connects to it.

use super::WorkloadSelector;
use super::virtual_service::PortSelector;
use crate::kubernetes::Object;
use crate::kubernetes::pod::Labels;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A DestinationRule.
pub type DestinationRule = Object<DestinationRuleSpec>;

/// What is wanted of it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct DestinationRuleSpec {
    /// The host, also with a leading `*`.
    pub host: String,
    /// For all of the host.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub traffic_policy: Option<TrafficPolicy>,
    /// Named parts of the host.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub subsets: Vec<Subset>,
    /// Namespaces that see it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub export_to: Vec<String>,
    /// Only for these callers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub workload_selector: Option<WorkloadSelector>,
}

/// A named part of a host.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Subset {
    /// The name that routes use.
    pub name: String,
    /// Endpoints must have these; empty takes all.
    #[serde(skip_serializing_if = "Labels::is_empty")]
    pub labels: Labels,
    /// For this part only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub traffic_policy: Option<TrafficPolicy>,
}

/// How to connect.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct TrafficPolicy {
    /// TLS to the host.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls: Option<ClientTls>,
    /// For one port: replaces the rest, field by field.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub port_level_settings: Vec<PortPolicy>,
    /// Pools, of which `http.h2UpgradePolicy` changes the protocol.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connection_pool: Option<ConnectionPool>,
    /// A tunnel through a proxy (`CONNECT`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tunnel: Option<Value>,
    /// Any load balancer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub load_balancer: Option<Value>,
    /// Any ejection of hosts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outlier_detection: Option<Value>,
    /// PROXY protocol to the host.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proxy_protocol: Option<Value>,
}

/// How to connect to one port.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct PortPolicy {
    /// The port.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub port: Option<PortSelector>,
    /// TLS to it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls: Option<ClientTls>,
    /// Pools.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connection_pool: Option<ConnectionPool>,
    /// Any load balancer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub load_balancer: Option<Value>,
    /// Any ejection of hosts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outlier_detection: Option<Value>,
}

/// Connection pools.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ConnectionPool {
    /// For HTTP.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub http: Option<HttpPool>,
    /// For TCP.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tcp: Option<Value>,
}

/// The HTTP pool.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct HttpPool {
    /// `UPGRADE`: HTTP/2 to a host that may not know it.
    #[serde(rename = "h2UpgradePolicy", skip_serializing_if = "Option::is_none")]
    pub h2_upgrade_policy: Option<String>,
    /// Keep the caller's protocol.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub use_client_protocol: Option<bool>,
    /// Requests that may wait for a connection.
    #[serde(
        rename = "http1MaxPendingRequests",
        skip_serializing_if = "Option::is_none"
    )]
    pub max_pending_requests: Option<Value>,
    /// Requests that may be under way.
    #[serde(rename = "http2MaxRequests", skip_serializing_if = "Option::is_none")]
    pub max_requests: Option<Value>,
}

/// TLS that the proxy starts.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ClientTls {
    /// Which.
    pub mode: TlsMode,
    /// A Secret in the proxy's namespace.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub credential_name: Option<String>,
    /// A file in the proxy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_certificate: Option<String>,
    /// A file in the proxy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub private_key: Option<String>,
    /// A file in the proxy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ca_certificates: Option<String>,
    /// Names the server's certificate may carry.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub subject_alt_names: Vec<String>,
    /// The name in the ClientHello.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sni: Option<String>,
    /// Take any certificate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub insecure_skip_verify: Option<bool>,
    /// A file with certificates that are revoked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ca_crl: Option<String>,
}

/// Who presents what in a handshake.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum TlsMode {
    /// No TLS.
    #[default]
    Disable,
    /// TLS with the server's certificate.
    Simple,
    /// TLS with certificates of both sides.
    Mutual,
    /// TLS with the mesh's own certificates.
    IstioMutual,
}

impl TlsMode {
    /// As it is written.
    pub fn name(self) -> &'static str {
        match self {
            TlsMode::Disable => "DISABLE",
            TlsMode::Simple => "SIMPLE",
            TlsMode::Mutual => "MUTUAL",
            TlsMode::IstioMutual => "ISTIO_MUTUAL",
        }
    }
}
