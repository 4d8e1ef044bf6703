//! From a kubeconfig to a client, as kubectl does it: `KUBECONFIG` lists, contexts, impersonation, exec and OIDC
//! credentials, proxies.
//!
//! Two things differ from kube's defaults. The client never tries again by itself (its own policy can be silent for
//! minutes), and small requests are sent at once (`TCP_NODELAY`: an admin request over a port-forward takes 13 ms in
//! place of 53).

use super::Cluster;
use crate::error::Error;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use kube::client::ConfigExt;
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use std::path::PathBuf;
use std::time::Duration;
use tower::ServiceBuilder;

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
    /// `--request-timeout`.
    pub request_timeout: Option<Duration>,
}

const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);

impl Cluster {
    /// Read the kubeconfig and make a client. No request is sent yet.
    pub async fn connect(options: &ConnectOptions) -> Result<Self, Error> {
        let (mut config, context) = load(options).await?;
        config.default_retry = false;
        config.connect_timeout = Some(Duration::from_secs(5));
        config.auth_info.impersonate.clone_from(&options.impersonate);
        config.auth_info.impersonate_uid.clone_from(&options.impersonate_uid);
        if !options.impersonate_groups.is_empty() {
            config.auth_info.impersonate_groups = Some(options.impersonate_groups.clone());
        }
        let server = config.cluster_url.to_string().trim_end_matches('/').to_owned();
        let namespace = options.namespace.clone().unwrap_or_else(|| config.default_namespace.clone());
        let client = client(config).map_err(|e| Error::Kubeconfig(sentence(&e)))?;
        let request_timeout = options.request_timeout.unwrap_or(REQUEST_TIMEOUT);
        Ok(Self { client, context, server, namespace, request_timeout })
    }
}

async fn load(options: &ConnectOptions) -> Result<(Config, String), Error> {
    let kubeconfig = match read_kubeconfig(options) {
        Ok(kubeconfig) => kubeconfig,
        Err(error) => {
            let explicit = options.kubeconfig.is_some() || std::env::var_os("KUBECONFIG").is_some();
            let inside = if explicit { None } else { Config::incluster().ok() };
            return inside.map(|c| (c, String::new())).ok_or_else(|| Error::Kubeconfig(sentence(&error)));
        }
    };
    let context = options.context.clone().or_else(|| kubeconfig.current_context.clone()).unwrap_or_default();
    let choose = KubeConfigOptions {
        context: options.context.clone(),
        cluster: options.cluster.clone(),
        user: options.user.clone(),
    };
    let config = Config::from_custom_kubeconfig(kubeconfig, &choose).await;
    Ok((config.map_err(|e| Error::Kubeconfig(sentence(&e)))?, context))
}

/// The file of `--kubeconfig`, or those of `KUBECONFIG` as one.
pub(super) fn read_kubeconfig(options: &ConnectOptions) -> Result<Kubeconfig, kube::config::KubeconfigError> {
    options.kubeconfig.as_ref().map_or_else(Kubeconfig::read, Kubeconfig::read_from)
}

fn client(config: Config) -> kube::Result<Client> {
    if config.proxy_url.is_some() {
        return Client::try_from(config);
    }
    let mut tcp = HttpConnector::new();
    tcp.enforce_http(false);
    tcp.set_nodelay(true);
    tcp.set_connect_timeout(config.connect_timeout);
    let connector = config.rustls_https_connector_with_connector(tcp)?;
    let http = hyper_util::client::legacy::Client::builder(TokioExecutor::new()).build(connector);
    let service = ServiceBuilder::new()
        .layer(config.base_uri_layer())
        .option_layer(config.auth_layer()?)
        .layer(config.extra_headers_layer()?)
        .map_err(tower::BoxError::from)
        .service(http);
    Ok(Client::new(service, config.default_namespace))
}

/// An error and its causes in one line.
pub(super) fn sentence(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let more = cause.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        source = cause.source();
    }
    text.replace('\n', " ")
}
