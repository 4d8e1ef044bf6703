//! Listeners and their filter chains, as far as they decide where a connection goes.

use super::{Filter, Routes, Share};
use serde::{Deserialize, Serialize};
use std::net::IpAddr;

/// A listener in force.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
// Each is a switch of Envoy's own.
#[allow(clippy::struct_excessive_bools)]
pub struct Listener {
    /// Its name: `0.0.0.0_443`, `virtualOutbound`.
    pub name: String,
    /// The address, then any additional ones.
    pub addresses: Vec<Address>,
    /// Whether a socket is open on it; the others are reached through `virtualOutbound`.
    pub bound: bool,
    /// Whether it hands connections on to the listener of their original destination.
    pub hands_on: bool,
    /// Whether it is for connections that come in to the workload.
    pub inbound: bool,
    /// Whether it looks for a ClientHello first.
    pub inspects_tls: bool,
    /// Whether it looks for an HTTP request first.
    pub inspects_http: bool,
    /// Whether it takes a PROXY header before the bytes of a connection.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub takes_proxy_protocol: bool,
    /// True where the chain is chosen by a matcher tree, which is not evaluated here.
    pub has_matcher: bool,
    /// The chains, each with its conditions.
    pub chains: Vec<Chain>,
    /// The chain for what matches no other.
    pub default_chain: Option<Chain>,
}

/// A socket address.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Address {
    /// The IP address as text; empty for what is not one.
    pub ip: String,
    /// The port.
    pub port: u16,
}

impl Address {
    /// Whether a connection from another machine to this address arrives here; where the address
    /// is not known, any but one of the loopback does.
    pub fn takes(&self, called: Option<IpAddr>) -> bool {
        let Ok(own) = self.ip.parse::<IpAddr>() else {
            return true;
        };
        own.is_unspecified() || called.map_or(!own.is_loopback(), |called| called == own)
    }
}

/// A filter chain.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Chain {
    /// Its name; mostly empty.
    pub name: String,
    /// When it is taken.
    pub conditions: ChainMatch,
    /// TLS that is ended here.
    pub tls: Option<ServerTls>,
    /// The names of its filters, in order.
    pub filters: Vec<String>,
    /// Those of its filters, and of the HTTP filters in it, that can answer or refuse.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub answering: Vec<Filter>,
    /// Where its last filter sends the connection.
    pub forward: Forward,
    /// The object that it was made of, as istiod says: `/apis/…/virtual-service/cnn`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub config: Option<String>,
}

/// The conditions of a chain; all of them hold where it is taken.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ChainMatch {
    /// The port that the client dialled.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// Ranges of the address that the client dialled: address and length.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ranges: Vec<(String, u8)>,
    /// Server names, `*.suffix` among them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub server_names: Vec<String>,
    /// `tls`, `raw_buffer` or empty.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub transport_protocol: String,
    /// `h2`, `http/1.1`, `istio`, …
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub application_protocols: Vec<String>,
    /// True where it also asks for certain clients.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub asks_source: bool,
}

/// TLS that a listener ends.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ServerTls {
    /// Whether the client must have a certificate.
    pub demands_certificate: bool,
    /// The secret with its own certificate.
    pub certificate: Option<String>,
    /// The secret with the roots that clients are verified with.
    pub roots: Option<String>,
    /// The protocols that it offers.
    pub alpn: Vec<String>,
}

/// Where a chain sends a connection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Forward {
    /// HTTP, by a route table that is delivered apart.
    Routes(String),
    /// HTTP, by a table in the listener itself.
    Inline(Routes),
    /// Bytes, to one cluster or several by weight.
    Clusters(Vec<Share>),
    /// A last filter that is not evaluated here.
    Other(String),
}

impl Default for Forward {
    fn default() -> Self {
        Forward::Other(String::new())
    }
}

impl Listener {
    /// All chains, the default one last.
    pub fn all_chains(&self) -> impl Iterator<Item = &Chain> {
        self.chains.iter().chain(&self.default_chain)
    }

    /// Whether it listens on that port.
    pub fn has_port(&self, port: u16) -> bool {
        self.addresses.iter().any(|a| a.port == port)
    }
}
