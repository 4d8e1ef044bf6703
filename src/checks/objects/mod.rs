//! 2xx: what the objects say. Each check looks at where the walk went wrong and says which field is
//! to blame.

pub(super) mod api_route;
pub(super) mod api_tls_policy;
mod binding;
pub(super) mod blocked;
pub(super) mod borrowed_sni;
pub(super) mod bypass;
pub(super) mod captured;
pub(super) mod clash;
pub(super) mod conditions;
pub(super) mod credential;
pub(super) mod credential_file;
pub(super) mod denied;
pub(super) mod destination;
pub(super) mod double_tls;
pub(super) mod earlier_rule;
pub(super) mod ends;
pub(super) mod exclusion;
pub(super) mod expected_name;
pub(super) mod gateway_host;
pub(super) mod gateway_port;
pub(super) mod gateway_rule;
pub(super) mod gateway_selector;
pub(super) mod hop_identity;
pub(super) mod hop_settings;
pub(super) mod hop_tls;
pub(super) mod http2;
pub(super) mod http_proxy;
pub(super) mod import;
pub(super) mod mesh_tls_outside;
pub(super) mod narrow_limit;
pub(super) mod not_inherited;
pub(super) mod opened;
pub(super) mod opened_route;
pub(super) mod other_route;
pub(super) mod out_of_force;
pub(super) mod owner;
pub(super) mod passthrough_mutual;
pub(super) mod plain_to_tls;
pub(super) mod policy_selector;
pub(super) mod protocol;
pub(super) mod refused_listener;
pub(super) mod resolution;
pub(super) mod route_export;
pub(super) mod server_first;
pub(super) mod share;
pub(super) mod shared_endpoints;
pub(super) mod subset;
pub(super) mod subset_labels;
pub(super) mod tls_to_plain;
pub(super) mod typo;
pub(super) mod unchecked_name;
pub(super) mod unjudged;
pub(super) mod unread_gateway;
pub(super) mod unresolved;
pub(super) mod wildcard_address;

pub(super) use hop_settings::proxy_protocol;

use super::{Outcome, View};
use crate::checks::finding::{Code, Finding};
use crate::istio::virtual_service::HttpMatch;
use crate::kubernetes::{Kind, ObjectRef, Place};
use crate::model::trace::{ClusterName, Decision, HopName, Step};
use crate::model::{End, Node, Policy, Routes, policy};

/// Why the path ends at a hop, where it does.
fn end(step: &Step) -> Option<&End> {
    step.ends.as_ref().map(|d| &d.value)
}

/// The hop whose proxy has no such cluster, the cluster, and the proxy.
fn missing_cluster<'v>(view: &View<'v>) -> Option<(HopName, &'v ClusterName, &'v Node)> {
    let walk = view.walk;
    let missing = |step: &'v Step| {
        step.cluster
            .as_ref()
            .filter(|_| end(step).is_some_and(End::lacks_cluster))
            .map(|d| &d.value)
    };
    if let (Some(name), Some(sidecar)) = (missing(&walk.trace.sidecar), &walk.sidecar) {
        return Some((HopName::Sidecar, name, &sidecar.node));
    }
    let name = walk.trace.gateway.as_ref().and_then(missing)?;
    Some((HopName::Gateway, name, &walk.exit.as_ref()?.hop.node))
}

/// What decided where a step goes: its route's object, else its chain's.
fn decider(step: &Step) -> Option<&Place> {
    let because = |d: &Option<Decision<String>>| d.as_ref().is_some_and(|d| !d.because.is_empty());
    let decision = [&step.route, &step.chain]
        .into_iter()
        .find(|d| because(d))?;
    decision.as_ref()?.because.first()
}

/// The proxy that sends to the outside: who, what it does, and what it sees as.
fn last_proxy<'v>(view: &View<'v>) -> Option<(HopName, &'v Step, &'v Node)> {
    match (
        &view.walk.exit,
        &view.walk.trace.gateway,
        &view.walk.sidecar,
    ) {
        (Some(exit), Some(step), _) => Some((HopName::Gateway, step, &exit.hop.node)),
        (None, _, Some(hop)) => Some((HopName::Sidecar, &view.walk.trace.sidecar, &hop.node)),
        _ => None,
    }
}

/// The proxy that sends to the outside, and what the rules say of what it sends to; or why there is
/// nothing to judge.
fn last_policy<'v>(view: &View<'v>) -> Result<(HopName, &'v Step, &'v Node, Policy), Outcome> {
    let (hop, step, node) = last_proxy(view).ok_or(Outcome::Idle)?;
    let Some(ClusterName::Outbound { port, subset, host }) =
        step.cluster.as_ref().map(|d| &d.value)
    else {
        return Err(Outcome::Pass);
    };
    let scope = view.world.scope(node);
    let service = scope.owner(host).ok_or(Outcome::Pass)?;
    Ok((
        hop,
        step,
        node,
        policy(view.world, node, service, (subset, *port)),
    ))
}

/// What the rules ask of requests beside their host; empty for nothing.
fn asking<'r>(rules: impl Iterator<Item = &'r HttpMatch>) -> String {
    let asked: Vec<String> = rules.flat_map(HttpMatch::on_request).collect();
    if asked.is_empty() {
        return String::new();
    }
    format!(
        ": they ask for {}, which a plain request for / does not have",
        list(&asked)
    )
}

/// The VirtualService of a place.
fn routes_at<'v>(view: &View<'v>, place: &Place) -> Option<&'v Routes<'v>> {
    if place.object.kind != Kind::VirtualService {
        return None;
    }
    view.world
        .route(&place.object.namespace, &place.object.name)
}

/// The VirtualService that sent the connection to the gateway.
fn sending<'v>(view: &View<'v>) -> Option<&'v Routes<'v>> {
    decider(&view.walk.trace.sidecar).and_then(|place| routes_at(view, place))
}

/// The names that a path goes by: its host, and the one that its route is for.
fn is_for(routes: &Routes<'_>, view: &View<'_>) -> bool {
    let host = view.path.target.host.text();
    let named = |name: &str| {
        routes
            .hosts
            .iter()
            .any(|h| crate::model::hosts::within(name, h))
    };
    named(&host)
        || view
            .walk
            .wanted
            .as_ref()
            .is_some_and(|w| named(&w.host) && !host_has_name(view))
}

/// An address is called: only then another name can stand for the host.
fn host_has_name(view: &View<'_>) -> bool {
    view.path.target.host.sni().is_some()
}

/// A list in words.
fn list(names: impl IntoIterator<Item = impl std::fmt::Display>) -> String {
    names
        .into_iter()
        .map(|n| n.to_string())
        .collect::<Vec<_>>()
        .join(", ")
}

/// So many of a crowd are named.
const NAMED: usize = 5;

/// The first of a list in words, and how many more there are: all hosts of a gateway may have their
/// rules for it.
fn list_some<T: std::fmt::Display>(names: impl Iterator<Item = T>) -> String {
    let mut names = names;
    let first = list(names.by_ref().take(NAMED));
    match names.count() {
        0 => first,
        more => format!("{first} and {more} more"),
    }
}

/// The place of a whole object.
fn whole(kind: Kind, namespace: &str, name: &str) -> Place {
    ObjectRef::new(kind, namespace, name).into()
}

fn finding(
    code: Code,
    hop: HopName,
    title: impl Into<String>,
    message: impl Into<String>,
) -> Finding {
    Finding::new(code, hop, title, message)
}
