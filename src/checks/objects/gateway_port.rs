#![doc = include_str!("gateway_port.md")]

use super::binding::{Binding, unbound};
use super::{finding, list, sending};
use crate::checks::finding::{Code, Finding, Fix};
use crate::checks::{Check, Layer, Outcome, View};
use crate::istio::Gateway;
use crate::kubernetes::{Kind, Place};
use crate::model::trace::HopName;
use crate::model::{listens, services_of};
use serde_json::json;

const CODE: Code = Code("EG243");

pub(in crate::checks) const CHECK: Check = Check {
    code: CODE,
    title: "The gateway's server listens on another port than the route sends to",
    layer: Layer::Intended,
    page: include_str!("gateway_port.md"),
    look,
};

fn look(view: &View<'_>) -> Outcome {
    let Some(binding) = unbound(view) else {
        return Outcome::Pass;
    };
    if binding.left_out().is_some() {
        return Outcome::Pass;
    }
    let node = &binding.exit.hop.node;
    let services = services_of(view.world, &node.namespace, &node.labels);
    let servers = binding.servers();
    let target = binding.exit.target;
    if let Some((gateway, at, server)) = binding.elsewhere() {
        return Outcome::Found(vec![other_address(&binding, (gateway, at), &server.bind)]);
    }
    if servers.is_empty()
        || servers
            .iter()
            .any(|(_, _, s)| listens(view.world, &services, s.port.number).0 == target)
    {
        return Outcome::Pass;
    }
    let (gateway, at, server) = servers[0];
    let number = server.port.number;
    let found = if number == binding.exit.port {
        let (other, by) = listens(view.world, &services, number);
        other_target(&binding, (gateway, at), (number, other), by)
    } else {
        other_port(view, &binding, (gateway, at))
    };
    Outcome::Found(vec![found])
}

/// The server is open on an address that the Service does not lead to.
fn other_address(binding: &Binding<'_>, (gateway, at): (&Gateway, usize), bind: &str) -> Finding {
    let (service, target) = (binding.service(), binding.exit.target);
    let object = gateway.reference(Kind::Gateway);
    let message = format!(
        "{object} opens its server on bind {bind}, port {target}, alone; {service}, which the \
         route sends to, delivers to the address of the gateway's pod, where nothing listens"
    );
    finding(
        CODE,
        HopName::Gateway,
        format!("{object} listens on {bind} only"),
        message,
    )
    .on([Binding::place(gateway, at, ".bind")])
    .on([Place::from(service.clone())])
    .fix(Fix::advice(format!("drop bind from {object}")))
}

/// Two Services lead the same port to two target ports.
fn other_target(
    binding: &Binding<'_>,
    (gateway, at): (&Gateway, usize),
    (number, other): (u16, u16),
    by: Option<Place>,
) -> Finding {
    let service = binding.service();
    let target = binding.exit.target;
    let decider = by
        .as_ref()
        .map_or_else(|| "no Service".to_owned(), |p| p.object.to_string());
    let message = format!(
        "{decider} and {service} select the same pods and send port {number} to different target \
         ports; istiod translates the server's port by the oldest of them, so the gateway listens \
         on {other} (targetPort of {decider}), while {service}, which the route sends to, delivers \
         to {target}"
    );
    finding(
        CODE,
        HopName::Gateway,
        format!("the gateway listens on {other}, {service} delivers to {target}"),
        message,
    )
    .on(by)
    .on([
        service.at("spec.ports"),
        Binding::place(gateway, at, ".port"),
    ])
    .fix(Fix::advice(format!(
        "give both Services the same targetPort for port {number}, or send the route to {decider}"
    )))
}

fn other_port(view: &View<'_>, binding: &Binding<'_>, (gateway, at): (&Gateway, usize)) -> Finding {
    let service = binding.service();
    // The sender chose the port, whoever has the gateway's half.
    let sender = sending(view).unwrap_or(binding.routes);
    let route = sender.reference();
    let object = gateway.reference(Kind::Gateway);
    let number = gateway.spec.servers[at].port.number;
    let port = binding.exit.port;
    let ports = view
        .world
        .snapshot
        .objects
        .services
        .iter()
        .find(|s| s.reference(Kind::Service) == *service);
    let ports = list(
        ports
            .map(|s| s.spec.ports.iter().map(|p| p.port).collect::<Vec<_>>())
            .unwrap_or_default(),
    );
    let message = format!(
        "{object} has its server for the host on port {number}, while {route} sends the mesh's \
         traffic to port {port} of {service}: on the port that it arrives at nothing serves the \
         host"
    );
    let mut servers: Vec<serde_json::Value> = gateway
        .spec
        .servers
        .iter()
        .filter_map(|s| serde_json::to_value(s).ok())
        .collect();
    if let Some(server) = servers.get_mut(at) {
        server["port"]["number"] = json!(port);
    }
    let summary = format!(
        "set the server's port to {port}, or send the route to port {number} (the Service has \
         {ports})"
    );
    let fix = Fix::patch(
        view.world,
        &object,
        json!({"spec": {"servers": servers}}),
        summary,
    );
    finding(
        CODE,
        HopName::Gateway,
        format!("the server is on port {number}, the route sends to port {port}"),
        message,
    )
    .on([
        Binding::place(gateway, at, ".port.number"),
        Place::from(route),
        service.at("spec.ports"),
    ])
    .seen(format!("ports of {service}: {ports}"))
    .fix(fix)
}
