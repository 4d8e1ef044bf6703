//! Which pods matter for some paths: the client's own, and every pod of a gateway that a route, or
//! a Gateway's selector, brings in.

use crate::kubernetes::Kind;
use crate::kubernetes::pod::Pod;
use crate::model::{EgressPath, Walk, World};
use crate::snapshot::Snapshot;

/// The pods of the gateway that a path leads to, or should.
pub(super) fn gateway_pods<'a>(world: &World<'a>, walk: &Walk) -> Vec<&'a Pod> {
    let objects = &world.snapshot.objects;
    let by_route = walk
        .wanted
        .as_ref()
        .and_then(|w| world.gateway_service(&w.gateway));
    let by_walk = walk.exit.as_ref().and_then(|e| {
        objects
            .services
            .iter()
            .find(|s| s.reference(Kind::Service) == e.service)
    });
    let services: Vec<_> = by_route.into_iter().chain(by_walk).collect();
    let behind = |p: &&Pod| {
        services
            .iter()
            .any(|s| s.selects(p.namespace(), &p.metadata.labels))
    };
    objects.pods.iter().filter(behind).collect()
}

/// The pod that stands for the client.
pub(super) fn client_pod<'a>(snapshot: &'a Snapshot, path: &EgressPath) -> Option<&'a Pod> {
    let name = path.pod.as_deref()?;
    snapshot
        .objects
        .pods
        .iter()
        .find(|p| p.namespace() == path.client.namespace && p.name() == name)
}
