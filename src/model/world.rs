//! The objects of a snapshot, indexed for the questions that istiod asks of them.

use super::path::EgressPath;
use crate::kubernetes::pod::Pod;
use crate::snapshot::Snapshot;

/// A snapshot and its indexes. Made once for all paths.
#[derive(Debug)]
pub struct World<'a> {
    /// What was read.
    pub snapshot: &'a Snapshot,
}

impl<'a> World<'a> {
    /// Index a snapshot.
    pub fn new(snapshot: &'a Snapshot) -> Self {
        Self { snapshot }
    }

    /// The pod that stands for the client of a path.
    pub fn pod(&self, path: &EgressPath) -> Option<&'a Pod> {
        let name = path.pod.as_deref()?;
        let pods = self.snapshot.objects.pods.iter();
        pods.into_iter().find(|p| p.namespace() == path.client.namespace && p.name() == name)
    }
}
