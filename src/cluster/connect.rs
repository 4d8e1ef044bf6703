//! From a kubeconfig to a client, as kubectl does it: `KUBECONFIG` lists, contexts, impersonation,
//! exec and OIDC credentials, proxies.
//!
//! Two things differ from kube's defaults. The client never tries again by itself (its own policy
//! can be silent for minutes), and small requests are sent at once (`TCP_NODELAY`: an admin request
//! over a port-forward takes 13 ms in place of 53).

use super::{Cluster, kubeconfig};
use crate::error::Error;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use kube::client::ConfigExt;
use kube::config::KubeConfigOptions;
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
        impersonate(&mut config, options);
        let server = config
            .cluster_url
            .to_string()
            .trim_end_matches('/')
            .to_owned();
        let namespace = options
            .namespace
            .clone()
            .unwrap_or_else(|| config.default_namespace.clone());
        let client = client(config).map_err(|e| Error::Kubeconfig(sentence(&e)))?;
        let request_timeout = options.request_timeout.unwrap_or(REQUEST_TIMEOUT);
        Ok(Self {
            client,
            context,
            server,
            namespace,
            request_timeout,
        })
    }
}

async fn load(options: &ConnectOptions) -> Result<(Config, String), Error> {
    let Some(kubeconfig) = kubeconfig::read(options)? else {
        let inside = Config::incluster().map(|config| (config, String::new()));
        return inside
            .map_err(|_| Error::Kubeconfig("there is none, and this is not a pod".into()));
    };
    kubeconfig::check(&kubeconfig, options)?;
    let context = options
        .context
        .clone()
        .or_else(|| kubeconfig.current_context.clone())
        .unwrap_or_default();
    let choose = KubeConfigOptions {
        context: options.context.clone(),
        cluster: options.cluster.clone(),
        user: options.user.clone(),
    };
    let config = Config::from_custom_kubeconfig(kubeconfig, &choose).await;
    Ok((
        config.map_err(|e| Error::Kubeconfig(sentence(&e)))?,
        context,
    ))
}

/// `--as` and its like; what they do not say, the kubeconfig's user may.
fn impersonate(config: &mut Config, options: &ConnectOptions) {
    let user = &mut config.auth_info;
    if options.impersonate.is_some() {
        user.impersonate.clone_from(&options.impersonate);
    }
    if options.impersonate_uid.is_some() {
        user.impersonate_uid.clone_from(&options.impersonate_uid);
    }
    if !options.impersonate_groups.is_empty() {
        user.impersonate_groups = Some(options.impersonate_groups.clone());
    }
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

/// The cause of an error that has no other cause, in one line: "Connection refused", without what
/// was going on.
pub(super) fn cause(error: &dyn std::error::Error) -> String {
    let mut last = error;
    while let Some(deeper) = last.source() {
        last = deeper;
    }
    last.to_string().replace('\n', " ")
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
