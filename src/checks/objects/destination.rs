#![doc = include_str!("destination.md")]

use super::{decider, finding, list, list_some, missing_cluster, whole};
use crate::checks::finding::{Code, Finding, Fix};
use crate::checks::{Check, Layer, Outcome, View};
use crate::istio::Protocol;
use crate::kubernetes::{Kind, ObjectRef};
use crate::model::trace::{ClusterName, HopName};
use crate::model::{Node, Port, Registered};
use serde_json::json;

const CODE: Code = Code("EG202");

pub(in crate::checks) const CHECK: Check = Check {
    code: CODE,
    title: "A route sends to a host or port that the proxy does not know",
    layer: Layer::Intended,
    page: include_str!("destination.md"),
    look,
};

fn look(view: &View<'_>) -> Outcome {
    let Some((hop, ClusterName::Outbound { port, host, .. }, node)) = missing_cluster(view) else {
        return Outcome::Pass;
    };
    let scope = view.world.scope(node);
    let step = if hop == HopName::Sidecar {
        Some(&view.walk.trace.sidecar)
    } else {
        view.walk.trace.gateway.as_ref()
    };
    let route = step.and_then(decider).cloned();
    let declared: Vec<&Registered> = view.world.services_named(host).collect();
    let found = match scope.owner(host) {
        Some(service) if service.port(*port).is_none() => no_port(view, (hop, service), *port),
        Some(service) if scope.leaves_port_out(host, *port) => {
            trimmed(view, (hop, node), (service, *port))
        }
        Some(service) if service.port(*port).is_some_and(is_udp) => {
            datagrams(view, hop, (service, *port))
        }
        Some(_) => return Outcome::Pass,
        None if declared.is_empty() => unknown(view, (hop, node), (host, *port)),
        None => invisible(view, (hop, node), (host, &declared)),
    };
    Outcome::Found(vec![found.on(route)])
}

fn is_udp(port: &Port) -> bool {
    port.protocol == Protocol::Udp
}

/// The port is one of UDP, of which proxies know nothing.
fn datagrams(view: &View<'_>, hop: HopName, (service, port): (&Registered<'_>, u16)) -> Finding {
    let object = service.object();
    let message = format!(
        "the route sends to port {port} of {}, which {object} declares as UDP: istiod makes no \
         cluster for it, 503 NC",
        service.host
    );
    finding(
        CODE,
        hop,
        format!("port {port} of {object} is one of UDP"),
        message,
    )
    .on([object.at("spec.ports")])
    .on(step_route(view, hop))
    .fix(Fix::advice(format!(
        "declare port {port} of {object} with protocol TCP"
    )))
}

/// A listener of the Sidecar with a port of its own imports that port of the Service only.
fn trimmed(
    view: &View<'_>,
    (hop, node): (HopName, &Node),
    (service, port): (&Registered<'_>, u16),
) -> Finding {
    let sidecar = crate::model::sidecar_of(view.world, node).map(|s| s.reference(Kind::Sidecar));
    let by = sidecar
        .as_ref()
        .map_or_else(|| "its Sidecar".to_owned(), ToString::to_string);
    let (host, object) = (&service.host, service.object());
    let message = format!(
        "the egress listeners of {by} have ports of their own, and such a listener imports only \
         that port of each Service, also of one that a route sends to: port {port} of {host} is in \
         none of them, so the cluster outbound|{port}||{host} does not exist in the client's \
         sidecar, 503 NC"
    );
    finding(
        CODE,
        hop,
        format!("port {port} of {host} is not imported by {by}"),
        message,
    )
    .on(sidecar.map(|s| s.at("spec.egress")))
    .on([object.at("spec.ports")])
    .fix(Fix::advice(format!(
        "add an egress listener without a port, or one for port {port}, that imports {}/{host} to \
         {by}",
        service.namespace()
    )))
}

fn no_port(view: &View<'_>, (hop, service): (HopName, &Registered<'_>), port: u16) -> Finding {
    let object = service.object();
    let ports = list(service.ports.iter().map(|p| p.number));
    let message = format!(
        "the route sends to port {port} of {}, and {object} has no port {port} (it has {ports}): \
         the cluster does not exist, 503 NC",
        service.host
    );
    let route = step_route(view, hop);
    let other = view
        .world
        .services_named(&service.host)
        .find(|s| s.object() != object && s.port(port).is_some());
    let message = match other {
        Some(other) => format!(
            "{message}; {} declares the same host with that port, but two entries are not merged \
             over namespaces or resolutions: {object} is the owner",
            other.object()
        ),
        None => message,
    };
    finding(CODE, hop, format!("{object} has no port {port}"), message)
        .on(route)
        .on([object.at("spec.ports")])
        .on(other.map(|s| s.object().into()))
        .seen(format!("ports of {object}: {ports}"))
        .fix(Fix::advice(format!(
            "name one of its ports ({ports}) in the route, or add port {port} to {object}"
        )))
}

fn step_route(view: &View<'_>, hop: HopName) -> Option<crate::kubernetes::Place> {
    let step = if hop == HopName::Sidecar {
        Some(&view.walk.trace.sidecar)
    } else {
        view.walk.trace.gateway.as_ref()
    };
    step.and_then(decider).cloned()
}

fn unknown(view: &View<'_>, (hop, node): (HopName, &Node), (host, port): (&str, u16)) -> Finding {
    let near = view.world.spelt_nearly(host);
    let gateways = list_some(view.world.gateway_hosts());
    let hint = match near {
        Some(near) => format!("; {} is spelt nearly the same", near.host),
        None if hop == HopName::Sidecar && !gateways.is_empty() => {
            format!("; the gateways of this cluster are {gateways}")
        }
        None => String::new(),
    };
    let message = format!(
        "the route sends to {host}, which no Service and no ServiceEntry declares{hint}: the \
         cluster does not exist, 503 NC"
    );
    let mut places = vec![];
    // Where the route has the name that is called, it is the other one that is misspelt.
    let declared = near.map(|near| near.object().at("spec.hosts"));
    if *host == view.path.target.host.text() {
        places.extend(declared);
        places.extend(step_route(view, hop));
    } else {
        places.extend(step_route(view, hop));
        places.extend(declared);
    }
    if let Some(service) = service_named(view, host) {
        places.push(service.into());
    } else if hop == HopName::Gateway {
        let name = host.replace(['.', '*'], "-");
        places.push(whole(
            Kind::ServiceEntry,
            &node.namespace,
            name.trim_matches('-'),
        ));
    }
    let summary = match near {
        Some(near) if *host == view.path.target.host.text() => {
            format!("write {host} in the hosts of {}", near.object())
        }
        Some(near) => format!("write {} in the route", near.host),
        None => format!(
            "declare {host}:{port} by a ServiceEntry that is exported to namespace {}, or correct \
             the name",
            node.namespace
        ),
    };
    finding(
        CODE,
        hop,
        format!("{host} is not declared anywhere"),
        message,
    )
    .on(places)
    .fix(Fix::advice(summary))
}

/// The Service that a name of the cluster's domain would be of.
fn service_named(view: &View<'_>, host: &str) -> Option<ObjectRef> {
    let suffix = format!(".svc.{}", view.world.snapshot.mesh.domain);
    let (name, namespace) = host.strip_suffix(&suffix)?.split_once('.')?;
    Some(ObjectRef::new(Kind::Service, namespace, name))
}

fn invisible(
    view: &View<'_>,
    (hop, node): (HopName, &Node),
    (host, declared): (&str, &[&Registered<'_>]),
) -> Finding {
    let objects: Vec<_> = declared.iter().map(|s| s.object()).collect();
    let exported = declared.iter().any(|s| s.exports.reach(&node.namespace));
    let who = if hop == HopName::Sidecar {
        "the client's sidecar"
    } else {
        "the gateway"
    };
    let sidecar = crate::model::sidecar_of(view.world, node).map(|s| s.reference(Kind::Sidecar));
    if exported && hop == HopName::Sidecar {
        let by = sidecar.map_or_else(|| "its Sidecar".to_owned(), |s| s.to_string());
        let message = format!(
            "{who} does not see {host}: {by} does not import it (by the hosts of its egress, or \
             because its listener has a port that {host} does not have), so the route sends to a \
             cluster that does not exist, 503 NC"
        );
        let places = crate::model::sidecar_of(view.world, node)
            .map(|s| s.reference(Kind::Sidecar).at("spec.egress"));
        return finding(
            CODE,
            hop,
            format!("{host} is not imported by the client's Sidecar"),
            message,
        )
        .on(places)
        .on(objects.into_iter().map(Into::into))
        .fix(Fix::advice(format!(
            "add the namespace of {host} to the hosts of {by}"
        )));
    }
    let first = &objects[0];
    let exports = match declared[0].entry() {
        Some(entry) => list(&entry.spec.export_to),
        None => declared[0]
            .meta()
            .annotation("networking.istio.io/exportTo")
            .unwrap_or_default()
            .to_owned(),
    };
    let message = format!(
        "{first} declares {host} with exportTo [{exports}], which hides it from namespace {}, \
         where {who} runs: it is private, not visible there, and the cluster that the route names \
         does not exist (503 NC)",
        node.namespace
    );
    let mut to: Vec<String> = declared[0]
        .entry()
        .map(|e| e.spec.export_to.clone())
        .unwrap_or_default();
    to.push(node.namespace.clone());
    let summary = format!("export {first} to namespace {} too", node.namespace);
    let fix = Fix::patch(
        view.world,
        first,
        json!({"spec": {"exportTo": to}}),
        summary,
    );
    finding(
        CODE,
        hop,
        format!("{host} is not exported to namespace {}", node.namespace),
        message,
    )
    .on(objects.iter().map(|o| o.at("spec.exportTo")))
    .fix(fix)
}
