#![doc = include_str!("earlier_rule.md")]

use super::{decider, finding, is_for, routes_at, sending};
use crate::checks::finding::{Code, Finding, Fix};
use crate::checks::{Check, Layer, Outcome, View};
use crate::kubernetes::ObjectRef;
use crate::model::trace::{ClusterName, HopName};
use crate::model::{Routes, World};
use crate::snapshot::Change;

const CODE: Code = Code("EG237");

pub(in crate::checks) const CHECK: Check = Check {
    code: CODE,
    title: "At the gateway an older VirtualService's rule takes the request first",
    layer: Layer::Intended,
    page: include_str!("earlier_rule.md"),
    look,
};

fn look(view: &View<'_>) -> Outcome {
    let Some(step) = &view.walk.trace.gateway else {
        return Outcome::Idle;
    };
    let winner = decider(step).and_then(|place| routes_at(view, place));
    let (Some(winner), Some(goes)) = (winner, step.cluster.as_ref()) else {
        return Outcome::Pass;
    };
    let Some(loser) = meant(view, winner) else {
        return Outcome::Pass;
    };
    match alone(view, winner) {
        Some((object, would))
            if object == loser.reference() && would.host() != goes.value.host() =>
        {
            let winner = Rule {
                routes: winner,
                sends_to: &goes.value,
            };
            let loser = Rule {
                routes: loser,
                sends_to: &would,
            };
            Outcome::Found(vec![explain(view, &winner, &loser)])
        }
        _ => Outcome::Pass,
    }
}

/// The VirtualService that sends the client to the gateway, where it is bound to a Gateway too and
/// is not the one that decides there.
fn meant<'v>(view: &View<'v>, winner: &Routes<'v>) -> Option<&'v Routes<'v>> {
    let sender = sending(view)?;
    let shares_gateway = sender.gateways.iter().any(|g| winner.gateways.contains(g));
    let other = sender.reference() != winner.reference();
    (other && shares_gateway && is_for(sender, view) && is_for(winner, view)).then_some(sender)
}

/// Whose rule would decide at the gateway without the first one, and where it leads.
fn alone(view: &View<'_>, winner: &Routes<'_>) -> Option<(ObjectRef, ClusterName)> {
    let gone = Change {
        object: winner.reference(),
        before: None,
        after: None,
    };
    let without = view.world.snapshot.with(&[gone]).ok()?;
    let walk = World::new(&without).walk(view.path);
    let step = walk.trace.gateway.filter(|step| step.ends.is_none())?;
    let object = decider(&step)?.object.clone();
    Some((object, step.cluster?.value))
}

/// A VirtualService, and where its rule for the gateway sends to.
struct Rule<'v> {
    routes: &'v Routes<'v>,
    sends_to: &'v ClusterName,
}

fn explain(view: &View<'_>, winner: &Rule<'_>, loser: &Rule<'_>) -> Finding {
    let host = view.path.target.host.text();
    let (first, second) = (winner.routes.reference(), loser.routes.reference());
    let (goes, would) = (winner.sends_to, loser.sends_to);
    let message = format!(
        "{first} and {second} are both bound to the gateway for {host}; a gateway puts the rules \
         of all VirtualServices for a host together, the older object's first, and the first rule \
         that matches decides: that of {first} sends requests to {goes}, and the rule of {second}, \
         which sends to {would}, is never reached"
    );
    let summary = format!(
        "delete {first}, correct where it sends to, or give its rule a match that leaves these \
         requests to {second}"
    );
    finding(
        CODE,
        HopName::Gateway,
        format!("{first} has an earlier rule for {host} at the gateway"),
        message,
    )
    .on([first.at("spec.http"), second.at("spec.http")])
    .seen(format!("{first} was created {}", winner.routes.age()))
    .seen(format!("{second} was created {}", loser.routes.age()))
    .diverts()
    .fix(Fix::advice(summary))
}
