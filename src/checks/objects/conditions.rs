#![doc = include_str!("conditions.md")]

use super::finding;
use crate::checks::finding::{Code, Confidence, Finding, Fix, Severity};
use crate::checks::{Check, Layer, Outcome, View};
use crate::istio::virtual_service::MESH;
use crate::kubernetes::Place;
use crate::kubernetes::pod::Labels;
use crate::model::hosts::within;
use crate::model::target::Host;
use crate::model::trace::HopName;
use crate::model::{Condition, Routes, bound_to_mesh, holds, made_up, owner, through};

const CODE: Code = Code("EG224");

pub(in crate::checks) const CHECK: Check = Check {
    code: CODE,
    title: "The route to the gateway has a condition that this connection does not meet",
    layer: Layer::Intended,
    page: include_str!("conditions.md"),
    look,
};

fn look(view: &View<'_>) -> Outcome {
    let Some(wanted) = view.walk.wanted.as_ref() else {
        return for_nobody(view).map_or(Outcome::Idle, |f| Outcome::Found(vec![f]));
    };
    if !wanted.in_force() {
        return Outcome::Idle;
    }
    // Of a route of the Gateway API another check says why.
    if !view.walk.leaves_directly() || view.walk.sidecar.is_none() || view.walk.api.lead.is_some() {
        return Outcome::Pass;
    }
    let found = made_up_address(view, &wanted.route)
        .or_else(|| no_name(view, &wanted.route))
        .or_else(|| unmet(view, &wanted.route));
    found.map_or(Outcome::Pass, |f| Outcome::Found(vec![f]))
}

/// A rule for the host leads to a gateway for pods with labels that no pod has. It expressly asks
/// for another workload than the client, so nothing is broken for this one.
fn for_nobody(view: &View<'_>) -> Option<Finding> {
    let node = &view.walk.sidecar.as_ref()?.node;
    let host = view.path.target.host.text();
    let seen = bound_to_mesh(view.world, &node.namespace, &host);
    let (routes, wanted) = seen.into_iter().find_map(|routes| {
        let wanted = through(view.world, routes, &host, view.path.target.port)?;
        Some((routes, wanted))
    })?;
    let asked = on_client(routes, &wanted.route);
    let mut others = asked.iter();
    let nobody =
        |c: &Condition<'_>| c.is_met_by_nobody(view.world) && c.asks_for_another(&node.labels);
    if asked.is_empty() || !others.all(nobody) {
        return None;
    }
    let labels = asked.iter().flat_map(|c| c.labels);
    let labels = super::list(labels.map(|(k, v)| format!("{k}={v}")));
    let object = &wanted.route.object;
    let message = format!(
        "{object} routes {host} to a gateway for pods with sourceLabels {labels}, and no pod has \
         them; this client is not one of them, so it leaves directly"
    );
    Some(
        finding(
            CODE,
            HopName::Sidecar,
            format!("{object} is for pods that are not there"),
            message,
        )
        .on([wanted.route.clone()])
        .severity(Severity::Warning)
        .sure(Confidence::Possible)
        .fix(Fix::advice(format!(
            "if this client was meant, change sourceLabels in {object} to labels that its pods have"
        ))),
    )
}

/// What the rule at a place asks of the client, one for each of its matches.
fn on_client<'r>(routes: &'r Routes<'_>, place: &Place) -> Vec<Condition<'r>> {
    let http = routes.http.iter().filter(|(field, _)| *field == place.path);
    let http = http.flat_map(|(_, rule)| &rule.matches);
    let http = http.map(|m| (&m.source_labels, &m.source_namespace));
    let is_at = |list: &str, at: usize| place.path == format!("spec.{list}[{at}]");
    let tls = routes.tls.iter().enumerate();
    let tls = tls.filter(|(at, _)| is_at("tls", *at));
    let tls = tls.flat_map(|(_, rule)| &rule.matches);
    let tls = tls.map(|m| (&m.source_labels, &m.source_namespace));
    let tcp = routes.tcp.iter().enumerate();
    let tcp = tcp.filter(|(at, _)| is_at("tcp", *at));
    let tcp = tcp.flat_map(|(_, rule)| &rule.matches);
    let tcp = tcp.map(|m| (&m.source_labels, &m.source_namespace));
    http.chain(tls)
        .chain(tcp)
        .map(|(labels, namespace)| Condition {
            labels,
            namespace: namespace.as_deref(),
        })
        .collect()
}

/// The entry lists addresses that DNS does not answer: the listeners are there, and no connection
/// goes to them.
fn made_up_address(view: &View<'_>, route: &Place) -> Option<Finding> {
    let node = &view.walk.sidecar.as_ref()?.node;
    let scope = view.world.scope(node);
    let owner = owner(&scope, &view.path.target.host)?;
    let real = made_up(view.world, owner, node)?;
    let object = owner.object();
    let listed = super::list(&owner.entry()?.spec.addresses);
    let (host, port) = (&view.path.target.host, view.path.target.port);
    let message = format!(
        "{object} lists the addresses {listed} for {host}, so the sidecar listens for it on these \
         only; without DNS capture the client asks DNS, which answers {real}: its connection to \
         port {port} meets no listener of {host}, and leaves past the gateway"
    );
    let summary = format!(
        "drop addresses from {object} (HTTP and TLS are told apart without them), list what DNS \
         answers, or turn DNS capture on (ISTIO_META_DNS_CAPTURE)"
    );
    Some(
        finding(
            CODE,
            HopName::Sidecar,
            format!("{object} lists addresses that the client does not dial"),
            message,
        )
        .on([object.at("spec.addresses")])
        .on([route.clone()])
        .seen(format!("{host} resolves to {real}"))
        .fix(Fix::advice(summary)),
    )
}

/// TLS to an address carries no SNI (RFC 6066, section 3), and the rule is by SNI.
fn no_name(view: &View<'_>, route: &Place) -> Option<Finding> {
    let Host::Address(ip) = &view.path.target.host else {
        return None;
    };
    if !view.path.target.protocol.is_tls() || !route.path.starts_with("spec.tls") {
        return None;
    }
    let entry = view.world.services_at(&ip.to_string()).next();
    let by = entry.map_or_else(String::new, |s| format!(" of {}", s.object()));
    let message = format!(
        "the application calls {ip}, and TLS to an IP literal carries no SNI, so the sniHosts of \
         the route cannot match; the listener{by} sends the connection out directly, past the \
         gateway"
    );
    let summary = "call the host by its name, or declare the port as TCP with addresses and route \
        it by a tcp rule with destinationSubnets";
    Some(
        finding(
            CODE,
            HopName::Sidecar,
            format!("TLS to {ip} has no SNI for the route"),
            message,
        )
        .on([route.clone()])
        .on(entry.map(|s| s.object().at("spec.ports")))
        .fix(Fix::advice(summary)),
    )
}

/// A condition on the client, its port, or a name or address that is not this host's.
fn unmet(view: &View<'_>, route: &Place) -> Option<Finding> {
    let routes = super::routes_at(view, route)?;
    let reason = match route.path.as_str() {
        path if path.starts_with("spec.tls") => unmet_tls(view, routes)?,
        path if path.starts_with("spec.tcp") => unmet_tcp(view, routes)?,
        _ => unmet_http(view, routes)?,
    };
    let message = format!(
        "{} does not apply to this client: {reason}; the traffic leaves directly, past the gateway",
        route.object
    );
    Some(
        finding(
            CODE,
            HopName::Sidecar,
            format!("{} does not match this connection", route.object),
            message,
        )
        .on([route.clone()])
        .fix(Fix::advice(format!(
            "change or drop that condition in {}",
            route.object
        ))),
    )
}

fn unmet_tls(view: &View<'_>, routes: &Routes<'_>) -> Option<String> {
    let host = view.path.target.host.text();
    let matches = routes.tls.iter().flat_map(|rule| &rule.matches);
    matches.filter(|m| is_for_mesh(&m.gateways)).find_map(|m| {
        of_client(
            view,
            &m.source_labels,
            m.source_namespace.as_deref(),
            m.port,
        )
        .or_else(|| {
            let covered = m.sni_hosts.iter().any(|sni| within(&host, sni));
            let asked = m.sni_hosts.join(", ");
            (!covered).then(|| format!("sniHosts are {asked}, the client's SNI is {host}"))
        })
    })
}

fn unmet_http(view: &View<'_>, routes: &Routes<'_>) -> Option<String> {
    let host = view.path.target.host.text();
    let matches = routes.http.iter().flat_map(|(_, rule)| &rule.matches);
    matches.filter(|m| is_for_mesh(&m.gateways)).find_map(|m| {
        of_client(
            view,
            &m.source_labels,
            m.source_namespace.as_deref(),
            m.port,
        )
        .or_else(|| {
            let other = m.authority.as_ref().is_some_and(|a| !a.fits(&host));
            other.then(|| format!("its authority is not {host}"))
        })
    })
}

fn unmet_tcp(view: &View<'_>, routes: &Routes<'_>) -> Option<String> {
    let dialled = view.walk.client.address;
    let matches = routes.tcp.iter().flat_map(|rule| &rule.matches);
    matches.filter(|m| is_for_mesh(&m.gateways)).find_map(|m| {
        of_client(
            view,
            &m.source_labels,
            m.source_namespace.as_deref(),
            m.port,
        )
        .or_else(|| {
            let subnets = &m.destination_subnets;
            let inside = dialled.is_some_and(|a| subnets.iter().any(|s| holds(s, a)));
            (!subnets.is_empty() && !inside).then(|| {
                format!(
                    "destinationSubnets are {}, and the address that is called is not known to \
                         be in them",
                    subnets.join(", ")
                )
            })
        })
    })
}

fn is_for_mesh(gateways: &[String]) -> bool {
    gateways.is_empty() || gateways.iter().any(|gateway| gateway == MESH)
}

/// What a match asks of the pod that connects and of the port that it calls, where it is not so.
fn of_client(
    view: &View<'_>,
    labels: &Labels,
    namespace: Option<&str>,
    port: Option<u16>,
) -> Option<String> {
    let node = &view.walk.sidecar.as_ref()?.node;
    if let Some(asked) = namespace.filter(|asked| !asked.is_empty() && *asked != node.namespace) {
        return Some(format!(
            "sourceNamespace is {asked}, the client runs in {}",
            node.namespace
        ));
    }
    let mut asked = labels.iter();
    if let Some((key, value)) = asked.find(|(key, value)| node.labels.get(*key) != Some(value)) {
        return Some(format!(
            "sourceLabels ask for {key}={value}, which the client's pod does not have"
        ));
    }
    let calls = view.path.target.port;
    let said = port.filter(|said| *said != 0 && *said != calls)?;
    Some(format!(
        "match.port is {said}, and the client calls port {calls}"
    ))
}
