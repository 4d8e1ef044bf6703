#![doc = include_str!("policy.md")]

use super::{address, client, straight};
use crate::checks::finding::{Code, Confidence, Finding, Fix};
use crate::checks::{Check, Layer, Outcome, View};
use crate::kubernetes::network_policy::Transport;
use crate::kubernetes::pod::{Labels, Pod};
use crate::kubernetes::{Kind, ObjectRef, Place};
use crate::model::essentials::essentials;
use crate::model::policy_network::{Permission, Side, enters, isolating, leaves, leaves_to};
use crate::model::trace::HopName;
use std::net::SocketAddr;

const CODE: Code = Code("EG621");

pub(in crate::checks) const CHECK: Check = Check {
    code: CODE,
    title: "A NetworkPolicy closes a part of the path",
    layer: Layer::Intended,
    page: include_str!("policy.md"),
    look,
};

fn look(view: &View<'_>) -> Outcome {
    let snapshot = view.world.snapshot;
    if let Some(unseen) = snapshot
        .unseen
        .iter()
        .find(|u| u.what.is_list(Kind::NetworkPolicy))
    {
        return Outcome::Skip(format!("networkpolicies: {}", unseen.why));
    }
    if snapshot.objects.network_policies.is_empty() {
        return Outcome::Pass;
    }
    let labels = Labels::new();
    let from = client(view, &labels);
    let mut found: Vec<Finding> = Vec::new();
    if view.walk.client.uncaptured.is_none() || from.pod.is_some() {
        found.extend(without_essentials(
            view,
            (&from, &view.path.client.to_string(), HopName::Client),
        ));
    }
    let gateways = gateway_pods(view);
    match &view.walk.exit {
        Some(exit) => {
            found.extend(
                gateways
                    .first()
                    .and_then(|pod| to_gateway(view, (&from, pod, exit.target))),
            );
            found.extend(gateways.iter().find_map(|pod| from_gateway(view, pod)));
        }
        None if view.walk.leaves_directly() => found.extend(directly(view)),
        None => {}
    }
    if found.is_empty() {
        Outcome::Pass
    } else {
        Outcome::Found(found)
    }
}

fn gateway_pods<'v>(view: &View<'v>) -> Vec<&'v Pod> {
    let Some(exit) = &view.walk.exit else {
        return Vec::new();
    };
    let objects = &view.world.snapshot.objects;
    let mut services = objects.services.iter();
    let service =
        services.find(|s| s.namespace() == exit.service.namespace && s.name() == exit.service.name);
    let Some(service) = service else {
        return Vec::new();
    };
    objects
        .pods
        .iter()
        .filter(|p| p.is_running() && service.selects(p.namespace(), &p.metadata.labels))
        .collect()
}

/// DNS on both transports, and istiod. One transport of DNS that is open is enough for most names,
/// so only a closed UDP breaks; TCP alone is for long answers.
fn without_essentials(
    view: &View<'_>,
    (from, who, hop): (&Side<'_>, &str, HopName),
) -> Option<Finding> {
    let snapshot = view.world.snapshot;
    let sidecar = view.walk.client.uncaptured.is_none() || hop == HopName::Gateway;
    let needed = essentials(snapshot)
        .into_iter()
        .filter(|e| sidecar || e.what == "DNS");
    let closed = needed.filter_map(|e| {
        let to = Side::of(e.pod);
        let permission = both(view, (from, &to), (e.transport, e.port));
        Some((e, closed(permission)?))
    });
    let (essential, by) =
        closed.min_by_key(|(e, _)| (e.transport == Transport::Tcp && e.what == "DNS", e.what))?;
    let (what, transport, port) = (essential.what, essential.transport, essential.port);
    let pod = format!("{}/{}", essential.pod.namespace(), essential.pod.name());
    let then = match (what, transport) {
        ("DNS", Transport::Udp) => "it cannot resolve a name",
        ("DNS", Transport::Tcp) => "it cannot resolve names with long answers",
        _ => {
            "its proxy gets neither configuration nor certificates: it goes on with what it has \
             until those expire"
        }
    };
    let message = format!(
        "{} lets nothing of {who} to {transport} port {port} of {pod}, where {what} is: {then}. A \
         policy counts the pod's own port, not the Service's",
        list(&by)
    );
    let advice = format!(
        "allow {transport} port {port} of the pods behind {what} in {}",
        by[0]
    );
    Some(blocks(
        hop,
        format!("a NetworkPolicy keeps {who} from {what}"),
        message,
        by,
        advice,
    ))
}

fn to_gateway(view: &View<'_>, (from, gateway, port): (&Side<'_>, &Pod, u16)) -> Option<Finding> {
    let by = closed(both(
        view,
        (from, &Side::of(gateway)),
        (Transport::Tcp, port),
    ))?;
    let who = &view.path.client;
    let pod = format!("{}/{}", gateway.namespace(), gateway.name());
    let message = format!(
        "{} lets nothing of {who} to port {port} of the gateway's pod {pod}: connections to the \
         gateway are dropped. A policy counts the pod's own port ({port}), not the Service's",
        list(&by)
    );
    let advice = format!("allow port {port} of the gateway's pods in {}", by[0]);
    Some(blocks(
        HopName::Sidecar,
        format!("a NetworkPolicy keeps {who} from the gateway"),
        message,
        by,
        advice,
    ))
}

fn from_gateway(view: &View<'_>, gateway: &Pod) -> Option<Finding> {
    let snapshot = view.world.snapshot;
    let from = Side::of(gateway);
    if isolating(snapshot, &from).is_empty() {
        return None;
    }
    let who = format!(
        "the gateway's pod {}/{}",
        gateway.namespace(),
        gateway.name()
    );
    let needs = without_essentials(view, (&from, &who, HopName::Gateway));
    if needs.is_some() {
        return needs;
    }
    let port = outside_port(view);
    let to = match address(view) {
        Some(ip) => leaves_to(snapshot, &from, Transport::Tcp, SocketAddr::new(ip, port)),
        // Whatever the address is, a rule with a range could have it.
        None if has_ranges(view, &from) => Permission::Free,
        None => leaves(
            snapshot,
            &from,
            &Side {
                address: None,
                pod: None,
                running: None,
            },
            (Transport::Tcp, port),
        ),
    };
    let by = closed(to)?;
    let host = &view.path.target.host;
    let message = format!(
        "{} lets nothing of {who} to {host} on port {port}: the gateway itself cannot get out",
        list(&by)
    );
    let advice = format!(
        "let the gateway's pods out to {host} on port {port} in {}",
        by[0]
    );
    Some(blocks(
        HopName::Gateway,
        format!("a NetworkPolicy keeps the gateway from {host}"),
        message,
        by,
        advice,
    ))
}

/// The host's own port as the gateway calls it: another one where it starts TLS.
fn outside_port(view: &View<'_>) -> u16 {
    let step = view.walk.trace.gateway.as_ref();
    let known = step
        .and_then(|s| s.endpoints.as_ref())
        .and_then(|e| e.value.first()?.rsplit_once(':')?.1.parse().ok());
    known.unwrap_or(view.path.target.port)
}

fn has_ranges(view: &View<'_>, from: &Side<'_>) -> bool {
    let policies = isolating(view.world.snapshot, from);
    policies
        .iter()
        .flat_map(|p| &p.spec.egress)
        .flat_map(|r| &r.to)
        .any(|p| p.ip_block.is_some())
}

fn directly(view: &View<'_>) -> Option<Finding> {
    let by = closed(straight(view))?;
    let (who, target) = (&view.path.client, &view.path.target);
    let message = format!(
        "{} lets nothing of {who} straight to {target}, and {target} does not go through a gateway \
         for it",
        list(&by)
    );
    let advice = format!(
        "send {} through the gateway: kubectl egress setup {target}",
        target.host
    );
    Some(blocks(
        HopName::Client,
        format!("a NetworkPolicy closes the direct way to {target}"),
        message,
        by,
        advice,
    ))
}

/// Both ends must allow it.
fn both<'a>(
    view: &View<'a>,
    (from, to): (&Side<'a>, &Side<'a>),
    on: (Transport, u16),
) -> Permission {
    match leaves(view.world.snapshot, from, to, on) {
        Permission::Closed(by) => Permission::Closed(by),
        _ => enters(view.world.snapshot, from, to, on),
    }
}

fn closed(permission: Permission) -> Option<Vec<ObjectRef>> {
    match permission {
        Permission::Closed(by) => Some(by),
        _ => None,
    }
}

fn list(by: &[ObjectRef]) -> String {
    by.iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(" with ")
}

fn blocks(
    hop: HopName,
    title: String,
    message: String,
    by: Vec<ObjectRef>,
    advice: String,
) -> Finding {
    let places = by.into_iter().map(|object| Place {
        object,
        path: "spec".into(),
    });
    // Whether the cluster enforces policies at all, the objects do not say.
    Finding::new(CODE, hop, title, message)
        .on(places)
        .sure(Confidence::Likely)
        .fix(Fix::advice(advice))
}
