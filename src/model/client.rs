//! The client's end: whether its connections reach a sidecar at all, and which address it gets for
//! a name.
//!
//! Source: tools/istio-iptables, pkg/kube/inject (annotations), pkg/dns/client (the name table).

use super::capture::left_out;
use super::injection::is_ambient;
use super::path::EgressPath;
use super::range::holds;
use super::registry::Registered;
use super::scope::{Node, Scope};
use super::target::Host;
use super::uncaptured::Uncaptured;
use super::world::World;
use crate::istio::mesh_config::ProxyDefaults;
use crate::istio::service_entry::Resolution;
use crate::kubernetes::pod::Pod;
use crate::kubernetes::{Kind, ObjectRef, Place};
use std::net::IpAddr;

/// The user that the proxy runs as: its own traffic is not captured.
pub const PROXY_USER: i64 = 1337;

/// What is known of the client.
#[derive(Clone, Debug, Default)]
pub struct ClientEnd {
    /// Why its connections bypass the sidecar, if they do.
    pub uncaptured: Option<(Uncaptured, Place)>,
    /// The address that it dials, where objects tell it.
    pub address: Option<IpAddr>,
    /// The name has no address that a client could get: not in the proxy's DNS, and not known
    /// outside the mesh.
    pub unresolved: Option<Place>,
}

/// The client of a path as istiod sees it; without a pod, one without labels.
pub fn node(world: &World<'_>, path: &EgressPath) -> Node {
    let pod = world.pod(path);
    Node {
        namespace: path.client.namespace.clone(),
        labels: pod.map(|p| p.metadata.labels.clone()).unwrap_or_default(),
        dns: dns_capture(world, pod),
        router: false,
    }
}

/// Whether the sidecar answers the application's DNS questions: by the pod's own configuration,
/// else the mesh's.
pub fn dns_capture(world: &World<'_>, pod: Option<&Pod>) -> bool {
    const SWITCH: &str = "ISTIO_META_DNS_CAPTURE";
    let said = pod.and_then(|p| p.metadata.annotation("proxy.istio.io/config"));
    let of_pod: Option<ProxyDefaults> = said.and_then(|text| serde_saphyr::from_str(text).ok());
    let of_pod = of_pod.and_then(|c| c.proxy_metadata.get(SWITCH).cloned());
    let of_proxy = || pod.and_then(|p| p.spec.proxy()?.variable(SWITCH).map(str::to_owned));
    let of_mesh = || {
        world
            .snapshot
            .mesh
            .config
            .default_config
            .proxy_metadata
            .get(SWITCH)
            .cloned()
    };
    of_pod
        .or_else(of_proxy)
        .or_else(of_mesh)
        .is_some_and(|v| v == "true")
}

/// The client's end of a path.
pub fn client_end(
    world: &World<'_>,
    path: &EgressPath,
    (node, scope): (&Node, &Scope<'_>),
) -> ClientEnd {
    let owner = owner(scope, &path.target.host);
    let address = match &path.target.host {
        Host::Address(ip) => Some(*ip),
        _ => owner.and_then(|s| dialled(world, s, node)),
    };
    let uncaptured = world
        .pod(path)
        .and_then(|pod| uncaptured(world, pod, path.target.port, address));
    ClientEnd {
        uncaptured,
        address,
        unresolved: owner.and_then(|s| unresolved(s, node)),
    }
}

/// The owner of a host: under its own name, else under the closest wildcard.
pub fn owner<'w>(scope: &Scope<'w>, host: &Host) -> Option<&'w Registered<'w>> {
    scope.closest_owner(&host.text())
}

/// What a client gets for the host's name: an address of the mesh's, where it has one. Without DNS
/// capture it is what DNS answers: what the proxies resolved, else an address that the entry lists.
fn dialled(world: &World<'_>, service: &Registered<'_>, node: &Node) -> Option<IpAddr> {
    let own = service.listens_on(node.dns).and_then(|a| a.parse().ok());
    made_up(world, service, node)
        .or(own)
        .or_else(|| world.resolved(&service.host))
        .or_else(|| fixed(service))
}

/// The address that an entry with fixed endpoints has for its host: DNS answers the same, or the
/// entry is of no use.
fn fixed(service: &Registered<'_>) -> Option<IpAddr> {
    let spec = &service.entry()?.spec;
    let first = spec.endpoints.first()?;
    let alone = spec.resolution == Resolution::Static && spec.hosts.len() == 1;
    first.address.parse().ok().filter(|_| alone)
}

/// What DNS answers for a host whose entry lists only other addresses, where clients ask DNS and
/// the proxies resolved the same name.
pub fn made_up(world: &World<'_>, service: &Registered<'_>, node: &Node) -> Option<IpAddr> {
    let spec = &service.entry().filter(|_| !node.dns)?.spec;
    let by_name = matches!(spec.resolution, Resolution::Dns | Resolution::DnsRoundRobin)
        && spec.endpoints.is_empty();
    let answers = world.resolutions(&service.host);
    let listed = |ip: &IpAddr| spec.addresses.iter().any(|range| holds(range, *ip));
    let lists_others = by_name && !spec.addresses.is_empty() && !answers.iter().any(listed);
    answers.first().copied().filter(|_| lists_others)
}

/// With DNS capture, a host that only its entry's endpoints can find has no address for the client.
fn unresolved(service: &Registered<'_>, node: &Node) -> Option<Place> {
    let entry = service.entry()?;
    let named = matches!(
        entry.spec.resolution,
        Resolution::Dns | Resolution::DnsRoundRobin
    ) && entry.spec.endpoints.is_empty();
    let lost = node.dns
        && service.listens_on(true).is_none()
        && !named
        && entry.spec.resolution != Resolution::None;
    lost.then(|| service.object().at("metadata.labels"))
}

fn uncaptured(
    world: &World<'_>,
    pod: &Pod,
    port: u16,
    address: Option<IpAddr>,
) -> Option<(Uncaptured, Place)> {
    let object: ObjectRef = pod.object();
    if pod.spec.host_network {
        return Some((Uncaptured::HostNetwork, object.at("spec.hostNetwork")));
    }
    let Some(proxy) = pod.spec.proxy() else {
        let why = if is_ambient(world.namespace(pod.namespace()), pod) {
            Uncaptured::Ambient
        } else {
            Uncaptured::NoProxy
        };
        return Some((why, object.into()));
    };
    if proxy.variable("ISTIO_META_INTERCEPTION_MODE") == Some("NONE") {
        let at = object.at("metadata.annotations[sidecar.istio.io/interceptionMode]");
        return Some((Uncaptured::InterceptionOff, at));
    }
    if let Some(id) = proxy_user(pod) {
        return Some((
            Uncaptured::ProxyUser(id),
            object.at("spec.containers[0].securityContext.runAsUser"),
        ));
    }
    left_out(pod, port, address).map(|found| {
        let why = if found.by_argument {
            Uncaptured::ByArgument(found.setting)
        } else {
            Uncaptured::Excluded(found.setting)
        };
        (why, found.place)
    })
}

/// The application's user or group, where it is the proxy's.
fn proxy_user(pod: &Pod) -> Option<i64> {
    let application = pod.spec.application()?;
    let ids = [
        pod.spec.user_of(application),
        pod.spec.group_of(application),
    ];
    ids.into_iter().flatten().find(|id| *id == PROXY_USER)
}

/// The workload that makes a pod, as the object to change.
pub fn workload_of(pod: &Pod) -> ObjectRef {
    let owner = pod.metadata.owner_references.first();
    let kind = match owner.map(|o| o.kind.as_str()) {
        Some("ReplicaSet") => Kind::Deployment,
        Some("StatefulSet") => Kind::StatefulSet,
        Some("DaemonSet") => Kind::DaemonSet,
        Some("Job") => Kind::Job,
        _ => return pod.object(),
    };
    ObjectRef::new(kind, pod.namespace(), pod.workload_name())
}
