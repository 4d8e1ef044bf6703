//! The objects of a snapshot, by kind, and the would-be state: the same objects with some added,
//! changed or removed.

use crate::istio::{
    AuthorizationPolicy, DestinationRule, EnvoyFilter, Gateway, PeerAuthentication, ProxyConfig,
    RequestAuthentication, ServiceEntry, Sidecar, Telemetry, TrafficExtension, VirtualService,
    WasmPlugin, WorkloadEntry,
};
use crate::kubernetes::definition::Definition;
use crate::kubernetes::endpoint_slice::EndpointSlice;
use crate::kubernetes::gateway_api::{ApiGateway, ApiRoute, BackendTlsPolicy};
use crate::kubernetes::network_policy::NetworkPolicy;
use crate::kubernetes::pod::Pod;
use crate::kubernetes::secret::Credential;
use crate::kubernetes::service::Service;
use crate::kubernetes::workload::{ConfigMap, Namespace, Workload};
use crate::kubernetes::{Kind, Meta, ObjectRef};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::HashMap;

/// A change of one object: `after` is the whole object as it is to be, or nothing where it goes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Change {
    /// The object.
    pub object: ObjectRef,
    /// As it is, where it is.
    pub before: Option<Value>,
    /// As it shall be.
    pub after: Option<Value>,
}

macro_rules! objects {
    ($($field:ident: $type:ty = $kind:ident;)*) => {
        /// Objects by kind.
        #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
        #[serde(default, rename_all = "camelCase")]
        #[allow(missing_docs)]
        pub struct Objects {
            $(#[serde(skip_serializing_if = "Vec::is_empty")] pub $field: Vec<$type>,)*
        }

        impl Objects {
            /// The kinds that are kept here.
            pub const KINDS: &'static [Kind] = &[$(Kind::$kind),*];

            /// Put an object in, in place of one with the same name. A kind that is not kept is
            /// none of our business.
            pub fn put(&mut self, kind: Kind, object: Value) -> Result<(), serde_json::Error> {
                match kind {
                    $(Kind::$kind => {
                        let object: $type = serde_json::from_value(object)?;
                        match self.$field.iter_mut().find(|o| same(&o.metadata, &object.metadata)) {
                            Some(old) => *old = object,
                            None => self.$field.push(object),
                        }
                    })*
                    _ => {}
                }
                Ok(())
            }

            /// How many there are.
            pub fn count(&self) -> usize {
                0 $(+ self.$field.len())*
            }

            /// Where each object is in the list of its kind; of two alike, the first.
            pub(crate) fn places(&self) -> HashMap<ObjectRef, usize> {
                let mut places = HashMap::new();
                $(for (at, object) in self.$field.iter().enumerate() {
                    let meta = &object.metadata;
                    let object = ObjectRef::new(Kind::$kind, &meta.namespace, &meta.name);
                    places.entry(object).or_insert(at);
                })*
                places
            }

            /// The metadata of the object at a place.
            pub(super) fn meta_at(&self, kind: Kind, at: usize) -> Option<&Meta> {
                match kind {
                    $(Kind::$kind => self.$field.get(at).map(|o| &o.metadata),)*
                    _ => None,
                }
            }

            /// Put an object in, in place of the one at a place; without one, at the end. The
            /// place that it has then.
            pub(super) fn put_at(
                &mut self,
                kind: Kind,
                at: Option<usize>,
                object: Value,
            ) -> Result<usize, serde_json::Error> {
                match kind {
                    $(Kind::$kind => {
                        let object: $type = serde_json::from_value(object)?;
                        let end = self.$field.len();
                        match at.and_then(|at| self.$field.get_mut(at)) {
                            Some(old) => *old = object,
                            None => self.$field.push(object),
                        }
                        Ok(at.unwrap_or(end))
                    })*
                    _ => Ok(0),
                }
            }

            /// Put a whole list in, without looking for earlier ones of the same name.
            pub fn extend(&mut self, kind: Kind, objects: Vec<Value>) -> Vec<(Meta, serde_json::Error)> {
                let mut wrong = Vec::new();
                for object in objects {
                    let meta = object.get("metadata").cloned().unwrap_or_default();
                    let done = match kind {
                        $(Kind::$kind => serde_json::from_value::<$type>(object).map(|o| self.$field.push(o)),)*
                        _ => Ok(()),
                    };
                    if let Err(error) = done {
                        wrong.push((serde_json::from_value(meta).unwrap_or_default(), error));
                    }
                }
                wrong
            }

            /// Take an object out.
            pub fn remove(&mut self, object: &ObjectRef) {
                match object.kind {
                    $(Kind::$kind => self.$field.retain(|o| !named(&o.metadata, object)),)*
                    _ => {}
                }
            }

            /// An object as it was read: only the fields that are kept.
            pub fn get(&self, object: &ObjectRef) -> Option<Value> {
                match object.kind {
                    $(Kind::$kind => {
                        let found = self.$field.iter().find(|o| named(&o.metadata, object))?;
                        serde_json::to_value(found).ok()
                    })*
                    _ => None,
                }
            }

            /// The object at a place of the list of its kind, as it was read.
            pub(crate) fn get_at(&self, kind: Kind, at: usize) -> Option<Value> {
                match kind {
                    $(Kind::$kind => serde_json::to_value(self.$field.get(at)?).ok(),)*
                    _ => None,
                }
            }

            /// The metadata of all objects.
            pub fn metas(&self) -> impl Iterator<Item = (ObjectRef, &Meta)> {
                let named = |kind: Kind, meta: &Meta| ObjectRef::new(kind, &meta.namespace, &meta.name);
                std::iter::empty()$(.chain(self.$field.iter().map(move |o| (named(Kind::$kind, &o.metadata), &o.metadata))))*
            }

            /// An object's metadata.
            pub fn meta(&self, object: &ObjectRef) -> Option<&Meta> {
                match object.kind {
                    $(Kind::$kind => self.$field.iter().map(|o| &o.metadata).find(|m| named(m, object)),)*
                    _ => None,
                }
            }
        }
    };
}

objects! {
    namespaces: Namespace = Namespace;
    pods: Pod = Pod;
    services: Service = Service;
    deployments: Workload = Deployment;
    stateful_sets: Workload = StatefulSet;
    daemon_sets: Workload = DaemonSet;
    config_maps: ConfigMap = ConfigMap;
    credentials: Credential = Secret;
    endpoint_slices: EndpointSlice = EndpointSlice;
    network_policies: NetworkPolicy = NetworkPolicy;
    service_entries: ServiceEntry = ServiceEntry;
    virtual_services: VirtualService = VirtualService;
    destination_rules: DestinationRule = DestinationRule;
    gateways: Gateway = Gateway;
    sidecars: Sidecar = Sidecar;
    envoy_filters: EnvoyFilter = EnvoyFilter;
    authorization_policies: AuthorizationPolicy = AuthorizationPolicy;
    peer_authentications: PeerAuthentication = PeerAuthentication;
    request_authentications: RequestAuthentication = RequestAuthentication;
    wasm_plugins: WasmPlugin = WasmPlugin;
    traffic_extensions: TrafficExtension = TrafficExtension;
    proxy_configs: ProxyConfig = ProxyConfig;
    workload_entries: WorkloadEntry = WorkloadEntry;
    telemetries: Telemetry = Telemetry;
    definitions: Definition = CustomResourceDefinition;
    api_gateways: ApiGateway = K8sGateway;
    http_routes: ApiRoute = HTTPRoute;
    tls_routes: ApiRoute = TLSRoute;
    tcp_routes: ApiRoute = TCPRoute;
    backend_tls_policies: BackendTlsPolicy = BackendTLSPolicy;
}

fn same(a: &Meta, b: &Meta) -> bool {
    a.name == b.name && a.namespace == b.namespace
}

fn named(meta: &Meta, object: &ObjectRef) -> bool {
    meta.name == object.name && (meta.namespace == object.namespace || !object.kind.namespaced())
}

impl super::Snapshot {
    /// The would-be state: the same snapshot after some changes. What the proxies have and what
    /// connections did belongs to the state that was, so it is left out.
    pub fn with(&self, changes: &[Change]) -> Result<Self, serde_json::Error> {
        let mut next = Self {
            api_version: self.api_version.clone(),
            taken: self.taken.clone(),
            mesh: self.mesh.clone(),
            objects: self.objects.clone(),
            recorded: self.recorded.clone(),
            unseen: self.unseen.clone(),
            proxies: [].into(),
            planes: [].into(),
            observations: Vec::new(),
        };
        for change in changes {
            match &change.after {
                Some(object) => next.objects.put(change.object.kind, object.clone())?,
                None => next.objects.remove(&change.object),
            }
        }
        Ok(next)
    }
}
