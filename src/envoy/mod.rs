//! What a proxy was given: Envoy's admin interface, read ([`read()`]), kept as plain values
//! ([`Proxy`]), and evaluated as Envoy itself would ([`evaluate()`]) to the cluster that a
//! connection really gets.
//!
//! Only [`read()`] talks to the network. What is kept holds certificates, never keys: there is no
//! field to put one in, and of every PEM text only the `CERTIFICATE` blocks are taken.

mod access_log;
mod cluster;
mod evaluate;
mod filter;
mod index;
mod listener;
mod parse;
mod read;
mod route;
mod secret;
mod share;
mod sync;
mod tally;
mod wire;

#[cfg(test)]
mod tests;

#[cfg(test)]
pub(crate) use tests::load as fixture;

pub use access_log::Logged;
pub use cluster::{ClientTls, Cluster, Counters, Endpoint, SocketMatch};
pub(crate) use evaluate::place;
pub use evaluate::{Bytes, Connection, Role, evaluate, onward, pass};
pub use filter::{Filter, Maker};
pub use listener::{Address, Chain, ChainMatch, Forward, Listener, ServerTls};
pub use parse::{Part, Parts};
pub use read::{read, read_sync, read_tally, read_version};
pub use route::{Abort, Action, HeaderCondition, PathCondition, Routes, Rule, VirtualHost};
pub use secret::{Secret, SecretState, Trusted};
pub use share::Share;
pub use sync::{Plane, ProxySync, SyncState};
pub use tally::{Moved, Tally};

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What was read of one proxy.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Proxy {
    /// Who it says it is.
    pub node: Node,
    /// `LIVE`, `DRAINING`, `PRE_INITIALIZING` or `INITIALIZING`; empty where it does not say.
    pub state: String,
    /// The listeners in force, less those that only watch the proxy itself.
    pub listeners: Vec<Listener>,
    /// The names of listeners that still wait for something, such as a secret, and are not in
    /// force.
    pub warming_listeners: Vec<String>,
    /// The route tables that listeners refer to by name.
    pub routes: Vec<Routes>,
    /// The clusters, with their endpoints.
    pub clusters: Vec<Cluster>,
    /// The certificates and roots that it holds.
    pub secrets: Vec<Secret>,
    /// What it refused, resource by resource, as far as it remembers.
    pub rejected: Vec<Rejection>,
    /// How many updates it refused since it started, by kind: `listeners`, `clusters`, or a route
    /// table's name.
    pub rejections: BTreeMap<String, u64>,
    #[serde(skip)]
    pub(crate) index: index::Lazy,
}

/// Who a proxy says it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Node {
    /// `sidecar~IP~POD.NS~…` or `router~…`.
    pub id: String,
    /// The version of Istio's agent.
    pub istio_version: String,
    /// The version of Envoy, `1.40`.
    pub envoy_version: String,
    /// The namespace.
    pub namespace: String,
    /// The service account, from which its SPIFFE id follows.
    pub service_account: String,
    /// The trust domain as its agent was told (`MESH_ID`).
    pub mesh_id: String,
    /// `REDIRECT`, `TPROXY` or `NONE`.
    pub interception: String,
}

/// A resource that Envoy refused.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Rejection {
    /// The kind and name: `listener 0.0.0.0_443`.
    pub resource: String,
    /// Envoy's own words.
    pub reason: String,
    /// When, RFC 3339.
    pub when: String,
}

impl Proxy {
    /// The secret of that name; one in force comes before one that waits.
    pub fn secret(&self, name: &str) -> Option<&Secret> {
        let named = || self.secrets.iter().filter(|s| s.name == name);
        named()
            .find(|s| s.state == SecretState::Active)
            .or_else(|| named().next())
    }

    /// The workload certificate that its agent gave it.
    pub fn identity(&self) -> Option<&Secret> {
        self.secret("default")
    }

    /// The mesh's roots that its agent gave it.
    pub fn roots(&self) -> Option<&Secret> {
        self.secret("ROOTCA")
    }
}
