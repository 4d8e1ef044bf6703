//! What Envoy does with a connection, decided in its own order: listener, filter chain, route,
//! cluster, endpoint, TLS. Each is one file. A step that cannot be taken ends the way with the
//! response flag that Envoy would log.

mod chain;
mod cluster;
mod listener;
mod route;

#[cfg(test)]
mod tests;

use super::index::Table;
use super::{Chain, Filter, Forward, Proxy, Share};
use crate::kubernetes::{Kind, ObjectRef, Place};
pub use crate::model::bytes::Bytes;
use crate::model::end::{End, StartedMode};
use crate::model::trace::{self, Decision, Step};
use std::net::{IpAddr, SocketAddr};

/// A connection that reaches a proxy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Connection {
    /// The address that the client dialled; none where it is not known, and of no use at a gateway.
    pub address: Option<IpAddr>,
    /// The port that the client dialled; at a gateway, the one that the pod listens on.
    pub port: u16,
    /// What comes over it first.
    pub bytes: Bytes,
    /// Which kind of proxy it reaches, and from where.
    pub role: Role,
}

impl Bytes {
    /// A GET as clients send it: the port is in the Host header unless it is 80.
    pub fn http(host: &str, port: u16) -> Self {
        let host = if port == 80 {
            host.to_owned()
        } else {
            format!("{host}:{port}")
        };
        Bytes::Http {
            host,
            path: "/".into(),
        }
    }

    /// The name that an HTTP request is for, without a port: what a gateway finds in it.
    pub fn authority(&self) -> Option<&str> {
        match self {
            Bytes::Http { host, .. } => Some(host.split(':').next().unwrap_or(host)),
            Bytes::Tls { inside, .. } => inside.as_deref()?.authority(),
            Bytes::Tcp => None,
        }
    }

    /// In words.
    pub fn what(&self) -> String {
        match self {
            Bytes::Tls { sni: Some(sni), .. } => format!("SNI {sni}"),
            Bytes::Tls { sni: None, .. } => "TLS without SNI".to_owned(),
            Bytes::Http { .. } => "plain HTTP".to_owned(),
            Bytes::Tcp => "plain TCP".to_owned(),
        }
    }

    /// A ClientHello of a usual HTTPS client.
    pub fn tls(sni: Option<&str>) -> Self {
        let alpn = vec!["h2".to_owned(), "http/1.1".to_owned()];
        Bytes::Tls {
            sni: sni.map(str::to_owned),
            alpn,
            inside: None,
        }
    }
}

/// Which kind of proxy a connection reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The sidecar of the client, which captured it.
    Sidecar,
    /// A gateway, on a port that it listens on.
    Gateway,
}

/// What the proxy does with the connection.
pub fn evaluate(proxy: &Proxy, connection: &Connection) -> Step {
    pass(proxy, connection).0
}

/// The same, and the bytes that it hands on: those inside, where it ends TLS, and a request as its
/// route rewrites it.
pub fn pass(proxy: &Proxy, connection: &Connection) -> (Step, Bytes) {
    let mut step = Step::default();
    let sent = &connection.bytes;
    let Some(at) = listener::choose(proxy, connection) else {
        let why = match connection.role {
            Role::Sidecar => End::NoOutboundListener,
            Role::Gateway if proxy.listeners.is_empty() => End::NoListener,
            Role::Gateway => End::NothingListens(connection.port),
        };
        return (end(step, why), sent.clone());
    };
    let (listener, index) = (&proxy.listeners[at], proxy.index());
    step.listener = Some(Decision::new(listener.name.clone(), []));
    if listener.has_matcher {
        return (end(step, End::MatcherTree), sent.clone());
    }
    let Some((chain, label)) = chain::choose(listener, &index.chains[at], connection) else {
        return (end(step, End::NoFilterChain(sent.clone())), sent.clone());
    };
    let because = chain.config.as_deref().and_then(place);
    step.chain = Some(Decision::new(label, because.clone()));
    let bytes = match unwrap(chain, sent) {
        Ok(bytes) => bytes,
        Err(why) => return (end(step, why), sent.clone()),
    };
    if let Some(words) = refused(chain, &bytes) {
        return (end(step, words), bytes);
    }
    match &chain.forward {
        Forward::Clusters(shares) => {
            let step = to_cluster(step, proxy, connection, (shares, &bytes, because));
            (step, bytes)
        }
        Forward::Routes(name) => match index.tables.get(name) {
            Some(table) => {
                let routes = &proxy.routes[table.at];
                route::follow(step, proxy, connection, (routes, table), &bytes)
            }
            None => (end(step, End::NoRouteTable(name.clone())), bytes),
        },
        Forward::Inline(routes) => {
            let table = Table::of(0, routes);
            route::follow(step, proxy, connection, (routes, &table), &bytes)
        }
        Forward::Other(filter) => (end(step, End::FilterNotEvaluated(filter.clone())), bytes),
    }
}

/// The connections that the next hop may get, one for each endpoint that the step leads to: the
/// same bytes, inside the TLS that the proxy starts. A sidecar's step and these, evaluated at the
/// gateway pod with that address, make the path.
pub fn onward(step: &Step, bytes: &Bytes) -> Vec<Connection> {
    let tls = step
        .tls
        .as_ref()
        .map(|d| &d.value)
        .filter(|t| t.mode.starts());
    let sent = tls.map_or_else(
        || bytes.clone(),
        |tls| {
            let of_mesh = tls.mode == StartedMode::IstioMutual;
            Bytes::Tls {
                sni: tls.sni.clone(),
                alpn: of_mesh.then(|| ISTIO_ALPN.to_owned()).into_iter().collect(),
                inside: Some(Box::new(bytes.clone())),
            }
        },
    );
    let endpoints = step
        .endpoints
        .iter()
        .flat_map(|d| &d.value)
        .filter_map(|e| e.parse::<SocketAddr>().ok());
    let to = |at: SocketAddr| Connection {
        address: Some(at.ip()),
        port: at.port(),
        bytes: sent.clone(),
        role: Role::Gateway,
    };
    endpoints.map(to).collect()
}

/// What proxies offer to each other.
const ISTIO_ALPN: &str = "istio";

/// What the filters get to see, once TLS is ended where the chain ends it.
fn unwrap(chain: &Chain, bytes: &Bytes) -> Result<Bytes, End> {
    match (&chain.tls, bytes) {
        (None, bytes) => Ok(bytes.clone()),
        (
            Some(tls),
            Bytes::Tls {
                inside: Some(inside),
                alpn,
                ..
            },
        ) => {
            let of_mesh = alpn.iter().any(|name| name == ISTIO_ALPN);
            let own = tls.certificate.as_deref().is_some_and(|c| c != "default");
            match (of_mesh, own) {
                (true, true) => Err(End::ForeignCertificate),
                // TLS that another rule starts has no certificate of the mesh to show.
                (false, false) if tls.demands_certificate => Err(End::ClientCertificateRequired),
                _ => Ok((**inside).clone()),
            }
        }
        (Some(tls), Bytes::Tls { inside: None, .. }) if tls.demands_certificate => {
            Err(End::ClientCertificateRequired)
        }
        (
            Some(_),
            Bytes::Tls {
                sni, inside: None, ..
            },
        ) => {
            let host = sni.clone().unwrap_or_default();
            Ok(Bytes::Http {
                host,
                path: "/".into(),
            })
        }
        (Some(_), Bytes::Http { .. } | Bytes::Tcp) => Err(End::PlainBytes),
    }
}

/// What a filter of the chain does to everything that reaches it.
fn refused(chain: &Chain, bytes: &Bytes) -> Option<End> {
    let http = matches!(bytes, Bytes::Http { .. });
    if chain.answering.iter().any(Filter::denies_all) {
        return Some(if http {
            End::RequestDenied
        } else {
            End::ConnectionDenied
        });
    }
    let mut faults = chain
        .answering
        .iter()
        .filter_map(|filter| filter.aborts_with);
    faults.next().filter(|_| http).map(End::Aborts)
}

/// The cluster of the highest weight stands for all; `because` says who decided.
fn to_cluster(
    mut step: Step,
    proxy: &Proxy,
    connection: &Connection,
    (shares, bytes, because): (&[Share], &Bytes, Option<Place>),
) -> Step {
    let Some(share) = shares.iter().rev().max_by_key(|s| s.weight) else {
        return end(step, End::RouteWithoutCluster);
    };
    if shares.len() > 1 {
        let all: Vec<String> = shares
            .iter()
            .map(|s| format!("{} ({})", s.cluster, s.weight))
            .collect();
        let label = format!("by weight: {}", all.join(", "));
        let route = step.route.take();
        let label = route
            .as_ref()
            .map_or(label.clone(), |r| format!("{}, {label}", r.value));
        step.route = Some(Decision::new(
            label,
            route.map(|r| r.because).unwrap_or_default(),
        ));
    }
    let others = other_shares(proxy, connection, (shares, &share.cluster, bytes));
    step.shares.extend(others);
    step.cluster = Some(Decision::new(share.cluster.clone().into(), because));
    cluster::reach(step, proxy, connection, (&share.cluster, bytes))
}

/// The shares besides the heaviest one, each followed as far as its endpoints. Envoy never picks a
/// cluster of weight 0.
fn other_shares(
    proxy: &Proxy,
    connection: &Connection,
    (shares, heaviest, bytes): (&[Share], &str, &Bytes),
) -> Vec<trace::Share> {
    let total: u64 = shares.iter().map(|s| u64::from(s.weight)).sum();
    let mut others = Vec::new();
    for share in shares
        .iter()
        .filter(|s| s.cluster != heaviest && s.weight > 0)
    {
        let reached = cluster::reach(Step::default(), proxy, connection, (&share.cluster, bytes));
        let percent = (u64::from(share.weight) * 100).div_ceil(total.max(1));
        others.push(trace::Share {
            cluster: share.cluster.clone().into(),
            percent: u32::try_from(percent).unwrap_or(100),
            ends: reached.ends.map(|end| end.value.to_string()),
        });
    }
    others
}

fn end(mut step: Step, why: End) -> Step {
    step.ends = Some(Decision::new(why, []));
    step
}

/// `/apis/networking.istio.io/v1/namespaces/NS/virtual-service/NAME`, as istiod writes it into
/// metadata; the model adds the field after a `#`.
pub(crate) fn place(config: &str) -> Option<Place> {
    let (object, path) = config.split_once('#').unwrap_or((config, ""));
    let parts: Vec<&str> = object.trim_start_matches('/').splitn(7, '/').collect();
    let ["apis", group, _, "namespaces", namespace, kind, name] = parts.as_slice() else {
        return None;
    };
    let camel = kind.split('-').map(|word| {
        let (first, rest) = word.split_at_checked(1).unwrap_or(("", ""));
        first.to_ascii_uppercase() + rest
    });
    let kind = Kind::find(group, &camel.collect::<String>())?;
    Some(ObjectRef::new(kind, *namespace, *name).at(path))
}
