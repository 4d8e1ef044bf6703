//! The route of an HTTP request: the virtual host by domain (exact, longest suffix, longest prefix,
//! any), then its first rule that matches. A rule with a condition that we cannot evaluate counts
//! as not matching.

use super::{Bytes, Connection, end, place, to_cluster};
use crate::envoy::index::Table;
use crate::envoy::{Action, HeaderCondition, PathCondition, Proxy, Routes, Rule, VirtualHost};
use crate::kubernetes::Place;
use crate::model::end::End;
use crate::model::trace::{ClusterName, Decision, Share, Step};

pub(super) fn follow(
    mut step: Step,
    proxy: &Proxy,
    connection: &Connection,
    (routes, table): (&Routes, &Table),
    bytes: &Bytes,
) -> (Step, Bytes) {
    let as_it_is = bytes.clone();
    let Bytes::Http { host, path } = bytes else {
        let why = if matches!(bytes, Bytes::Tls { .. }) {
            End::TlsOnHttp
        } else {
            End::NotHttp
        };
        return (end(step, why), as_it_is);
    };
    let Some(virtual_host) = choose_host(routes, table, host) else {
        let (host, table) = (host.clone(), routes.name.clone());
        return (end(step, End::NoVirtualHost { host, table }), as_it_is);
    };
    if virtual_host.require_tls == "ALL" {
        step.route = Some(Decision::new(virtual_host.name.clone(), []));
        return (end(step, End::RedirectsToHttps), as_it_is);
    }
    let Some(rule) = virtual_host.rules.iter().find(|r| matches(r, host, path)) else {
        step.route = Some(Decision::new(
            virtual_host.name.clone(),
            tried(virtual_host),
        ));
        let virtual_host = virtual_host.name.clone();
        return (end(step, End::NoRoute { virtual_host }), as_it_is);
    };
    let because = rule.config.as_deref().and_then(place);
    step.route = Some(Decision::new(label(virtual_host, rule), because.clone()));
    if let Some(abort) = rule.abort
        && abort.percent >= 100
    {
        return (end(step, End::Aborts(abort.status)), as_it_is);
    }
    if let Some(abort) = rule.abort {
        step.shares.push(Share {
            cluster: ClusterName::Other("a fault that the route injects".into()),
            percent: abort.percent,
            ends: Some(format!("the proxy answers {} by itself", abort.status)),
        });
    }
    let bytes = rewritten(rule, host, path);
    if let Bytes::Http { path, .. } = &bytes
        && !path.starts_with('/')
    {
        return (end(step, End::NoPath(path.clone())), bytes);
    }
    let step = match &rule.action {
        Action::Clusters(shares) => to_cluster(step, proxy, connection, (shares, &bytes, because)),
        Action::Redirect => end(step, End::Redirects),
        Action::Answer(502) if virtual_host.name == "block_all" => {
            end(step, End::UnknownHostBlocked)
        }
        Action::Answer(status) => end(step, End::Answers(*status)),
        Action::Other => end(step, End::RouteNotEvaluated),
    };
    (step, bytes)
}

/// The rules of a virtual host, each once.
fn tried(host: &VirtualHost) -> Vec<Place> {
    let mut places: Vec<Place> = Vec::new();
    for rule in &host.rules {
        let by = rule.config.as_deref().and_then(place);
        places.extend(by.filter(|by| !places.contains(by)));
    }
    places
}

/// The request as the next hop gets it.
fn rewritten(rule: &Rule, host: &str, path: &str) -> Bytes {
    let host = rule.host_rewrite.as_deref().unwrap_or(host);
    let path = match (&rule.path_rewrite, &rule.path) {
        (Some(instead), PathCondition::Prefix(prefix)) => {
            let rest = path.strip_prefix(prefix.as_str()).unwrap_or_default();
            format!("{instead}{rest}")
        }
        (Some(instead), _) => instead.clone(),
        (None, _) => path.to_owned(),
    };
    Bytes::Http {
        host: host.to_owned(),
        path,
    }
}

fn choose_host<'a>(routes: &'a Routes, table: &Table, host: &str) -> Option<&'a VirtualHost> {
    let lower = host.to_ascii_lowercase();
    let host = if routes.ignores_port {
        without_port(&lower)
    } else {
        lower.as_str()
    };
    routes.hosts.get(table.find(host)?)
}

fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) && !name.ends_with(':') => {
            name
        }
        _ => host,
    }
}

fn matches(rule: &Rule, host: &str, path: &str) -> bool {
    let on_path = match &rule.path {
        PathCondition::Prefix(prefix) => path.starts_with(prefix.as_str()),
        PathCondition::Exact(exact) => path == exact,
        PathCondition::Segments(start) => path
            .strip_prefix(start.as_str())
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/')),
        PathCondition::Other => false,
    };
    on_path && !rule.asks_more && rule.headers.iter().all(|h| has(h, host, path))
}

/// Only the headers that every request has can be known; of any other one a request is taken to
/// have none, which is what an inverted condition asks for (`withoutHeaders`).
fn has(header: &HeaderCondition, host: &str, path: &str) -> bool {
    let value = match header.name.as_str() {
        ":authority" | "host" => host,
        ":path" => path,
        ":method" => "GET",
        ":scheme" => "http",
        _ => return header.invert,
    };
    let holds = match (&header.exact, &header.prefix) {
        (Some(exact), _) => value.eq_ignore_ascii_case(exact),
        (None, Some(prefix)) => value.starts_with(prefix.as_str()),
        (None, None) => return false,
    };
    holds != header.invert
}

fn label(host: &VirtualHost, rule: &Rule) -> String {
    match rule.name.as_str() {
        "" => host.name.clone(),
        name if name == host.name => name.to_owned(),
        name => format!("{} {name}", host.name),
    }
}
