//! `version`: its arguments.

use super::duration::parse_duration;
use std::time::Duration;

/// The versions of this program, of the cluster and of Istio
#[derive(Clone, Debug, clap::Args)]
pub struct VersionArgs {
    /// Only the version of this program; no cluster is asked
    #[arg(long)]
    pub client: bool,
    /// How long it may take
    #[arg(long, value_name = "DURATION", default_value = "1m", value_parser = parse_duration)]
    pub timeout: Duration,
    /// How the result is printed
    #[arg(short, long, value_enum, value_name = "FORMAT", default_value_t)]
    pub output: VersionOutput,
}

/// `-o` of version.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum VersionOutput {
    /// For people
    #[default]
    Text,
    /// One JSON object
    Json,
    /// The same as YAML
    Yaml,
}
