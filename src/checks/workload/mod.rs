//! 1xx: the pods at both ends of the hop. A gateway without a pod that serves, or a client without
//! a sidecar, is no fault of any Istio object, and all that follows from it looks like one.

pub(super) mod client_sidecar;
pub(super) mod gateway_pods;
pub(super) mod gateway_service;
pub(super) mod local_traffic;
pub(super) mod not_router;
pub(super) mod version;

use super::View;
use crate::kubernetes::pod::Pod;
use crate::kubernetes::service::Service;
use crate::kubernetes::workload::Workload;
use crate::kubernetes::{Kind, Meta, ObjectRef};

/// The Service of the gateway that the path leads to, or should.
pub(super) fn gateway<'v>(view: &View<'v>) -> Option<&'v Service> {
    let services = &view.world.snapshot.objects.services;
    let by_walk = view.walk.exit.as_ref();
    let by_walk = by_walk.and_then(|e| {
        services
            .iter()
            .find(|s| s.reference(Kind::Service) == e.service)
    });
    by_walk.or_else(|| {
        view.world
            .gateway_service(&view.walk.wanted.as_ref()?.gateway)
    })
}

/// The pods behind a Service that are not on their way out.
pub(super) fn pods<'v>(view: &View<'v>, service: &Service) -> Vec<&'v Pod> {
    let all = view.world.snapshot.objects.pods.iter();
    let here = |p: &&Pod| {
        service.selects(p.namespace(), &p.metadata.labels)
            && p.metadata.deletion_timestamp.is_none()
    };
    all.filter(here).collect()
}

/// What makes the pods behind a Service.
fn makers<'v>(view: &View<'v>, service: &Service) -> Vec<(ObjectRef, &'v Workload)> {
    let objects = &view.world.snapshot.objects;
    let kinds = [
        (Kind::Deployment, &objects.deployments),
        (Kind::StatefulSet, &objects.stateful_sets),
        (Kind::DaemonSet, &objects.daemon_sets),
    ];
    let fits = |w: &&Workload| service.selects(w.namespace(), &w.spec.template.metadata.labels);
    kinds
        .into_iter()
        .flat_map(|(kind, all)| all.iter().filter(fits).map(move |w| (w.reference(kind), w)))
        .collect()
}

fn namespace_of<'v>(view: &View<'v>, name: &str) -> Option<&'v Meta> {
    view.world.namespace(name)
}
