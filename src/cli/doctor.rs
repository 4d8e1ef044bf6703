//! `doctor`: its arguments, and which paths they mean.

use super::duration::parse_duration;
use crate::checks::Layer;
use crate::checks::engine::Choice;
use crate::deadline::Deadline;
use crate::error::Error;
use crate::model::paths::Asked;
use crate::model::target::{AppProtocol, Client, Host};
use crate::report::{FailOn, Format};
use std::path::PathBuf;
use std::time::Duration;

/// Nobody expects a look at hundreds of paths to call as many hosts, unless they say so.
const TRIED: usize = 20;

const EXAMPLES: &str = "\
Examples:
  # Every routed host of the namespace
  kubectl egress doctor

  # One path, from one workload
  kubectl egress doctor --host edition.cnn.com --port 443 --from default/deploy/sleep

  # Manifests before they are applied, for a pipeline
  kubectl egress doctor --offline -f manifests/ -o sarif
  kubectl egress doctor -f change.yaml --host edition.cnn.com

  # Also try to bypass the gateway
  kubectl egress doctor --bypass

  # Save what was read for somebody else, and look at what they saved
  kubectl egress doctor --bundle egress.json
  kubectl egress doctor --snapshot egress.json

  # Show each fix as a diff, and ask
  kubectl egress doctor --host edition.cnn.com --fix";

/// Check whether egress works and, if not, explain why
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
#[allow(clippy::struct_excessive_bools)] // each is a flag of its own
pub struct DoctorArgs {
    /// Host to check (default: every host that is routed through a gateway)
    #[arg(long, value_name = "HOST", help_heading = "Paths")]
    pub host: Option<Host>,
    /// Port that the application connects to (default: every declared port of the host, else 443)
    #[arg(long, help_heading = "Paths", value_name = "PORT", requires = "host", value_parser = clap::value_parser!(u16).range(1..))]
    pub port: Option<u16>,
    /// Protocol of the application: http, https, tls or tcp (default: what the port or its
    /// ServiceEntry says)
    #[arg(
        long,
        help_heading = "Paths",
        value_name = "PROTOCOL",
        requires = "port"
    )]
    pub protocol: Option<AppProtocol>,
    /// Client: NS[/KIND/NAME] (default: the current namespace)
    #[arg(
        long,
        help_heading = "Paths",
        value_name = "CLIENT",
        value_delimiter = ','
    )]
    pub from: Vec<Client>,
    /// Include clients from all namespaces
    #[arg(short = 'A', long, help_heading = "Paths", conflicts_with = "from")]
    pub all_namespaces: bool,
    /// Layers to check: the objects, the configuration of the proxies, real connections (default:
    /// all three; no connections if there are more than 20 paths)
    #[arg(
        long,
        help_heading = "Checks",
        value_enum,
        value_name = "LAYER",
        value_delimiter = ','
    )]
    pub layers: Vec<Layer>,
    /// Run only these checks
    #[arg(
        long,
        help_heading = "Checks",
        value_name = "CODE",
        value_delimiter = ','
    )]
    pub only: Vec<String>,
    /// Skip these checks (to skip them for one object, annotate it egress.kubectl.io/ignore:
    /// CODE,CODE)
    #[arg(
        long,
        help_heading = "Checks",
        value_name = "CODE",
        value_delimiter = ','
    )]
    pub skip: Vec<String>,
    /// Check these manifests as if applied to the cluster (- is standard input; a directory: every
    /// manifest in it)
    #[arg(short, long, help_heading = "Source", value_name = "FILE", value_delimiter = ',', num_args = 1..)]
    pub filename: Vec<PathBuf>,
    /// Check the manifests without a cluster, in a mesh with Istio's defaults
    #[arg(long, help_heading = "Source", requires = "filename", conflicts_with_all = ["snapshot", "bundle"])]
    pub offline: bool,
    /// Also try to bypass the gateway, from existing pods: past the sidecar, by address, by another
    /// port or UDP, as the proxy's user, without a sidecar
    #[arg(long, help_heading = "Checks", conflicts_with_all = ["snapshot", "offline", "filename"])]
    pub bypass: bool,
    /// Save everything that was read to a file (no secrets)
    #[arg(
        long,
        help_heading = "Source",
        value_name = "FILE",
        conflicts_with = "snapshot"
    )]
    pub bundle: Option<PathBuf>,
    /// Check a file that --bundle wrote instead of a cluster
    #[arg(long, help_heading = "Source", value_name = "FILE")]
    pub snapshot: Option<PathBuf>,
    /// Apply fixes interactively: show each diff and ask
    #[arg(long, help_heading = "Fixes", conflicts_with_all = ["snapshot", "filename", "watch", "wait"])]
    pub fix: bool,
    /// With --fix: do not ask for confirmation
    #[arg(short, long, help_heading = "Fixes", requires = "fix")]
    pub yes: bool,
    /// Check again whenever something changes, until interrupted
    #[arg(long, conflicts_with_all = ["snapshot", "offline", "bundle", "wait"])]
    pub watch: bool,
    /// Check again until there is no problem, at most for --timeout
    #[arg(long, conflicts_with_all = ["snapshot", "offline"])]
    pub wait: bool,
    /// Lowest severity that makes the exit code 1
    #[arg(
        long,
        help_heading = "Output",
        value_enum,
        value_name = "SEVERITY",
        default_value_t
    )]
    pub fail_on: FailOn,
    /// Output format
    #[arg(
        short,
        long,
        help_heading = "Output",
        value_enum,
        value_name = "FORMAT",
        default_value_t
    )]
    pub output: Format,
    /// How long the whole command may take
    #[arg(long, value_name = "DURATION", default_value = "1m", value_parser = parse_duration)]
    pub timeout: Duration,
}

impl DoctorArgs {
    /// The host that is asked about, if one is.
    pub fn asked(&self) -> Option<Asked> {
        self.host.clone().map(|host| Asked {
            host,
            port: self.port,
            protocol: self.protocol,
        })
    }

    /// A code that no check has can only be a mistake.
    pub fn check(&self) -> Result<(), Error> {
        let known = |code: &&String| crate::checks::registry::find(code).is_some();
        match self.only.iter().chain(&self.skip).find(|code| !known(code)) {
            Some(code) => Err(Error::Usage(format!(
                "there is no check {code}; `kubectl egress explain` lists them"
            ))),
            None => Ok(()),
        }
    }

    /// Which checks to run on so many paths.
    pub fn choice(&self, paths: usize) -> Choice {
        let all = [Layer::Intended, Layer::Programmed, Layer::Observed];
        let layers = match self.layers.as_slice() {
            [] if paths > TRIED => all
                .into_iter()
                .filter(|layer| *layer != Layer::Observed)
                .collect(),
            [] => all.into_iter().collect(),
            some => some.iter().copied().collect(),
        };
        Choice {
            layers,
            only: self.only.clone(),
        }
    }

    /// When to give up.
    pub fn deadline(&self) -> Deadline {
        Deadline::after(self.timeout)
    }
}
