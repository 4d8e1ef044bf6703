//! `status`: its arguments.

use super::duration::parse_duration;
use std::time::Duration;

/// The wired hosts, their way, what went through, and who can go round
#[derive(Clone, Debug, clap::Args)]
pub struct StatusArgs {
    /// The callers of all namespaces
    #[arg(short = 'A', long)]
    pub all_namespaces: bool,
    /// Count twice, this long apart, and show rates
    #[arg(long, value_name = "DURATION", value_parser = parse_duration, num_args = 0..=1, default_missing_value = "2s", require_equals = true)]
    pub interval: Option<Duration>,
    /// Show it again and again, until interrupted
    #[arg(short, long)]
    pub watch: bool,
    /// How long it may take (with --watch: no limit)
    #[arg(long, value_name = "DURATION", default_value = "1m", value_parser = parse_duration)]
    pub timeout: Duration,
    /// How it is printed
    #[arg(short, long, value_enum, value_name = "FORMAT", default_value_t)]
    pub output: StatusOutput,
}

/// `-o` of status.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum StatusOutput {
    /// For people
    #[default]
    Text,
    /// For people with wide screens
    Wide,
    /// The whole of it
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
