//! The servers that a gateway's pods open: every Gateway that selects them, oldest first, merged
//! port by port. One port holds one kind; what comes later and does not fit is left out, and only a
//! counter of istiod says so.
//!
//! Source: pilot/pkg/model/push_context.go (`mergeGateways`), gateway.go (`mergeGateways`,
//! `resolvePorts`).

use super::discovery::is_read;
use super::given::{Clash, LeftOut};
use super::world::World;
use crate::istio::Protocol;
use crate::istio::gateway::{Gateway, Server};
use crate::kubernetes::pod::Labels;
use crate::kubernetes::service::Service;
use crate::kubernetes::{Kind, Place};
use crate::snapshot::Snapshot;
use std::collections::BTreeMap;

/// A server that is open.
#[derive(Clone, Debug)]
pub struct Open<'a> {
    /// The Gateway.
    pub gateway: &'a Gateway,
    /// Its place among the Gateway's servers.
    pub index: usize,
    /// What it says.
    pub server: &'a Server,
    /// Its hosts, `namespace/host` or `host`.
    pub hosts: Vec<String>,
    /// The port that the pod listens on.
    pub listens: u16,
}

impl Open<'_> {
    /// The field.
    pub fn place(&self) -> Place {
        self.gateway
            .reference(Kind::Gateway)
            .at(format!("spec.servers[{}]", self.index))
    }

    /// `namespace/name` of its Gateway.
    pub fn gateway_name(&self) -> String {
        format!("{}/{}", self.gateway.namespace(), self.gateway.name())
    }

    /// The names that its chain is for.
    pub fn names(&self) -> Vec<String> {
        let bare = |h: &String| {
            h.rsplit_once('/')
                .map_or(h.as_str(), |(_, name)| name)
                .to_ascii_lowercase()
        };
        self.hosts.iter().map(bare).collect()
    }

    /// Its hosts for VirtualServices of a namespace.
    pub fn hosts_for(&self, namespace: &str) -> Vec<String> {
        let of = |h: &String| match h.split_once('/') {
            Some((owner, name)) if owner == namespace => Some(name.to_ascii_lowercase()),
            Some(_) => None,
            None => Some(h.to_ascii_lowercase()),
        };
        self.hosts.iter().filter_map(of).collect()
    }

    /// Plain HTTP.
    pub fn is_plain_http(&self) -> bool {
        self.server.protocol().is_http()
    }

    /// TLS that ends here, with HTTP inside.
    pub fn ends_https(&self) -> bool {
        self.server.protocol() == Protocol::Https
            && !self.server.passes_through()
            && self.server.tls.is_some()
    }

    /// The route table of its HTTP.
    pub fn table(&self) -> String {
        if self.ends_https() {
            let port = &self.server.port;
            return format!(
                "https.{}.{}.{}.{}",
                port.number,
                port.name,
                self.gateway.name(),
                self.gateway.namespace()
            );
        }
        format!("http.{}", self.listens)
    }
}

/// Whether its port speaks TLS; on a port for HTTP the settings only redirect.
///
/// Source: pkg/config/gateway/gateway.go (`IsTLSServer`).
fn is_tls(server: &Server) -> bool {
    server.tls.is_some() && !server.protocol().is_http()
}

/// Whether a Gateway is for pods of a namespace with these labels. istiod can be told to keep it to
/// its own namespace.
///
/// Source: pilot/pkg/model/push_context.go (`mergeGateways`), pilot/pkg/features
/// (`PILOT_SCOPE_GATEWAY_TO_NAMESPACE`).
pub fn selects(snapshot: &Snapshot, gateway: &Gateway, namespace: &str, labels: &Labels) -> bool {
    let scoped = snapshot
        .mesh
        .feature("PILOT_SCOPE_GATEWAY_TO_NAMESPACE", false);
    let mut selector = gateway.spec.selector.iter();
    selector.all(|(k, v)| labels.get(k) == Some(v)) && (!scoped || gateway.namespace() == namespace)
}

/// Gateways that select pods of a namespace with these labels, oldest first.
pub fn selecting<'a>(world: &World<'a>, namespace: &str, labels: &Labels) -> Vec<&'a Gateway> {
    let all = &world.snapshot.objects.gateways;
    let found = world.memo.selecting(namespace, labels, || {
        let fits = |g: &Gateway| {
            selects(world.snapshot, g, namespace, labels) && is_read(world.snapshot, &g.metadata)
        };
        let mut found: Vec<usize> = (0..all.len()).filter(|at| fits(&all[*at])).collect();
        found.sort_by(|a, b| {
            let age = |at: &usize| all[*at].metadata.age_key();
            age(a).cmp(&age(b))
        });
        found
    });
    found.iter().map(|at| &all[*at]).collect()
}

/// Services that select pods with these labels, oldest first.
pub fn services_of<'a>(world: &World<'a>, namespace: &str, labels: &Labels) -> Vec<&'a Service> {
    let mut all: Vec<&Service> = world
        .snapshot
        .objects
        .services
        .iter()
        .filter(|s| s.selects(namespace, labels))
        .collect();
    all.sort_by(|a, b| a.metadata.age_key().cmp(&b.metadata.age_key()));
    all
}

/// The port that a pod listens on for a server's port: what the oldest Service with that port leads
/// to, else the number itself.
pub fn listens(world: &World<'_>, services: &[&Service], number: u16) -> (u16, Option<Place>) {
    let translates = |s: &&&Service| {
        s.metadata
            .label("experimental.istio.io/disable-gateway-port-translation")
            .is_none()
    };
    for service in services.iter().filter(translates) {
        let Some(index) = service
            .spec
            .ports
            .iter()
            .position(|p| p.port == number && p.protocol != "UDP")
        else {
            continue;
        };
        if let Some(target) = world.target_port(service, &service.spec.ports[index]) {
            return (
                target,
                Some(
                    service
                        .reference(Kind::Service)
                        .at(format!("spec.ports[{index}]")),
                ),
            );
        }
    }
    (number, None)
}

/// What is open on each port, and what was left out.
pub fn merge<'a>(
    world: &World<'a>,
    (namespace, labels): (&str, &Labels),
) -> (Vec<Open<'a>>, Vec<LeftOut>) {
    let services = services_of(world, namespace, labels);
    let mut merged = Merged::default();
    for gateway in selecting(world, namespace, labels) {
        for (index, server) in gateway.spec.servers.iter().enumerate() {
            let hosts = server
                .hosts
                .iter()
                .map(|h| owned(h, gateway.namespace()))
                .collect();
            let (listens, _) = listens(world, &services, server.port.number);
            merged.add(Open {
                gateway,
                index,
                server,
                hosts,
                listens,
            });
        }
    }
    (merged.open, merged.left_out)
}

/// `./host` is of the Gateway's own namespace, `*/host` of any.
fn owned(host: &str, namespace: &str) -> String {
    match host.split_once('/') {
        Some((".", name)) => format!("{namespace}/{name}"),
        Some(("*", name)) => name.to_owned(),
        _ => host.to_owned(),
    }
}

#[derive(Default)]
struct Merged<'a> {
    open: Vec<Open<'a>>,
    left_out: Vec<LeftOut>,
    /// The server that has a TLS host first, by port, bind and host.
    names: BTreeMap<(u16, String, String), Place>,
    /// The first plaintext server, by port and bind.
    plain: BTreeMap<(u16, String), usize>,
}

impl<'a> Merged<'a> {
    fn add(&mut self, new: Open<'a>) {
        if let Some((first, why)) = self.clash(&new) {
            self.left_out.push(LeftOut {
                what: new.place(),
                because_of: first,
                why,
            });
            return;
        }
        if new.server.tls.is_some() {
            for host in &new.hosts {
                self.names.insert(
                    (new.listens, new.server.bind.clone(), host.clone()),
                    new.place(),
                );
            }
        }
        if !is_tls(new.server) {
            let port = (new.listens, new.server.bind.clone());
            self.plain.entry(port).or_insert(self.open.len());
        }
        self.open.push(new);
    }

    fn clash(&self, new: &Open<'a>) -> Option<(Place, Clash)> {
        if new.server.tls.is_some() {
            let key = |h: &String| (new.listens, new.server.bind.clone(), h.clone());
            if let Some(first) = new.hosts.iter().find_map(|h| self.names.get(&key(h))) {
                return Some((first.clone(), Clash::SameHost));
            }
        }
        // After TLS a plaintext server still fits in; after a plaintext one only more of its kind.
        let port = (new.listens, new.server.bind.clone());
        let first = &self.open[*self.plain.get(&port)?];
        let fits = !is_tls(new.server)
            && first.server.protocol().is_http()
            && new.server.protocol().is_http();
        (!fits).then(|| (first.place(), Clash::OtherProtocol))
    }
}
