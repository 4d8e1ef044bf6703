//! `status`: its arguments.

use super::duration::parse_duration;
use std::time::Duration;

const EXAMPLES: &str = "\
Examples:
  # The routed hosts of the namespace, or of the cluster
  kubectl egress status
  kubectl egress status -A -o wide

  # Requests per second
  kubectl egress status --interval=5s --watch

  # For scripts
  kubectl egress status -o json | jq .hosts";

/// Show routed hosts, their paths, traffic counts, and pods that can bypass the gateway
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct StatusArgs {
    /// Include clients from all namespaces
    #[arg(short = 'A', long)]
    pub all_namespaces: bool,
    /// Sample twice, this far apart, and show rates
    #[arg(long, value_name = "DURATION", value_parser = parse_duration, num_args = 0..=1, default_missing_value = "2s", require_equals = true)]
    pub interval: Option<Duration>,
    /// Refresh until interrupted
    #[arg(short, long)]
    pub watch: bool,
    /// How long the whole command may take (with --watch: no limit)
    #[arg(long, value_name = "DURATION", default_value = "1m", value_parser = parse_duration)]
    pub timeout: Duration,
    /// Output format
    #[arg(short, long, value_enum, value_name = "FORMAT", default_value_t)]
    pub output: StatusOutput,
}

/// `-o` of status.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum StatusOutput {
    /// Human-readable
    #[default]
    Text,
    /// Human-readable, more columns
    Wide,
    /// Full output as JSON
    Json,
    /// The same as YAML
    Yaml,
    /// Only HOST:PORT
    Name,
}

/// Time between two counts, where nothing else is said.
const INTERVAL: Duration = Duration::from_secs(2);

impl StatusArgs {
    /// How long between two counts; none counts once.
    pub fn interval(&self) -> Option<Duration> {
        let asked = self.interval.filter(|i| !i.is_zero());
        if self.watch {
            asked.or(Some(INTERVAL))
        } else {
            asked
        }
    }
}
