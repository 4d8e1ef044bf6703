//! What each proxy shall have at each stage of setup and cleanup.

use super::wait::{Goal, Until};
use crate::envoy::{Bytes, Connection, Role};
use crate::flow::{Flow, GatewayPlace, Names, Wire};
use crate::kubernetes::pod::Pod;
use crate::model::target::Host;
use crate::model::trace::ClusterName;
use crate::snapshot::Snapshot;

/// A host, its gateway, and the pods on both sides.
#[derive(Clone, Debug)]
pub struct Site<'a> {
    /// The host.
    pub host: &'a Host,
    /// Its wires.
    pub wires: &'a [Wire],
    /// The gateway.
    pub gateway: &'a GatewayPlace,
    /// The gateway's pods.
    pub gateway_pods: &'a [Pod],
    /// The callers' pods that have a sidecar.
    pub client_pods: &'a [Pod],
}

impl Site<'_> {
    /// The sidecar's cluster towards the gateway.
    pub fn to_gateway(&self, wire: &Wire) -> String {
        let subset = Names::of(self.host).subset();
        ClusterName::outbound(wire.gateway_port, &subset, &self.gateway.hostname).to_string()
    }

    /// The cluster of the host itself: the gateway's way out, and the sidecar's direct one.
    pub fn to_host(&self, wire: &Wire) -> String {
        ClusterName::outbound(wire.port, "", &self.host.text()).to_string()
    }

    fn bytes(&self, wire: &Wire) -> Bytes {
        match wire.flow {
            Flow::Http => Bytes::http(&self.host.text(), wire.port),
            Flow::Passthrough => Bytes::tls(self.host.sni()),
        }
    }

    fn at_sidecar(&self, wire: &Wire) -> Connection {
        Connection { address: None, port: wire.port, bytes: self.bytes(wire), role: Role::Sidecar }
    }

    fn each_client(&self, until: impl Fn(&Wire) -> Until) -> Vec<Goal> {
        let goals = |pod: &Pod| self.wires.iter().map(|w| goal(pod, until(w))).collect::<Vec<_>>();
        self.client_pods.iter().flat_map(goals).collect()
    }
}

/// Every pod of the gateway sends each wire to the host.
pub fn gateway_goals(site: &Site<'_>, snapshot: &Snapshot) -> Vec<Goal> {
    let service = snapshot
        .objects
        .services
        .iter()
        .find(|s| s.namespace() == site.gateway.namespace && s.name() == site.gateway.service);
    let mut goals = Vec::new();
    for pod in site.gateway_pods {
        for wire in site.wires {
            let on_pod = service.and_then(|s| s.port(wire.gateway_port)?.on(Some(pod))).unwrap_or(wire.gateway_port);
            let connection = Connection { address: None, port: on_pod, bytes: site.bytes(wire), role: Role::Gateway };
            goals.push(goal(pod, Until::Sends(Box::new(connection), site.to_host(wire))));
        }
    }
    goals
}

/// Every caller's sidecar knows the subset of the gateway, so that the switch cannot lead to nowhere.
pub fn subset_goals(site: &Site<'_>) -> Vec<Goal> {
    site.each_client(|wire| Until::Knows(site.to_gateway(wire)))
}

/// Every caller's sidecar sends each wire to the gateway.
pub fn route_goals(site: &Site<'_>) -> Vec<Goal> {
    site.each_client(|wire| Until::Sends(Box::new(site.at_sidecar(wire)), site.to_gateway(wire)))
}

/// No caller's sidecar sends any wire to the gateway.
pub fn left_goals(site: &Site<'_>) -> Vec<Goal> {
    site.each_client(|wire| Until::Leaves(Box::new(site.at_sidecar(wire)), site.to_gateway(wire)))
}

fn goal(pod: &Pod, until: Until) -> Goal {
    Goal { namespace: pod.namespace().into(), pod: pod.name().into(), until }
}
