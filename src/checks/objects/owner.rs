#![doc = include_str!("owner.md")]

use super::{decider, end, finding, last_proxy, routes_at};
use crate::checks::finding::{Code, Confidence, Finding, Fix};
use crate::checks::{Check, Layer, Outcome, View};
use crate::model::trace::{ClusterName, HopName};
use crate::model::{End, Node, Registered, exported};
use serde_json::json;

const CODE: Code = Code("EG212");

pub(in crate::checks) const CHECK: Check = Check {
    code: CODE,
    title: "Two objects declare the host, and the one that counts is not the one that was meant",
    layer: Layer::Intended,
    page: include_str!("owner.md"),
    look,
};

fn look(view: &View<'_>) -> Outcome {
    let Some((hop, step, node)) = last_proxy(view) else {
        return Outcome::Idle;
    };
    let Some(ClusterName::Outbound { host, port, .. }) = step.cluster.as_ref().map(|d| &d.value)
    else {
        return Outcome::Pass;
    };
    let scope = view.world.scope(node);
    let Some(winner) = scope.owner(host) else {
        return Outcome::Pass;
    };
    let meant = decider(step)
        .and_then(|p| routes_at(view, p))
        .map_or(view.path.client.namespace.as_str(), |r| r.namespace());
    let rival = exported(view.world, &node.namespace, &winner.host)
        .into_iter()
        .filter(|s| s.object() != winner.object() && differ(s, winner, *port));
    let found: Vec<Finding> = rival
        .filter(|loser| {
            winner.is_kubernetes() && end(step).is_some_and(End::lacks_endpoint)
                || meant_instead(loser, winner, meant)
        })
        .take(1)
        .map(|loser| explain(view, (hop, node), (winner, loser), *port))
        .collect();
    if found.is_empty() {
        Outcome::Pass
    } else {
        Outcome::Found(found)
    }
}

/// The loser is at home where the route is, or the winner is not.
fn meant_instead(loser: &Registered<'_>, winner: &Registered<'_>, meant: &str) -> bool {
    !winner.is_kubernetes() && winner.namespace() != meant
        || loser.namespace() == meant && winner.namespace() != meant
}

/// Whether the path comes out differently with the other one: it ends elsewhere, or its port is
/// missing or of another kind there.
fn differ(a: &Registered<'_>, b: &Registered<'_>, number: u16) -> bool {
    let kind = |s: &Registered<'_>| {
        s.port(number)
            .map(|p| (p.protocol.is_http(), p.protocol.is_tls()))
    };
    ends_elsewhere(a, b, number) || kind(a) != kind(b)
}

/// Whether connections reach another site with the other one.
fn ends_elsewhere(a: &Registered<'_>, b: &Registered<'_>, number: u16) -> bool {
    let endpoints = |s: &Registered<'_>| {
        s.entry()
            .map(|e| (e.spec.endpoints.clone(), e.spec.workload_selector.clone()))
    };
    let target = |s: &Registered<'_>| s.port(number).and_then(|p| p.target);
    a.resolution() != b.resolution()
        || a.is_kubernetes() != b.is_kubernetes()
        || endpoints(a) != endpoints(b)
        || target(a) != target(b)
}

fn explain(
    view: &View<'_>,
    (hop, node): (HopName, &Node),
    (winner, loser): (&Registered<'_>, &Registered<'_>),
    port: u16,
) -> Finding {
    let (first, second) = (winner.object(), loser.object());
    let host = &winner.host;
    let rule = if winner.is_kubernetes() {
        "a Kubernetes Service takes precedence over a ServiceEntry for the same host"
    } else if hop == HopName::Sidecar && winner.namespace() == node.namespace {
        "in a sidecar the entry of its own namespace wins"
    } else if !winner.exports.is_public() && loser.exports.is_public() {
        "an entry that is exported by name or private comes before a public one"
    } else {
        "the oldest wins"
    };
    let sends = match winner.entry() {
        None => "and it has no endpoints of its own that serve".to_owned(),
        Some(entry) => {
            let at: Vec<&str> = entry
                .spec
                .endpoints
                .iter()
                .map(|e| e.address.as_str())
                .collect();
            let endpoints = if at.is_empty() {
                "no fixed endpoints".to_owned()
            } else {
                format!("endpoint {}", at.join(", "))
            };
            format!(
                "with resolution {} and {endpoints}",
                winner.resolution().name()
            )
        }
    };
    let message = format!(
        "{first} and {second} both declare the same host {host} and are visible to the {hop} in \
         namespace {}; they are not merged, {rule}: {first} is the owner, {sends}, and {second} is \
         shadowed",
        node.namespace
    );
    let fix = if winner.is_kubernetes() {
        Fix::advice(format!(
            "give {first} endpoints, or declare the host under another name than the Service's"
        ))
    } else {
        let summary = format!("keep {first} to its own namespace (exportTo \".\"), or delete it");
        Fix::patch(
            view.world,
            &first,
            json!({"spec": {"exportTo": ["."]}}),
            summary,
        )
    };
    let found = finding(
        CODE,
        hop,
        format!("{first} owns {host}, not {second}"),
        message,
    )
    .on([first.at("spec.hosts"), second.at("spec.hosts")])
    .seen(format!(
        "{first} was created {}, {second} {}",
        age(winner),
        age(loser)
    ))
    .sure(Confidence::Likely)
    .fix(fix);
    if ends_elsewhere(winner, loser, port) {
        found.diverts()
    } else {
        found
    }
}

fn age(service: &Registered<'_>) -> String {
    match service.meta().creation_timestamp.as_str() {
        "" => "just now".to_owned(),
        when => when.to_owned(),
    }
}
