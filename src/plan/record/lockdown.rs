//! A namespace that is locked down, as its record keeps it: what its NetworkPolicy is made from,
//! and what was seen.

use super::{Members, Phase, Record, RecordName, Stamp, Version, is_name};
use crate::flow::LOCKDOWN;
use crate::kubernetes::Kind;
use crate::model::target::is_label;
use crate::plan::spec::GatewayName;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// What one namespace's policy is made from. The record keeps it, so that a later run can say it
/// again.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LockdownSpec {
    /// The namespace, in which the record lies.
    #[serde(skip)]
    pub namespace: String,
    /// The gateways that stay open.
    pub gateways: Vec<GatewayName>,
    /// What stays open within the cluster.
    pub in_cluster: InCluster,
    /// Whether the API server stays open.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub apiserver: bool,
}

/// A namespace that is locked down.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LockdownRecord {
    /// What its policy is made from.
    #[serde(flatten)]
    pub spec: LockdownSpec,
    /// What was seen when it was written.
    #[serde(default)]
    pub seen: Enforcement,
    /// What the last run was about.
    pub phase: Phase,
    /// Who, when and by which command.
    pub by: Stamp,
    /// How often a lockdown took it over from an unlock.
    #[serde(default, skip_serializing_if = "super::gateway::is_zero")]
    pub epoch: u32,
    /// The policy.
    pub objects: Members,
    /// The version that was read.
    #[serde(skip)]
    pub version: Option<Version>,
}

impl LockdownRecord {
    /// What can be said of a lockdown whose record is gone.
    pub fn lost(namespace: &str) -> Self {
        Self {
            spec: LockdownSpec {
                namespace: namespace.to_owned(),
                ..LockdownSpec::default()
            },
            seen: Enforcement::default(),
            phase: Phase::Leaving,
            by: Stamp::default(),
            epoch: 0,
            objects: Members::default(),
            version: None,
        }
    }
}

impl Record for LockdownRecord {
    fn name(&self) -> RecordName {
        RecordName::Lockdown {
            namespace: self.spec.namespace.clone(),
        }
    }

    fn members(&self) -> &Members {
        &self.objects
    }

    fn unsettled(&self) -> bool {
        self.phase != Phase::Settled
    }

    fn epoch(&self) -> u32 {
        self.epoch
    }

    fn version(&self) -> Option<&Version> {
        self.version.as_ref()
    }

    fn stands(&mut self, namespace: &str, version: Option<Version>) {
        namespace.clone_into(&mut self.spec.namespace);
        self.version = version;
    }

    fn fault(&self) -> Option<String> {
        let named = |g: &GatewayName| is_label(&g.namespace) && is_name(&g.service);
        if let Some(gateway) = self.spec.gateways.iter().find(|g| !named(g)) {
            return Some(format!("{:?} is not a gateway", gateway.to_string()));
        }
        let strange = self.objects.objects().find(|object| {
            object.kind != Kind::NetworkPolicy
                || object.namespace != self.spec.namespace
                || object.name != LOCKDOWN
        })?;
        Some(format!("{strange} is not the policy of a lockdown"))
    }
}

/// Whether the cluster's network plugin holds connections to its policies, as far as packets have
/// shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Enforcement {
    /// What got through before the policy no longer did.
    Enforced,
    /// Something got through in spite of the policy.
    Open,
    /// It could not be tried.
    #[default]
    Unproven,
}

/// What stays open within the cluster.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum InCluster {
    /// Every pod of the cluster.
    #[default]
    All,
    /// Only what the mesh needs.
    None,
    /// The pods of these namespaces.
    Namespaces(Vec<String>),
}

impl Enforcement {
    /// In a word, as `status` shows it.
    pub fn name(self) -> &'static str {
        match self {
            Enforcement::Enforced => "enforced",
            Enforcement::Open => "open",
            Enforcement::Unproven => "unproven",
        }
    }
}

impl FromStr for InCluster {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "all" => Ok(InCluster::All),
            "none" => Ok(InCluster::None),
            list => {
                let mut names: Vec<String> = list.split(',').map(|n| n.trim().to_owned()).collect();
                if let Some(wrong) = names.iter().find(|n| !crate::model::target::is_label(n)) {
                    return Err(format!(
                        "{wrong:?} is not the name of a namespace: all, none, or NAMESPACE,…"
                    ));
                }
                names.sort();
                names.dedup();
                Ok(InCluster::Namespaces(names))
            }
        }
    }
}

impl TryFrom<String> for InCluster {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<InCluster> for String {
    fn from(in_cluster: InCluster) -> String {
        in_cluster.to_string()
    }
}

impl fmt::Display for InCluster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            InCluster::All => f.write_str("all"),
            InCluster::None => f.write_str("none"),
            InCluster::Namespaces(names) => f.write_str(&names.join(",")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stays_open_within_the_cluster_reads_as_it_is_written() {
        for text in ["all", "none", "a,b"] {
            assert_eq!(text.parse::<InCluster>().unwrap().to_string(), text);
        }
        assert_eq!("b,a,a".parse::<InCluster>().unwrap().to_string(), "a,b");
        for wrong in ["", "All", "a,,b"] {
            assert!(wrong.parse::<InCluster>().is_err(), "{wrong}");
        }
    }
}
