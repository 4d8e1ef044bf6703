//! Which of several declarations of a host a sidecar takes, and which of its ports.

use crate::model::seen::{Imported, Node};
use crate::model::world::World;
use std::collections::{BTreeSet, HashMap};

/// Who owns each host, in the making.
pub(super) struct Owners<'w> {
    world: &'w World<'w>,
    pub(super) by_host: HashMap<&'w str, usize>,
    pub(super) siblings: HashMap<String, Vec<usize>>,
    pub(super) trimmed: HashMap<usize, BTreeSet<u16>>,
    /// Services that some import takes with all of their ports.
    whole: BTreeSet<usize>,
}

impl<'w> Owners<'w> {
    pub(super) fn new(world: &'w World<'_>) -> Self {
        Self {
            world,
            by_host: HashMap::new(),
            siblings: HashMap::new(),
            trimmed: HashMap::new(),
            whole: BTreeSet::new(),
        }
    }

    /// A listener with a port takes that port only of each service; of several that take the same
    /// service the ports add up.
    ///
    /// Source: pilot/pkg/model/sidecar.go (`serviceMatchingListenerPort`).
    pub(super) fn take_ports(&mut self, at: usize, port: Option<u16>) {
        match port {
            None => {
                self.whole.insert(at);
                self.trimmed.remove(&at);
            }
            Some(port) if !self.whole.contains(&at) => {
                self.trimmed.entry(at).or_default().insert(port);
            }
            Some(_) => {}
        }
    }

    /// The first owner stays, but Kubernetes goes before anybody else.
    pub(super) fn own(&mut self, at: usize) {
        let service = &self.world.registry[at];
        let held = self.by_host.get(service.host.as_str());
        let held = held.map(|held| &self.world.registry[*held]);
        match held {
            Some(held) if held.is_kubernetes() || !service.is_kubernetes() => {}
            _ => drop(self.by_host.insert(&service.host, at)),
        }
    }

    /// `canMergeServices`: entries that differ in their ports only.
    pub(super) fn join(&mut self, at: usize) {
        let service = &self.world.registry[at];
        let Some(owner) = self.by_host.get(service.host.as_str()) else {
            return;
        };
        let owner = &self.world.registry[*owner];
        let (Some(first), Some(other)) = (owner.entry(), service.entry()) else {
            return;
        };
        let same = first.namespace() == other.namespace()
            && first.name() != other.name()
            && first.spec.resolution == other.spec.resolution
            && first.metadata.labels == other.metadata.labels
            && first.spec.export_to == other.spec.export_to;
        if same {
            let siblings = self.siblings.entry(service.host.clone()).or_default();
            siblings.push(at);
        }
    }

    /// Destinations of imported VirtualServices are seen without an import of their own.
    pub(super) fn infer(&mut self, import: &Imported, node: &Node, listener: Option<u16>) {
        let world = self.world;
        for routes in import.routes.iter().map(|at| &world.routes[*at]) {
            let http = routes.http.iter().flat_map(|(_, r)| &r.route);
            let rest = routes
                .tls
                .iter()
                .flat_map(|r| &r.route)
                .chain(routes.tcp.iter().flat_map(|r| &r.route));
            for destination in http.chain(rest).map(|r| &r.destination) {
                if self.by_host.contains_key(destination.host.as_str()) {
                    continue;
                }
                let named = world.index.services.named(&destination.host);
                let all = || named.iter().map(|at| (*at, &world.registry[*at]));
                let visible = || all().filter(|(_, s)| s.exports.reach(&node.namespace));
                let best = all()
                    .find(|(_, s)| s.namespace() == node.namespace)
                    .or_else(|| visible().find(|(_, s)| s.is_kubernetes()))
                    .or_else(|| visible().next());
                let port = listener.or(destination.port.map(|p| p.number));
                let best = best.filter(|(_, s)| port.is_none_or(|p| s.port(p).is_some()));
                if let Some((at, _)) = best {
                    self.own(at);
                    self.take_ports(at, listener);
                }
            }
        }
    }
}
