#![doc = include_str!("local_traffic.md")]

use super::gateway_service::destination;
use super::pods;
use crate::checks::finding::{Code, Finding, Fix};
use crate::checks::{Check, Layer, Outcome, View};
use crate::kubernetes::Kind;
use crate::kubernetes::pod::Pod;
use crate::model::trace::HopName;
use serde_json::json;
use std::collections::BTreeSet;

const CODE: Code = Code("EG106");

pub(in crate::checks) const CHECK: Check = Check {
    code: CODE,
    title: "The gateway's Service keeps to the client's node, where no pod of the gateway runs",
    layer: Layer::Intended,
    page: include_str!("local_traffic.md"),
    look,
};

fn look(view: &View<'_>) -> Outcome {
    let Some(service) = destination(view) else {
        return Outcome::Idle;
    };
    if service.spec.internal_traffic_policy != "Local" {
        return Outcome::Pass;
    }
    let gateways = pods(view, service).into_iter();
    let at: BTreeSet<&str> = gateways
        .filter(|pod| pod.is_ready())
        .map(|pod| pod.spec.node_name.as_str())
        .collect();
    let cut_off = clients(view)
        .into_iter()
        .find(|pod| !at.contains(pod.spec.node_name.as_str()));
    let Some(client) = cut_off.filter(|_| !at.is_empty()) else {
        return Outcome::Pass;
    };
    let object = service.reference(Kind::Service);
    let nodes: Vec<&str> = at.into_iter().collect();
    let message = format!(
        "{object} has internalTrafficPolicy Local: a sidecar gets only the endpoints on its own \
         node. {} runs on node {}, and the gateway's pods run on {}: it has no endpoint there, and \
         the client gets 503, no healthy upstream",
        client.object(),
        client.spec.node_name,
        nodes.join(", ")
    );
    let fix = Fix::patch(
        view.world,
        &object,
        json!({"spec": {"internalTrafficPolicy": "Cluster"}}),
        format!(
            "set internalTrafficPolicy of {object} to Cluster, or run a gateway pod on each node \
             that has clients"
        ),
    );
    let found = Finding::new(
        CODE,
        HopName::Sidecar,
        format!("no pod of {object} runs on the client's node"),
        message,
    )
    .on([object.at("spec.internalTrafficPolicy")])
    .fix(fix);
    Outcome::Found(vec![found])
}

/// The pods of the client's workload that have a node.
fn clients<'v>(view: &View<'v>) -> Vec<&'v Pod> {
    let Some(pod) = view.world.pod(view.path) else {
        return Vec::new();
    };
    let all = view.world.pods_of(pod.namespace());
    all.filter(|other| other.workload_name() == pod.workload_name())
        .filter(|other| !other.spec.node_name.is_empty())
        .collect()
}
