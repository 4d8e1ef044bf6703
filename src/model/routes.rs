//! VirtualServices as istiod has them: names completed, delegates put in, oldest first.
//!
//! Source: pilot/pkg/model/virtualservice.go (`resolveVirtualServiceShortnames`,
//! `mergeVirtualServicesIfNeeded`).

use super::hosts::complete;
use super::visibility::Exports;
use crate::istio::VirtualService;
use crate::istio::virtual_service::{HttpRoute, MESH, TcpRoute, TlsRoute};
use crate::kubernetes::{Kind, ObjectRef};
use crate::snapshot::Snapshot;
use serde_json::Value;

/// A VirtualService whose names are whole.
#[derive(Clone, Debug)]
pub struct Routes<'a> {
    /// The object.
    pub object: &'a VirtualService,
    /// Its hosts.
    pub hosts: Vec<String>,
    /// `mesh`, or `namespace/name` of Gateways.
    pub gateways: Vec<String>,
    /// Its HTTP rules, each with its field.
    pub http: Vec<(String, HttpRoute)>,
    /// Its TLS rules.
    pub tls: Vec<TlsRoute>,
    /// Its TCP rules.
    pub tcp: Vec<TcpRoute>,
    /// Who sees it.
    pub exports: Exports,
}

impl Routes<'_> {
    /// Its namespace.
    pub fn namespace(&self) -> &str {
        self.object.namespace()
    }

    /// Its reference.
    pub fn reference(&self) -> ObjectRef {
        self.object.reference(Kind::VirtualService)
    }

    /// Whether sidecars take it.
    pub fn is_for_mesh(&self) -> bool {
        self.gateways.iter().any(|g| g == MESH)
    }
}

/// All VirtualServices that are not delegates, oldest first.
pub(super) fn routes(snapshot: &Snapshot) -> Vec<Routes<'_>> {
    let mut objects: Vec<&VirtualService> = snapshot
        .objects
        .virtual_services
        .iter()
        .filter(|v| !v.spec.hosts.is_empty())
        .collect();
    objects.sort_by(|a, b| a.metadata.age_key().cmp(&b.metadata.age_key()));
    objects.into_iter().map(|v| resolve(v, snapshot)).collect()
}

fn resolve<'a>(object: &'a VirtualService, snapshot: &Snapshot) -> Routes<'a> {
    let (namespace, domain) = (object.namespace(), snapshot.mesh.domain.as_str());
    let whole = |host: &str| complete(host, namespace, domain);
    let gateway = |name: &str| {
        if name == MESH || name.contains('/') {
            name.into()
        } else {
            format!("{namespace}/{name}")
        }
    };
    let gateways = |list: &[String]| list.iter().map(|g| gateway(g)).collect::<Vec<String>>();
    let mut http = delegated(object, snapshot);
    for (_, route) in &mut http {
        route
            .route
            .iter_mut()
            .for_each(|r| r.destination.host = whole(&r.destination.host));
        route
            .matches
            .iter_mut()
            .for_each(|m| m.gateways = gateways(&m.gateways));
    }
    let mut tls = object.spec.tls.clone();
    for route in &mut tls {
        route
            .route
            .iter_mut()
            .for_each(|r| r.destination.host = whole(&r.destination.host));
        route
            .matches
            .iter_mut()
            .for_each(|m| m.gateways = gateways(&m.gateways));
    }
    let mut tcp = object.spec.tcp.clone();
    for route in &mut tcp {
        route
            .route
            .iter_mut()
            .for_each(|r| r.destination.host = whole(&r.destination.host));
        route
            .matches
            .iter_mut()
            .for_each(|m| m.gateways = gateways(&m.gateways));
    }
    Routes {
        object,
        hosts: object.spec.hosts.iter().map(|h| whole(h)).collect(),
        gateways: object.spec.bound_to().into_iter().map(gateway).collect(),
        http,
        tls,
        tcp,
        exports: Exports::of(
            &object.spec.export_to,
            &snapshot.mesh.config.default_virtual_service_export_to,
            namespace,
        ),
    }
}

/// HTTP rules, with those of a delegate in place of the rule that names it. A delegate's own
/// conditions come on top of the rule's; where it has none, the rule's count.
fn delegated(object: &VirtualService, snapshot: &Snapshot) -> Vec<(String, HttpRoute)> {
    let mut all = Vec::new();
    for (at, route) in object.spec.http.iter().enumerate() {
        let field = format!("spec.http[{at}]");
        let Some(delegate) = route
            .delegate
            .as_ref()
            .and_then(|d| find_delegate(d, object, snapshot))
        else {
            all.push((field, route.clone()));
            continue;
        };
        for inner in &delegate.spec.http {
            let mut inner = inner.clone();
            if inner.matches.is_empty() {
                inner.matches.clone_from(&route.matches);
            } else {
                for condition in &mut inner.matches {
                    let root = route.matches.first().cloned().unwrap_or_default();
                    condition.gateways = if condition.gateways.is_empty() {
                        root.gateways
                    } else {
                        condition.gateways.clone()
                    };
                    condition.port = condition.port.or(root.port);
                    condition.authority = condition.authority.take().or(root.authority);
                }
            }
            all.push((field.clone(), inner));
        }
    }
    all
}

fn find_delegate<'a>(
    delegate: &Value,
    root: &VirtualService,
    snapshot: &'a Snapshot,
) -> Option<&'a VirtualService> {
    let name = delegate.get("name")?.as_str()?;
    let namespace = delegate
        .get("namespace")
        .and_then(Value::as_str)
        .unwrap_or(root.namespace());
    let mut all = snapshot.objects.virtual_services.iter();
    all.find(|v| v.name() == name && v.namespace() == namespace && v.spec.hosts.is_empty())
}
