//! `version`: its arguments.

use super::duration::parse_duration;
use std::time::Duration;

const EXAMPLES: &str = "\
Examples:
  kubectl egress version
  kubectl egress version --client -o json";

/// Show the versions of this program, of the cluster and of Istio
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct VersionArgs {
    /// Show only the version of this program; no cluster is asked
    #[arg(long)]
    pub client: bool,
    /// How long the whole command may take
    #[arg(long, value_name = "DURATION", default_value = "1m", value_parser = parse_duration)]
    pub timeout: Duration,
    /// Output format
    #[arg(short, long, value_enum, value_name = "FORMAT", default_value_t)]
    pub output: VersionOutput,
}

/// `-o` of version.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum VersionOutput {
    /// Human-readable
    #[default]
    Text,
    /// One JSON object
    Json,
    /// The same as YAML
    Yaml,
}
