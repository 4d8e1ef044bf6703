#![doc = include_str!("resolution.md")]

use super::{decider, end, finding, routes_at};
use crate::checks::finding::{Code, Finding, Fix};
use crate::checks::{Check, Layer, Outcome, View};
use crate::envoy::Bytes;
use crate::istio::service_entry::Resolution;
use crate::kubernetes::Place;
use crate::model::hosts::is_wild;
use crate::model::trace::{ClusterName, HopName};
use crate::model::{End, Exit, Registered};
use serde_json::json;

const CODE: Code = Code("EG265");

pub(in crate::checks) const CHECK: Check = Check {
    code: CODE,
    title: "The gateway cannot find the host as its entry says",
    layer: Layer::Intended,
    page: include_str!("resolution.md"),
    look,
};

fn look(view: &View<'_>) -> Outcome {
    let (Some(step), Some(exit)) = (&view.walk.trace.gateway, &view.walk.exit) else {
        return Outcome::Idle;
    };
    let Some(ClusterName::Outbound { host, .. }) = step.cluster.as_ref().map(|d| &d.value) else {
        return Outcome::Pass;
    };
    let scope = view.world.scope(&exit.hop.node);
    let Some(service) = scope.owner(host).filter(|s| s.entry().is_some()) else {
        return Outcome::Pass;
    };
    let object = service.object();
    let opaque = !matches!(exit.hop.bytes, Bytes::Http { .. });
    let (title, message, cure) = match service.resolution() {
        Resolution::None => (
            format!("{object} has resolution NONE behind the gateway"),
            format!(
                "{object} has resolution NONE: a proxy then forwards to the original destination \
                 of the connection, and at the gateway that is the gateway itself; istiod gives it \
                 a cluster without endpoints, and the gateway answers UH (503, or a reset)"
            ),
            if is_wild(host) {
                "declare each host with resolution DNS, or route the wildcard to one host that \
                 serves them all"
            } else {
                "use resolution DNS"
            },
        ),
        Resolution::DynamicDns if opaque => (
            format!("{object} has resolution DYNAMIC_DNS behind a gateway that passes TLS through"),
            format!(
                "{object} has resolution DYNAMIC_DNS, which needs a filter that resolves the SNI \
                 (a dynamic forward proxy); istiod adds it to sidecars and waypoints, not to a \
                 gateway's chains for TLS, so the cluster there has no host (UH), and the \
                 connection is reset"
            ),
            "declare each host with resolution DNS, or route the wildcard to one host that serves \
             them all",
        ),
        Resolution::Static if end(step).is_some_and(End::lacks_endpoint) => (
            format!("{object} has resolution STATIC and no endpoint"),
            format!(
                "{object} has resolution STATIC and no endpoint that serves: the gateway's cluster \
                 for {host} is empty (UH, 503)"
            ),
            "list its endpoints, or use resolution DNS",
        ),
        _ => return Outcome::Pass,
    };
    Outcome::Found(vec![found(view, (service, exit), (title, message, cure))])
}

fn found(
    view: &View<'_>,
    (service, exit): (&Registered<'_>, &Exit),
    (title, message, cure): (String, String, &str),
) -> Finding {
    let object = service.object();
    let dns = service.resolution() == Resolution::None && !is_wild(&service.host);
    let fix = if dns {
        Fix::patch(
            view.world,
            &object,
            json!({"spec": {"resolution": "DNS"}}),
            cure,
        )
    } else {
        Fix::advice(cure)
    };
    let route = view
        .walk
        .trace
        .gateway
        .as_ref()
        .and_then(decider)
        .and_then(|p| routes_at(view, p));
    let servers = exit.hop.given.openers.values().flatten().filter(|p| {
        route.is_some_and(|r| {
            r.gateways
                .iter()
                .any(|g| *g == format!("{}/{}", p.object.namespace, p.object.name))
        })
    });
    finding(CODE, HopName::Gateway, title, message)
        .on([object.at("spec.resolution")])
        .on(route.map(|r| Place::from(r.reference())))
        .on(servers.cloned())
        .fix(fix)
}
