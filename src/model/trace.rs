//! A path, decision by decision: what each hop does with a connection, and because of which object.
//! *Intended* and *programmed* both come as a [`Trace`], so "where they part" is a comparison.

pub use super::cluster_name::ClusterName;
use super::end::{End, StartedMode};
use crate::kubernetes::Place;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Where on the path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum HopName {
    /// The application's own pod.
    Client,
    /// The proxy beside it.
    Sidecar,
    /// The egress gateway.
    Gateway,
    /// The host outside.
    Outside,
}

impl HopName {
    /// All, in the order of the path.
    pub const ALL: [HopName; 4] = [
        HopName::Client,
        HopName::Sidecar,
        HopName::Gateway,
        HopName::Outside,
    ];

    /// In lower case.
    pub fn name(self) -> &'static str {
        match self {
            HopName::Client => "client",
            HopName::Sidecar => "sidecar",
            HopName::Gateway => "gateway",
            HopName::Outside => "outside",
        }
    }
}

impl fmt::Display for HopName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A decision, and the fields that took it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Decision<T> {
    /// What was decided.
    pub value: T,
    /// Why.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub because: Vec<Place>,
}

impl<T> Decision<T> {
    /// A decision with its reasons.
    pub fn new(value: T, because: impl IntoIterator<Item = Place>) -> Self {
        Self {
            value,
            because: because.into_iter().collect(),
        }
    }
}

/// What one proxy does with the connection. A field is absent where the hop has no such decision,
/// or did not get there.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Step {
    /// The listener that takes it, by Envoy's name: `0.0.0.0_443`, `virtualOutbound`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub listener: Option<Decision<String>>,
    /// The filter chain: `sni edition.cnn.com`, `http`, `any`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub chain: Option<Decision<String>>,
    /// The route: a virtual host and rule for HTTP, a rule for the rest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub route: Option<Decision<String>>,
    /// The cluster that it is sent to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cluster: Option<Decision<ClusterName>>,
    /// The other clusters that a weighted route spreads connections over; the heaviest one is
    /// `cluster`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub shares: Vec<Share>,
    /// Where that leads, as `address:port`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub endpoints: Option<Decision<Vec<String>>>,
    /// TLS that the proxy starts on the way on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls: Option<Decision<StartedTls>>,
    /// Why it goes no further here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ends: Option<Decision<End>>,
}

/// A part of the connections that takes another cluster than the rest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Share {
    /// The cluster.
    pub cluster: ClusterName,
    /// Its weight, in percent of all.
    pub percent: u32,
    /// Why connections go no further there, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ends: Option<String>,
}

/// TLS that a proxy starts towards the next hop.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct StartedTls {
    /// Of which kind.
    pub mode: StartedMode,
    /// The name in the ClientHello, where one is fixed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sni: Option<String>,
    /// The names that the server's certificate may carry; empty where it is not checked.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub names: Vec<String>,
}

/// What each hop does.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Trace {
    /// The application's pod.
    pub client: Step,
    /// The proxy beside it.
    pub sidecar: Step,
    /// The gateway; absent where the path does not lead there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gateway: Option<Step>,
    /// The host outside.
    pub outside: Step,
}
