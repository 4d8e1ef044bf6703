//! kubectl's own flags about the connection. They are global: they may stand before or after the
//! verb.

use super::duration::parse_duration;
use crate::cluster::ConnectOptions;
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
    /// The kubeconfig context to use
    #[arg(long, global = true, value_name = "NAME")]
    pub context: Option<String>,
    /// The kubeconfig cluster to use
    #[arg(long, global = true, value_name = "NAME")]
    pub cluster: Option<String>,
    /// The kubeconfig user to use
    #[arg(long, global = true, value_name = "NAME")]
    pub user: Option<String>,
    /// The namespace to work in
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
    /// How long a single request may take (0: the default, 10s)
    #[arg(long, global = true, value_name = "DURATION", value_parser = parse_duration)]
    pub request_timeout: Option<Duration>,
    /// The namespace of istiod (default: look everywhere)
    #[arg(long, global = true, value_name = "NS")]
    pub istio_namespace: Option<String>,
    /// The revision of the control plane, where there are several
    #[arg(long, global = true, value_name = "REV")]
    pub revision: Option<String>,
}

impl ConnectArgs {
    /// What the rim needs to connect.
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
            request_timeout: self.request_timeout.filter(|t| !t.is_zero()),
        }
    }

    /// The same for istioctl, which has no flag for each of them.
    pub fn istioctl(&self) -> Result<Istioctl, Error> {
        if self.cluster.is_some() || self.user.is_some() || self.impersonate_uid.is_some() {
            return Err(Error::Usage(
                "istioctl takes no --cluster, --user or --as-uid: choose a --context".into(),
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
            namespaces: Vec::new(),
        }
    }
}
