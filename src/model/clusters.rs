//! The clusters of a proxy: how it reaches a host, at which endpoints, and over which TLS.
//!
//! Source: pilot/pkg/networking/core/cluster_builder.go, cluster_tls.go, cluster.go.

use super::discovery::is_read;
use super::given::config;
use super::registry::{Origin, Port, Registered};
use super::rules::{Lookup, Policy, Seeker};
use super::scope::{Node, Scope};
use super::trace::ClusterName;
use super::world::World;
use crate::envoy::{ClientTls, Cluster, Endpoint, SocketMatch};
use crate::istio::destination_rule::{ClientTls as WantedTls, TlsMode};
use crate::istio::service_entry::Resolution;
use crate::istio::virtual_service::Destination;
use crate::istio::{Protocol, ServiceEntry, WorkloadEntry};
use crate::kubernetes::Place;
use crate::kubernetes::pod::{Labels, Pod};
use crate::kubernetes::service::Service;

/// The label by which a sidecar says that it takes mutual TLS.
const TLS_MODE: &str = "security.istio.io/tlsMode";

/// The cluster's name for a destination, asked for on a listener's port.
///
/// Source: route.go (`GetDestinationCluster`).
pub fn name_of(
    world: &World<'_>,
    scope: &Scope<'_>,
    destination: &Destination,
    listener_port: u16,
) -> String {
    let host = alias(world, &destination.host);
    let owner = scope.owner(&host);
    let only = owner
        .filter(|s| s.ports.len() == 1)
        .map(|s| s.ports[0].number);
    let port = destination
        .port
        .map(|p| p.number)
        .or(only)
        .unwrap_or(listener_port);
    ClusterName::outbound(
        port,
        destination.subset.as_deref().unwrap_or_default(),
        &host,
    )
    .to_string()
}

/// A Service of type `ExternalName` stands for another host.
fn alias(world: &World<'_>, host: &str) -> String {
    let alias = world.index.aliases.get(host);
    alias.map_or(host, String::as_str).to_owned()
}

/// The rule that a proxy finds for a host that it sees.
pub fn rule<'w>(world: &'w World<'_>, node: &Node, service: &Registered<'_>) -> Option<Lookup<'w>> {
    let seeker = Seeker {
        namespace: &node.namespace,
        labels: &node.labels,
    };
    world
        .rules
        .lookup(seeker, &service.host, service.namespace())
}

/// What the proxy's rule says about a port of a host.
pub fn policy(
    world: &World<'_>,
    node: &Node,
    service: &Registered<'_>,
    (subset, port): (&str, u16),
) -> Policy {
    let found = rule(world, node, service);
    found
        .as_ref()
        .and_then(Lookup::rule)
        .map(|r| r.policy(subset, port))
        .unwrap_or_default()
}

/// The cluster of that name, where the proxy has one.
pub fn cluster(
    world: &World<'_>,
    node: &Node,
    scope: &Scope<'_>,
    name: &ClusterName,
) -> Option<Cluster> {
    let ClusterName::Outbound { port, subset, host } = name else {
        return fixed(name);
    };
    // istiod makes no cluster for a port of UDP (`buildOutboundClusters`).
    let tcp = |(_, port): &(&Registered<'_>, &Port)| port.protocol != Protocol::Udp;
    let (service, port) = scope.declares(host, *port).filter(tcp)?;
    let found = rule(world, node, service);
    let merged = found.as_ref().and_then(Lookup::rule);
    let mut labels = Labels::new();
    if !subset.is_empty() {
        let dynamic = service.resolution() == Resolution::DynamicDns;
        let (_, _, found) = merged.filter(|_| !dynamic)?.subset(subset)?;
        labels.clone_from(&found.labels);
    }
    let policy = merged
        .map(|r| r.policy(subset, port.number))
        .unwrap_or_default();
    let mut cluster = Cluster {
        name: name.to_string(),
        ..Cluster::default()
    };
    cluster.discovery = discovery(service, node).into();
    cluster.endpoints = endpoints(world, service, port, &labels);
    // istiod makes no cluster of names without a name (`buildCluster`).
    if cluster.endpoints.is_empty() && cluster.discovery.ends_with("_DNS") {
        return None;
    }
    if policy.passthrough.is_some() {
        cluster.discovery = "ORIGINAL_DST".into();
        cluster.endpoints.clear();
    }
    let rule = merged.map(|m| {
        m.from[0]
            .reference(crate::kubernetes::Kind::DestinationRule)
            .into()
    });
    let because: Option<Place> = policy.tls.as_ref().map(|(_, place)| place.clone()).or(rule);
    cluster.config = because.as_ref().map(config);
    secure(&mut cluster, (service, node), &policy);
    Some(cluster)
}

fn fixed(name: &ClusterName) -> Option<Cluster> {
    let passthrough = *name == ClusterName::Passthrough;
    let cluster = || Cluster {
        name: name.to_string(),
        discovery: "ORIGINAL_DST".into(),
        ..Cluster::default()
    };
    passthrough.then(cluster)
}

/// NONE behind a gateway has nowhere to go: istiod makes it a cluster without endpoints there.
fn discovery(service: &Registered<'_>, node: &Node) -> &'static str {
    match service.resolution() {
        Resolution::None if node.router => "EDS",
        Resolution::None => "ORIGINAL_DST",
        Resolution::Static => "EDS",
        Resolution::Dns => "STRICT_DNS",
        Resolution::DnsRoundRobin => "LOGICAL_DNS",
        Resolution::DynamicDns => "envoy.clusters.dynamic_forward_proxy",
    }
}

/// Endpoints that carry all of a subset's labels.
///
/// Source: pilot/pkg/xds/endpoints/endpoint_builder.go (`filterIstioEndpoint`).
fn endpoints(
    world: &World<'_>,
    service: &Registered<'_>,
    port: &Port,
    labels: &Labels,
) -> Vec<Endpoint> {
    let all = labelled_endpoints(world, service, port).into_iter();
    let carries = |own: &Labels| {
        labels
            .iter()
            .all(|(key, value)| own.get(key) == Some(value))
    };
    all.filter(|(_, own)| carries(own))
        .map(|(endpoint, _)| endpoint)
        .collect()
}

/// Whether a subset of a host selects none of the endpoints that the host has.
pub fn selects_nothing(
    world: &World<'_>,
    service: &Registered<'_>,
    port: &Port,
    labels: &Labels,
) -> bool {
    endpoints(world, service, port, labels).is_empty()
        && !endpoints(world, service, port, &Labels::new()).is_empty()
}

/// Endpoints as far as objects name them, each with its labels. A name that the proxy will resolve
/// stands for its addresses, and has no labels.
fn labelled_endpoints(
    world: &World<'_>,
    service: &Registered<'_>,
    port: &Port,
) -> Vec<(Endpoint, Labels)> {
    match service.origin {
        Origin::Service(object) => of_service(world, object, port),
        Origin::Entry(entry) if entry.spec.workload_selector.is_some() => {
            selected(world, entry, port)
        }
        Origin::Entry(entry) => {
            let spec = &entry.spec;
            let target = port.target.unwrap_or(port.number);
            if spec.endpoints.is_empty() {
                let resolved =
                    matches!(spec.resolution, Resolution::Dns | Resolution::DnsRoundRobin);
                let named = resolved.then(|| (at(&service.host, target), Labels::new()));
                return named.into_iter().collect();
            }
            let mut all = Vec::new();
            for endpoint in &spec.endpoints {
                let number = endpoint.ports.get(&port.name).copied().unwrap_or(target);
                all.push((at(&endpoint.address, number), endpoint.labels.clone()));
            }
            all
        }
    }
}

/// The pods and `WorkloadEntries` of the entry's own namespace that its selector takes.
///
/// Source: pilot/pkg/serviceregistry/serviceentry/conversion.go
/// (`convertWorkloadInstanceToServiceInstance`, `convertWorkloadEntryToServiceInstances`).
fn selected(world: &World<'_>, entry: &ServiceEntry, port: &Port) -> Vec<(Endpoint, Labels)> {
    let Some(selector) = &entry.spec.workload_selector else {
        return Vec::new();
    };
    let target = port.target.unwrap_or(port.number);
    let mut all = Vec::new();
    for pod in world.pods_of(entry.namespace()).filter(|p| p.is_ready()) {
        if selector.matches(&pod.metadata.labels) {
            all.extend(of_pod(pod, target));
        }
    }
    for workload in world.selected_workloads(entry) {
        let number = workload.spec.ports.get(&port.name).copied();
        let endpoint = at(&workload.spec.address, number.unwrap_or(target));
        all.push((endpoint, labels_of(workload)));
    }
    all
}

impl<'a> World<'a> {
    /// The WorkloadEntries that an entry's selector takes.
    pub fn selected_workloads(&self, entry: &ServiceEntry) -> Vec<&'a WorkloadEntry> {
        let Some(selector) = &entry.spec.workload_selector else {
            return Vec::new();
        };
        let all = self.snapshot.objects.workload_entries.iter();
        let here = all.filter(|workload| {
            workload.namespace() == entry.namespace() && is_read(self.snapshot, &workload.metadata)
        });
        here.filter(|workload| selector.matches(&labels_of(workload)))
            .collect()
    }
}

/// The labels of a WorkloadEntry: those of its own stand over those of its spec.
fn labels_of(workload: &WorkloadEntry) -> Labels {
    let mut labels = workload.spec.labels.clone();
    labels.extend(workload.metadata.labels.clone());
    labels
}

fn of_service(world: &World<'_>, service: &Service, port: &Port) -> Vec<(Endpoint, Labels)> {
    let objects = &world.snapshot.objects;
    let mut all = Vec::new();
    if service.spec.selector.is_empty() {
        let slices = objects
            .endpoint_slices
            .iter()
            .filter(|s| s.is_of(service.namespace(), service.name()));
        for (address, number) in slices.flat_map(|s| s.ready(&port.name)) {
            let endpoint = at(address, number.unwrap_or(port.number));
            all.push((endpoint, Labels::new()));
        }
        return all;
    }
    let declared = service.spec.ports.get(port.index);
    for pod in world.pods_behind(service).filter(|p| p.is_ready()) {
        let number = declared.and_then(|port| port.on(Some(pod)));
        all.extend(number.and_then(|number| of_pod(pod, number)));
    }
    all
}

fn of_pod(pod: &Pod, port: u16) -> Option<(Endpoint, Labels)> {
    if pod.status.pod_ip.is_empty() {
        return None;
    }
    let mode = pod
        .metadata
        .label(TLS_MODE)
        .map(|m| ("tlsMode".to_owned(), m.to_owned()));
    let endpoint = Endpoint {
        labels: mode.into_iter().collect(),
        ..at(&pod.status.pod_ip, port)
    };
    Some((endpoint, pod.metadata.labels.clone()))
}

fn at(host: &str, port: u16) -> Endpoint {
    let address = if host.contains(':') {
        format!("[{host}]:{port}")
    } else {
        format!("{host}:{port}")
    };
    Endpoint {
        address,
        ..Endpoint::default()
    }
}

fn secure(cluster: &mut Cluster, (service, node): (&Registered<'_>, &Node), policy: &Policy) {
    let Some((wanted, _)) = &policy.tls else {
        if service.is_kubernetes() {
            let tls = Some(ClientTls {
                sni: Some(mesh_sni(&cluster.name)),
                ..of_mesh(&[])
            });
            let labels = [("tlsMode".to_owned(), "istio".to_owned())].into();
            cluster.socket_matches = vec![SocketMatch {
                name: "tlsMode-istio".into(),
                labels,
                tls,
            }];
        }
        return;
    };
    let ignored = wanted.credential_name.is_some() && !node.router && !policy.selected;
    match wanted.mode {
        TlsMode::Simple | TlsMode::Mutual if ignored => {}
        TlsMode::Disable => {}
        TlsMode::IstioMutual => {
            let sni = wanted
                .sni
                .clone()
                .unwrap_or_else(|| mesh_sni(&cluster.name));
            cluster.tls = Some(ClientTls {
                sni: Some(sni),
                ..of_mesh(&wanted.subject_alt_names)
            });
        }
        TlsMode::Simple | TlsMode::Mutual => originate(cluster, service, wanted),
    }
}

/// `outbound_.443_.cnn_.HOST`: what is sent where a rule names no SNI.
pub fn mesh_sni(cluster: &str) -> String {
    cluster.replace('|', "_.")
}

fn of_mesh(names: &[String]) -> ClientTls {
    ClientTls {
        names: names.to_vec(),
        certificate: Some("default".into()),
        roots: Some("ROOTCA".into()),
        ..ClientTls::default()
    }
}

/// An explicit `sni` without names takes the check of the certificate's names away
/// (`setAutoSniAndAutoSanValidation`).
fn originate(cluster: &mut Cluster, service: &Registered<'_>, wanted: &WantedTls) {
    let unchecked = wanted.insecure_skip_verify == Some(true);
    let said = &wanted.subject_alt_names;
    let of_entry = service
        .entry()
        .map(|e| e.spec.subject_alt_names.clone())
        .unwrap_or_default();
    let sni = wanted.sni.clone().filter(|s| !s.is_empty());
    cluster.sni_from_host = sni.is_none();
    cluster.names_from_host = sni.is_none() && said.is_empty() && !unchecked;
    let credential = wanted.credential_name.as_ref();
    let mutual = wanted.mode == TlsMode::Mutual;
    let file = || {
        wanted
            .client_certificate
            .as_ref()
            .map(|f| format!("file-cert:{f}"))
    };
    let roots = match (credential, &wanted.ca_certificates) {
        _ if unchecked => None,
        (Some(name), _) => Some(format!("kubernetes://{name}-cacert")),
        (None, Some(path)) => Some(format!("file-root:{path}")),
        (None, None) => Some("file-root:system".into()),
    };
    cluster.tls = Some(ClientTls {
        sni,
        names: if said.is_empty() {
            of_entry
        } else {
            said.clone()
        },
        certificate: credential
            .map(|c| format!("kubernetes://{c}"))
            .or_else(file)
            .filter(|_| mutual),
        roots,
        ..ClientTls::default()
    });
}
