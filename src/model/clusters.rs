//! The clusters of a proxy: how it reaches a host, at which endpoints, and over which TLS.
//!
//! Source: pilot/pkg/networking/core/cluster_builder.go, cluster_tls.go, cluster.go.

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
use crate::kubernetes::Place;
use crate::kubernetes::pod::Pod;
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
    let (service, port) = scope.declares(host, *port)?;
    let found = rule(world, node, service);
    let merged = found.as_ref().and_then(Lookup::rule);
    if !subset.is_empty() {
        let dynamic = service.resolution() == Resolution::DynamicDns;
        merged.filter(|_| !dynamic)?.subset(subset)?;
    }
    let policy = merged
        .map(|r| r.policy(subset, port.number))
        .unwrap_or_default();
    let mut cluster = Cluster {
        name: name.to_string(),
        ..Cluster::default()
    };
    cluster.discovery = discovery(service, node).into();
    cluster.endpoints = endpoints(world, service, port);
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

/// Endpoints as far as objects name them. A name that the proxy will resolve stands for its
/// addresses.
fn endpoints(world: &World<'_>, service: &Registered<'_>, port: &Port) -> Vec<Endpoint> {
    match service.origin {
        Origin::Service(object) => of_service(world, object, port),
        Origin::Entry(entry) => {
            let spec = &entry.spec;
            if let Some(selector) = &spec.workload_selector {
                let pods = world.pods_of(entry.namespace());
                return pods
                    .filter(|p| selector.matches(&p.metadata.labels))
                    .filter(|p| p.is_ready())
                    .filter_map(|p| of_pod(p, port.target?))
                    .collect();
            }
            let target = port.target.unwrap_or(port.number);
            if spec.endpoints.is_empty() {
                let resolved =
                    matches!(spec.resolution, Resolution::Dns | Resolution::DnsRoundRobin);
                return if resolved {
                    vec![at(&service.host, target)]
                } else {
                    Vec::new()
                };
            }
            let to = |e: &crate::istio::service_entry::Endpoint| {
                at(
                    &e.address,
                    e.ports.get(&port.name).copied().unwrap_or(target),
                )
            };
            spec.endpoints.iter().map(to).collect()
        }
    }
}

fn of_service(world: &World<'_>, service: &Service, port: &Port) -> Vec<Endpoint> {
    let objects = &world.snapshot.objects;
    if service.spec.selector.is_empty() {
        let slices = objects
            .endpoint_slices
            .iter()
            .filter(|s| s.is_of(service.namespace(), service.name()));
        let addresses = slices.flat_map(|s| {
            s.ready(&port.name)
                .map(|(address, port)| (address.to_owned(), port))
        });
        return addresses
            .map(|(address, number)| at(&address, number.unwrap_or(port.number)))
            .collect();
    }
    let pods = world.pods_behind(service).filter(|p| p.is_ready());
    let target = |p: &Pod| {
        service
            .spec
            .ports
            .get(port.index)
            .and_then(|s| s.on(Some(p)))
    };
    pods.filter_map(|p| of_pod(p, target(p)?)).collect()
}

fn of_pod(pod: &Pod, port: u16) -> Option<Endpoint> {
    let mode = pod
        .metadata
        .label(TLS_MODE)
        .map(|m| ("tlsMode".to_owned(), m.to_owned()));
    let labels = mode.into_iter().collect();
    (!pod.status.pod_ip.is_empty()).then(|| Endpoint {
        labels,
        ..at(&pod.status.pod_ip, port)
    })
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
