//! `setup`: its arguments, and the ports that they ask for.

use super::flow::FlowArgs;
use super::write::WriteArgs;
use crate::error::Error;
use crate::install::{GatewayPatch, Installer, parse_label, parse_toleration};
use crate::model::target::{Client, Target};
use crate::plan::{EgressSpec, GatewayName, PortRequest, file};
use serde_json::Value;
use std::path::{Path, PathBuf};

const EXAMPLES: &str = "\
Examples:
  # Guided: found hosts and gateways are offered
  kubectl egress setup

  # HTTPS of a host from the current namespace, and HTTP too
  kubectl egress setup edition.cnn.com edition.cnn.com:80

  # From two namespaces, through a gateway that exists
  kubectl egress setup api.example.com --from team-a,team-b --gateway istio-system/egress

  # The application speaks HTTP, the gateway originates TLS
  kubectl egress setup api.example.com:80 --originate-tls

  # A database: TCP has no host name in it, so it needs addresses
  kubectl egress setup db.example.com:5432=tcp --address 192.0.2.10

  # Show what would be written, then the objects for a repository
  kubectl egress setup edition.cnn.com --dry-run=server
  kubectl egress setup edition.cnn.com --dry-run=client -o yaml

  # From a file; hosts that are no longer in it are removed
  kubectl egress setup -f egress.yaml --prune -y";

/// Route hosts through an egress gateway, install one if there is none, and prove it
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = EXAMPLES, next_help_heading = "Hosts")]
#[allow(clippy::struct_excessive_bools)] // each is a flag of its own
pub struct SetupArgs {
    /// HOST[:PORT][=PROTOCOL]: a bare HOST is :443=tls, port 80 is http; protocols are http, https,
    /// tls, tcp
    #[arg(value_name = "HOST", help_heading = "Hosts")]
    pub targets: Vec<Target>,
    /// File with hosts, ports and clients (- is standard input)
    #[arg(short, long, value_name = "FILE", conflicts_with_all = ["targets", "from", "originate_tls", "hop", "address", "allow"])]
    pub filename: Option<PathBuf>,
    /// With -f: remove hosts and clients that an earlier version of the file declared and this one
    /// does not
    #[arg(long, requires = "filename", conflicts_with = "targets")]
    pub prune: bool,
    /// Print the JSON schema of the file that -f takes, for editors
    #[arg(long)]
    pub print_schema: bool,
    /// Print the plan in two parts and write nothing: for the gateway's owners, then for the
    /// clients'
    #[arg(long, help_heading = "Output")]
    pub split: bool,
    /// Client: NS[/KIND/NAME] (default: the current namespace; repeated runs add clients)
    #[arg(
        long,
        value_name = "CLIENT",
        value_delimiter = ',',
        help_heading = "Clients"
    )]
    pub from: Vec<Client>,
    /// Gateway, by its Service: NS/SERVICE (default: the only one, or a new one)
    #[arg(long, value_name = "NS/SERVICE", help_heading = "Gateway")]
    pub gateway: Option<GatewayName>,
    /// How to install a gateway if none exists
    #[arg(
        long,
        value_enum,
        value_name = "HOW",
        default_value_t,
        help_heading = "Gateway"
    )]
    pub installer: Installer,
    /// IstioOperator file with the gateway in spec.components.egressGateways; with --installer
    /// istioctl, the file that Istio is installed from: the gateway is added to it
    #[arg(long, value_name = "FILE", help_heading = "Gateway")]
    pub istio_operator: Option<PathBuf>,
    /// Number of gateway pods
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..), help_heading = "Gateway")]
    pub replicas: Option<u32>,
    /// Schedule gateway pods only on nodes with this label: KEY=VALUE (repeatable)
    #[arg(long, value_name = "LABEL", value_delimiter = ',', value_parser = parse_label, help_heading = "Gateway")]
    pub node_selector: Vec<(String, String)>,
    /// Taint that gateway pods tolerate: KEY[=VALUE][:EFFECT] (repeatable)
    #[arg(long, value_name = "TAINT", value_delimiter = ',', value_parser = parse_toleration, help_heading = "Gateway")]
    pub toleration: Vec<Value>,
    /// Label a client namespace that has no sidecars, and restart its workloads
    #[arg(long, help_heading = "Clients")]
    pub inject: bool,
    /// Write an access log at the gateway, and only there
    #[arg(long, help_heading = "Gateway")]
    pub access_log: bool,
    /// How hosts are carried.
    #[command(flatten)]
    pub flow: FlowArgs,
    /// Skip the requests that verify the host before and after
    #[arg(long, help_heading = "Proof")]
    pub no_probe: bool,
    /// Path of the request that proves the route
    #[arg(long, value_name = "PATH", default_value = "/", help_heading = "Proof")]
    pub probe_path: String,
    /// Output format
    #[arg(
        short,
        long,
        value_enum,
        value_name = "FORMAT",
        default_value_t,
        help_heading = "Output"
    )]
    pub output: SetupOutput,
    /// How to write.
    #[command(flatten)]
    pub write: WriteArgs,
}

/// `-o` of the verbs that write.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum SetupOutput {
    /// Human-readable
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
            if spec.requests.is_empty() && !self.prune {
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
        let request = |target| PortRequest {
            target,
            clients: clients.clone(),
            options: options.clone(),
        };
        Ok(EgressSpec {
            requests: targets.into_iter().map(request).collect(),
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
