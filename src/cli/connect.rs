//! kubectl's own flags about the connection. They are global: they may stand before or after the
//! verb.

use super::duration::parse_duration;
use crate::cluster::{ConnectOptions, Overrides};
use crate::deadline::Deadline;
use crate::error::Error;
use crate::install::Istioctl;
use crate::snapshot::Scope;
use std::path::PathBuf;
use std::time::Duration;

/// Which cluster, as whom, and which control plane in it.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(next_help_heading = "Connection")]
pub struct ConnectArgs {
    /// Path to the kubeconfig file (default: KUBECONFIG, a list, or ~/.kube/config)
    #[arg(long, global = true, value_name = "FILE")]
    pub kubeconfig: Option<PathBuf>,
    /// Kubeconfig context to use
    #[arg(long, global = true, value_name = "NAME")]
    pub context: Option<String>,
    /// Kubeconfig cluster to use
    #[arg(long, global = true, value_name = "NAME")]
    pub cluster: Option<String>,
    /// Kubeconfig user to use
    #[arg(long, global = true, value_name = "NAME")]
    pub user: Option<String>,
    /// Namespace to work in
    #[arg(short, long, global = true, value_name = "NS")]
    pub namespace: Option<String>,
    /// User to impersonate
    #[arg(long = "as", global = true, value_name = "USER")]
    pub impersonate: Option<String>,
    /// Group to impersonate (repeatable)
    #[arg(
        long = "as-group",
        global = true,
        value_name = "GROUP",
        value_delimiter = ','
    )]
    pub impersonate_groups: Vec<String>,
    /// UID to impersonate
    #[arg(long = "as-uid", global = true, value_name = "UID")]
    pub impersonate_uid: Option<String>,
    /// The address of the API server, in place of the kubeconfig's
    #[arg(short = 's', long, global = true, value_name = "URL")]
    pub server: Option<String>,
    /// Bearer token for the API server
    #[arg(long, global = true, value_name = "TOKEN")]
    pub token: Option<String>,
    /// Certificate authority of the API server
    #[arg(long, global = true, value_name = "FILE")]
    pub certificate_authority: Option<PathBuf>,
    /// The name that the API server's certificate must have
    #[arg(long, global = true, value_name = "NAME")]
    pub tls_server_name: Option<String>,
    /// Do not verify the API server's certificate
    #[arg(long, global = true, conflicts_with = "certificate_authority")]
    pub insecure_skip_tls_verify: bool,
    /// Client certificate for the API server
    #[arg(long, global = true, value_name = "FILE")]
    pub client_certificate: Option<PathBuf>,
    /// Key of the client certificate
    #[arg(long, global = true, value_name = "FILE")]
    pub client_key: Option<PathBuf>,
    /// Accepted as kubectl does; this program keeps no cache
    #[arg(long, global = true, value_name = "DIR")]
    pub cache_dir: Option<PathBuf>,
    /// How long a single request may take (0 means the default of 10s)
    #[arg(long, global = true, value_name = "DURATION", value_parser = parse_duration)]
    pub request_timeout: Option<Duration>,
    /// Namespace of istiod (default: search all namespaces)
    #[arg(long, global = true, value_name = "NS")]
    pub istio_namespace: Option<String>,
    /// Revision of the control plane, if there are several
    #[arg(long, global = true, value_name = "REV")]
    pub revision: Option<String>,
    /// True for setup, whose own --server is a host name.
    #[arg(skip)]
    pub server_is_host: bool,
    /// When the whole command gives up.
    #[arg(skip)]
    pub deadline: Option<Deadline>,
}

impl ConnectArgs {
    /// What the edge needs to connect.
    pub fn options(&self) -> ConnectOptions {
        ConnectOptions {
            kubeconfig: self.kubeconfig.clone(),
            context: self.context.clone(),
            cluster: self.cluster.clone(),
            user: self.user.clone(),
            namespace: self.namespace.clone(),
            impersonate: self.impersonate.clone(),
            impersonate_groups: self.impersonate_groups.clone(),
            impersonate_uid: self.impersonate_uid.clone(),
            overrides: Overrides {
                // setup has a --server too: a host name, where this one is a URL.
                server: self.server.clone().filter(|s| !self.is_wildcards(s)),
                certificate_authority: self.certificate_authority.clone(),
                tls_server_name: self.tls_server_name.clone(),
                insecure: self.insecure_skip_tls_verify,
                token: self.token.clone(),
                client_certificate: self.client_certificate.clone(),
                client_key: self.client_key.clone(),
            },
            request_timeout: self.request_timeout.filter(|t| !t.is_zero()),
            deadline: self.deadline,
        }
    }

    /// The same, with as much time again from now.
    #[must_use]
    pub fn within(&self, timeout: Duration) -> Self {
        Self {
            deadline: Some(Deadline::after(timeout)),
            ..self.clone()
        }
    }

    fn is_wildcards(&self, server: &str) -> bool {
        self.server_is_host && !server.contains("://")
    }

    /// The same for istioctl, which has no flag for each of them.
    pub fn istioctl(&self) -> Result<Istioctl, Error> {
        let options = self.options();
        if self.cluster.is_some()
            || self.user.is_some()
            || self.impersonate_uid.is_some()
            || !options.overrides.is_empty()
        {
            return Err(Error::Usage(
                "istioctl takes of kubectl's flags only --kubeconfig, --context, --as and \
                 --as-group: choose a --context"
                    .into(),
            ));
        }
        let mut connection = Vec::new();
        let kubeconfig = self
            .kubeconfig
            .as_ref()
            .map(|path| path.display().to_string());
        for (flag, value) in [
            ("--kubeconfig", &kubeconfig),
            ("--context", &self.context),
            ("--as", &self.impersonate),
            ("--istioNamespace", &self.istio_namespace),
            ("--revision", &self.revision),
        ] {
            connection.extend(value.iter().map(|value| format!("{flag}={value}")));
        }
        connection.extend(
            self.impersonate_groups
                .iter()
                .map(|group| format!("--as-group={group}")),
        );
        Ok(Istioctl { connection })
    }

    /// Where to look for the control plane.
    pub fn scope(&self) -> Scope {
        Scope {
            istio_namespace: self.istio_namespace.clone(),
            revision: self.revision.clone(),
            ..Scope::default()
        }
    }
}
