#![doc = include_str!("other_route.md")]

use super::{decider, finding, routes_at};
use crate::checks::finding::{Code, Finding, Fix, Severity};
use crate::checks::{Check, Layer, Outcome, View};
use crate::model::trace::HopName;
use crate::model::{Routes, bound_to_mesh, through};

const CODE: Code = Code("EG211");

pub(in crate::checks) const CHECK: Check = Check {
    code: CODE,
    title: "Another VirtualService for the same host counts, and this one is ignored",
    layer: Layer::Intended,
    page: include_str!("other_route.md"),
    look,
};

fn look(view: &View<'_>) -> Outcome {
    let Some(hop) = &view.walk.sidecar else {
        return Outcome::Idle;
    };
    let Some(winner) = decider(&view.walk.trace.sidecar).and_then(|place| routes_at(view, place))
    else {
        return Outcome::Pass;
    };
    let host = view.path.target.host.text();
    if !winner.hosts.contains(&host) {
        return Outcome::Pass;
    }
    let port = view.path.target.port;
    let same = |r: &&Routes<'_>| r.reference() != winner.reference() && r.hosts.contains(&host);
    let losers: Vec<&Routes> = bound_to_mesh(view.world, &hop.node.namespace, &host)
        .into_iter()
        .filter(same)
        .collect();
    let won = through(view.world, winner, &host, port);
    let found: Vec<Finding> = losers
        .into_iter()
        .filter_map(|loser| {
            let lost = through(view.world, loser, &host, port);
            let differs = lost.as_ref().map(|w| &w.gateway) != won.as_ref().map(|w| &w.gateway);
            let own = loser.namespace() == hop.node.namespace;
            let hurts = differs && (lost.is_some() && won.is_none() || own);
            (hurts || (own && differs))
                .then(|| explain(view, (winner, loser), lost.is_some() && won.is_none()))
        })
        .collect();
    if found.is_empty() {
        Outcome::Pass
    } else {
        Outcome::Found(found)
    }
}

fn explain(
    view: &View<'_>,
    (winner, loser): (&Routes<'_>, &Routes<'_>),
    bypasses: bool,
) -> Finding {
    let host = view.path.target.host.text();
    let (first, second) = (winner.reference(), loser.reference());
    let result = if bypasses {
        "it sends the host out directly, past the gateway"
    } else {
        "it takes the traffic another way than the other one says"
    };
    let why = if winner.exports.is_public() == loser.exports.is_public() {
        "it is the older one"
    } else {
        "one that is exported by name comes before a public one"
    };
    let message = format!(
        "{first} and {second} are two VirtualServices for the same host {host} that are both bound to the mesh and visible in \
         namespace {}; sidecars do not merge them: the first wins ({why}), {second} is ignored, and {result}",
        view.path.client.namespace
    );
    let summary = format!(
        "put what both say into one VirtualService, or narrow exportTo of {first} so that namespace {} does not see it",
        view.path.client.namespace
    );
    let fix = Fix::advice(summary);
    finding(
        CODE,
        HopName::Sidecar,
        format!("{second} is ignored: {first} has the same host"),
        message,
    )
    .on([first.at("spec.hosts"), second.at("spec.hosts")])
    .seen(format!(
        "{first} was created {}, {second} {}",
        age(winner),
        age(loser)
    ))
    .severity(Severity::Error)
    .fix(fix)
}

fn age(routes: &Routes<'_>) -> String {
    match routes.object.metadata.creation_timestamp.as_str() {
        "" => "just now".to_owned(),
        when => when.to_owned(),
    }
}
