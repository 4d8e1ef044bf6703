//! What somebody wants: arguments, the guided form and the file all become this.

use crate::flow::Hop;
use crate::model::target::{Client, Host, Target, is_label};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

/// Hosts, who calls them, and through which gateway.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EgressSpec {
    /// One for each port of each host.
    pub requests: Vec<PortRequest>,
    /// Through which gateway; none takes the only one, or installs one.
    pub gateway: Option<GatewayName>,
    /// The name of the file that it came from: hosts of it that a later version no longer has can
    /// be pruned.
    pub set: Option<String>,
}

/// One port of a host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PortRequest {
    /// Where to.
    pub target: Target,
    /// Who calls.
    pub clients: Vec<Client>,
    /// How.
    pub options: FlowOptions,
}

/// How hosts are carried.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FlowOptions {
    /// The gateway starts TLS for plain HTTP.
    pub originate_tls: bool,
    /// A Secret in the gateway's namespace with the certificate that it shows the host.
    pub client_cert: Option<String>,
    /// TLS between sidecar and gateway.
    pub hop: HopChoice,
    /// The host's addresses.
    pub addresses: Vec<IpAddr>,
    /// Who may call; empty is everybody.
    pub allow: Vec<ServiceAccount>,
    /// The one server that answers for a wildcard.
    pub server: Option<Host>,
}

impl FlowOptions {
    /// Where the gateway reaches a host, or why it cannot.
    pub fn server_of(&self, host: &Host) -> Result<Host, String> {
        match (host, &self.server) {
            (Host::Wildcard(_), Some(server @ Host::Name(_))) => Ok(server.clone()),
            (Host::Wildcard(_), _) => Err(format!(
                "{host} stands for many names: say which server answers for them"
            )),
            (_, Some(server)) => Err(format!(
                "{host} is its own server: {server} would only be for a wildcard"
            )),
            (_, None) => Ok(host.clone()),
        }
    }
}

/// `--hop`.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    clap::ValueEnum,
    Serialize,
    Deserialize,
    schemars::JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum HopChoice {
    /// Mutual TLS where the gateway has a port for it
    #[default]
    Auto,
    /// As the application sent it
    Plain,
    /// Mutual TLS of the mesh
    Mtls,
}

impl HopChoice {
    /// Whether it asks for just that.
    pub fn is(self, hop: Hop) -> bool {
        matches!(
            (self, hop),
            (HopChoice::Plain, Hop::Plain) | (HopChoice::Mtls, Hop::Mutual)
        )
    }
}

/// `NS/SA`: a client's identity.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ServiceAccount {
    namespace: String,
    name: String,
}

impl ServiceAccount {
    /// As a policy names it: without `spiffe://`, with which it would never match.
    pub fn principal(&self, trust_domain: &str) -> String {
        format!("{trust_domain}/ns/{}/sa/{}", self.namespace, self.name)
    }
}

impl FromStr for ServiceAccount {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once('/') {
            Some((namespace, name)) if is_label(namespace) && is_label(name) => Ok(Self {
                namespace: namespace.into(),
                name: name.into(),
            }),
            _ => Err(format!("{text:?} is not a service account: NAMESPACE/NAME")),
        }
    }
}

impl TryFrom<String> for ServiceAccount {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<ServiceAccount> for String {
    fn from(account: ServiceAccount) -> String {
        format!("{}/{}", account.namespace, account.name)
    }
}

/// `NS/SERVICE`: a gateway, by its Service.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct GatewayName {
    /// The namespace.
    pub namespace: String,
    /// The Service.
    pub service: String,
}

impl FromStr for GatewayName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once('/') {
            Some((namespace, service)) if is_label(namespace) && is_label(service) => Ok(Self {
                namespace: namespace.into(),
                service: service.into(),
            }),
            _ => Err(format!("{text:?} is not a gateway: NAMESPACE/SERVICE")),
        }
    }
}

impl fmt::Display for GatewayName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.service)
    }
}

impl EgressSpec {
    /// Everybody who calls, each once.
    pub fn clients(&self) -> Vec<Client> {
        let all: std::collections::BTreeSet<&Client> =
            self.requests.iter().flat_map(|w| &w.clients).collect();
        all.into_iter().cloned().collect()
    }
}

impl PortRequest {
    /// The namespaces that call, each once, in order.
    pub fn namespaces(&self) -> Vec<String> {
        let all: std::collections::BTreeSet<&String> =
            self.clients.iter().map(|c| &c.namespace).collect();
        all.into_iter().cloned().collect()
    }
}
