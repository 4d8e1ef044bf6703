#![doc = include_str!("gateway_rule.md")]

use super::binding::{Binding, unasked, unbound, unused};
use super::{finding, sending};
use crate::checks::finding::{Code, Finding, Fix};
use crate::checks::{Check, Layer, Outcome, View};
use crate::istio::gateway::{Gateway, Server, ServerTlsMode};
use crate::istio::virtual_service::HttpRoute;
use crate::kubernetes::{Kind, Place};
use crate::model::End;
use crate::model::hosts::within;
use crate::model::trace::HopName;

const CODE: Code = Code("EG246");

pub(in crate::checks) const CHECK: Check = Check {
    code: CODE,
    title: "The route has no rule that the gateway's server would take",
    layer: Layer::Intended,
    page: include_str!("gateway_rule.md"),
    look,
};

fn look(view: &View<'_>) -> Outcome {
    let Some(binding) = unbound(view) else {
        return Outcome::Pass;
    };
    // Nothing is missing there: the hop does not ask for it.
    if unasked(view).is_some() {
        return Outcome::Pass;
    }
    let bound = !binding.gateways.is_empty();
    if bound
        && (binding.left_out().is_some()
            || !binding
                .routes
                .exports
                .reach(&binding.exit.hop.node.namespace))
    {
        return Outcome::Pass;
    }
    if bound && !binding.is_for_it(&view.path.target.host.text()) {
        return Outcome::Found(vec![misnamed(&binding)]);
    }
    let servers: Vec<_> = binding
        .servers()
        .into_iter()
        .filter(|(_, _, s)| s.port.number == binding.exit.port)
        .collect();
    // Plain bytes at a server for TLS: no rule would help.
    let plain = view
        .walk
        .trace
        .gateway
        .as_ref()
        .is_some_and(|step| super::end(step).is_some_and(End::is_plain_without_chain));
    // The rule of the hop starts TLS of its own, and the server passes TLS on, where the name is
    // lost, or takes plain HTTP only.
    let hop = view.walk.trace.sidecar.tls.as_ref();
    let wrapped = hop.is_some_and(|tls| tls.value.mode.originates())
        && (meets_plain_http(view) || servers.iter().any(|(_, _, s)| s.passes_through()));
    let elsewhere = binding.elsewhere().is_some();
    if bound && (servers.is_empty() || plain || wrapped || elsewhere) {
        return Outcome::Pass;
    }
    if bound && let Some((gateway, at, _)) = servers.iter().find(|(_, _, s)| is_automatic(s)) {
        return Outcome::Found(vec![automatic(&binding, gateway, *at)]);
    }
    if !bound && let Some(found) = unlisted(view, &binding) {
        return Outcome::Found(vec![found]);
    }
    if !bound && let Some(server) = unused(view, &binding) {
        return Outcome::Found(vec![without_route(&binding, server)]);
    }
    if let Some(found) = rewritten(view, &binding).or_else(|| undelegated(view, &binding)) {
        return Outcome::Found(vec![found]);
    }
    let route = binding.routes.reference();
    let reason = if bound {
        missing(&binding, servers[0].2)
    } else {
        unbound_route(&binding)
    };
    let cure = if bound {
        format!(
            "give {route} a rule for that gateway, its server's port and {}, of the kind that the \
             server takes",
            view.path.target.host
        )
    } else {
        format!(
            "name the Gateway in gateways of {route}, beside mesh, and add a rule from it to the \
             host"
        )
    };
    let message = format!(
        "the connection reaches the gateway, and {reason}; the gateway has no way on for it"
    );
    let gateways = servers.iter().map(|(g, at, _)| Binding::place(g, *at, ""));
    let found = finding(
        CODE,
        HopName::Gateway,
        format!("{route} has no rule for the gateway"),
        message,
    )
    .on([Place::from(route)])
    .on(gateways)
    .fix(Fix::advice(cure));
    Outcome::Found(vec![found])
}

fn is_automatic(server: &Server) -> bool {
    let tls = server.tls.as_ref();
    tls.is_some_and(|tls| tls.mode == ServerTlsMode::AutoPassthrough)
}

/// The server serves Services of the mesh only, whatever VirtualServices say.
fn automatic(binding: &Binding<'_>, gateway: &Gateway, at: usize) -> Finding {
    let object = gateway.reference(Kind::Gateway);
    let name = &binding.name;
    let message = format!(
        "the connection reaches the gateway, and its server in {object} has tls mode \
         AUTO_PASSTHROUGH: it reads no VirtualService, serves only Services inside the mesh by the \
         names that sidecars make for them (outbound_.PORT_._.HOST), and has no filter chain for \
         {name}"
    );
    finding(
        CODE,
        HopName::Gateway,
        format!("the server in {object} is for Services of the mesh, not for hosts outside"),
        message,
    )
    .on([Binding::place(gateway, at, ".tls.mode")])
    .on([Place::from(binding.routes.reference())])
    .fix(Fix::advice("set tls.mode to PASSTHROUGH"))
}

fn meets_plain_http(view: &View<'_>) -> bool {
    let step = view.walk.trace.gateway.as_ref();
    step.and_then(|step| super::end(step)) == Some(&End::TlsOnHttp)
}

/// The sidecar asks the gateway for another name than the client did, and the gateway knows only
/// the client's.
fn rewritten(view: &View<'_>, binding: &Binding<'_>) -> Option<Finding> {
    let host = view.path.target.host.text();
    let asked = binding.exit.hop.connection.bytes.authority()?;
    let sender = sending(view).filter(|_| !asked.eq_ignore_ascii_case(&host))?;
    let rewrites = |rule: &HttpRoute| {
        let name = rule.rewrite.as_ref().and_then(|r| r.authority.as_deref());
        name.is_some_and(|name| name.eq_ignore_ascii_case(asked))
    };
    let at = sender.http.iter().position(|(_, rule)| rewrites(rule))?;
    let object = sender.reference();
    let service = binding.service();
    let message = format!(
        "the sidecar's rule of {object} rewrites the Host header (authority) from {host} to \
         {asked} before the gateway sees the request; no server and rule of {service} is for \
         {asked}, so the gateway answers 404"
    );
    let cure = format!(
        "move rewrite.authority from the rule for the mesh to the rule for the gateway, or name \
         {asked} in the Gateway and in the VirtualService's hosts"
    );
    let gateways = binding.servers().into_iter();
    Some(
        finding(
            CODE,
            HopName::Gateway,
            format!(
                "{object} rewrites the Host header before the gateway, which knows only {host}"
            ),
            message,
        )
        .on([object.at(format!("spec.http[{at}].rewrite.authority"))])
        .on(gateways.map(|(g, at, _)| Binding::place(g, at, "")))
        .fix(Fix::advice(cure)),
    )
}

/// The rule for the gateway hands over to a delegate that istiod does not find: it is no rule.
fn undelegated(view: &View<'_>, binding: &Binding<'_>) -> Option<Finding> {
    let names: Vec<&String> = binding.gateways.iter().map(|(name, _)| name).collect();
    let rules = binding.routes.without_delegate(view.world.snapshot);
    let port = binding.exit.port;
    let lost = rules.into_iter().find(|r| r.is_for_gateway(&names, port))?;
    let (object, delegate) = (binding.routes.reference(), &lost.delegate);
    let namespace = binding.routes.namespace();
    let message = format!(
        "the connection reaches the gateway, and the rule of {object} for it hands over to the \
         delegate {delegate}, of which istiod finds none: a delegate is a VirtualService without \
         hosts that is exported to namespace {namespace}. The rule is left out, and the gateway \
         has no way on"
    );
    let cure = format!(
        "create VirtualService {delegate} without hosts, export it to namespace {namespace}, or \
         correct the delegate in {object}"
    );
    Some(
        finding(
            CODE,
            HopName::Gateway,
            format!("the delegate of {object} is not there"),
            message,
        )
        .on([lost.place])
        .fix(Fix::advice(cure)),
    )
}

/// A rule is for a Gateway that is not in the list of its VirtualService: only what is in both
/// counts.
fn unlisted(view: &View<'_>, binding: &Binding<'_>) -> Option<Finding> {
    let routes = binding.routes;
    let (name, at) = routes.for_unlisted()?;
    let gateway = view.world.gateway(&name)?;
    let object = routes.reference();
    let message = format!(
        "the connection reaches the gateway, and the rule of {object} for it (match.gateways \
         {name}) counts for nobody: {name} is not in the gateways of {object}, and only what is in \
         both lists is bound"
    );
    Some(
        finding(
            CODE,
            HopName::Gateway,
            format!("{object} is not bound to {name}"),
            message,
        )
        .on([object.at("spec.gateways"), object.at(at)])
        .on([Place::from(gateway.reference(Kind::Gateway))])
        .fix(Fix::advice(format!("add {name} to gateways of {object}"))),
    )
}

/// The VirtualService of the gateway's half is for a name that is spelt nearly the same.
fn misnamed(binding: &Binding<'_>) -> Finding {
    let route = binding.routes.reference();
    let (name, hosts) = (&binding.name, super::list(&binding.routes.hosts));
    let message = format!(
        "the connection reaches the gateway, and {route}, which is bound to it and goes on to the \
         host, is for {hosts}, not for {name}: a gateway takes a VirtualService only for its own \
         hosts, so it has no filter chain or route for {name}"
    );
    finding(
        CODE,
        HopName::Gateway,
        format!("{route} is for {hosts}, not for {name}"),
        message,
    )
    .on([route.at("spec.hosts")])
    .on(binding
        .selecting()
        .first()
        .map(|g| g.reference(Kind::Gateway).into()))
    .fix(Fix::advice(format!("write {name} in the hosts of {route}")))
}

/// A server is there for the name, and no VirtualService leads anywhere from it.
fn without_route(
    binding: &Binding<'_>,
    (gateway, at, server): (&Gateway, usize, &Server),
) -> Finding {
    let object = gateway.reference(Kind::Gateway);
    let (name, port) = (&binding.name, server.port.number);
    let message = format!(
        "the connection reaches the gateway, where {object} has a server for {name} on port \
         {port}, but no VirtualService that the gateway sees is bound to {object} with a route for \
         {name}: nothing routes on from there, and the gateway has no filter chain or route for it"
    );
    let route = binding.routes.reference();
    finding(
        CODE,
        HopName::Gateway,
        format!("no VirtualService is bound to {object} for {name}"),
        message,
    )
    .on([Binding::place(gateway, at, "")])
    .seen(format!(
        "{route} routes to the gateway, and is bound to the mesh only"
    ))
    .fix(Fix::advice(format!(
        "write a VirtualService with gateways [{}/{}], host {name} and a rule from port {port} to \
         the host outside",
        gateway.namespace(),
        gateway.name()
    )))
}

fn unbound_route(binding: &Binding<'_>) -> String {
    let routes = binding.routes.reference();
    let service = binding.service();
    format!(
        "{routes} is bound to the mesh only: no Gateway is named in its gateways, so the pods of \
         {service} have no route of it"
    )
}

/// Which rules the server would take, and what the route has instead.
fn missing(binding: &Binding<'_>, server: &Server) -> String {
    let routes = binding.routes;
    let names: Vec<&String> = binding.gateways.iter().map(|(n, _)| n).collect();
    let number = server.port.number;
    let is_ours =
        |gateways: &[String]| gateways.is_empty() || gateways.iter().any(|g| names.contains(&g));
    let on = |port: Option<u16>| port.is_none_or(|p| p == 0 || p == number);
    let http = routes
        .http
        .iter()
        .any(|(_, r)| r.matches.is_empty() || r.matches.iter().any(|m| is_ours(&m.gateways)));
    let tls = routes
        .tls
        .iter()
        .any(|r| r.matches.iter().any(|m| is_ours(&m.gateways)));
    let tcp = routes
        .tcp
        .iter()
        .any(|r| r.matches.is_empty() || r.matches.iter().any(|m| is_ours(&m.gateways)));
    let ports: Vec<u16> = routes
        .http
        .iter()
        .flat_map(|(_, r)| {
            r.matches
                .iter()
                .filter(|m| is_ours(&m.gateways))
                .filter_map(|m| m.port)
        })
        .chain(routes.tls.iter().flat_map(|r| {
            r.matches
                .iter()
                .filter(|m| is_ours(&m.gateways))
                .filter_map(|m| m.port)
        }))
        .chain(routes.tcp.iter().flat_map(|r| {
            r.matches
                .iter()
                .filter(|m| is_ours(&m.gateways))
                .filter_map(|m| m.port)
        }))
        .collect();
    let object = routes.reference();
    let kind = server.port.protocol.to_uppercase();
    let host = binding.name.clone();
    let (wants, has) = match () {
        () if server.passes_through() => ("a tls rule with sniHosts", tls),
        () if server.protocol().is_http() || (server.terminates() && kind == "HTTPS") => {
            ("an http rule", http)
        }
        () => ("a tcp rule", tcp),
    };
    let mode = server
        .tls
        .as_ref()
        .map_or_else(String::new, |t| format!(", tls mode {}", t.mode.name()));
    if !has {
        let instead = [(http, "http"), (tls, "tls"), (tcp, "tcp")]
            .iter()
            .filter(|(h, _)| *h)
            .map(|(_, n)| *n)
            .collect::<Vec<_>>()
            .join(" and ");
        let instead = if instead.is_empty() {
            "none for it".to_owned()
        } else {
            format!("only {instead} rules for it")
        };
        return format!(
            "its server (protocol {kind}{mode}) takes {wants}, of which {object} has none: it has \
             {instead}"
        );
    }
    if !ports.is_empty() && !ports.iter().any(|p| on(Some(*p))) {
        let said = super::list(&ports);
        return format!(
            "the rule of {object} for the gateway matches port {said}, and its server's \
             port.number is {number}: at a gateway match.port is compared with the server's port"
        );
    }
    let snis: Vec<&String> = routes
        .tls
        .iter()
        .flat_map(|r| &r.matches)
        .filter(|m| is_ours(&m.gateways))
        .flat_map(|m| &m.sni_hosts)
        .collect();
    if server.passes_through() && !snis.iter().any(|s| within(&host, s)) {
        return format!(
            "the rule of {object} for the gateway has sniHosts {}, not {host}",
            super::list(&snis)
        );
    }
    let rules = routes.http.iter().flat_map(|(_, rule)| &rule.matches);
    let asking = super::asking(rules.filter(|m| is_ours(&m.gateways) && on(m.port)));
    format!(
        "no rule of {object} for the gateway matches {host} on its server's port {number}{asking}"
    )
}
