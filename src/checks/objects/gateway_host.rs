#![doc = include_str!("gateway_host.md")]

use super::binding::{Binding, unbound};
use super::{finding, list};
use crate::checks::finding::{Code, Finding, Fix};
use crate::checks::{Check, Layer, Outcome, View};
use crate::envoy::Bytes;
use crate::istio::Gateway;
use crate::istio::gateway::Server;
use crate::kubernetes::{Kind, Place};
use crate::model::StartedMode;
use crate::model::hosts::overlap;
use crate::model::trace::HopName;
use serde_json::json;

const CODE: Code = Code("EG247");

pub(in crate::checks) const CHECK: Check = Check {
    code: CODE,
    title: "No server of the Gateway is for the host, or for routes of this namespace",
    layer: Layer::Intended,
    page: include_str!("gateway_host.md"),
    look,
};

fn look(view: &View<'_>) -> Outcome {
    let Some(binding) = unbound(view) else {
        return Outcome::Pass;
    };
    if binding.selecting().is_empty()
        || !binding
            .routes
            .exports
            .reach(&binding.exit.hop.node.namespace)
    {
        return Outcome::Pass;
    }
    let host = binding.name.clone();
    let servers: Vec<(&Gateway, usize, &Server)> = on_port(&binding);
    if let Some((sni, text)) = sni(view)
        && !servers.iter().any(|(_, _, s)| lists(s, &sni))
    {
        return Outcome::Found(vec![wrong_sni(view, &binding, (&sni, text))]);
    }
    let listing: Vec<_> = servers.iter().filter(|(_, _, s)| lists(s, &host)).collect();
    match listing.first() {
        None if host_is_named(view) => Outcome::Found(vec![unlisted(view, &binding, &host)]),
        Some((gateway, at, server))
            if !lets_in(
                server,
                binding.routes.namespace(),
                gateway.namespace(),
                &host,
            ) =>
        {
            Outcome::Found(vec![kept_for_others(
                view,
                &binding,
                (gateway, *at, server),
            )])
        }
        _ => Outcome::Pass,
    }
}

fn host_is_named(view: &View<'_>) -> bool {
    view.path.target.host.sni().is_some()
}

fn on_port<'v>(binding: &Binding<'v>) -> Vec<(&'v Gateway, usize, &'v Server)> {
    let port = binding.exit.port;
    let of = |g: &'v Gateway| {
        g.spec
            .servers
            .iter()
            .enumerate()
            .map(move |(at, s)| (g, at, s))
    };
    binding
        .selecting()
        .into_iter()
        .flat_map(of)
        .filter(|(_, _, s)| s.port.number == port)
        .collect()
}

/// The SNI of mutual TLS that the sidecar starts, and whether somebody chose it.
fn sni(view: &View<'_>) -> Option<(String, bool)> {
    let tls = &view.walk.trace.sidecar.tls.as_ref()?.value;
    let sni = tls.sni.clone()?;
    (tls.mode == StartedMode::IstioMutual).then(|| (sni.clone(), !sni.starts_with("outbound_.")))
}

fn lists(server: &Server, host: &str) -> bool {
    let bare = |h: &String| {
        h.rsplit_once('/')
            .map_or(h.as_str(), |(_, n)| n)
            .to_ascii_lowercase()
    };
    server.hosts.iter().any(|h| overlap(&bare(h), host))
}

/// Whether a VirtualService of that namespace may bind the host.
fn lets_in(server: &Server, namespace: &str, own: &str, host: &str) -> bool {
    server.hosts.iter().any(|h| match h.split_once('/') {
        None => overlap(&h.to_ascii_lowercase(), host),
        Some((ns, name)) => {
            (ns == "*" || ns == namespace || (ns == "." && own == namespace))
                && overlap(&name.to_ascii_lowercase(), host)
        }
    })
}

fn wrong_sni(view: &View<'_>, binding: &Binding<'_>, (sni, chosen): (&str, bool)) -> Finding {
    let rule = view
        .walk
        .trace
        .sidecar
        .tls
        .as_ref()
        .and_then(|d| d.because.first().cloned());
    let servers = on_port(binding);
    let names = list(servers.iter().flat_map(|(_, _, s)| &s.hosts));
    let how = if chosen {
        format!("carries sni {sni}")
    } else {
        format!("carries the default SNI {sni}, since no sni is set in its rule")
    };
    let message = format!(
        "the sidecar's mutual TLS (mTLS) to the gateway {how}, and no server on port {} lists it: \
         their hosts are {names}; the gateway finds no filter chain and resets the connection",
        binding.exit.port
    );
    let host = view.path.target.host.text();
    let summary = if chosen {
        format!("add {sni} to the hosts of the server")
    } else {
        format!("set sni to {host} in the subset's TLS settings")
    };
    let gateways = servers
        .iter()
        .map(|(g, at, _)| Binding::place(g, *at, ".hosts"));
    let mut places: Vec<Place> = Vec::new();
    if chosen {
        places.extend(gateways);
        places.extend(rule);
    } else {
        places.extend(rule);
        places.extend(gateways);
    }
    finding(
        CODE,
        HopName::Gateway,
        format!("no server of the gateway is for the SNI {sni}"),
        message,
    )
    .on(places)
    .on([Place::from(binding.routes.reference())])
    .fix(Fix::advice(summary))
}

fn unlisted(view: &View<'_>, binding: &Binding<'_>, host: &str) -> Finding {
    let route = binding.routes.reference();
    let gateway = binding.selecting()[0];
    let object = gateway.reference(Kind::Gateway);
    let names = list(gateway.spec.servers.iter().flat_map(|s| &s.hosts));
    let reads = match &binding.exit.hop.connection.bytes {
        Bytes::Http { .. } => "no virtual host for it: 404 NR",
        _ => "no filter chain for its SNI: the connection is reset",
    };
    let message = format!(
        "{route} binds {host} to {object}, but no server of {object} on port {} lists {host}: its \
         hosts are {names}; the gateway has {reads}",
        binding.exit.port
    );
    let at = gateway
        .spec
        .servers
        .iter()
        .position(|s| s.port.number == binding.exit.port);
    let mut fix = Fix::advice(format!(
        "add {host} to the hosts of a server of {object} on port {}",
        binding.exit.port
    ));
    if let Some(at) = at {
        let mut servers: Vec<serde_json::Value> = gateway
            .spec
            .servers
            .iter()
            .filter_map(|s| serde_json::to_value(s).ok())
            .collect();
        if let Some(hosts) = servers[at]["hosts"].as_array_mut() {
            hosts.push(json!(host));
        }
        fix = Fix::patch(
            view.world,
            &object,
            json!({"spec": {"servers": servers}}),
            fix.summary,
        );
    }
    finding(
        CODE,
        HopName::Gateway,
        format!("no server of {object} lists {host}"),
        message,
    )
    .on([
        Binding::place(gateway, at.unwrap_or(0), ".hosts"),
        Place::from(route),
    ])
    .fix(fix)
}

fn kept_for_others(
    view: &View<'_>,
    binding: &Binding<'_>,
    (gateway, at, server): (&Gateway, usize, &Server),
) -> Finding {
    let route = binding.routes.reference();
    let object = gateway.reference(Kind::Gateway);
    let host = binding.name.clone();
    let entry = server.hosts.iter().find(|h| {
        h.rsplit_once('/')
            .is_some_and(|(_, n)| overlap(&n.to_ascii_lowercase(), &host))
    });
    let entry = entry.cloned().unwrap_or_default();
    let owner = match entry.split_once('/') {
        Some((".", _)) => gateway.namespace().to_owned(),
        Some((ns, _)) => ns.to_owned(),
        None => String::new(),
    };
    let namespace = binding.routes.namespace();
    let message = format!(
        "the server of {object} lists {entry}: the namespace prefix lets only VirtualServices of \
         {owner} bind the host there, and {route} is in namespace {namespace}: it is ignored, and \
         the gateway has no route"
    );
    let mut servers: Vec<serde_json::Value> = gateway
        .spec
        .servers
        .iter()
        .filter_map(|s| serde_json::to_value(s).ok())
        .collect();
    if let Some(hosts) = servers.get_mut(at).and_then(|s| s["hosts"].as_array_mut()) {
        hosts.push(json!(format!("{namespace}/{host}")));
    }
    let summary = format!("add {namespace}/{host} to the hosts of that server");
    let fix = Fix::patch(
        view.world,
        &object,
        json!({"spec": {"servers": servers}}),
        summary,
    );
    finding(
        CODE,
        HopName::Gateway,
        format!("{object} keeps {host} for namespace {owner}"),
        message,
    )
    .on([Binding::place(gateway, at, ".hosts"), Place::from(route)])
    .fix(fix)
}
