#![doc = include_str!("subset_labels.md")]

use super::{decider, end, finding, list};
use crate::checks::finding::{Code, Finding, Fix};
use crate::checks::{Check, Layer, Outcome, View};
use crate::kubernetes::Kind;
use crate::model::trace::{ClusterName, HopName, Step};
use crate::model::{End, Lookup, Node, rule, selects_nothing};

const CODE: Code = Code("EG231");

pub(in crate::checks) const CHECK: Check = Check {
    code: CODE,
    title: "The labels of a subset select no endpoint",
    layer: Layer::Intended,
    page: include_str!("subset_labels.md"),
    look,
};

fn look(view: &View<'_>) -> Outcome {
    let walk = view.walk;
    let sidecar = walk.sidecar.as_ref().map(|hop| &hop.node);
    let gateway = walk.exit.as_ref().map(|exit| &exit.hop.node);
    let hops = [
        (HopName::Sidecar, Some(&walk.trace.sidecar), sidecar),
        (HopName::Gateway, walk.trace.gateway.as_ref(), gateway),
    ];
    for (hop, step, node) in hops {
        let (Some(step), Some(node)) = (step, node) else {
            continue;
        };
        if let Some(found) = empty(view, hop, step, node) {
            return Outcome::Found(vec![found]);
        }
    }
    Outcome::Pass
}

fn empty(view: &View<'_>, hop: HopName, step: &Step, node: &Node) -> Option<Finding> {
    end(step).filter(|end| end.lacks_endpoint() || matches!(end, End::NoCluster(_)))?;
    let ClusterName::Outbound { port, subset, host } = &step.cluster.as_ref()?.value else {
        return None;
    };
    let scope = view.world.scope(node);
    let (service, port) = scope.declares(host, *port)?;
    let lookup = rule(view.world, node, service)?;
    let (defining, at, found) = lookup_subset(&lookup, subset)?;
    if found.labels.is_empty() || !selects_nothing(view.world, service, port, &found.labels) {
        return None;
    }
    let object = defining.reference(Kind::DestinationRule);
    let labels = list(
        found
            .labels
            .iter()
            .map(|(key, value)| format!("{key}: {value}")),
    );
    let (declared, names) = (service.object(), service.resolution().name());
    let carries = if service.is_kubernetes() {
        format!("no pod of {declared} carries them")
    } else {
        format!(
            "no endpoint of {declared} (resolution {names}) carries them, and a host without \
             endpoints of its own has no labels at all"
        )
    };
    let message = format!(
        "subset {subset} of {host} in {object} asks for endpoints with the labels {labels}, and \
         {carries}: the subset is without endpoint (UH, or no cluster, NC), and the client gets \
         503 or a reset"
    );
    let found = finding(
        CODE,
        hop,
        format!("subset {subset} of {host} selects no endpoint"),
        message,
    )
    .on([object.at(format!("spec.subsets[{at}].labels"))])
    .on(decider(step).cloned())
    .on([declared.into()])
    .fix(Fix::advice(format!(
        "drop the labels from subset {subset} of {object}, or give them to the endpoints that it \
         is for"
    )));
    Some(found)
}

fn lookup_subset<'r>(
    lookup: &Lookup<'r>,
    subset: &str,
) -> Option<(
    &'r crate::istio::DestinationRule,
    usize,
    &'r crate::istio::destination_rule::Subset,
)> {
    lookup.rule()?.subset(subset)
}
