#![doc = include_str!("shared_endpoints.md")]

use super::{finding, last_proxy, list};
use crate::checks::finding::{Code, Confidence, Fix, Severity};
use crate::checks::{Check, Layer, Outcome, View};
use crate::model::trace::ClusterName;

const CODE: Code = Code("EG266");

pub(in crate::checks) const CHECK: Check = Check {
    code: CODE,
    title: "One entry gives several hosts the same endpoints",
    layer: Layer::Intended,
    page: include_str!("shared_endpoints.md"),
    look,
};

fn look(view: &View<'_>) -> Outcome {
    let (Some((hop, _, node)), Some(sends)) = (last_proxy(view), &view.walk.sends) else {
        return Outcome::Idle;
    };
    let ClusterName::Outbound { host, .. } = &sends.cluster else {
        return Outcome::Idle;
    };
    let scope = view.world.scope(node);
    let Some(entry) = scope.owner(host).and_then(crate::model::Registered::entry) else {
        return Outcome::Pass;
    };
    let spec = &entry.spec;
    if spec.hosts.len() < 2 || spec.endpoints.len() < 2 || spec.workload_selector.is_some() {
        return Outcome::Pass;
    }
    // One pool behind several names is usual; ports or labels of their own are not.
    let first = &spec.endpoints[0];
    let told_apart = spec
        .endpoints
        .iter()
        .any(|e| e.labels != first.labels || e.ports != first.ports)
        || spec.addresses.len() > 1;
    let object = entry.reference(crate::kubernetes::Kind::ServiceEntry);
    let addresses = list(spec.endpoints.iter().map(|e| &e.address));
    let message = format!(
        "{object} declares {} hosts ({}) with the endpoints {addresses}: endpoints belong to the \
         entry and not to a host, so a connection to {host} goes to any of them, also to those of \
         the other hosts",
        spec.hosts.len(),
        list(&spec.hosts)
    );
    let found = finding(
        CODE,
        hop,
        format!("{object} mixes the endpoints of its hosts"),
        message,
    )
    .on([object.at("spec.endpoints")])
    .severity(if told_apart {
        Severity::Error
    } else {
        Severity::Info
    })
    .sure(Confidence::Likely)
    .diverts()
    .fix(Fix::advice(format!(
        "write a ServiceEntry for each host of {object}, with its own endpoints and addresses"
    )));
    Outcome::Found(vec![found])
}
