//! What is listed of a cluster, and how it is kept.

use super::{Snapshot, Subject, Unseen};
use crate::kubernetes::{Kind, ObjectRef};
use serde_json::Value;

/// Where to look for the control plane.
#[derive(Clone, Debug, Default)]
pub struct Scope {
    /// `--istio-namespace`; none looks everywhere.
    pub istio_namespace: Option<String>,
    /// `--revision`; none takes the only one.
    pub revision: Option<String>,
    /// Namespaces that are read for themselves where the whole cluster may not be; none is the
    /// current one.
    pub namespaces: Vec<String>,
    /// A control plane that is gone, or one of several that nobody named, is no reason not to read
    /// the rest.
    pub without_mesh: bool,
}

/// At most this many lists at a time: more gains nothing over HTTP/1.1.
pub(super) const SIDE_BY_SIDE: usize = 8;

/// The kinds that are listed whole. Secrets are not among them: only named ones are read, and only
/// by who needs them.
pub(super) const LISTED: &[Kind] = &[
    Kind::Pod,
    Kind::Service,
    Kind::Namespace,
    Kind::Deployment,
    Kind::StatefulSet,
    Kind::DaemonSet,
    Kind::EndpointSlice,
    Kind::NetworkPolicy,
    Kind::ServiceEntry,
    Kind::VirtualService,
    Kind::DestinationRule,
    Kind::Gateway,
    Kind::Sidecar,
    Kind::EnvoyFilter,
    Kind::AuthorizationPolicy,
    Kind::PeerAuthentication,
    Kind::RequestAuthentication,
    Kind::WasmPlugin,
    Kind::TrafficExtension,
    Kind::WorkloadEntry,
    Kind::ProxyConfig,
    Kind::Telemetry,
];

pub(super) fn keep(snapshot: &mut Snapshot, kind: Kind, items: Vec<Value>) {
    for (meta, error) in snapshot.objects.extend(kind, items) {
        let object = ObjectRef::new(kind, meta.namespace, meta.name);
        snapshot.unseen.push(Unseen {
            what: Subject::Object(object.clone()),
            why: format!("cannot be read: {error}"),
        });
    }
}
