//! `lockdown` and `unlock`: their arguments.

use super::setup::SetupOutput;
use super::write::WriteArgs;
use crate::error::Error;
use crate::model::target::{Target, is_label};
use crate::plan::{GatewayName, InCluster};

/// Let namespaces leave only through the gateway, and see whether that holds
#[derive(Clone, Debug, clap::Args)]
pub struct LockdownArgs {
    /// Namespaces to lock down
    #[arg(value_name = "NAMESPACE", required = true)]
    pub namespaces: Vec<String>,
    /// What stays open within the cluster: all (every pod), none (only what the mesh needs), or the
    /// pods of NS,… (default: all, or what an earlier run said)
    #[arg(long, value_name = "all|none|NS,…")]
    pub in_cluster: Option<InCluster>,
    /// Keep the API server open, for pods that talk to it
    #[arg(long)]
    pub allow_apiserver: bool,
    /// The gateways that stay open: NS/SERVICE (default: those that carry the namespace's hosts)
    #[arg(long, value_name = "NS/SERVICE", value_delimiter = ',')]
    pub gateway: Vec<GatewayName>,
    /// The host that is tried round the gateway: HOST[:PORT][=PROTOCOL] (default: one that is
    /// wired)
    #[arg(long, value_name = "HOST", value_delimiter = ',')]
    pub probe: Vec<Target>,
    /// Do not try to get round it
    #[arg(long, conflicts_with = "probe")]
    pub no_probe: bool,
    /// How the result is printed
    #[arg(short, long, value_enum, value_name = "FORMAT", default_value_t)]
    pub output: SetupOutput,
    /// How to write.
    #[command(flatten)]
    pub write: WriteArgs,
}

/// Take the policy of lockdown away
#[derive(Clone, Debug, clap::Args)]
pub struct UnlockArgs {
    /// Namespaces to unlock
    #[arg(value_name = "NAMESPACE", required = true)]
    pub namespaces: Vec<String>,
    /// How to write.
    #[command(flatten)]
    pub write: WriteArgs,
}

impl LockdownArgs {
    /// The namespaces, each once.
    pub fn namespaces(&self) -> Result<Vec<String>, Error> {
        named(&self.namespaces)
    }
}

impl UnlockArgs {
    /// The namespaces, each once.
    pub fn namespaces(&self) -> Result<Vec<String>, Error> {
        named(&self.namespaces)
    }
}

/// Lists may have commas, as everywhere.
fn named(words: &[String]) -> Result<Vec<String>, Error> {
    let mut names: Vec<String> = words
        .iter()
        .flat_map(|w| w.split(','))
        .map(str::to_owned)
        .collect();
    if let Some(wrong) = names.iter().find(|n| !is_label(n)) {
        return Err(Error::Usage(format!(
            "{wrong:?} is not the name of a namespace"
        )));
    }
    names.sort();
    names.dedup();
    Ok(names)
}
