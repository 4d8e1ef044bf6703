//! Gateways that are there, whoever installed them: Services whose pods run the proxy as a router.

use super::patch::DEFAULT_NAMESPACE;
use crate::flow::{GatewayPlace, MANAGED_BY};
use crate::kubernetes::pod::Pod;
use crate::kubernetes::service::Service;
use crate::snapshot::Snapshot;

/// A gateway in the cluster.
#[derive(Clone, Debug)]
pub struct FoundGateway {
    /// Where it is.
    pub place: GatewayPlace,
    /// Its Service's ports.
    pub ports: Vec<u16>,
    /// Its pods, by name.
    pub pods: Vec<String>,
    /// Whether its name or labels say that it is meant for egress.
    pub for_egress: bool,
    /// Whether it says that we installed it.
    pub ours: bool,
    /// Whether it lies where only the mesh's administrators write: anybody can have a Service with
    /// a router behind it, and call it a gateway for egress.
    pub vouched: bool,
}

/// All of them, in the order of their names.
pub fn find_gateways(snapshot: &Snapshot) -> Vec<FoundGateway> {
    let mut all: Vec<FoundGateway> = snapshot
        .objects
        .services
        .iter()
        .filter_map(|service| gateway(snapshot, service))
        .collect();
    all.sort_by(|a, b| {
        (&a.place.namespace, &a.place.service).cmp(&(&b.place.namespace, &b.place.service))
    });
    all
}

/// The namespaces of the mesh itself, and the one that setup makes for a gateway that nobody named.
fn administered(snapshot: &Snapshot) -> [&str; 3] {
    let mesh = &snapshot.mesh;
    [
        &mesh.namespace,
        &mesh.config.root_namespace,
        DEFAULT_NAMESPACE,
    ]
}

fn gateway(snapshot: &Snapshot, service: &Service) -> Option<FoundGateway> {
    let pods: Vec<&Pod> = snapshot
        .objects
        .pods
        .iter()
        .filter(|p| {
            p.metadata.deletion_timestamp.is_none()
                && service.selects(p.namespace(), &p.metadata.labels)
        })
        .collect();
    if !pods.iter().any(|p| p.spec.is_gateway()) {
        return None;
    }
    let label = |key: &str| service.metadata.label(key).unwrap_or_default();
    let for_egress = service.name().contains("egress")
        || label("istio").contains("egress")
        || label("operator.istio.io/component") == "EgressGateways"
        || label("app.kubernetes.io/managed-by") == MANAGED_BY;
    Some(FoundGateway {
        place: GatewayPlace {
            namespace: service.namespace().into(),
            service: service.name().into(),
            hostname: service.hostname(&snapshot.mesh.domain),
            selector: service.spec.selector.clone(),
        },
        ports: service
            .spec
            .ports
            .iter()
            .filter(|p| p.protocol != "UDP")
            .map(|p| p.port)
            .collect(),
        pods: pods.iter().map(|p| p.name().to_owned()).collect(),
        for_egress,
        ours: label("app.kubernetes.io/managed-by") == MANAGED_BY,
        vouched: administered(snapshot).contains(&service.namespace()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kubernetes::Kind;
    use serde_json::json;

    #[test]
    fn a_gateway_is_told_by_what_its_pods_run() {
        let mut snapshot = Snapshot::default();
        snapshot.mesh.domain = "cluster.local".into();
        for (name, role) in [("gw", "router"), ("app", "sidecar")] {
            let pod = json!({
                "metadata": {"name": format!("{name}-1"), "namespace": "ns", "labels": {"app": name}},
                "spec": {"containers": [{"name": "istio-proxy", "args": ["proxy", role]}]},
            });
            let service = json!({
                "metadata": {"name": format!("{name}-egress"), "namespace": "ns"},
                "spec": {"selector": {"app": name}, "ports": [{"port": 443}]},
            });
            snapshot.objects.put(Kind::Pod, pod).unwrap();
            snapshot.objects.put(Kind::Service, service).unwrap();
        }
        let found = find_gateways(&snapshot);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].place.hostname, "gw-egress.ns.svc.cluster.local");
        assert!(found[0].for_egress && !found[0].ours);
    }
}
