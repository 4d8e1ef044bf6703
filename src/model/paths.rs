//! Which paths to look at: those of one host that somebody asks about, or all that are wired
//! through a gateway for some clients. And who stands for a client: a pod that runs, else the pod
//! that its template would make.

use super::asking::through;
use super::gateway_api;
use super::hosts::is_wild;
use super::path::EgressPath;
use super::scope::{Node, bound};
use super::target::{AppProtocol, Client, Host, Target};
use super::wanted::protocol_of;
use super::world::World;
use super::would_be::pod_owner;
pub use super::would_be::{supposed, workload, would_be, would_be_clients, would_be_gateways};
use super::{Registered, Routes};
use crate::istio::virtual_service::MESH;
use crate::kubernetes::Kind;
use crate::kubernetes::pod::Pod;
use crate::snapshot::Objects;
use std::collections::BTreeSet;

/// What somebody asks about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// The host.
    pub host: Host,
    /// The port; none is every port that is declared for the host.
    pub port: Option<u16>,
    /// What the application speaks; none is what the port or the objects say.
    pub protocol: Option<AppProtocol>,
}

/// The paths from some clients to one host.
pub fn to(world: &World<'_>, clients: &[Client], asked: &Asked) -> Vec<EgressPath> {
    let paths = clients.iter().flat_map(|client| {
        let seer = Seer::new(world, client);
        let ports = asked
            .port
            .map_or_else(|| seer.declared(&asked.host), |port| vec![port]);
        ports
            .into_iter()
            .map(|port| seer.path(&asked.host, port, asked.protocol))
            .collect::<Vec<_>>()
    });
    paths.collect()
}

/// The paths from some clients to every host that a route which they see leads through a gateway,
/// and to every target that is known to be wired for their namespace.
pub fn wired(world: &World<'_>, clients: &[Client], known: &[(String, Target)]) -> Vec<EgressPath> {
    let mut paths = BTreeSet::new();
    for client in clients {
        let seer = Seer::new(world, client);
        for routes in bound(world, &client.namespace, MESH) {
            for (host, port) in through_gateway(world, routes) {
                paths.extend(host.parse().ok().map(|host| seer.path(&host, port, None)));
            }
        }
        let led = gateway_api::led(world)
            .into_iter()
            .filter_map(|(host, port)| {
                let path = seer.path(&host.parse().ok()?, port, None);
                gateway_api::lead(world, &seer.node, &path.target).map(|_| path)
            });
        paths.extend(led);
        let own = known
            .iter()
            .filter(|(namespace, _)| *namespace == client.namespace);
        paths.extend(
            own.map(|(_, target)| seer.path(&target.host, target.port, Some(target.protocol))),
        );
    }
    paths.into_iter().collect()
}

/// One client that looks at hosts.
struct Seer<'w> {
    world: &'w World<'w>,
    client: &'w Client,
    node: Node,
    pod: Option<String>,
}

impl<'w> Seer<'w> {
    fn new(world: &'w World<'_>, client: &'w Client) -> Self {
        let pod = stand_in(world.pods_of(&client.namespace), client);
        let labels = pod.map(|p| p.metadata.labels.clone()).unwrap_or_default();
        let node = Node {
            namespace: client.namespace.clone(),
            labels,
            dns: false,
            router: false,
        };
        Self {
            world,
            client,
            node,
            pod: pod.map(|p| p.name().to_owned()),
        }
    }

    fn path(&self, host: &Host, port: u16, protocol: Option<AppProtocol>) -> EgressPath {
        let host = sample(host);
        let protocol = protocol.unwrap_or_else(|| protocol_of(self.world, &self.node, &host, port));
        EgressPath {
            target: Target {
                host,
                port,
                protocol,
            },
            client: self.client.clone(),
            pod: self.pod.clone(),
        }
    }

    /// The ports that are declared for a host, else 443.
    fn declared(&self, host: &Host) -> Vec<u16> {
        let text = host.text();
        let seen = |s: &&Registered<'_>| s.exports.reach(&self.client.namespace);
        let ports = |s: &Registered<'_>| s.ports.iter().map(|p| p.number).collect::<Vec<_>>();
        let named = self.world.services_named(&text);
        let named = named.chain(self.world.services_at(&text));
        let mut own: BTreeSet<u16> = named.filter(seen).flat_map(ports).collect();
        if own.is_empty() {
            own = self
                .world
                .services_containing(&text)
                .filter(|s| is_wild(&s.host))
                .filter(seen)
                .flat_map(ports)
                .collect();
        }
        if own.is_empty() {
            vec![443]
        } else {
            own.into_iter().collect()
        }
    }
}

/// A name for a wildcard: nobody connects to `*.wikipedia.org`.
fn sample(host: &Host) -> Host {
    match host {
        Host::Wildcard(text) => Host::Name(text.replacen('*', "www", 1)),
        other => other.clone(),
    }
}

/// The hosts of a VirtualService that it routes through a gateway, each with the ports it does that
/// for.
fn through_gateway<'r>(world: &World<'_>, routes: &'r Routes<'_>) -> Vec<(&'r str, u16)> {
    let mut found = Vec::new();
    for host in routes
        .hosts
        .iter()
        .filter(|h| *h != "*" && !world.is_gateway(h))
    {
        let declared = world
            .services_containing(host)
            .flat_map(|s| s.ports.iter().map(|p| p.number));
        let mut ports: BTreeSet<u16> = declared.collect();
        ports.extend(routes.ports_for_mesh());
        let ports = ports
            .into_iter()
            .filter(|port| through(world, routes, host, *port).is_some());
        found.extend(ports.map(|port| (host.as_str(), port)));
    }
    found
}

/// The pod that stands for a client: of its running ones the first by name, and rather one with a
/// proxy where no workload is named.
pub fn stand_in<'o>(pods: impl IntoIterator<Item = &'o Pod>, client: &Client) -> Option<&'o Pod> {
    let candidates = pods
        .into_iter()
        .filter(|p| p.namespace() == client.namespace && p.metadata.deletion_timestamp.is_none());
    let alive = candidates.filter(|p| {
        !matches!(p.status.phase.as_str(), "Succeeded" | "Failed") && belongs(p, client)
    });
    alive.min_by_key(|p| {
        (
            !p.is_ready(),
            !p.is_running(),
            p.spec.proxy().is_none(),
            p.name(),
        )
    })
}

fn belongs(pod: &Pod, client: &Client) -> bool {
    let owner = pod
        .metadata
        .owner_references
        .first()
        .map_or("", |o| o.kind.as_str());
    match &client.workload {
        None => !pod.spec.is_proxy_alone(),
        Some((Kind::Pod, name)) => pod.name() == name,
        Some((kind, name)) => owner == pod_owner(*kind) && pod.workload_name() == *name,
    }
}

/// The namespaces in which a pod with a sidecar runs.
pub fn namespaces_with_sidecars(objects: &Objects) -> BTreeSet<&str> {
    let beside = |p: &&Pod| p.is_running() && p.spec.proxy().is_some() && !p.spec.is_proxy_alone();
    objects
        .pods
        .iter()
        .filter(beside)
        .map(Pod::namespace)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::snapshot::Snapshot;
    use serde_json::json;

    fn snapshot() -> Snapshot {
        let mut snapshot = Snapshot::default();
        let mut put = |kind, value| snapshot.objects.put(kind, value).unwrap();
        put(
            Kind::Namespace,
            json!({"metadata": {"name": "team", "labels": {"istio-injection": "enabled"}}}),
        );
        let pod = |name: &str, phase: &str, containers: serde_json::Value| {
            json!({"metadata": {"name": name, "namespace": "team", "labels": {"pod-template-hash": "1"},
                "ownerReferences": [{"kind": "ReplicaSet", "name": "sleep-1"}]},
                "spec": {"containers": containers}, "status": {"phase": phase}})
        };
        put(
            Kind::Pod,
            pod("sleep-1-a", "Failed", json!([{"name": "sleep"}])),
        );
        put(
            Kind::Pod,
            pod(
                "sleep-1-c",
                "Running",
                json!([{"name": "sleep"}, {"name": "istio-proxy"}]),
            ),
        );
        put(
            Kind::Pod,
            pod("sleep-1-b", "Running", json!([{"name": "sleep"}])),
        );
        put(
            Kind::ServiceEntry,
            json!({"metadata": {"name": "db", "namespace": "team"}, "spec": {
            "hosts": ["db.example.com"], "ports": [{"number": 5432, "name": "tcp", "protocol": "TCP"}]}}),
        );
        put(
            Kind::Deployment,
            json!({"metadata": {"name": "idle", "namespace": "team"}, "spec": {
            "template": {"metadata": {"labels": {"app": "idle"}}, "spec": {"containers": [{"name": "app"}]}}}}),
        );
        snapshot
    }

    #[test]
    fn a_running_pod_with_a_proxy_stands_for_a_client() {
        let snapshot = snapshot();
        for client in ["team", "team/deploy/sleep"] {
            let pod = stand_in(&snapshot.objects.pods, &client.parse().unwrap()).unwrap();
            assert_eq!(pod.name(), "sleep-1-c", "{client}");
        }
        assert!(
            stand_in(
                &snapshot.objects.pods,
                &"team/deploy/other".parse().unwrap()
            )
            .is_none()
        );
        assert!(stand_in(&snapshot.objects.pods, &"team/sts/sleep".parse().unwrap()).is_none());
    }

    #[test]
    fn a_host_without_a_port_is_asked_about_on_each_port_that_is_declared() {
        let snapshot = snapshot();
        let world = World::new(&snapshot);
        let ask = |host: &str| {
            let asked = Asked {
                host: host.parse().unwrap(),
                port: None,
                protocol: None,
            };
            let paths = to(&world, &[Client::namespace("team")], &asked);
            paths
                .iter()
                .map(|p| format!("{} {}", p.target, p.target.protocol.name()))
                .collect::<Vec<_>>()
        };
        assert_eq!(ask("db.example.com"), ["db.example.com:5432 tcp"]);
        assert_eq!(
            ask("elsewhere.example.com"),
            ["elsewhere.example.com:443 tls"]
        );
    }

    #[test]
    fn a_workload_without_pods_is_judged_by_its_template() {
        let snapshot = snapshot();
        let client: Client = "team/deploy/idle".parse().unwrap();
        let pod = would_be(&snapshot, &client).unwrap();
        assert!(pod.spec.proxy().is_some() && !pod.is_running());
        assert_eq!(pod.metadata.label("app"), Some("idle"));
        let mut with = snapshot.clone();
        with.objects.pods.push(pod);
        assert_eq!(
            stand_in(&with.objects.pods, &client).map(Pod::name),
            Some("idle-of-template")
        );
        assert!(would_be(&snapshot, &"team/deploy/other".parse().unwrap()).is_none());
    }
}
