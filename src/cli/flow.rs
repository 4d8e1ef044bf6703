//! The flags of setup that say how a host is carried.

use crate::error::Error;
use crate::model::target::Host;
use crate::plan::{FlowOptions, HopWish, ServiceAccount};
use std::net::IpAddr;

/// How hosts are carried.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(next_help_heading = "Flow")]
pub struct FlowArgs {
    /// The application speaks HTTP; the gateway starts TLS with the host and verifies its name
    #[arg(long)]
    pub originate_tls: bool,
    /// A Secret in the gateway's namespace with the client certificate for the host (with
    /// --originate-tls)
    #[arg(long, value_name = "SECRET", requires = "originate_tls")]
    pub client_cert: Option<String>,
    /// From the sidecar to the gateway
    #[arg(long, value_enum, value_name = "HOW", default_value_t)]
    pub hop: HopWish,
    /// The addresses of a tcp host (default: what the client resolves now)
    #[arg(long, value_name = "IP", value_delimiter = ',')]
    pub address: Vec<IpAddr>,
    /// Only these service accounts may call: NS/NAME (needs mutual TLS to the gateway)
    #[arg(long, value_name = "NS/SA", value_delimiter = ',')]
    pub allow: Vec<ServiceAccount>,
    /// The one server that answers for a wildcard host, such as *.wikipedia.org
    #[arg(long, value_name = "HOST")]
    pub server: Option<Host>,
}

impl FlowArgs {
    /// As a wish.
    pub fn options(&self) -> Result<FlowOptions, Error> {
        if !self.allow.is_empty() && self.hop == HopWish::Plain {
            return Err(Error::Usage(
                "--allow needs mutual TLS to the gateway: not with --hop plain".into(),
            ));
        }
        Ok(FlowOptions {
            originate_tls: self.originate_tls,
            client_cert: self.client_cert.clone(),
            hop: self.hop,
            addresses: self.address.clone(),
            allow: self.allow.clone(),
            server: self.server.clone(),
        })
    }
}
