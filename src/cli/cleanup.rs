//! `cleanup`: its arguments.

use super::write::WriteArgs;
use crate::error::Error;
use crate::model::target::Host;

/// Remove what setup made, restore what it changed, and prove that nothing is left
#[derive(Clone, Debug, clap::Args)]
pub struct CleanupArgs {
    /// Hosts that are no longer to go through the gateway
    #[arg(value_name = "HOST")]
    pub hosts: Vec<Host>,
    /// Every host of this namespace (with -A: of the cluster)
    #[arg(long, conflicts_with = "hosts")]
    pub all: bool,
    /// For the callers of all namespaces
    #[arg(short = 'A', long)]
    pub all_namespaces: bool,
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
