//! The flags of setup that say how a host is routed.

use crate::error::Error;
use crate::model::target::Host;
use crate::plan::{FlowOptions, HopChoice, ServiceAccount};
use std::net::IpAddr;

/// How hosts are carried.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(next_help_heading = "Hosts")]
pub struct FlowArgs {
    /// The application speaks HTTP; the gateway originates TLS and verifies the host's name
    #[arg(long)]
    pub originate_tls: bool,
    /// Secret in the gateway's namespace with the client certificate for the host (with
    /// --originate-tls)
    #[arg(long, value_name = "SECRET", requires = "originate_tls")]
    pub client_cert: Option<String>,
    /// TLS between sidecar and gateway
    #[arg(long, value_enum, value_name = "HOW", default_value_t)]
    pub hop: HopChoice,
    /// Addresses of a tcp host (default: what the client resolves now)
    #[arg(long, value_name = "IP", value_delimiter = ',')]
    pub address: Vec<IpAddr>,
    /// Service account that may connect: NS/NAME (needs mutual TLS to the gateway)
    #[arg(
        long,
        value_name = "NS/SA",
        value_delimiter = ',',
        help_heading = "Clients"
    )]
    pub allow: Vec<ServiceAccount>,
    /// One server that answers for a wildcard host, such as *.wikipedia.org (a URL here is
    /// kubectl's --server, the address of the API server)
    #[arg(short = 's', long, value_name = "HOST", value_parser = host_or_url)]
    pub server: Option<String>,
}

/// Checked here, so that a slip is told before a cluster is asked; which of both it is shows at
/// use.
fn host_or_url(text: &str) -> Result<String, String> {
    if !text.contains("://") {
        text.parse::<Host>()?;
    }
    Ok(text.to_owned())
}

impl FlowArgs {
    /// As the plan takes them.
    pub fn options(&self) -> Result<FlowOptions, Error> {
        if !self.allow.is_empty() && self.hop == HopChoice::Plain {
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
            server: self.server()?,
        })
    }

    /// The server of a wildcard, where one is named.
    pub fn server(&self) -> Result<Option<Host>, Error> {
        let host = self.server.as_ref().filter(|text| !text.contains("://"));
        let parsed = host.map(|text| text.parse()).transpose();
        parsed.map_err(|reason: String| Error::Usage(format!("--server: {reason}")))
    }
}
