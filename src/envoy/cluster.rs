//! Clusters: how a proxy reaches what is behind a name, over which TLS, and at which addresses.

use crate::model::StartedMode;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A cluster.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
// Each is a switch of Envoy's own.
#[allow(clippy::struct_excessive_bools)]
pub struct Cluster {
    /// Its name: `outbound|443||edition.cnn.com`.
    pub name: String,
    /// How it finds endpoints: `EDS`, `STRICT_DNS`, `LOGICAL_DNS`, `STATIC`, `ORIGINAL_DST`, or an
    /// extension's name.
    pub discovery: String,
    /// True while it waits for something (a secret, its first endpoints) and takes no traffic.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub warming: bool,
    /// TLS that depends on the endpoint.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub socket_matches: Vec<SocketMatch>,
    /// TLS for all other endpoints; none is plain bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls: Option<ClientTls>,
    /// It sends a PROXY header before the bytes of a connection.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub sends_proxy_protocol: bool,
    /// It speaks HTTP/2 to every server, whatever that offers.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub speaks_http2: bool,
    /// The SNI is the request's Host.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub sni_from_host: bool,
    /// The server's certificate must be for the request's Host.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub names_from_host: bool,
    /// The endpoints that Envoy has now.
    pub endpoints: Vec<Endpoint>,
    /// True where it still sends when no endpoint is healthy (istiod turns that off).
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub panics: bool,
    /// The DestinationRule that it was made of, as istiod says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub config: Option<String>,
}

/// TLS for endpoints with certain metadata.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SocketMatch {
    /// Its name: `tlsMode-istio`.
    pub name: String,
    /// What the endpoint's metadata must have: `tlsMode: istio`; empty for any.
    pub labels: BTreeMap<String, String>,
    /// The TLS; none is plain bytes.
    pub tls: Option<ClientTls>,
}

/// TLS that a proxy starts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ClientTls {
    /// The transport socket, where it is not plain TLS: `envoy.transport_sockets.quic`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub socket: String,
    /// The name in the ClientHello.
    pub sni: Option<String>,
    /// The names that the server's certificate may carry; empty where they are not checked.
    pub names: Vec<String>,
    /// The secret with the client's certificate: `default`, `kubernetes://…`, `file-cert:…`.
    pub certificate: Option<String>,
    /// The secret, or file, with the roots; none where the server is not verified at all.
    pub roots: Option<String>,
    /// The protocols that it offers.
    pub alpn: Vec<String>,
}

/// One address behind a cluster.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Endpoint {
    /// `address:port`.
    pub address: String,
    /// The name that was resolved to it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub hostname: String,
    /// Why it gets no traffic: `failed_outlier_check`, `UNHEALTHY`, …; empty for a healthy one.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ill: Vec<String>,
    /// The metadata that [`SocketMatch`] looks at.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// What went there.
    #[serde(skip_serializing_if = "Counters::none")]
    pub counters: Counters,
}

/// What went to an address since it became one of the cluster's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Counters {
    /// Connections that were tried.
    pub cx_total: u64,
    /// Connections open now.
    pub cx_active: u64,
    /// Connections that failed.
    pub cx_connect_fail: u64,
    /// Requests, and for TCP connections that were used.
    pub rq_total: u64,
    /// Requests that failed.
    pub rq_error: u64,
}

impl Counters {
    fn none(&self) -> bool {
        *self == Counters::default()
    }
}

impl Endpoint {
    /// Whether it can get traffic.
    pub fn healthy(&self) -> bool {
        self.ill.is_empty()
    }
}

impl Cluster {
    /// The TLS towards an endpoint: of the first match, else of the cluster.
    pub fn tls_to(&self, endpoint: Option<&Endpoint>) -> Option<&ClientTls> {
        let labels = endpoint.map(|e| &e.labels);
        let fits = |m: &&SocketMatch| {
            m.labels
                .iter()
                .all(|(k, v)| labels.is_some_and(|l| l.get(k) == Some(v)))
        };
        match self.socket_matches.iter().find(fits) {
            Some(found) => found.tls.as_ref(),
            None => self.tls.as_ref(),
        }
    }
}

impl ClientTls {
    /// Which kind of TLS this is, told by the client's certificate.
    pub fn mode(&self) -> StartedMode {
        match self.certificate.as_deref() {
            None => StartedMode::Simple,
            Some("default") => StartedMode::IstioMutual,
            Some(_) => StartedMode::Mutual,
        }
    }
}
