//! The route of an HTTP request: the virtual host by domain (exact, longest suffix, longest prefix,
//! any), then its first rule that matches. A rule with a condition that we cannot evaluate counts
//! as not matching.

use super::{Bytes, Connection, end, place, to_cluster};
use crate::envoy::{Action, HeaderCondition, PathCondition, Proxy, Routes, Rule, VirtualHost};
use crate::model::End;
use crate::model::trace::{ClusterName, Decision, Share, Step};

pub(super) fn follow(
    mut step: Step,
    proxy: &Proxy,
    connection: &Connection,
    (routes, bytes): (&Routes, &Bytes),
) -> Step {
    let Bytes::Http { host, path } = bytes else {
        let why = if matches!(bytes, Bytes::Tls { .. }) {
            End::TlsOnHttp
        } else {
            End::NotHttp
        };
        return end(step, why);
    };
    let Some(virtual_host) = choose_host(routes, host) else {
        let (host, table) = (host.clone(), routes.name.clone());
        return end(step, End::NoVirtualHost { host, table });
    };
    if virtual_host.require_tls == "ALL" {
        step.route = Some(Decision::new(virtual_host.name.clone(), []));
        return end(step, End::RedirectsToHttps);
    }
    let Some(rule) = virtual_host.rules.iter().find(|r| matches(r, host, path)) else {
        step.route = Some(Decision::new(virtual_host.name.clone(), []));
        let virtual_host = virtual_host.name.clone();
        return end(step, End::NoRoute { virtual_host });
    };
    let because = rule.config.as_deref().and_then(place);
    step.route = Some(Decision::new(label(virtual_host, rule), because.clone()));
    if let Some(abort) = rule.abort
        && abort.percent >= 100
    {
        return end(step, End::Aborts(abort.status));
    }
    if let Some(abort) = rule.abort {
        step.shares.push(Share {
            cluster: ClusterName::Other("a fault that the route injects".into()),
            percent: abort.percent,
            ends: Some(format!("the proxy answers {} by itself", abort.status)),
        });
    }
    match &rule.action {
        Action::Clusters(shares) => to_cluster(step, proxy, connection, (shares, bytes, because)),
        Action::Redirect => end(step, End::Redirects),
        Action::Answer(502) if virtual_host.name == "block_all" => {
            end(step, End::UnknownHostBlocked)
        }
        Action::Answer(status) => end(step, End::Answers(*status)),
        Action::Other => end(step, End::RouteNotEvaluated),
    }
}

fn choose_host<'a>(routes: &'a Routes, host: &str) -> Option<&'a VirtualHost> {
    let lower = host.to_ascii_lowercase();
    let host = if routes.ignores_port {
        without_port(&lower)
    } else {
        lower.as_str()
    };
    let mut best: Option<((u8, usize), &VirtualHost)> = None;
    for candidate in &routes.hosts {
        let rank = candidate
            .domains
            .iter()
            .filter_map(|d| rank(&d.to_ascii_lowercase(), host))
            .max();
        if let Some(rank) = rank
            && best.is_none_or(|(other, _)| rank > other)
        {
            best = Some((rank, candidate));
        }
    }
    best.map(|(_, found)| found)
}

/// How well a domain fits: the kind of match, then its length.
fn rank(domain: &str, host: &str) -> Option<(u8, usize)> {
    if domain == "*" {
        return Some((0, 0));
    }
    if domain == host {
        return Some((3, domain.len()));
    }
    // A wildcard stands for at least one character.
    let longer = host.len() >= domain.len();
    match (domain.strip_prefix('*'), domain.strip_suffix('*')) {
        (Some(suffix), _) if longer && host.ends_with(suffix) => Some((2, domain.len())),
        (_, Some(prefix)) if longer && host.starts_with(prefix) => Some((1, domain.len())),
        _ => None,
    }
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

/// Only the headers that every request has can be known.
fn has(header: &HeaderCondition, host: &str, path: &str) -> bool {
    let value = match header.name.as_str() {
        ":authority" | "host" => host,
        ":path" => path,
        ":method" => "GET",
        ":scheme" => "http",
        _ => return false,
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
