//! Where the objects of a world are found: by host, by gateway, by name. Positions only, so that a
//! [`World`](super::World) can hold its own index.

use super::host_index::HostIndex;
use super::registry::Registered;
use super::routes::Routes;
use crate::kubernetes::{Meta, ObjectRef};
use crate::snapshot::Snapshot;
use std::collections::HashMap;

/// Positions by what they are asked for.
#[derive(Clone, Debug, Default)]
pub(super) struct Index {
    /// The registry, by host.
    pub(super) services: HostIndex,
    /// The registry, by the object that declares it.
    pub(super) declared: HashMap<ObjectRef, Vec<usize>>,
    /// The registry, by address.
    pub(super) addresses: HashMap<String, Vec<usize>>,
    /// The VirtualServices that a gateway, or `mesh`, takes.
    pub(super) bound: HashMap<String, Vec<usize>>,
    /// VirtualServices by namespace and name.
    pub(super) routes: Names,
    /// Pods by namespace and name.
    pub(super) pods: Names,
    /// Pods by namespace.
    pub(super) pods_of: HashMap<String, Vec<usize>>,
    /// What an `ExternalName` Service stands for, by the Service's host.
    pub(super) aliases: HashMap<String, String>,
}

impl Index {
    pub(super) fn new(
        snapshot: &Snapshot,
        registry: &[Registered<'_>],
        routes: &[Routes<'_>],
    ) -> Self {
        let mut index = Self {
            services: registry.iter().map(|s| s.host.as_str()).zip(0..).collect(),
            routes: routes.iter().map(|r| &r.object.metadata).collect(),
            pods: snapshot.objects.pods.iter().map(|p| &p.metadata).collect(),
            ..Self::default()
        };
        for (at, service) in registry.iter().enumerate() {
            let of = index.declared.entry(service.object()).or_default();
            of.push(at);
            if let Some(address) = &service.address {
                let known = index.addresses.entry(address.clone()).or_default();
                known.push(at);
            }
        }
        for (at, routes) in routes.iter().enumerate() {
            for gateway in &routes.gateways {
                let known = index.bound.entry(gateway.clone()).or_default();
                if known.last() != Some(&at) {
                    known.push(at);
                }
            }
        }
        for (at, pod) in snapshot.objects.pods.iter().enumerate() {
            let known = index.pods_of.entry(pod.namespace().to_owned()).or_default();
            known.push(at);
        }
        for service in &snapshot.objects.services {
            if service.spec.kind == "ExternalName" {
                let host = service.hostname(&snapshot.mesh.domain);
                let stands_for = || service.spec.external_name.clone();
                index.aliases.entry(host).or_insert_with(stands_for);
            }
        }
        index
    }
}

/// Positions by namespace and name; of two alike, the first.
#[derive(Clone, Debug, Default)]
pub(super) struct Names(HashMap<String, HashMap<String, usize>>);

impl Names {
    pub(super) fn find(&self, namespace: &str, name: &str) -> Option<usize> {
        self.0.get(namespace)?.get(name).copied()
    }
}

impl<'m> FromIterator<&'m Meta> for Names {
    fn from_iter<I: IntoIterator<Item = &'m Meta>>(metas: I) -> Self {
        let mut names = Self::default();
        for (at, meta) in metas.into_iter().enumerate() {
            let of = names.0.entry(meta.namespace.clone()).or_default();
            of.entry(meta.name.clone()).or_insert(at);
        }
        names
    }
}
