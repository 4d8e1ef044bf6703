//! From a kubeconfig to a client, as kubectl does it: `KUBECONFIG` lists, contexts, impersonation,
//! exec and OIDC credentials, proxies.
//!
//! Two things differ from kube's defaults. The client never tries again by itself (its own policy
//! can be silent for minutes), and small requests are sent at once (`TCP_NODELAY`: an admin request
//! over a port-forward takes 13 ms in place of 53).

use super::answer::{credential_words, find_cause, sentence};
use super::options::ConnectOptions;
use super::{Cluster, kubeconfig};
use crate::error::Error;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use kube::client::{AuthError, ConfigExt};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use std::sync::Arc;
use std::time::Duration;
use tower::ServiceBuilder;

const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);

/// A credential plugin may open a browser and wait for a login.
const LOGIN: Duration = Duration::from_secs(120);

impl Cluster {
    /// Read the kubeconfig, get credentials and make a client. No request is sent yet.
    ///
    /// A credential plugin runs for as long as it likes and blocks the thread that it runs on, so
    /// all of this has a thread of its own, which is left behind where it takes too long.
    pub async fn connect(options: &ConnectOptions) -> Result<Self, Error> {
        let asked = options.clone();
        let handle = tokio::runtime::Handle::current();
        let connected = tokio::task::spawn_blocking(move || handle.block_on(connect(&asked)));
        let (patience, whole) = match options.deadline {
            Some(deadline) => (deadline.left(), deadline.total()),
            None => (LOGIN, LOGIN),
        };
        match tokio::time::timeout(patience, connected).await {
            Ok(Ok(connected)) => connected,
            Ok(Err(_)) => Err(Error::Kubeconfig("its credentials cannot be used".into())),
            Err(_) => Err(Error::Kubeconfig(format!(
                "its credential plugin did not end within {}s",
                whole.as_secs()
            ))),
        }
    }
}

async fn connect(options: &ConnectOptions) -> Result<Cluster, Error> {
    let (mut config, context) = load(options).await?;
    config.default_retry = false;
    config.connect_timeout = Some(Duration::from_secs(5));
    impersonate(&mut config, options);
    let server = without_user(&config.cluster_url);
    let namespace = options
        .namespace
        .clone()
        .unwrap_or_else(|| config.default_namespace.clone());
    let client = client(config).map_err(|error| Error::Kubeconfig(client_words(&error)))?;
    Ok(Cluster {
        client,
        context,
        server,
        namespace,
        request_timeout: options.request_timeout.unwrap_or(REQUEST_TIMEOUT),
        deadline: options.deadline,
        answered: Arc::default(),
        discovery: Arc::default(),
    })
}

/// An address as it may be shown: `https://bob:password@host` has a secret in it.
fn without_user(url: &http::Uri) -> String {
    let host = url.authority().map_or("", |authority| {
        let whole = authority.as_str();
        whole.rsplit_once('@').map_or(whole, |(_, host)| host)
    });
    let scheme = url.scheme_str().unwrap_or("https");
    format!("{scheme}://{host}{}", url.path().trim_end_matches('/'))
}

/// Why there is no client. An error about a proxy would print its address, with the password.
fn client_words(error: &kube::Error) -> String {
    if let Some(auth) = find_cause::<AuthError>(error) {
        return credential_words(auth);
    }
    match error {
        kube::Error::ProxyProtocolUnsupported { .. }
        | kube::Error::ProxyProtocolDisabled { .. } => {
            "its proxy-url is not of the form http://HOST:PORT".into()
        }
        kube::Error::HttpError(_) => {
            "a user, group or UID to impersonate has characters that no HTTP header may have".into()
        }
        other => sentence(other),
    }
}

async fn load(options: &ConnectOptions) -> Result<(Config, String), Error> {
    let found = kubeconfig::read(options)?;
    let found = found.or_else(|| options.overrides.stand_alone().then(Kubeconfig::default));
    let Some(mut kubeconfig) = found else {
        let inside = Config::incluster().map(|config| (config, String::new()));
        return inside
            .map_err(|_| Error::Kubeconfig("there is none, and this is not in a pod".into()));
    };
    kubeconfig::check(&kubeconfig, options)?;
    options.overrides.apply(&mut kubeconfig, options)?;
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
        config.map_err(|e| Error::Kubeconfig(kubeconfig::words(&e)))?,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_shown_without_its_user() {
        for (url, shown) in [
            ("https://10.0.0.1:6443", "https://10.0.0.1:6443"),
            ("http://bob:hunter2@host:1/", "http://host:1"),
            ("https://a@b@host/k8s/c-1", "https://host/k8s/c-1"),
        ] {
            let Ok(uri) = url.parse() else { continue };
            assert_eq!(without_user(&uri), shown);
        }
    }
}
