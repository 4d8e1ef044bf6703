#![doc = include_str!("blocked.md")]

use super::{end, finding, whole};
use crate::checks::finding::{Code, Finding, Fix};
use crate::checks::{Check, Layer, Outcome, View};
use crate::kubernetes::{Kind, Place};
use crate::model::target::Host;
use crate::model::trace::{ClusterName, HopName};
use crate::model::{End, Scope, owner};
use std::net::IpAddr;

const CODE: Code = Code("EG228");

pub(in crate::checks) const CHECK: Check = Check {
    code: CODE,
    title: "REGISTRY_ONLY blocks a host that nobody declares",
    layer: Layer::Intended,
    page: include_str!("blocked.md"),
    look,
};

fn look(view: &View<'_>) -> Outcome {
    let Some(hop) = &view.walk.sidecar else {
        return Outcome::Idle;
    };
    let step = &view.walk.trace.sidecar;
    let dropped = step
        .cluster
        .as_ref()
        .is_some_and(|d| d.value == ClusterName::BlackHole);
    if !dropped && end(step) != Some(&End::UnknownHostBlocked) {
        return Outcome::Pass;
    }
    let scope = view.world.scope(&hop.node);
    let answer = if dropped {
        "drops the connection (BlackHoleCluster)"
    } else {
        "answers 502 (block_all)"
    };
    let policy = match scope
        .sidecar()
        .filter(|s| s.spec.outbound_traffic_policy.is_some())
    {
        Some(sidecar) => sidecar
            .reference(Kind::Sidecar)
            .at("spec.outboundTrafficPolicy"),
        None => whole(
            Kind::ConfigMap,
            &view.world.snapshot.mesh.namespace,
            "istio",
        ),
    };
    let found = match &view.path.target.host {
        Host::Address(ip) => by_address(view, *ip, (&scope, answer)),
        Host::Name(_) | Host::Wildcard(_) => by_name(view, (&scope, answer)),
    };
    Outcome::Found(vec![found.on([policy])])
}

fn by_address(view: &View<'_>, ip: IpAddr, (scope, answer): (&Scope<'_>, &str)) -> Finding {
    let port = view.path.target.port;
    let leads_there = |s: &&crate::model::Registered<'_>| {
        let listed = s
            .entry()
            .is_some_and(|e| e.spec.endpoints.iter().any(|p| p.address == ip.to_string()));
        listed || view.world.resolved(&s.host) == Some(ip)
    };
    let own = |s: &&crate::model::Registered<'_>| {
        s.namespace() == view.path.client.namespace && s.port(port).is_some()
    };
    let entries = || scope.owners().filter(|s| s.entry().is_some());
    let entry = entries().find(leads_there).or_else(|| entries().find(own));
    let what = if view.path.target.protocol.is_tls() {
        "TLS"
    } else {
        "an HTTP request"
    };
    let by = match entry {
        Some(service) => format!(
            "; {} declares the name {} and not the address",
            service.object(),
            service.host
        ),
        None => String::new(),
    };
    let message = format!(
        "the application calls {ip} by its IP address, and {what} is routed by its name (the Host \
         header, the SNI): {ip} is neither a host nor an address of any ServiceEntry that the \
         client sees{by}; REGISTRY_ONLY is in force and {answer}"
    );
    let object = entry.map_or_else(
        || {
            whole(
                Kind::ServiceEntry,
                &view.path.client.namespace,
                &format!("ip-{}", ip.to_string().replace(['.', ':'], "-")),
            )
        },
        |s| s.object().at("spec.addresses"),
    );
    let summary = format!(
        "call the host by its name, or declare {ip} (a host or an address of a ServiceEntry)"
    );
    finding(
        CODE,
        HopName::Sidecar,
        format!("{ip} is not declared by its address"),
        message,
    )
    .on([object])
    .fix(Fix::advice(summary))
}

fn by_name(view: &View<'_>, (scope, answer): (&Scope<'_>, &str)) -> Finding {
    let (host, port) = (&view.path.target.host, view.path.target.port);
    let owner = owner(scope, host);
    let (why, object): (String, Place) = match owner {
        Some(service) if service.port(port).is_none() => (
            format!("{} declares it without port {port}", service.object()),
            service.object().at("spec.ports"),
        ),
        Some(service) => (
            format!(
                "{} declares it, but this connection does not fit its port's protocol",
                service.object()
            ),
            service.object().at("spec.ports"),
        ),
        None => (
            "no ServiceEntry that the client sees declares it".to_owned(),
            whole(
                Kind::ServiceEntry,
                &view.path.client.namespace,
                &host.slug(50),
            ),
        ),
    };
    let message = format!(
        "{host}:{port} is not declared for this client: {why}; REGISTRY_ONLY is in force, and the \
         sidecar {answer}"
    );
    let summary = format!(
        "declare {host} with port {port} in a ServiceEntry that namespace {} sees",
        view.path.client.namespace
    );
    finding(
        CODE,
        HopName::Sidecar,
        format!("REGISTRY_ONLY blocks {host}:{port}"),
        message,
    )
    .on([object])
    .fix(Fix::advice(summary))
}
