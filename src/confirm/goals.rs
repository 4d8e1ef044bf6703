//! What each proxy shall have at each stage of setup and cleanup.

use super::wait::{Goal, Until};
use crate::envoy::{Bytes, Connection, Role};
use crate::flow::{Flow, GatewayPlace, Hop, Hosting, Wire};
use crate::kubernetes::pod::Pod;
use crate::model::target::Host;
use crate::model::trace::ClusterName;
use crate::snapshot::Snapshot;
use std::net::IpAddr;

/// A host, its gateway, and the pods on both sides.
#[derive(Clone, Debug)]
pub struct Site<'a> {
    /// The host.
    pub host: &'a Host,
    /// A name to ask for, which the host is or stands for.
    pub asked: &'a Host,
    /// Where the gateway reaches it.
    pub server: &'a Host,
    /// Its wires.
    pub wires: &'a [Wire],
    /// Its addresses, where it is told apart by them.
    pub addresses: &'a [IpAddr],
    /// The gateway.
    pub gateway: &'a GatewayPlace,
    /// The gateway's pods.
    pub gateway_pods: &'a [Pod],
    /// The callers' pods that have a sidecar.
    pub client_pods: Vec<&'a Pod>,
}

impl Site<'_> {
    /// The sidecar's cluster towards the gateway.
    pub fn to_gateway(&self, wire: &Wire) -> String {
        if wire.flow == Flow::Tcp && wire.hop == Hop::Plain {
            let at = Hosting {
                host: self.host,
                server: self.server,
                addresses: &[],
                gateway: self.gateway,
                callers: &[],
                allow: &[],
            };
            return ClusterName::outbound(wire.gateway_port, "", &at.companion_host(wire))
                .to_string();
        }
        ClusterName::outbound(
            wire.gateway_port,
            &wire.subset(self.host),
            &self.gateway.hostname,
        )
        .to_string()
    }

    /// The cluster of the host itself: the gateway's way out.
    pub fn to_host(&self, wire: &Wire) -> String {
        ClusterName::outbound(wire.outside_port(), "", &self.server.text()).to_string()
    }

    /// The sidecar's own way to the host, past the gateway.
    pub fn direct(&self, wire: &Wire) -> String {
        ClusterName::outbound(wire.port, "", &self.host.text()).to_string()
    }

    fn bytes(&self, wire: &Wire) -> Bytes {
        match wire.flow {
            Flow::Http | Flow::Originate => Bytes::http(&self.asked.text(), wire.port),
            Flow::Passthrough => Bytes::tls(self.asked.sni()),
            Flow::Tcp => Bytes::Tcp,
        }
    }

    /// What reaches the gateway: in mutual TLS the outer name decides.
    fn at_gateway(&self, wire: &Wire, port: u16) -> Connection {
        let inside = self.bytes(wire);
        let bytes = match wire.hop {
            Hop::Plain => inside,
            Hop::Mutual => Bytes::Tls {
                sni: Some(wire.handshake_name(self.host)),
                alpn: vec!["istio".into()],
                inside: Some(Box::new(inside)),
            },
        };
        Connection {
            address: None,
            port,
            bytes,
            role: Role::Gateway,
        }
    }

    fn at_sidecar(&self, wire: &Wire) -> Connection {
        let address = self.addresses.first().copied();
        Connection {
            address,
            port: wire.port,
            bytes: self.bytes(wire),
            role: Role::Sidecar,
        }
    }

    fn each_client(&self, until: impl Fn(&Wire) -> Until) -> Vec<Goal> {
        let goals = |pod: &Pod| {
            self.wires
                .iter()
                .map(|w| goal(pod, until(w)))
                .collect::<Vec<_>>()
        };
        self.client_pods.iter().flat_map(|pod| goals(pod)).collect()
    }
}

/// Every pod of the gateway sends each wire to the host.
pub fn gateway_goals(site: &Site<'_>, snapshot: &Snapshot) -> Vec<Goal> {
    let mut goals = Vec::new();
    for pod in site.gateway_pods {
        for wire in site.wires {
            let connection = site.at_gateway(wire, pod_port(site, snapshot, (pod, wire)));
            goals.push(goal(
                pod,
                Until::Sends(Box::new(connection), site.to_host(wire)),
            ));
        }
    }
    goals
}

/// The port on which the gateway's pod listens for a wire.
fn pod_port(site: &Site<'_>, snapshot: &Snapshot, (pod, wire): (&Pod, &Wire)) -> u16 {
    if wire.flow == Flow::Tcp && wire.hop == Hop::Plain {
        return wire.companion_port();
    }
    let mut services = snapshot.objects.services.iter();
    let service = services
        .find(|s| s.namespace() == site.gateway.namespace && s.name() == site.gateway.service);
    service
        .and_then(|s| s.port(wire.gateway_port)?.on(Some(pod)))
        .unwrap_or(wire.gateway_port)
}

/// Every caller's sidecar knows the subset of the gateway, so that the switch cannot lead to
/// nowhere.
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
    Goal {
        namespace: pod.namespace().into(),
        pod: pod.name().into(),
        until,
    }
}
