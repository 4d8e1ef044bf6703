//! kubectl's flags that say in place of the kubeconfig where the API server is and who we are.

use super::options::{ConnectOptions, Overrides};
use crate::error::Error;
use kube::config::{
    AuthInfo, Cluster, Context, Kubeconfig, NamedAuthInfo, NamedCluster, NamedContext,
};

/// The name of what is made for flags that have no kubeconfig to change.
const BARE: &str = "command-line";

impl Overrides {
    fn of_cluster(&self) -> bool {
        self.server.is_some()
            || self.certificate_authority.is_some()
            || self.tls_server_name.is_some()
            || self.insecure
    }

    fn of_user(&self) -> bool {
        self.token.is_some() || self.client_certificate.is_some() || self.client_key.is_some()
    }

    /// True where the kubeconfig is used as it is.
    pub fn is_empty(&self) -> bool {
        !self.of_cluster() && !self.of_user()
    }

    /// True where a kubeconfig is not needed.
    pub(super) fn stand_alone(&self) -> bool {
        self.server.is_some()
    }

    /// Put them into the entries of the kubeconfig that will be used.
    pub(super) fn apply(
        &self,
        kubeconfig: &mut Kubeconfig,
        options: &ConnectOptions,
    ) -> Result<(), Error> {
        if self.stand_alone() && kubeconfig.contexts.is_empty() {
            bare(kubeconfig);
        }
        if self.is_empty() {
            return Ok(());
        }
        let context = options
            .context
            .as_ref()
            .or(kubeconfig.current_context.as_ref());
        let context = kubeconfig
            .contexts
            .iter()
            .find(|c| Some(&c.name) == context)
            .and_then(|c| c.context.clone())
            .ok_or_else(|| Error::Kubeconfig("it has no current-context".into()))?;
        let cluster = options.cluster.clone().unwrap_or(context.cluster);
        let user = options.user.clone().or(context.user).unwrap_or_default();
        for entry in &mut kubeconfig.clusters {
            if entry.name == cluster {
                self.apply_to_cluster(entry.cluster.get_or_insert_default());
            }
        }
        if !kubeconfig.auth_infos.iter().any(|entry| entry.name == user) {
            return Err(Error::Kubeconfig(format!("it has no user {user}")));
        }
        for entry in &mut kubeconfig.auth_infos {
            if entry.name == user {
                self.apply_to_user(entry.auth_info.get_or_insert_default());
            }
        }
        Ok(())
    }

    fn apply_to_cluster(&self, cluster: &mut Cluster) {
        if let Some(server) = &self.server {
            cluster.server = Some(if server.contains("://") {
                server.clone()
            } else {
                format!("https://{server}")
            });
        }
        if let Some(name) = &self.tls_server_name {
            cluster.tls_server_name = Some(name.clone());
        }
        if self.insecure {
            cluster.insecure_skip_tls_verify = Some(true);
            cluster.certificate_authority = None;
            cluster.certificate_authority_data = None;
        }
        if let Some(path) = &self.certificate_authority {
            cluster.certificate_authority = Some(path.display().to_string());
            cluster.certificate_authority_data = None;
            cluster.insecure_skip_tls_verify = None;
        }
    }

    /// A token stands in place of whatever else the user would log in with; a certificate beside it
    /// is kept, as kubectl does.
    fn apply_to_user(&self, user: &mut AuthInfo) {
        if let Some(token) = &self.token {
            *user = AuthInfo {
                token: Some(token.clone().into()),
                client_certificate: user.client_certificate.clone(),
                client_certificate_data: user.client_certificate_data.clone(),
                client_key: user.client_key.clone(),
                client_key_data: user.client_key_data.clone(),
                impersonate: user.impersonate.clone(),
                impersonate_uid: user.impersonate_uid.clone(),
                impersonate_groups: user.impersonate_groups.clone(),
                ..AuthInfo::default()
            };
        }
        if let Some(path) = &self.client_certificate {
            user.client_certificate = Some(path.display().to_string());
            user.client_certificate_data = None;
        }
        if let Some(path) = &self.client_key {
            user.client_key = Some(path.display().to_string());
            user.client_key_data = None;
        }
    }
}

/// Entries for the flags to fill.
fn bare(kubeconfig: &mut Kubeconfig) {
    kubeconfig.current_context = Some(BARE.into());
    kubeconfig.contexts = vec![NamedContext {
        name: BARE.into(),
        context: Some(Context {
            cluster: BARE.into(),
            user: Some(BARE.into()),
            ..Context::default()
        }),
        ..NamedContext::default()
    }];
    kubeconfig.clusters = vec![NamedCluster {
        name: BARE.into(),
        cluster: Some(Cluster::default()),
        ..NamedCluster::default()
    }];
    kubeconfig.auth_infos = vec![NamedAuthInfo {
        name: BARE.into(),
        auth_info: Some(AuthInfo::default()),
        ..NamedAuthInfo::default()
    }];
}
