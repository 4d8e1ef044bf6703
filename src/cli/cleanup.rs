//! `cleanup`: its arguments.

use super::write::WriteArgs;
use crate::error::Error;
use crate::model::target::Host;
use std::path::PathBuf;

const EXAMPLES: &str = "\
Examples:
  # Stop routing a host through the gateway for the current namespace
  kubectl egress cleanup edition.cnn.com

  # Remove everything that was created for a namespace, or for the whole cluster
  kubectl egress cleanup --all -n team-a
  kubectl egress cleanup --all -A -y

  # Show what would be removed
  kubectl egress cleanup --all --dry-run=client";

/// Remove what setup created, restore what it changed, and prove that nothing is left
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct CleanupArgs {
    /// Hosts to stop routing through the gateway
    #[arg(value_name = "HOST")]
    pub hosts: Vec<Host>,
    /// Every host of this namespace (with -A: of the cluster)
    #[arg(long, conflicts_with = "hosts")]
    pub all: bool,
    /// Include clients from all namespaces
    #[arg(short = 'A', long)]
    pub all_namespaces: bool,
    /// The IstioOperator file to take a gateway of --installer istioctl out of
    #[arg(long, value_name = "FILE")]
    pub istio_operator: Option<PathBuf>,
    /// How to write.
    #[command(flatten)]
    pub write: WriteArgs,
}

impl CleanupArgs {
    /// Neither a host nor `--all` could only be a mistake.
    pub fn check(&self) -> Result<(), Error> {
        if self.hosts.is_empty() && !self.all {
            return Err(Error::Usage(
                "name the hosts to clean up, or say --all".into(),
            ));
        }
        Ok(())
    }
}
