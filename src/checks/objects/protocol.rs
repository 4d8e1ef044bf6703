#![doc = include_str!("protocol.md")]

use super::{finding, list, whole};
use crate::checks::finding::{Code, Finding, Fix};
use crate::checks::{Check, Layer, Outcome, View};
use crate::istio::{Protocol, ServiceEntry};
use crate::kubernetes::{Kind, Place};
use crate::model::hosts::within;
use crate::model::target::{AppProtocol, Host};
use crate::model::trace::HopName;
use crate::model::{Port, Registered, owner};

const CODE: Code = Code("EG223");

pub(in crate::checks) const CHECK: Check = Check {
    code: CODE,
    title: "The declared protocol, the route's block and the application do not fit together",
    layer: Layer::Intended,
    page: include_str!("protocol.md"),
    look,
};

fn look(view: &View<'_>) -> Outcome {
    let (Some(wanted), Some(hop)) = (&view.walk.wanted, &view.walk.sidecar) else {
        return Outcome::Idle;
    };
    if !wanted.in_force() {
        return Outcome::Idle;
    }
    if view.walk.exit.is_some() || view.walk.api.handed || view.walk.api.lead.is_some() {
        return Outcome::Pass;
    }
    let scope = view.world.scope(&hop.node);
    let host = match &view.path.target.host {
        Host::Address(_) => wanted
            .host
            .parse()
            .unwrap_or_else(|_| view.path.target.host.clone()),
        named => named.clone(),
    };
    let block = Block::of(&wanted.route);
    let declared = owner(&scope, &host).and_then(|s| Some((s, s.port(view.path.target.port)?)));
    let found = match declared {
        None if block != Block::Http || view.path.target.port != 80 => {
            undeclared(view, &host, owner(&scope, &host))
        }
        Some((service, port)) if !block.takes(port.protocol) => {
            wrong_block(view, block, (service, port))
        }
        Some((service, port)) if !spoken_as(port.protocol, view.path.target.protocol) => {
            wrong_protocol(view, block, (service, port))
        }
        Some((service, port))
            if block == Block::Tcp && service.listens_on(hop.node.dns).is_none() =>
        {
            sniffed(view, (service, port))
        }
        None | Some(_) => return Outcome::Pass,
    };
    Outcome::Found(vec![found.on([wanted.route.clone()])])
}

/// The kind of rule that wants the host through the gateway.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Block {
    Http,
    Tls,
    Tcp,
}

impl Block {
    fn of(place: &Place) -> Self {
        match place.path.as_str() {
            path if path.starts_with("spec.tls") => Block::Tls,
            path if path.starts_with("spec.tcp") => Block::Tcp,
            _ => Block::Http,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Block::Http => "http",
            Block::Tls => "tls",
            Block::Tcp => "tcp",
        }
    }

    fn takes(self, protocol: Protocol) -> bool {
        match self {
            Block::Http => protocol.is_http() || protocol == Protocol::Unsupported,
            Block::Tls => protocol.is_tls(),
            Block::Tcp => protocol.is_tcp() || protocol == Protocol::Unsupported,
        }
    }

    fn wants(self) -> &'static str {
        match self {
            Block::Http => "HTTP",
            Block::Tls => "TLS",
            Block::Tcp => "TCP",
        }
    }
}

fn spoken_as(declared: Protocol, spoken: AppProtocol) -> bool {
    match spoken {
        AppProtocol::Http => !declared.is_tls(),
        AppProtocol::Https | AppProtocol::Tls => !declared.is_http(),
        AppProtocol::Tcp => true,
    }
}

fn undeclared(view: &View<'_>, host: &Host, owner: Option<&Registered<'_>>) -> Finding {
    let port = view.path.target.port;
    let (message, culprit) = match owner {
        Some(service) => (
            format!(
                "the route is for port {port} of {host}, but {} does not declare port {port}: the \
                 sidecar has no listener for it, and the traffic leaves directly, past the gateway",
                service.object()
            ),
            service.object().at("spec.ports"),
        ),
        None if let Some(hidden) = hidden(view, host) => (
            format!(
                "the route is for {host}:{port}, and {} declares it with exportTo [{}], which does \
                 not reach namespace {}: the sidecar has no listener with this SNI or address, the \
                 route never applies, and the traffic leaves through PassthroughCluster",
                hidden.reference(Kind::ServiceEntry),
                list(&hidden.spec.export_to),
                view.path.client.namespace
            ),
            hidden.reference(Kind::ServiceEntry).at("spec.exportTo"),
        ),
        None => (
            format!(
                "the route is for {host}:{port}, but no ServiceEntry that the client sees declares \
                 it: without one the sidecar has no listener with this SNI or address, the route \
                 never applies, and the traffic leaves through PassthroughCluster"
            ),
            whole(
                Kind::ServiceEntry,
                &view.path.client.namespace,
                &host.slug(50),
            ),
        ),
    };
    finding(
        CODE,
        HopName::Sidecar,
        format!("{host}:{port} is not declared, so its route never applies"),
        message,
    )
    .on([culprit])
    .fix(Fix::advice(format!(
        "declare {host} with port {port} in a ServiceEntry that the client and the gateway see"
    )))
}

/// A ServiceEntry that declares the host for others.
fn hidden<'v>(view: &View<'v>, host: &Host) -> Option<&'v ServiceEntry> {
    let name = host.text();
    let mut entries = view.world.snapshot.objects.service_entries.iter();
    entries.find(|entry| entry.spec.hosts.iter().any(|h| within(&name, h)))
}

fn wrong_block(
    view: &View<'_>,
    block: Block,
    (service, port): (&Registered<'_>, &Port),
) -> Finding {
    let object = service.object();
    let said = port.protocol.name();
    let what = match (block, port.protocol) {
        (Block::Http, p) if p.is_tcp() => {
            "so the host gets no virtual host in the HTTP route table of that port; requests fall \
             to the passthrough route, and the http rule never applies"
        }
        (Block::Http, _) => {
            "which is opaque TLS to the sidecar: it reads only the SNI, and an http rule is not \
             used for it (a tls rule with sniHosts is)"
        }
        (Block::Tls, p) if p.is_http() => {
            "so the sidecar expects plain HTTP there; TLS falls through the listener, and the tls \
             rule never applies"
        }
        (Block::Tls, _) => {
            "so the sidecar makes one chain for all bytes and looks at no SNI; the tls rule never \
             applies"
        }
        (Block::Tcp, p) if p.is_http() => {
            "so its requests are routed by the HTTP route table, and the tcp rule is not used"
        }
        (Block::Tcp, _) => {
            "so the sidecar makes chains by SNI, and a tcp rule is not used for it (a tls rule \
             with sniHosts is)"
        }
    };
    let message = format!(
        "{object} declares port {} with protocol {said}, {what}: the traffic goes past the gateway",
        port.number
    );
    let fix = Fix::advice(format!(
        "declare the port as {} in {object}, or write the rule for {said}",
        block.wants()
    ));
    let title = format!(
        "{} rules do not fit a port of protocol {said}",
        block.name()
    );
    finding(CODE, HopName::Sidecar, title, message)
        .on([service.port_place(port)])
        .seen(format!(
            "the application speaks {} to port {}",
            view.path.target.protocol.name(),
            port.number
        ))
        .fix(fix)
}

fn wrong_protocol(
    view: &View<'_>,
    block: Block,
    (service, port): (&Registered<'_>, &Port),
) -> Finding {
    let object = service.object();
    let spoken = view.path.target.protocol.name();
    let message = format!(
        "{object} declares port {} with protocol {}, and the application speaks {spoken} there: \
         the {} rule does not apply to its connections, which go past the gateway",
        port.number,
        port.protocol.name(),
        block.name()
    );
    finding(
        CODE,
        HopName::Sidecar,
        format!("{spoken} on a port of protocol {}", port.protocol.name()),
        message,
    )
    .on([service.port_place(port)])
    .fix(Fix::advice(format!(
        "declare port {} of {object} as what is spoken there: {}",
        port.number,
        spoken.to_uppercase()
    )))
}

fn sniffed(view: &View<'_>, (service, port): (&Registered<'_>, &Port)) -> Finding {
    let object = service.object();
    let openers = view
        .walk
        .trace
        .sidecar
        .listener
        .as_ref()
        .map(|d| d.because.clone())
        .unwrap_or_default();
    let others: Vec<Place> = openers.into_iter().filter(|p| p.object != object).collect();
    let by = others
        .first()
        .map_or_else(|| "another host".to_owned(), |p| p.object.to_string());
    let message = format!(
        "{object} declares TCP on port {0} without an address, so it shares the listener \
         0.0.0.0:{0} with {by}, where HTTP is sniffed: the conflict is settled for HTTP, its bytes \
         go into the HTTP route table, in which the host is unknown, and the tcp rule is not used",
        port.number
    );
    finding(
        CODE,
        HopName::Sidecar,
        format!(
            "TCP without an address on port {}, which also carries HTTP",
            port.number
        ),
        message,
    )
    .on([object.at("spec.addresses")])
    .on(others)
    .fix(Fix::advice(format!(
        "give {object} its addresses, or declare the port as HTTP and route it by an http rule"
    )))
}
