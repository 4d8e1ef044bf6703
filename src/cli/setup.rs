//! `setup`: its arguments, and what they mean as a wish.

use super::flow::FlowArgs;
use super::write::WriteArgs;
use crate::error::Error;
use crate::install::{GatewayPatch, Installer, parse_label, parse_toleration};
use crate::model::target::{Client, Target};
use crate::plan::{EgressSpec, GatewayName, Wish, file};
use serde_json::Value;
use std::path::{Path, PathBuf};

/// Wire hosts through an egress gateway, installing one if there is none, and prove it
#[derive(Clone, Debug, clap::Args)]
#[allow(clippy::struct_excessive_bools)] // each is a flag of its own
pub struct SetupArgs {
    /// HOST[:PORT][=PROTOCOL]: a bare HOST is :443=tls, port 80 is http; protocols are http, https,
    /// tls, tcp
    #[arg(value_name = "HOST")]
    pub targets: Vec<Target>,
    /// Take hosts, ports and callers from a file (- is standard input)
    #[arg(short, long, value_name = "FILE", conflicts_with_all = ["targets", "from", "originate_tls", "hop", "address", "allow"])]
    pub filename: Option<PathBuf>,
    /// With -f: hosts and callers that came from an earlier version of the file and are no longer
    /// in it go
    #[arg(long, requires = "filename", conflicts_with = "targets")]
    pub prune: bool,
    /// Print the JSON schema of the file that -f takes, for editors
    #[arg(long)]
    pub print_schema: bool,
    /// Write nothing: print what the owners of the gateway's namespace have to write, then what the
    /// callers have to
    #[arg(long)]
    pub split: bool,
    /// Who calls: NS[/KIND/NAME] (default: the current namespace; a second run adds)
    #[arg(long, value_name = "CLIENT", value_delimiter = ',')]
    pub from: Vec<Client>,
    /// The gateway, by its Service: NS/SERVICE (default: the only one, or a new one)
    #[arg(long, value_name = "NS/SERVICE")]
    pub gateway: Option<GatewayName>,
    /// How a gateway is installed where there is none
    #[arg(long, value_enum, value_name = "HOW", default_value_t)]
    pub installer: Installer,
    /// An IstioOperator file with the gateway in spec.components.egressGateways; with --installer
    /// istioctl, the file that Istio is installed from, which the gateway is added to
    #[arg(long, value_name = "FILE")]
    pub istio_operator: Option<PathBuf>,
    /// How many gateway pods
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub replicas: Option<u32>,
    /// Only on nodes with this label: KEY=VALUE (repeatable)
    #[arg(long, value_name = "LABEL", value_delimiter = ',', value_parser = parse_label)]
    pub node_selector: Vec<(String, String)>,
    /// A taint that the gateway's pods stand: KEY[=VALUE][:EFFECT] (repeatable)
    #[arg(long, value_name = "TAINT", value_delimiter = ',', value_parser = parse_toleration)]
    pub toleration: Vec<Value>,
    /// Label a caller's namespace that has no sidecars, and restart its workloads
    #[arg(long)]
    pub inject: bool,
    /// Have the gateway, and only the gateway, write an access log
    #[arg(long)]
    pub access_log: bool,
    /// How hosts are carried.
    #[command(flatten)]
    pub flow: FlowArgs,
    /// Send no request: do not ask the host before and after
    #[arg(long)]
    pub no_probe: bool,
    /// The path of the request that proves the way
    #[arg(long, value_name = "PATH", default_value = "/")]
    pub probe_path: String,
    /// How the result is printed
    #[arg(short, long, value_enum, value_name = "FORMAT", default_value_t)]
    pub output: SetupOutput,
    /// How to write.
    #[command(flatten)]
    pub write: WriteArgs,
}

/// `-o` of the verbs that write.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum SetupOutput {
    /// For people
    #[default]
    Text,
    /// The objects, for kubectl apply -f -
    Yaml,
    /// The objects as a List
    Json,
    /// Only the names of the objects
    Name,
}

impl SetupArgs {
    /// What is wanted, by arguments or by file; clients that nobody named are those of `namespace`.
    pub fn spec(&self, namespace: &str) -> Result<EgressSpec, Error> {
        if let Some(path) = &self.filename {
            if self.flow.server()?.is_some() {
                return Err(Error::Usage(
                    "--server HOST cannot be used with -f: the file says it for each host".into(),
                ));
            }
            let name = path.display().to_string();
            let mut spec = file::read(&name, &read(path)?, namespace)?;
            if spec.wishes.is_empty() && !self.prune {
                return Err(Error::Input {
                    path: name,
                    reason: "spec.hosts is empty: name at least one host".into(),
                });
            }
            spec.gateway = self.gateway.clone().or(spec.gateway);
            return Ok(spec);
        }
        let mut targets = self.targets.clone();
        targets.sort();
        targets.dedup();
        let clients = if self.from.is_empty() {
            vec![Client::namespace(namespace)]
        } else {
            self.from.clone()
        };
        let options = self.flow.options()?;
        let wish = |target| Wish {
            target,
            clients: clients.clone(),
            options: options.clone(),
        };
        Ok(EgressSpec {
            wishes: targets.into_iter().map(wish).collect(),
            gateway: self.gateway.clone(),
            set: None,
        })
    }

    /// What the flags, or the file, say about a new gateway; nothing where they say nothing.
    pub fn patch(&self) -> Result<Option<GatewayPatch>, Error> {
        // For istioctl the file is the user's own, and the gateway is yet to be put into it.
        let mut patch = match self
            .istio_operator
            .as_ref()
            .filter(|_| self.installer != Installer::Istioctl)
        {
            Some(path) => GatewayPatch::parse(&path.display().to_string(), &read(path)?)?,
            None if self.replicas.is_none()
                && self.node_selector.is_empty()
                && self.toleration.is_empty() =>
            {
                return Ok(None);
            }
            None => self
                .gateway
                .as_ref()
                .map_or_else(GatewayPatch::default_place, |g| {
                    GatewayPatch::new(&g.namespace, &g.service)
                }),
        };
        if self.replicas.is_some() {
            patch.k8s.replica_count = self.replicas;
        }
        patch
            .k8s
            .node_selector
            .extend(self.node_selector.iter().cloned());
        patch
            .k8s
            .tolerations
            .extend(self.toleration.iter().cloned());
        Ok(Some(patch))
    }
}

/// The text of a file; `-` is standard input.
pub fn read(path: &Path) -> Result<String, Error> {
    let text = if path == Path::new("-") {
        std::io::read_to_string(std::io::stdin())
    } else {
        std::fs::read_to_string(path)
    };
    text.map_err(|e| Error::Input {
        path: path.display().to_string(),
        reason: e.to_string(),
    })
}
