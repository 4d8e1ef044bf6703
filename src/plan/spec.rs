//! What somebody wants: arguments, the guided form and the file all become this.

use crate::model::target::{Client, Target, is_label};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// Hosts, who calls them, and through which gateway.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EgressSpec {
    /// Where to.
    pub targets: Vec<Target>,
    /// Who calls.
    pub clients: Vec<Client>,
    /// Through which gateway; none takes the only one, or installs one.
    pub gateway: Option<GatewayName>,
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
            Some((namespace, service)) if is_label(namespace) && is_label(service) => {
                Ok(Self { namespace: namespace.into(), service: service.into() })
            }
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
    /// The namespaces that call, each once, in order.
    pub fn namespaces(&self) -> Vec<String> {
        let all: std::collections::BTreeSet<&String> = self.clients.iter().map(|c| &c.namespace).collect();
        all.into_iter().cloned().collect()
    }
}
