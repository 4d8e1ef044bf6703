#![doc = include_str!("hop_settings.md")]

use super::{decider, finding};
use crate::checks::finding::{Code, Finding, Fix};
use crate::checks::{Check, Layer, Outcome, View};
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
    if let Some(found) = around_the_gateway(view, to_gateway, &sidecar.node) {
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
             TLS or HTTP and takes no such header: \
             every connection to the gateway fails",
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
        .and_then(|step| back_to_itself(view, step, &exit.hop.node));
    found.map_or(Outcome::Pass, |found| Outcome::Found(vec![found]))
}

/// The sidecar sends to where the connection was going, and not to the gateway of the route.
fn around_the_gateway(view: &View<'_>, step: &Step, node: &Node) -> Option<Finding> {
    let (host, policy) = policy_of(view, step, node)?;
    let place = policy
        .passthrough
        .filter(|_| view.world.is_gateway(&host))?;
    let message = format!(
        "{} sets loadBalancer PASSTHROUGH for {host}: the sidecar then sends to the address that \
         the client dialled and to none of the \
         gateway's pods, so the connections of the route leave past the gateway",
        place.object
    );
    let found = finding(
        CODE,
        HopName::Sidecar,
        format!("{} takes the gateway out of the route", place.object),
        message,
    )
    .fix(Fix::advice(format!(
        "drop loadBalancer PASSTHROUGH from {}",
        place.object
    )))
    .on([place])
    .on(decider(step).cloned());
    Some(found)
}

/// The gateway sends to where the connection was going: to itself.
fn back_to_itself(view: &View<'_>, step: &Step, node: &Node) -> Option<Finding> {
    let (host, policy) = policy_of(view, step, node)?;
    let place = policy.passthrough?;
    let message = format!(
        "{} sets loadBalancer PASSTHROUGH for {host}: the proxy then sends to the address that the \
         connection was going to anyway, which at the \
         gateway is the gateway's own; {host} is never reached",
        place.object
    );
    let found = finding(
        CODE,
        HopName::Gateway,
        format!(
            "{} sends the gateway's connections back to itself",
            place.object
        ),
        message,
    )
    .fix(Fix::advice(format!(
        "drop loadBalancer PASSTHROUGH from {}, or keep the rule to the clients that call {host} \
         directly",
        place.object
    )))
    .on([place])
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
