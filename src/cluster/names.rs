//! What a kubeconfig has to choose from.

use super::connect::{ConnectOptions, read_kubeconfig, sentence};
use crate::error::Error;

/// The names in a kubeconfig.
#[derive(Clone, Debug, Default)]
pub struct Names {
    /// For `--context`.
    pub contexts: Vec<String>,
    /// For `--cluster`.
    pub clusters: Vec<String>,
    /// For `--user`.
    pub users: Vec<String>,
}

impl Names {
    /// Read them.
    pub fn read(options: &ConnectOptions) -> Result<Self, Error> {
        let kubeconfig = read_kubeconfig(options).map_err(|e| Error::Kubeconfig(sentence(&e)))?;
        Ok(Self {
            contexts: kubeconfig.contexts.into_iter().map(|c| c.name).collect(),
            clusters: kubeconfig.clusters.into_iter().map(|c| c.name).collect(),
            users: kubeconfig.auth_infos.into_iter().map(|u| u.name).collect(),
        })
    }
}
