//! `lockdown` and `unlock`: their arguments.

use super::setup::SetupOutput;
use super::write::WriteArgs;
use crate::error::Error;
use crate::model::target::{Target, is_label};
use crate::plan::{GatewayName, InCluster};

const EXAMPLES: &str = "\
Examples:
  # Restrict a namespace's egress to the gateway of its hosts, and try to bypass it
  kubectl egress lockdown team-a

  # See the policy, and what it would cut
  kubectl egress lockdown team-a --diff

  # Leave only DNS, istiod and the gateway open
  kubectl egress lockdown team-a --in-cluster none";

const UNLOCK_EXAMPLES: &str = "\
Examples:
  # Remove the lockdown policy of a namespace
  kubectl egress unlock team-a";

/// Restrict namespaces' egress to the gateway, and check that it is enforced
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct LockdownArgs {
    /// Namespaces to lock down
    #[arg(value_name = "NAMESPACE", required = true)]
    pub namespaces: Vec<String>,
    /// What stays open within the cluster: all (every pod), none (only what the mesh needs), or the
    /// pods of NS,… (default: all, or what an earlier run set)
    #[arg(long, value_name = "all|none|NS,…")]
    pub in_cluster: Option<InCluster>,
    /// Keep the API server open, for pods that talk to it
    #[arg(long)]
    pub allow_apiserver: bool,
    /// Gateways that stay open: NS/SERVICE (default: those that the namespace's hosts use)
    #[arg(long, value_name = "NS/SERVICE", value_delimiter = ',')]
    pub gateway: Vec<GatewayName>,
    /// Host to test bypassing with: HOST[:PORT][=PROTOCOL] (default: a routed one)
    #[arg(long, value_name = "HOST", value_delimiter = ',')]
    pub probe: Vec<Target>,
    /// Skip the bypass tests
    #[arg(long, conflicts_with = "probe")]
    pub no_probe: bool,
    /// Output format
    #[arg(short, long, value_enum, value_name = "FORMAT", default_value_t)]
    pub output: SetupOutput,
    /// How to write.
    #[command(flatten)]
    pub write: WriteArgs,
}

/// Remove the lockdown policy
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = UNLOCK_EXAMPLES)]
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
