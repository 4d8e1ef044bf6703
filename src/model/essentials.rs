//! What no namespace with sidecars can do without: the pods and ports that answer DNS, and those of
//! istiod, read from the Services that lead there. A NetworkPolicy knows pods and their own ports,
//! never a Service's.

use crate::kubernetes::network_policy::Transport;
use crate::kubernetes::pod::Pod;
use crate::kubernetes::service::{Service, ServicePort};
use crate::snapshot::Snapshot;

/// One port of one pod that must be reached.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Essential<'a> {
    /// `DNS` or `istiod`.
    pub what: &'static str,
    /// The pod.
    pub pod: &'a Pod,
    /// What carries it.
    pub transport: Transport,
    /// The pod's own port.
    pub port: u16,
}

/// Kubernetes' own names for what answers DNS; OpenShift's is `dns-default`.
const DNS_NAMES: &[&str] = &["kube-dns", "coredns", "dns-default"];

/// The port of DNS.
pub const DNS: u16 = 53;

/// The port on which sidecars get their configuration and certificates.
pub const XDS: u16 = 15012;

/// The Services that lead to the cluster's DNS.
pub fn dns_services(snapshot: &Snapshot) -> Vec<&Service> {
    let named = |s: &&Service| {
        DNS_NAMES.contains(&s.name())
            || s.metadata
                .label("k8s-app")
                .is_some_and(|l| DNS_NAMES.contains(&l))
    };
    let answers = |s: &&Service| s.spec.ports.iter().any(|p| p.port == DNS);
    snapshot
        .objects
        .services
        .iter()
        .filter(named)
        .filter(answers)
        .collect()
}

/// The Services that lead to istiod.
pub fn istiod_services(snapshot: &Snapshot) -> Vec<&Service> {
    let services = snapshot
        .objects
        .services
        .iter()
        .filter(|s| s.namespace() == snapshot.mesh.namespace);
    services
        .filter(|s| s.spec.ports.iter().any(|p| p.port == XDS))
        .collect()
}

/// The pods behind a Service that are not on their way out.
pub fn behind<'a>(snapshot: &'a Snapshot, service: &Service) -> Vec<&'a Pod> {
    let pods = snapshot
        .objects
        .pods
        .iter()
        .filter(|p| service.selects(p.namespace(), &p.metadata.labels));
    pods.filter(|p| p.metadata.deletion_timestamp.is_none())
        .collect()
}

/// The transport of a Service's port.
pub fn transport(port: &ServicePort) -> Transport {
    if port.protocol == "UDP" {
        Transport::Udp
    } else {
        Transport::Tcp
    }
}

/// DNS and istiod, port by port, at one pod each.
pub fn essentials(snapshot: &Snapshot) -> Vec<Essential<'_>> {
    let dns = dns_services(snapshot).into_iter().map(|s| ("DNS", s, DNS));
    let istiod = istiod_services(snapshot)
        .into_iter()
        .map(|s| ("istiod", s, XDS));
    let mut all = Vec::new();
    for (what, service, number) in dns.chain(istiod) {
        let Some(pod) = behind(snapshot, service)
            .into_iter()
            .find(|p| p.is_running())
        else {
            continue;
        };
        let ports = service.spec.ports.iter().filter(|p| p.port == number);
        let each = ports.filter_map(|p| Some((transport(p), p.on(Some(pod))?)));
        all.extend(each.map(|(transport, port)| Essential {
            what,
            pod,
            transport,
            port,
        }));
    }
    all.dedup();
    all
}
