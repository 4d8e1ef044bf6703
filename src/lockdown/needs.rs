//! What a namespace with sidecars cannot do without: DNS, istiod, and its gateways, each as the
//! pods and ports that really answer, read from the Services that lead there.

use crate::error::Error;
use crate::install::{FoundGateway, find_gateways};
use crate::kubernetes::network_policy::Transport;
use crate::kubernetes::pod::{Labels, Pod};
use crate::kubernetes::service::{Service, ServicePort};
use crate::model::essentials::{DNS, XDS, behind, dns_services, istiod_services, transport};
use crate::plan::{GatewayName, HostRecord, Inventory, PART_OF, Record};
use crate::snapshot::Snapshot;
use std::collections::BTreeSet;
use std::net::IpAddr;

/// Somewhere that stays open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Exit {
    /// What it is for.
    pub(super) what: String,
    /// Who is there.
    pub(super) to: Place,
    /// On which of their ports.
    pub(super) ports: BTreeSet<(Transport, u16)>,
}

/// Who is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// Pods of a namespace by their labels.
    Pods(String, Labels),
    /// Addresses: a node's own network, or something that only exists on the node.
    Addresses(BTreeSet<IpAddr>),
}

/// DNS, istiod and the gateways; the API server where it is wanted. The error names what cannot be
/// found.
pub(super) fn exits(
    snapshot: &Snapshot,
    gateways: &[FoundGateway],
    apiserver: bool,
) -> Result<Vec<Exit>, Error> {
    let mut all = dns(snapshot)?;
    all.extend(istiod(snapshot)?);
    all.extend(gateways.iter().map(|g| gateway(snapshot, g)));
    if apiserver {
        all.push(api_server(snapshot)?);
    }
    Ok(all)
}

/// The gateways that a namespace's hosts go through; those that were named instead; else every
/// egress gateway.
pub fn gateways_of(
    snapshot: &Snapshot,
    inventory: &Inventory,
    (namespace, named): (&str, &[GatewayName]),
) -> Result<Vec<FoundGateway>, Error> {
    let found = find_gateways(snapshot);
    let is = |g: &FoundGateway, name: &GatewayName| {
        g.place.namespace == name.namespace && g.place.service == name.service
    };
    if let Some(missing) = named.iter().find(|name| !found.iter().any(|g| is(g, name))) {
        let there: Vec<String> = found
            .iter()
            .map(|g| format!("{}/{}", g.place.namespace, g.place.service))
            .collect();
        return Err(Error::NotFound {
            what: format!("the gateway {missing}"),
            hint: Some(format!("Services of gateway pods: {}", there.join(", "))),
        });
    }
    if !named.is_empty() {
        return Ok(found
            .into_iter()
            .filter(|g| named.iter().any(|n| is(g, n)))
            .collect());
    }
    let calls = |record: &&HostRecord| {
        record.is_called_from(namespace) && is_routed(snapshot, record, namespace)
    };
    let used = |g: &&FoundGateway| {
        let mut records = inventory.hosts.iter().filter(calls);
        records.any(|h| h.namespace == g.place.namespace && h.service == g.place.service)
    };
    let routed: Vec<FoundGateway> = found.iter().filter(used).cloned().collect();
    if !routed.is_empty() {
        return Ok(routed);
    }
    let (meant, claimed): (Vec<FoundGateway>, Vec<FoundGateway>) = found
        .into_iter()
        .filter(|g| g.for_egress)
        .partition(|g| g.vouched);
    if !meant.is_empty() {
        return Ok(meant);
    }
    let hint = match claimed.first() {
        Some(claimed) => format!(
            "{}/{} is in no namespace of the mesh itself: if it is meant, name it with --gateway",
            claimed.place.namespace, claimed.place.service
        ),
        None => "without one nothing could leave at all: install one with setup, or name one with \
                 --gateway"
            .into(),
    };
    Err(Error::NotFound {
        what: "an egress gateway".into(),
        hint: Some(hint),
    })
}

/// Whether the namespace itself has the route that a record tells of. A record lies with the
/// gateway: whoever has a namespace could write one about the clients of others.
fn is_routed(snapshot: &Snapshot, record: &HostRecord, namespace: &str) -> bool {
    let id = record.name().id();
    let mut routes = snapshot.objects.virtual_services.iter();
    routes.any(|route| {
        route.namespace() == namespace && route.metadata.label(PART_OF) == Some(id.as_str())
    })
}

/// Where the node-local cache listens unless it is told otherwise.
const NODE_LOCAL: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(169, 254, 20, 10));

fn dns(snapshot: &Snapshot) -> Result<Vec<Exit>, Error> {
    let mut all: Vec<Exit> = Vec::new();
    for service in dns_services(snapshot) {
        if let Some(exit) = reached(snapshot, service, ("DNS", |p| p.port == DNS)) {
            all.push(exit);
        }
    }
    let caches = snapshot
        .objects
        .pods
        .iter()
        .filter(|p| p.metadata.label("k8s-app") == Some("node-local-dns"));
    let listening: BTreeSet<IpAddr> = caches.flat_map(local_addresses).collect();
    if !listening.is_empty() {
        let ports = [(Transport::Udp, DNS), (Transport::Tcp, DNS)].into();
        all.push(Exit {
            what: "DNS on the node".into(),
            to: Place::Addresses(listening),
            ports,
        });
    }
    if all.is_empty() {
        return Err(Error::NotFound {
            what:
                "the cluster's DNS (a Service kube-dns, coredns or dns-default with pods behind it)"
                    .into(),
            hint: Some("without DNS the namespace could call nobody by name".into()),
        });
    }
    Ok(all)
}

/// `-localip 169.254.20.10,10.96.0.10`: the cache answers on the Service's own address too.
fn local_addresses(pod: &Pod) -> Vec<IpAddr> {
    let args: Vec<&str> = pod
        .spec
        .containers
        .iter()
        .flat_map(|c| c.args.iter().map(String::as_str))
        .collect();
    let at = args
        .iter()
        .position(|a| a.trim_start_matches('-') == "localip");
    let list = at.and_then(|at| args.get(at + 1)).copied();
    let list = list.or_else(|| {
        args.iter()
            .find_map(|a| a.trim_start_matches('-').strip_prefix("localip="))
    });
    let named: Vec<IpAddr> = list
        .into_iter()
        .flat_map(|l| l.split(','))
        .filter_map(|a| a.parse().ok())
        .collect();
    if named.is_empty() {
        vec![NODE_LOCAL]
    } else {
        named
    }
}

fn istiod(snapshot: &Snapshot) -> Result<Vec<Exit>, Error> {
    let services = istiod_services(snapshot).into_iter();
    let all =
        services.filter_map(|s| reached(snapshot, s, ("istiod", |p: &ServicePort| p.port == XDS)));
    let mut distinct: Vec<Exit> = Vec::new();
    for exit in all {
        // A tag of a revision has a Service of its own, with the same pods.
        if !distinct.iter().any(|known| {
            known.ports == exit.ports && pods(snapshot, known) == pods(snapshot, &exit)
        }) {
            distinct.push(exit);
        }
    }
    if distinct.is_empty() {
        return Err(Error::NotFound {
            what: format!(
                "a Service of istiod with port {XDS} in {}",
                snapshot.mesh.namespace
            ),
            hint: Some(
                "without istiod no sidecar of the namespace would get its configuration and \
                certificate"
                    .into(),
            ),
        });
    }
    Ok(distinct)
}

/// The names of the pods that an exit leads to.
fn pods<'a>(snapshot: &'a Snapshot, exit: &Exit) -> Vec<&'a str> {
    let Place::Pods(namespace, labels) = &exit.to else {
        return Vec::new();
    };
    let has = |p: &&Pod| {
        p.namespace() == namespace && labels.iter().all(|(k, v)| p.metadata.label(k) == Some(v))
    };
    snapshot
        .objects
        .pods
        .iter()
        .filter(has)
        .map(Pod::name)
        .collect()
}

/// Ports of the proxy itself, of no use to clients.
const OWN_PORTS: &[u16] = &[15020, 15021, 15090];

/// Every port of the gateway's pods that some Service leads to.
fn gateway(snapshot: &Snapshot, gateway: &FoundGateway) -> Exit {
    let place = &gateway.place;
    let of_gateway = |p: &&Pod| {
        p.namespace() == place.namespace
            && place
                .selector
                .iter()
                .all(|(k, v)| p.metadata.label(k) == Some(v))
    };
    let pod = snapshot.objects.pods.iter().find(of_gateway);
    let leading = snapshot.objects.services.iter().filter(|s| {
        pod.is_some_and(|p| s.selects(p.namespace(), &p.metadata.labels)) || is_named(s, place)
    });
    let ports = leading
        .flat_map(|s| &s.spec.ports)
        .filter(|p| p.protocol != "UDP")
        .filter_map(|p| p.on(pod));
    let ports = ports
        .filter(|p| !OWN_PORTS.contains(p))
        .map(|p| (Transport::Tcp, p))
        .collect();
    Exit {
        what: format!("the gateway {}/{}", place.namespace, place.service),
        to: Place::Pods(place.namespace.clone(), place.selector.clone()),
        ports,
    }
}

fn is_named(service: &Service, place: &crate::flow::GatewayPlace) -> bool {
    service.namespace() == place.namespace && service.name() == place.service
}

/// The API server, which only its own Service's endpoints lead to.
fn api_server(snapshot: &Snapshot) -> Result<Exit, Error> {
    let slices = snapshot
        .objects
        .endpoint_slices
        .iter()
        .filter(|s| s.is_of("default", "kubernetes"));
    let (mut addresses, mut ports) = (BTreeSet::new(), BTreeSet::new());
    for slice in slices {
        addresses.extend(
            slice
                .endpoints
                .iter()
                .flat_map(|e| &e.addresses)
                .filter_map(|a| a.parse::<IpAddr>().ok()),
        );
        ports.extend(
            slice
                .ports
                .iter()
                .filter_map(|p| p.port)
                .map(|p| (Transport::Tcp, p)),
        );
    }
    if addresses.is_empty() {
        return Err(Error::NotFound {
            what: "the endpoints of the Service default/kubernetes".into(),
            hint: Some("without them it is not known where the API server is".into()),
        });
    }
    Ok(Exit {
        what: "the API server".into(),
        to: Place::Addresses(addresses),
        ports,
    })
}

/// What is behind some ports of a Service: its pods by their labels, or, where those are on a
/// node's own network, their addresses.
fn reached(
    snapshot: &Snapshot,
    service: &Service,
    (what, wanted): (&str, fn(&ServicePort) -> bool),
) -> Option<Exit> {
    let pods = behind(snapshot, service);
    let pod = pods.first()?;
    let ports: BTreeSet<(Transport, u16)> = service
        .spec
        .ports
        .iter()
        .filter(|p| wanted(p))
        .filter_map(|p| Some((transport(p), p.on(Some(pod))?)))
        .collect();
    if ports.is_empty() {
        return None;
    }
    let to = if pod.spec.host_network {
        Place::Addresses(
            pods.iter()
                .filter_map(|p| p.status.pod_ip.parse().ok())
                .collect(),
        )
    } else {
        Place::Pods(service.namespace().into(), service.spec.selector.clone())
    };
    Some(Exit {
        what: what.into(),
        to,
        ports,
    })
}
