//! The flags of every verb that writes: show it only, ask or not, how long to wait.

use super::duration::parse_duration;
use crate::cluster::{DryRun, WriteOptions};
use crate::deadline::Deadline;
use std::time::Duration;

/// How to write, and how long to wait for it.
#[derive(Clone, Debug, clap::Args)]
#[allow(clippy::struct_excessive_bools)] // each is a flag of kubectl's own
#[command(next_help_heading = "Writing")]
pub struct WriteArgs {
    /// Write nothing: print the objects (client), or let the server check them (server)
    #[arg(long, value_enum, value_name = "HOW", default_value_t, num_args = 0..=1, default_missing_value = "client", require_equals = true)]
    pub dry_run: DryRun,
    /// Show what would change; exit 0 if nothing would, 1 if something would
    #[arg(long)]
    pub diff: bool,
    /// Do not ask for confirmation
    #[arg(short, long)]
    pub yes: bool,
    /// Wait until the proxies have applied it (--wait=false: return after the last write)
    #[arg(long, value_name = "BOOL", default_value_t = true, num_args = 0..=1, default_missing_value = "true", require_equals = true, action = clap::ArgAction::Set)]
    pub wait: bool,
    /// How long the whole command may take; an open question does not count
    #[arg(long, value_name = "DURATION", default_value = "2m", value_parser = parse_duration)]
    pub timeout: Duration,
    /// Take over fields that another field manager owns
    #[arg(long)]
    pub force_conflicts: bool,
}

impl WriteArgs {
    /// The moment when the command gives up.
    pub fn deadline(&self) -> Deadline {
        Deadline::after(self.timeout)
    }

    /// How each object is written.
    pub fn options(&self) -> WriteOptions {
        WriteOptions {
            dry_run: self.dry_run == DryRun::Server,
            force: self.force_conflicts,
        }
    }

    /// Whether anything is to be written at all.
    pub fn writes(&self) -> bool {
        self.dry_run == DryRun::None && !self.diff
    }
}
