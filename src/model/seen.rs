//! A proxy, and what it sees: as positions in the world, so that it can be kept beside it.

use super::host_index::HostIndex;
use crate::kubernetes::pod::{Labels, Pod};
use std::collections::{BTreeSet, HashMap};

/// A proxy, as istiod tells them apart.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Node {
    /// Its namespace.
    pub namespace: String,
    /// The labels of its pod.
    pub labels: Labels,
    /// Whether it answers its application's DNS questions.
    pub dns: bool,
    /// A gateway, not a sidecar.
    pub router: bool,
}

impl Node {
    /// The proxy of a pod, for what does not hang on DNS.
    pub fn of(pod: &Pod, router: bool) -> Self {
        Self {
            namespace: pod.namespace().into(),
            labels: pod.metadata.labels.clone(),
            dns: false,
            router,
        }
    }
}

/// What a proxy sees, as positions in its world.
#[derive(Debug)]
pub(super) struct Seen {
    pub(super) sidecar: Option<usize>,
    pub(super) imports: Vec<Imported>,
    /// The registry's, by host: one a host.
    pub(super) owners: HostIndex,
    /// The same, in the order of the hosts.
    pub(super) owned: Vec<usize>,
    pub(super) siblings: HashMap<String, Vec<usize>>,
    /// Services of which the listeners of a Sidecar import some ports only.
    pub(super) trimmed: HashMap<usize, BTreeSet<u16>>,
}

#[derive(Debug)]
pub(super) struct Imported {
    pub(super) listener: Option<usize>,
    pub(super) services: Vec<usize>,
    /// Positions in the registry, by host.
    pub(super) services_by_host: HostIndex,
    pub(super) routes: Vec<usize>,
    /// Positions in `routes`, by host.
    pub(super) by_host: HostIndex,
}
