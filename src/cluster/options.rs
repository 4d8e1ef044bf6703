//! kubectl's flags about the connection, as values.

use crate::deadline::Deadline;
use std::path::PathBuf;
use std::time::Duration;

/// kubectl's own flags about the connection.
#[derive(Clone, Debug, Default)]
pub struct ConnectOptions {
    /// `--kubeconfig`.
    pub kubeconfig: Option<PathBuf>,
    /// `--context`.
    pub context: Option<String>,
    /// `--cluster`.
    pub cluster: Option<String>,
    /// `--user`.
    pub user: Option<String>,
    /// `-n`.
    pub namespace: Option<String>,
    /// `--as`.
    pub impersonate: Option<String>,
    /// `--as-group`.
    pub impersonate_groups: Vec<String>,
    /// `--as-uid`.
    pub impersonate_uid: Option<String>,
    /// What stands in place of the kubeconfig's entries.
    pub overrides: Overrides,
    /// `--request-timeout`.
    pub request_timeout: Option<Duration>,
    /// When the whole command gives up (`--timeout`).
    pub deadline: Option<Deadline>,
}

/// What the flags say of a cluster and of a user.
#[derive(Clone, Debug, Default)]
pub struct Overrides {
    /// `--server`.
    pub server: Option<String>,
    /// `--certificate-authority`.
    pub certificate_authority: Option<PathBuf>,
    /// `--tls-server-name`.
    pub tls_server_name: Option<String>,
    /// `--insecure-skip-tls-verify`.
    pub insecure: bool,
    /// `--token`.
    pub token: Option<String>,
    /// `--client-certificate`.
    pub client_certificate: Option<PathBuf>,
    /// `--client-key`.
    pub client_key: Option<PathBuf>,
}
