//! What NetworkPolicies allow, in what Kubernetes defines: the policies of a pod's namespace that
//! select it add up; where none does, everything may pass. Whether anybody enforces them is another
//! question, and only packets answer it.
//!
//! Source: KEP-2079's list of what v1 means, and the reference of networking.k8s.io/v1. Two places
//! are left open there and decided here: a pod on the node's own network is known by its address
//! only, and an address range takes the addresses of pods too, as most plugins have it.

use crate::kubernetes::network_policy::{IpBlock, NetworkPolicy, Peer, PolicyPort, Transport};
use crate::kubernetes::pod::{Labels, Pod};
use crate::kubernetes::service::TargetPort;
use crate::kubernetes::{Kind, ObjectRef, Place};
use crate::snapshot::Snapshot;
use std::net::{IpAddr, SocketAddr};

/// One side of a connection, as policies know it.
#[derive(Clone, Debug, PartialEq)]
pub struct Side<'a> {
    /// Its address, where it has one yet.
    pub address: Option<IpAddr>,
    /// Its pod: namespace and labels. None outside the cluster and on a node's own network.
    pub pod: Option<(&'a str, &'a Labels)>,
    /// The pod itself, where it runs: named ports are looked up in it.
    pub running: Option<&'a Pod>,
}

/// Whether a connection may pass one end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Permission {
    /// No policy selects the pod.
    Free,
    /// This rule allows it.
    Allowed(Place),
    /// These policies select the pod, and none of their rules allows it.
    Closed(Vec<ObjectRef>),
}

impl Permission {
    /// Whether it may pass.
    pub fn passes(&self) -> bool {
        !matches!(self, Permission::Closed(_))
    }
}

impl<'a> Side<'a> {
    /// A pod that runs.
    pub fn of(pod: &'a Pod) -> Self {
        let inside = !pod.spec.host_network;
        Self {
            address: pod.status.pod_ip.parse().ok(),
            pod: inside.then_some((pod.namespace(), &pod.metadata.labels)),
            running: Some(pod),
        }
    }

    /// A pod that need not run.
    pub fn labelled(namespace: &'a str, labels: &'a Labels) -> Self {
        Self {
            address: None,
            pod: Some((namespace, labels)),
            running: None,
        }
    }

    /// Whoever has that address.
    pub fn at(snapshot: &'a Snapshot, address: IpAddr) -> Self {
        let text = address.to_string();
        let mut pods = snapshot.objects.pods.iter();
        let pod = pods.find(|p| p.status.pod_ip == text && !p.spec.host_network && p.is_running());
        pod.map_or(
            Self {
                address: Some(address),
                pod: None,
                running: None,
            },
            Self::of,
        )
    }
}

/// Policies that isolate a pod for what it sends.
pub fn isolating<'a>(snapshot: &'a Snapshot, side: &Side<'a>) -> Vec<&'a NetworkPolicy> {
    selecting(snapshot, side)
        .filter(|p| p.spec.governs_egress())
        .collect()
}

/// Whether `from` may send to a port of `to`, as far as the policies of `from` go. `port` is the
/// pod's own.
pub fn leaves<'a>(
    snapshot: &'a Snapshot,
    from: &Side<'a>,
    to: &Side<'a>,
    (transport, port): (Transport, u16),
) -> Permission {
    let policies = isolating(snapshot, from);
    decide(&policies, |policy| {
        let rules = policy.spec.egress.iter().enumerate();
        let mut fitting = rules.filter(|(_, rule)| {
            ports_take(&rule.ports, (transport, port), to.running)
                && peers_take(snapshot, &rule.to, (policy.namespace(), to))
        });
        fitting.next().map(|(at, _)| format!("spec.egress[{at}]"))
    })
}

/// Whether `to` may be reached by `from` on a port, as far as the policies of `to` go. `port` is
/// the pod's own.
pub fn enters<'a>(
    snapshot: &'a Snapshot,
    from: &Side<'a>,
    to: &Side<'a>,
    (transport, port): (Transport, u16),
) -> Permission {
    let policies: Vec<&NetworkPolicy> = selecting(snapshot, to)
        .filter(|p| p.spec.governs_ingress())
        .collect();
    decide(&policies, |policy| {
        let rules = policy.spec.ingress.iter().enumerate();
        let mut fitting = rules.filter(|(_, rule)| {
            ports_take(&rule.ports, (transport, port), to.running)
                && peers_take(snapshot, &rule.from, (policy.namespace(), from))
        });
        fitting.next().map(|(at, _)| format!("spec.ingress[{at}]"))
    })
}

/// A connection to an address and port. A Service's own address is exchanged for that of a pod
/// behind it before policies are asked (kube-proxy translates in PREROUTING, plugins filter in
/// FORWARD or behind it).
pub fn leaves_to(
    snapshot: &Snapshot,
    from: &Side<'_>,
    transport: Transport,
    to: SocketAddr,
) -> Permission {
    match behind(snapshot, transport, to) {
        Some((pod, port)) => leaves(snapshot, from, &Side::of(pod), (transport, port)),
        None => leaves(
            snapshot,
            from,
            &Side::at(snapshot, to.ip()),
            (transport, to.port()),
        ),
    }
}

/// The pod that a Service's address leads to, and its own port.
fn behind(snapshot: &Snapshot, transport: Transport, to: SocketAddr) -> Option<(&Pod, u16)> {
    let address = to.ip().to_string();
    let service = snapshot
        .objects
        .services
        .iter()
        .find(|s| s.address() == Some(&address))?;
    let mut pods = snapshot.objects.pods.iter().filter(|p| p.is_running());
    let pod = pods.find(|p| service.selects(p.namespace(), &p.metadata.labels))?;
    let mut ports = service
        .spec
        .ports
        .iter()
        .filter(|p| (p.protocol == "UDP") == (transport == Transport::Udp));
    Some((pod, ports.find(|p| p.port == to.port())?.on(Some(pod))?))
}

fn selecting<'a>(
    snapshot: &'a Snapshot,
    side: &Side<'a>,
) -> impl Iterator<Item = &'a NetworkPolicy> + use<'a> {
    let pod = side.pod;
    let policies = snapshot.objects.network_policies.iter();
    policies.filter(move |p| {
        pod.is_some_and(|(namespace, labels)| {
            p.namespace() == namespace && p.spec.pod_selector.matches(labels)
        })
    })
}

fn decide(
    policies: &[&NetworkPolicy],
    allows: impl Fn(&NetworkPolicy) -> Option<String>,
) -> Permission {
    if policies.is_empty() {
        return Permission::Free;
    }
    let found = policies
        .iter()
        .find_map(|p| Some(p.reference(Kind::NetworkPolicy).at(allows(p)?)));
    let closed = || {
        Permission::Closed(
            policies
                .iter()
                .map(|p| p.reference(Kind::NetworkPolicy))
                .collect(),
        )
    };
    found.map_or_else(closed, Permission::Allowed)
}

/// An empty list takes every port.
fn ports_take(
    ports: &[PolicyPort],
    (transport, port): (Transport, u16),
    server: Option<&Pod>,
) -> bool {
    let same = |p: &PolicyPort| match p.protocol.as_str() {
        "" | "TCP" => transport == Transport::Tcp,
        "UDP" => transport == Transport::Udp,
        _ => false,
    };
    let covers = |p: &PolicyPort| match (&p.port, p.end_port) {
        (None, _) => true,
        (Some(TargetPort::Number(first)), Some(last)) => (*first..=last).contains(&port),
        (Some(TargetPort::Number(number)), None) => *number == port,
        (Some(TargetPort::Name(name)), _) => {
            server.and_then(|pod| pod.spec.port_named(name)) == Some(port)
        }
    };
    ports.is_empty() || ports.iter().any(|p| same(p) && covers(p))
}

/// An empty list takes everybody.
fn peers_take(snapshot: &Snapshot, peers: &[Peer], (namespace, side): (&str, &Side<'_>)) -> bool {
    peers.is_empty()
        || peers
            .iter()
            .any(|peer| peer_takes(snapshot, peer, (namespace, side)))
}

fn peer_takes(snapshot: &Snapshot, peer: &Peer, (namespace, side): (&str, &Side<'_>)) -> bool {
    if let Some(block) = &peer.ip_block {
        return side.address.is_some_and(|address| takes(block, address));
    }
    let Some((of, labels)) = side.pod else {
        return false;
    };
    let there = match &peer.namespace_selector {
        None => of == namespace,
        Some(selector) => selector.matches(&labels_of(snapshot, of)),
    };
    there && peer.pod_selector.as_ref().is_none_or(|s| s.matches(labels))
}

/// A namespace's labels; the API server gives each one with its name.
fn labels_of(snapshot: &Snapshot, namespace: &str) -> Labels {
    let found = snapshot
        .objects
        .namespaces
        .iter()
        .find(|n| n.name() == namespace);
    let mut labels = found.map(|n| n.metadata.labels.clone()).unwrap_or_default();
    labels
        .entry("kubernetes.io/metadata.name".into())
        .or_insert_with(|| namespace.into());
    labels
}

/// Whether a block takes an address.
pub fn takes(block: &IpBlock, address: IpAddr) -> bool {
    within(&block.cidr, address) && !block.except.iter().any(|hole| within(hole, address))
}

/// Whether `10.0.0.0/8` has an address in it; what is no range has none.
fn within(range: &str, address: IpAddr) -> bool {
    let (start, length) = range.split_once('/').unwrap_or((range, ""));
    let Ok(start) = start.parse::<IpAddr>() else {
        return false;
    };
    let whole = if start.is_ipv4() { 32 } else { 128 };
    let Ok(length) = (if length.is_empty() {
        Ok(whole)
    } else {
        length.parse::<u32>()
    }) else {
        return false;
    };
    let kept = |bits: u128| {
        bits.checked_shr(whole - length.min(whole))
            .unwrap_or_default()
    };
    match (start, address) {
        (IpAddr::V4(a), IpAddr::V4(b)) => {
            kept(u128::from(a.to_bits())) == kept(u128::from(b.to_bits()))
        }
        (IpAddr::V6(a), IpAddr::V6(b)) => kept(a.to_bits()) == kept(b.to_bits()),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn snapshot(policies: &[Value]) -> Snapshot {
        let mut snapshot = Snapshot::default();
        for name in ["team", "kube-system"] {
            snapshot
                .objects
                .put(Kind::Namespace, json!({"metadata": {"name": name}}))
                .unwrap();
        }
        let pod = |namespace: &str, name: &str, ip: &str| {
            json!({"metadata": {"name": name, "namespace": namespace, "labels": {"app": name}},
                "spec": {"containers": [{"name": "c", "ports": [{"name": "dns", "containerPort": 5353}]}]},
                "status": {"phase": "Running", "podIP": ip}})
        };
        for (namespace, name, ip) in [
            ("team", "client", "10.0.0.1"),
            ("kube-system", "dns", "10.0.0.2"),
        ] {
            snapshot
                .objects
                .put(Kind::Pod, pod(namespace, name, ip))
                .unwrap();
        }
        let dns = json!({"metadata": {"name": "dns", "namespace": "kube-system"}, "spec": {"clusterIP": "10.96.0.10",
            "selector": {"app": "dns"}, "ports": [{"port": 53, "targetPort": "dns", "protocol": "UDP"}]}});
        snapshot.objects.put(Kind::Service, dns).unwrap();
        for (at, spec) in policies.iter().enumerate() {
            let policy =
                json!({"metadata": {"name": format!("p{at}"), "namespace": "team"}, "spec": spec});
            snapshot.objects.put(Kind::NetworkPolicy, policy).unwrap();
        }
        snapshot
    }

    fn leaving(policies: &[Value], transport: Transport, to: &str) -> String {
        let snapshot = snapshot(policies);
        let client = Side::of(&snapshot.objects.pods[0]);
        match leaves_to(&snapshot, &client, transport, to.parse().unwrap()) {
            Permission::Free => "free".into(),
            Permission::Allowed(place) => place.to_string(),
            Permission::Closed(by) => format!("closed by {}", by.len()),
        }
    }

    #[test]
    fn without_a_policy_for_egress_everything_may_leave() {
        assert_eq!(leaving(&[], Transport::Tcp, "203.0.113.1:443"), "free");
        let ingress = json!({"podSelector": {}, "policyTypes": ["Ingress"]});
        assert_eq!(
            leaving(&[ingress], Transport::Tcp, "203.0.113.1:443"),
            "free"
        );
        let others =
            json!({"podSelector": {"matchLabels": {"app": "other"}}, "policyTypes": ["Egress"]});
        assert_eq!(
            leaving(&[others], Transport::Tcp, "203.0.113.1:443"),
            "free"
        );
    }

    #[test]
    fn dns_is_allowed_by_the_pods_port_and_transport() {
        let rule = |port: Value, protocol: &str| {
            json!({"podSelector": {}, "policyTypes": ["Egress"], "egress": [{
                "to": [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "kube-system"}}}],
                "ports": [{"port": port, "protocol": protocol}]}]})
        };
        let at = "10.0.0.2:5353";
        let allowed = "NetworkPolicy team/p0 spec.egress[0]";
        assert_eq!(
            leaving(&[rule(json!(53), "UDP")], Transport::Udp, at),
            "closed by 1"
        );
        assert_eq!(
            leaving(&[rule(json!(5353), "UDP")], Transport::Udp, at),
            allowed
        );
        assert_eq!(
            leaving(&[rule(json!(5353), "UDP")], Transport::Tcp, at),
            "closed by 1"
        );
        assert_eq!(
            leaving(&[rule(json!("dns"), "UDP")], Transport::Udp, at),
            allowed
        );
        assert_eq!(
            leaving(
                &[rule(json!("dns"), "UDP")],
                Transport::Udp,
                "203.0.113.1:5353"
            ),
            "closed by 1"
        );
        // By its Service's address: the rule is for the pod's port.
        assert_eq!(
            leaving(&[rule(json!(5353), "UDP")], Transport::Udp, "10.96.0.10:53"),
            allowed
        );
        assert_eq!(
            leaving(&[rule(json!(53), "UDP")], Transport::Udp, "10.96.0.10:53"),
            "closed by 1"
        );
        assert_eq!(
            leaving(&[rule(json!(5353), "UDP")], Transport::Udp, "10.96.0.11:53"),
            "closed by 1"
        );
    }

    #[test]
    fn policies_add_up_and_ranges_have_holes() {
        let nothing = json!({"podSelector": {}, "policyTypes": ["Egress"]});
        let block = json!({"podSelector": {}, "egress": [{"ports": [{"port": 440, "endPort": 450}],
            "to": [{"ipBlock": {"cidr": "203.0.113.0/24", "except": ["203.0.113.8/29"]}}]}]});
        let both = [nothing, block];
        assert_eq!(
            leaving(&both, Transport::Tcp, "203.0.113.1:443"),
            "NetworkPolicy team/p1 spec.egress[0]"
        );
        assert_eq!(
            leaving(&both, Transport::Tcp, "203.0.113.9:443"),
            "closed by 2"
        );
        assert_eq!(
            leaving(&both, Transport::Tcp, "203.0.113.1:80"),
            "closed by 2"
        );
        let everything = json!({"podSelector": {}, "egress": [{}]});
        assert_eq!(
            leaving(&[everything], Transport::Udp, "[2001:db8::1]:443"),
            "NetworkPolicy team/p0 spec.egress[0]"
        );
    }

    #[test]
    fn ranges_are_of_both_families() {
        let inside = |range: &str, address: &str| within(range, address.parse().unwrap());
        assert!(inside("0.0.0.0/0", "203.0.113.1") && !inside("0.0.0.0/0", "2001:db8::1"));
        assert!(inside("::/0", "2001:db8::1") && inside("2001:db8::/32", "2001:db8::1"));
        assert!(!inside("2001:db8::/32", "2001:db9::1") && inside("10.0.0.1/32", "10.0.0.1"));
        assert!(!inside("10.0.0.1/32", "10.0.0.2") && !inside("nonsense", "10.0.0.2"));
    }
}
