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

/// Say whether egress works and, if not, why
#[derive(Clone, Debug, clap::Args)]
#[allow(clippy::struct_excessive_bools)] // each is a flag of its own
pub struct DoctorArgs {
    /// The host to look at (default: every host that is wired through a gateway)
    #[arg(long, value_name = "HOST")]
    pub host: Option<Host>,
    /// The port that the application connects to (default: every declared port of the host, else
    /// 443)
    #[arg(long, value_name = "PORT", requires = "host", value_parser = clap::value_parser!(u16).range(1..))]
    pub port: Option<u16>,
    /// What the application speaks there: http, https, tls or tcp (default: what the port or its
    /// ServiceEntry says)
    #[arg(long, value_name = "PROTOCOL", requires = "port")]
    pub protocol: Option<AppProtocol>,
    /// Who calls: NS[/KIND/NAME] (default: the current namespace)
    #[arg(long, value_name = "CLIENT", value_delimiter = ',')]
    pub from: Vec<Client>,
    /// The callers of all namespaces
    #[arg(short = 'A', long, conflicts_with = "from")]
    pub all_namespaces: bool,
    /// Which truths to look at: what the objects say, what the proxies were given, what connections
    /// do (default: all three; without connections where there are more than 20 paths)
    #[arg(long, value_enum, value_name = "LAYER", value_delimiter = ',')]
    pub layers: Vec<Layer>,
    /// Only these checks
    #[arg(long, value_name = "CODE", value_delimiter = ',')]
    pub only: Vec<String>,
    /// Not these checks; the annotation egress.kubectl.io/ignore: CODE,CODE on an object does the
    /// same for it
    #[arg(long, value_name = "CODE", value_delimiter = ',')]
    pub skip: Vec<String>,
    /// Judge these manifests, laid over the cluster (- is standard input; a folder means the files
    /// in it)
    #[arg(short, long, value_name = "FILE", value_delimiter = ',', num_args = 1..)]
    pub filename: Vec<PathBuf>,
    /// Without a cluster: the manifests in a mesh with Istio's defaults
    #[arg(long, requires = "filename", conflicts_with_all = ["snapshot", "bundle"])]
    pub offline: bool,
    /// Try the ways round the gateway too, from the pods that are there: past the sidecar, by
    /// address, another port or UDP, as the proxy's user, without a sidecar
    #[arg(long, conflicts_with_all = ["snapshot", "offline", "filename"])]
    pub bypass: bool,
    /// Write all that was read to a file, without secrets
    #[arg(long, value_name = "FILE", conflicts_with = "snapshot")]
    pub bundle: Option<PathBuf>,
    /// Look at what --bundle has written, in place of a cluster
    #[arg(long, value_name = "FILE")]
    pub snapshot: Option<PathBuf>,
    /// Offer the fixes: each is shown as a difference and asked for
    #[arg(long, conflicts_with_all = ["snapshot", "filename", "watch", "wait"])]
    pub fix: bool,
    /// With --fix: do not ask
    #[arg(short, long, requires = "fix")]
    pub yes: bool,
    /// Look again whenever something changes, until Ctrl-C
    #[arg(long, conflicts_with_all = ["snapshot", "offline", "bundle", "wait"])]
    pub watch: bool,
    /// Look again until there is no problem, at most for --timeout
    #[arg(long, conflicts_with_all = ["snapshot", "offline"])]
    pub wait: bool,
    /// From which severity on the exit code is 1
    #[arg(long, value_enum, value_name = "SEVERITY", default_value_t)]
    pub fail_on: FailOn,
    /// How the report is printed
    #[arg(short, long, value_enum, value_name = "FORMAT", default_value_t)]
    pub output: Format,
    /// How long it may take
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
