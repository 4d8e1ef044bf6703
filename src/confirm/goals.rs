//! What each proxy shall have at each stage of setup and cleanup.

use super::wait::{Goal, Until};
use crate::envoy::{Bytes, Connection, Role};
use crate::flow::{Flow, GatewayPlace, Hop, Hosting, RoutedPort};
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
    /// Its ports.
    pub ports: &'a [RoutedPort],
    /// Its addresses, where it is told apart by them.
    pub addresses: &'a [IpAddr],
    /// The gateway.
    pub gateway: &'a GatewayPlace,
    /// The gateway's pods.
    pub gateway_pods: &'a [Pod],
    /// The clients' pods that have a sidecar.
    pub client_pods: Vec<&'a Pod>,
}

impl Site<'_> {
    /// The sidecar's cluster towards the gateway.
    pub fn to_gateway(&self, routed: &RoutedPort) -> String {
        if routed.flow == Flow::Tcp && routed.hop == Hop::Plain {
            let at = Hosting {
                host: self.host,
                server: self.server,
                addresses: &[],
                gateway: self.gateway,
                clients: &[],
                allow: &[],
            };
            return ClusterName::outbound(routed.gateway_port, "", &at.companion_host(routed))
                .to_string();
        }
        ClusterName::outbound(
            routed.gateway_port,
            &routed.subset(self.host),
            &self.gateway.hostname,
        )
        .to_string()
    }

    /// The cluster of the host itself: the gateway's way out.
    pub fn to_host(&self, routed: &RoutedPort) -> String {
        ClusterName::outbound(routed.outside_port(), "", &self.server.text()).to_string()
    }

    /// The sidecar's own way to the host, past the gateway.
    pub fn direct(&self, routed: &RoutedPort) -> String {
        ClusterName::outbound(routed.port, "", &self.host.text()).to_string()
    }

    fn bytes(&self, routed: &RoutedPort) -> Bytes {
        match routed.flow {
            Flow::Http | Flow::Originate => Bytes::http(&self.asked.text(), routed.port),
            Flow::Passthrough => Bytes::tls(self.asked.sni()),
            Flow::Tcp => Bytes::Tcp,
        }
    }

    /// What reaches the gateway: in mutual TLS the outer name decides.
    fn at_gateway(&self, routed: &RoutedPort, port: u16) -> Connection {
        let inside = self.bytes(routed);
        let bytes = match routed.hop {
            Hop::Plain => inside,
            Hop::Mutual => Bytes::Tls {
                sni: Some(routed.handshake_name(self.host)),
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

    fn at_sidecar(&self, routed: &RoutedPort) -> Connection {
        let address = self.addresses.first().copied();
        Connection {
            address,
            port: routed.port,
            bytes: self.bytes(routed),
            role: Role::Sidecar,
        }
    }

    fn each_client(&self, until: impl Fn(&RoutedPort) -> Until) -> Vec<Goal> {
        let goals = |pod: &Pod| {
            self.ports
                .iter()
                .map(|w| goal(pod, until(w)))
                .collect::<Vec<_>>()
        };
        self.client_pods.iter().flat_map(|pod| goals(pod)).collect()
    }
}

/// Every pod of the gateway sends each routed port to the host.
pub fn gateway_goals(site: &Site<'_>, snapshot: &Snapshot) -> Vec<Goal> {
    let mut goals = Vec::new();
    for pod in site.gateway_pods {
        for routed in site.ports {
            let connection = site.at_gateway(routed, pod_port(site, snapshot, pod, routed));
            goals.push(goal(
                pod,
                Until::Sends(Box::new(connection), site.to_host(routed)),
            ));
        }
    }
    goals
}

/// The port on which the gateway's pod listens for a routed port.
fn pod_port(site: &Site<'_>, snapshot: &Snapshot, pod: &Pod, routed: &RoutedPort) -> u16 {
    if routed.flow == Flow::Tcp && routed.hop == Hop::Plain {
        return routed.companion_port();
    }
    let mut services = snapshot.objects.services.iter();
    let service = services
        .find(|s| s.namespace() == site.gateway.namespace && s.name() == site.gateway.service);
    service
        .and_then(|s| s.port(routed.gateway_port)?.on(Some(pod)))
        .unwrap_or(routed.gateway_port)
}

/// Every client's sidecar knows the subset of the gateway, so that the switch cannot lead to
/// nowhere.
pub fn subset_goals(site: &Site<'_>) -> Vec<Goal> {
    site.each_client(|routed| Until::Knows(site.to_gateway(routed)))
}

/// Every client's sidecar sends each routed port to the gateway.
pub fn route_goals(site: &Site<'_>) -> Vec<Goal> {
    site.each_client(|routed| {
        Until::Sends(Box::new(site.at_sidecar(routed)), site.to_gateway(routed))
    })
}

/// No client's sidecar sends any routed port to the gateway.
pub fn left_goals(site: &Site<'_>) -> Vec<Goal> {
    site.each_client(|routed| {
        Until::Leaves(Box::new(site.at_sidecar(routed)), site.to_gateway(routed))
    })
}

fn goal(pod: &Pod, until: Until) -> Goal {
    Goal {
        namespace: pod.namespace().into(),
        pod: pod.name().into(),
        until,
    }
}
