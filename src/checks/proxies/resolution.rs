#![doc = include_str!("resolution.md")]

use crate::checks::finding::{Code, Finding, Fix};
use crate::checks::{Check, Layer, Outcome, View};
use crate::envoy::{Cluster, Proxy};
use crate::kubernetes::pod::Pod;
use crate::kubernetes::{Kind, Place};
use crate::model::trace::{ClusterName, HopName, Step};
use crate::model::workload_of;
use crate::programmed::{at_gateway, proxy};
use crate::snapshot::Look;

const CODE: Code = Code("EG307");

pub(in crate::checks) const CHECK: Check = Check {
    code: CODE,
    title: "A proxy has no address for the host",
    layer: Layer::Programmed,
    page: include_str!("resolution.md"),
    look,
};

fn look(view: &View<'_>) -> Outcome {
    let snapshot = view.world.snapshot;
    let sidecar = match view.programmed {
        Look::Seen(trace) => &trace.sidecar,
        Look::Unseen(why) => return Outcome::Skip(why.clone()),
    };
    let client = view
        .world
        .pod(view.path)
        .map(|pod| (HopName::Sidecar, pod, sidecar.clone()));
    let gateways = at_gateway(snapshot, view.walk).into_iter();
    let gateways = gateways.filter_map(|t| Some((HopName::Gateway, t.pod, t.step.seen()?.clone())));
    for (hop, pod, step) in client.into_iter().chain(gateways) {
        let Look::Seen(proxy) = proxy(snapshot, pod.namespace(), pod.name()) else {
            continue;
        };
        if let Some(cluster) = without_endpoint(proxy, &step) {
            return explain(view, (hop, pod), cluster)
                .map_or(Outcome::Pass, |f| Outcome::Found(vec![f]));
        }
    }
    Outcome::Pass
}

/// The cluster that the step ends at for want of an endpoint.
fn without_endpoint<'p>(proxy: &'p Proxy, step: &Step) -> Option<&'p Cluster> {
    step.ends.as_ref().filter(|e| e.value.lacks_endpoint())?;
    proxy.cluster(&step.cluster.as_ref()?.value.to_string())
}

fn explain(view: &View<'_>, (hop, pod): (HopName, &Pod), cluster: &Cluster) -> Option<Finding> {
    let ClusterName::Outbound { host, .. } = ClusterName::from(cluster.name.clone()) else {
        return None;
    };
    let declared = view
        .world
        .services_named(&host)
        .find(|s| s.entry().is_some())?;
    let entry = declared.entry()?;
    let object = declared.object();
    let at = format!(
        "{} pod {}/{}",
        if hop == HopName::Gateway {
            "gateway"
        } else {
            "client"
        },
        pod.namespace(),
        pod.name()
    );
    let names: Vec<&str> = entry
        .spec
        .endpoints
        .iter()
        .map(|e| e.address.as_str())
        .filter(|a| !a.is_empty())
        .collect();
    let names = if names.is_empty() {
        host.clone()
    } else {
        names.join(", ")
    };
    let ill: Vec<String> = cluster
        .endpoints
        .iter()
        .map(|e| format!("{} ({})", e.address, e.ill.join(", ")))
        .collect();
    let (title, message, advice) = if !ill.is_empty() {
        (
            format!("No address of {host} is healthy"),
            format!(
                "the proxy of the {at} has {} for {host}, and considers none of them healthy: \
                 calls fail with 503, no healthy upstream",
                ill.join(", ")
            ),
            format!("see whether {host} is up; the proxy tries an address again after a while"),
        )
    } else if cluster.discovery.ends_with("_DNS") {
        (
            format!("The {hop} cannot resolve {names}"),
            format!(
                "with resolution DNS in {object} the {at} resolves {names} itself, and DNS does \
                 not answer it with an address: the name is not known there (a hosts file or \
                 hostAliases of the application do not count), or the DNS server fails; its \
                 cluster has no endpoint, and calls fail with 503, no healthy upstream"
            ),
            format!(
                "make {names} known to the cluster's DNS, or give {object} endpoints with \
                 addresses (resolution: STATIC)"
            ),
        )
    } else {
        (
            format!("The {hop} has no endpoint for {host}"),
            format!(
                "{object} gives the {at} no endpoint for {host}: calls fail with 503, no healthy \
                 upstream"
            ),
            format!("give {object} endpoints, or resolution: DNS"),
        )
    };
    let field = if entry.spec.endpoints.is_empty() {
        "spec.resolution"
    } else {
        "spec.endpoints"
    };
    let finding = Finding::new(CODE, hop, title, message)
        .on([
            object.at(field),
            Place::from(pod.object()),
            workload_of(pod).into(),
        ])
        .on([Place::from(entry.reference(Kind::ServiceEntry))]
            .into_iter()
            .filter(|p| p.object != object))
        .seen(format!(
            "{}: {}, {} endpoints",
            cluster.name,
            cluster.discovery,
            cluster.endpoints.len()
        ))
        .fix(Fix::advice(advice));
    Some(finding)
}
