#![doc = include_str!("opened.md")]

use super::{decider, finding};
use crate::checks::finding::{Code, Fix};
use crate::checks::{Check, Layer, Outcome, View};
use crate::istio::Protocol;
use crate::kubernetes::Kind;
use crate::model::trace::HopName;
use crate::model::{Registered, outbound_mode, owner};
use serde_json::json;

const CODE: Code = Code("EG221");

pub(in crate::checks) const CHECK: Check = Check {
    code: CODE,
    title: "A TCP entry without an address lets every host out on its port",
    layer: Layer::Intended,
    page: include_str!("opened.md"),
    look,
};

fn look(view: &View<'_>) -> Outcome {
    let Some(hop) = &view.walk.sidecar else {
        return Outcome::Idle;
    };
    let scope = view.world.scope(&hop.node);
    if outbound_mode(&scope, view.world) != "REGISTRY_ONLY"
        || owner(&scope, &view.path.target.host).is_some()
    {
        return Outcome::Idle;
    }
    let Some(place) =
        decider(&view.walk.trace.sidecar).filter(|p| p.object.kind == Kind::ServiceEntry)
    else {
        return Outcome::Pass;
    };
    if view.walk.sends.is_none() {
        return Outcome::Pass;
    }
    let Some(entry) = view.world.services_of(&place.object).next() else {
        return Outcome::Pass;
    };
    let port = view.path.target.port;
    if entry.address.is_some() || entry.port(port).is_some_and(|p| p.protocol.is_http()) {
        return Outcome::Pass;
    }
    let said = entry.port(port).map_or(Protocol::Tcp, |p| p.protocol);
    let message = format!(
        "{} declares port {port} with protocol {}, resolution {} and no addresses: that is a \
         catch-all chain on 0.0.0.0:{port}, which forwards every destination, any host; so \
         REGISTRY_ONLY, in force here, never applies on port {port}, and {} leaves although nobody \
         declares it",
        place.object,
        said.name(),
        entry.resolution().name(),
        view.path.target.host
    );
    let fix = narrow(view, entry, port);
    let found = finding(
        CODE,
        HopName::Sidecar,
        format!("{} opens port {port} for every host", place.object),
        message,
    )
    .on([place.clone()])
    .on(scope
        .sidecar()
        .map(|s| s.reference(Kind::Sidecar).at("spec.outboundTrafficPolicy")))
    .opens()
    .fix(fix);
    Outcome::Found(vec![found])
}

/// TLS is told apart by its SNI, anything else by its address.
fn narrow(view: &View<'_>, entry: &Registered<'_>, port: u16) -> Fix {
    let object = entry.object();
    let summary = format!(
        "declare port {port} of {object} as TLS, if that is spoken there, or give it addresses"
    );
    let Some(spec) = entry.entry().map(|e| &e.spec) else {
        return Fix::advice(summary);
    };
    let ports: Vec<_> = spec
        .ports
        .iter()
        .map(|p| {
            let mut value = serde_json::to_value(p).unwrap_or_default();
            if p.number == port {
                value["protocol"] = json!("TLS");
            }
            value
        })
        .collect();
    if port == 443 {
        return Fix::patch(
            view.world,
            &object,
            json!({"spec": {"ports": ports}}),
            summary,
        );
    }
    Fix::advice(summary)
}
