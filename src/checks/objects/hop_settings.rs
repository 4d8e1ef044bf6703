#![doc = include_str!("hop_settings.md")]

use super::{decider, finding, last_proxy};
use crate::checks::finding::{Code, Finding, Fix};
use crate::checks::{Check, Layer, Outcome, View};
use crate::kubernetes::Place;
use crate::model::trace::{ClusterName, HopName, Step};
use crate::model::{Node, Policy, policy};

const CODE: Code = Code("EG233");

pub(in crate::checks) const CHECK: Check = Check {
    code: CODE,
    title: "A DestinationRule sends what the next hop cannot take",
    layer: Layer::Intended,
    page: include_str!("hop_settings.md"),
    look,
};

fn look(view: &View<'_>) -> Outcome {
    let Some(sidecar) = &view.walk.sidecar else {
        return Outcome::Idle;
    };
    let to_gateway = &view.walk.trace.sidecar;
    if let Some(found) = to_original(view, HopName::Sidecar, to_gateway, &sidecar.node) {
        return Outcome::Found(vec![found]);
    }
    let Some(exit) = &view.walk.exit else {
        return Outcome::Idle;
    };
    if let Some((_, policy)) = policy_of(view, to_gateway, &sidecar.node)
        && let Some(place) = policy.proxy_protocol
    {
        let message = format!(
            "{} puts a PROXY protocol header before each connection to {}, whose listener expects \
             TLS or HTTP and takes no such header: every connection to the gateway fails",
            place.object, exit.service
        );
        let found = finding(
            CODE,
            HopName::Gateway,
            format!("{} sends the PROXY protocol to the gateway", place.object),
            message,
        )
        .fix(Fix::advice(format!(
            "drop proxyProtocol from {}",
            place.object
        )))
        .on([place])
        .on([exit.service.clone().into()]);
        return Outcome::Found(vec![found]);
    }
    let found = view
        .walk
        .trace
        .gateway
        .as_ref()
        .and_then(|step| to_original(view, HopName::Gateway, step, &exit.hop.node));
    found.map_or(Outcome::Pass, |found| Outcome::Found(vec![found]))
}

/// The field that has the last proxy put a PROXY header before what it sends to the host.
pub(in crate::checks) fn proxy_protocol(view: &View<'_>) -> Option<Place> {
    let (_, step, node) = last_proxy(view)?;
    policy_of(view, step, node)?.1.proxy_protocol
}

/// A proxy sends to where the connection was going, and not to the cluster of its route: the
/// sidecar past the gateway, the gateway back to itself.
fn to_original(view: &View<'_>, hop: HopName, step: &Step, node: &Node) -> Option<Finding> {
    let (host, policy) = policy_of(view, step, node)?;
    let place = policy.passthrough?;
    let rule = &place.object;
    let (title, effect, cure) = if hop == HopName::Gateway {
        (
            format!("{rule} sends the gateway's connections back to itself"),
            format!("at the gateway that is its own address, and {host} is never reached"),
            format!(
                "drop loadBalancer PASSTHROUGH from {rule}, or keep the rule to the clients that \
                 call {host} directly"
            ),
        )
    } else if view.world.is_gateway(&host) {
        (
            format!("{rule} takes the gateway out of the route"),
            "none of the gateway's pods gets the connections of the route: they leave past it"
                .to_owned(),
            format!("drop loadBalancer PASSTHROUGH from {rule}"),
        )
    } else {
        return None;
    };
    let message = format!(
        "{rule} sets loadBalancer PASSTHROUGH for {host}: the {hop} then sends to the address that \
         the connection was going to anyway; {effect}"
    );
    let found = finding(CODE, hop, title, message)
        .fix(Fix::advice(cure))
        .on([place.clone()])
        .on(decider(step).cloned());
    Some(found)
}

/// What the rules say of the cluster that a proxy sends to, and its host.
fn policy_of(view: &View<'_>, step: &Step, node: &Node) -> Option<(String, Policy)> {
    let ClusterName::Outbound { port, subset, host } = &step.cluster.as_ref()?.value else {
        return None;
    };
    let scope = view.world.scope(node);
    let service = scope.owner(host)?;
    Some((
        host.clone(),
        policy(view.world, node, service, (subset, *port)),
    ))
}
