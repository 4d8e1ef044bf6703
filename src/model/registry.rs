//! The registry: every host that a Kubernetes Service or a ServiceEntry declares, as istiod counts
//! them, oldest first.
//!
//! Source: pilot/pkg/serviceregistry/serviceentry/conversion.go (`convertServices`),
//! serviceregistry/kube/conversion.go, pilot/pkg/model/push_context.go (`initServiceRegistry`).

use super::discovery::{is_read, selects_namespace};
use super::visibility::Exports;
use crate::istio::service_entry::{AUTO_ADDRESS_LABEL, Resolution};
use crate::istio::{Protocol, ServiceEntry};
use crate::kubernetes::service::{Service, TargetPort};
use crate::kubernetes::{Kind, Meta, ObjectRef, Place};
use crate::snapshot::Snapshot;

/// One host of one object, at one of its addresses: istiod makes a service of each.
#[derive(Clone, Debug)]
pub struct Registered<'a> {
    /// The host.
    pub host: String,
    /// What declares it.
    pub origin: Origin<'a>,
    /// The address or range it listens for; none is every address.
    pub address: Option<String>,
    /// An address that istiod allocated; counts only for proxies that capture DNS.
    pub allocated: Option<String>,
    /// The ports.
    pub ports: Vec<Port>,
    /// Who sees it.
    pub exports: Exports,
}

/// What declares a host.
#[derive(Clone, Copy, Debug)]
pub enum Origin<'a> {
    /// Kubernetes.
    Service(&'a Service),
    /// Istio.
    Entry(&'a ServiceEntry),
}

/// One port of a host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Port {
    /// What clients use.
    pub number: u16,
    /// Its name.
    pub name: String,
    /// How istiod treats it.
    pub protocol: Protocol,
    /// What the endpoint listens on, where that is a number.
    pub target: Option<u16>,
    /// Its place among the object's ports.
    pub index: usize,
}

impl<'a> Registered<'a> {
    /// The metadata of what declares it.
    pub fn meta(&self) -> &'a Meta {
        match self.origin {
            Origin::Service(service) => &service.metadata,
            Origin::Entry(entry) => &entry.metadata,
        }
    }

    /// The namespace of what declares it.
    pub fn namespace(&self) -> &'a str {
        &self.meta().namespace
    }

    /// What declares it.
    pub fn object(&self) -> ObjectRef {
        match self.origin {
            Origin::Service(service) => service.reference(Kind::Service),
            Origin::Entry(entry) => entry.reference(Kind::ServiceEntry),
        }
    }

    /// Whether Kubernetes declares it.
    pub fn is_kubernetes(&self) -> bool {
        matches!(self.origin, Origin::Service(_))
    }

    /// The ServiceEntry, if one declares it.
    pub fn entry(&self) -> Option<&'a ServiceEntry> {
        match self.origin {
            Origin::Entry(entry) => Some(entry),
            Origin::Service(_) => None,
        }
    }

    /// Whether it is outside the mesh: istiod then starts no mutual TLS by itself.
    pub fn is_external(&self) -> bool {
        self.entry()
            .is_some_and(|e| e.spec.location != "MESH_INTERNAL")
    }

    /// How endpoints are found; a Kubernetes Service's are listed.
    pub fn resolution(&self) -> Resolution {
        match self.origin {
            Origin::Entry(entry) => entry.spec.resolution,
            Origin::Service(service) if service.spec.cluster_ip == "None" => Resolution::None,
            Origin::Service(_) => Resolution::Static,
        }
    }

    /// The port with that number.
    pub fn port(&self, number: u16) -> Option<&Port> {
        self.ports.iter().find(|p| p.number == number)
    }

    /// The field that declares a port.
    pub fn port_place(&self, port: &Port) -> Place {
        self.object().at(format!("spec.ports[{}]", port.index))
    }

    /// The address that a proxy listens on for it; `dns` is whether the proxy answers its
    /// application's DNS questions.
    pub fn listens_on(&self, dns: bool) -> Option<&str> {
        self.address
            .as_deref()
            .or_else(|| self.allocated.as_deref().filter(|_| dns))
    }
}

/// All hosts, oldest first.
pub(super) fn registry(snapshot: &Snapshot) -> Vec<Registered<'_>> {
    let services = snapshot
        .objects
        .services
        .iter()
        .filter(|s| selects_namespace(snapshot, s.namespace()))
        .filter_map(|s| of_service(s, snapshot));
    let entries = snapshot
        .objects
        .service_entries
        .iter()
        .filter(|e| is_read(snapshot, &e.metadata))
        .flat_map(|e| of_entry(e, snapshot));
    let mut all: Vec<Registered> = services.chain(entries).collect();
    all.sort_by(|a, b| order(a).cmp(&order(b)));
    all
}

/// `SortServicesByCreationTime`: a ServiceEntry's name there is its host.
fn order<'r>(service: &'r Registered<'_>) -> (bool, &'r str, &'r str, &'r str) {
    let meta = service.meta();
    let name = if service.is_kubernetes() {
        meta.name.as_str()
    } else {
        service.host.as_str()
    };
    (
        meta.creation_timestamp.is_empty(),
        &meta.creation_timestamp,
        name,
        &meta.namespace,
    )
}

/// A Service of type `ExternalName` is an alias: it gets no listener and no host of its own.
fn of_service<'a>(service: &'a Service, snapshot: &Snapshot) -> Option<Registered<'a>> {
    if service.spec.kind == "ExternalName" {
        return None;
    }
    let said = service
        .metadata
        .annotation("networking.istio.io/exportTo")
        .unwrap_or_default();
    let said: Vec<String> = said
        .split(',')
        .map(str::trim)
        .filter(|s| !s.is_empty())
        .map(str::to_owned)
        .collect();
    let ports = service
        .spec
        .ports
        .iter()
        .enumerate()
        .map(|(index, port)| Port {
            number: port.port,
            name: port.name.clone(),
            protocol: Protocol::of_service_port(
                port.port,
                &port.name,
                port.app_protocol.as_deref(),
                &port.protocol,
            ),
            target: match &port.target_port {
                None | Some(TargetPort::Number(0)) => Some(port.port),
                Some(TargetPort::Number(number)) => Some(*number),
                Some(TargetPort::Name(_)) => None,
            },
            index,
        });
    Some(Registered {
        host: service.hostname(&snapshot.mesh.domain),
        origin: Origin::Service(service),
        address: service.address().map(str::to_owned),
        allocated: None,
        ports: ports.collect(),
        exports: Exports::of(
            &said,
            &snapshot.mesh.config.default_service_export_to,
            service.namespace(),
        ),
    })
}

fn of_entry<'a>(entry: &'a ServiceEntry, snapshot: &Snapshot) -> Vec<Registered<'a>> {
    let spec = &entry.spec;
    let exports = Exports::of(
        &spec.export_to,
        &snapshot.mesh.config.default_service_export_to,
        entry.namespace(),
    );
    let ports: Vec<Port> = spec.ports.iter().enumerate().map(entry_port).collect();
    let mut all = Vec::new();
    for host in &spec.hosts {
        let host = host.to_ascii_lowercase();
        let addresses: Vec<Option<String>> = match spec.addresses.as_slice() {
            [] => vec![None],
            some => some.iter().map(|a| Some(single(a))).collect(),
        };
        for address in addresses {
            let allocated = allocated(entry, &host, snapshot).filter(|_| address.is_none());
            all.push(Registered {
                host: host.clone(),
                origin: Origin::Entry(entry),
                address,
                allocated,
                ports: ports.clone(),
                exports: exports.clone(),
            });
        }
    }
    all
}

fn entry_port((index, port): (usize, &crate::istio::service_entry::EntryPort)) -> Port {
    Port {
        number: port.number,
        name: port.name.clone(),
        protocol: Protocol::parse(&port.protocol),
        target: Some(port.target_port.unwrap_or(port.number)),
        index,
    }
}

/// A range of one address is that address.
fn single(address: &str) -> String {
    address
        .strip_suffix("/32")
        .or_else(|| address.strip_suffix("/128"))
        .unwrap_or(address)
        .to_owned()
}

/// The address that istiod allocated for the host, or will: a planned host gets a stand-in of its
/// own, since no two hosts share one.
///
/// Source: pilot/pkg/networking/serviceentry/ip_autoallocation.go (`ShouldV2AutoAllocateIP`).
fn allocated(entry: &ServiceEntry, host: &str, snapshot: &Snapshot) -> Option<String> {
    if !takes_allocation(entry, host, snapshot) {
        return None;
    }
    let found = entry
        .status
        .addresses
        .iter()
        .find(|a| (a.host.is_empty() || a.host == host) && !a.value.contains(':'));
    Some(found.map_or_else(|| planned(host), |a| a.value.clone()))
}

/// One of 240.240.0.0/16, by the host.
fn planned(host: &str) -> String {
    let hash = host.bytes().fold(0x811c_9dc5_u32, |hash, byte| {
        (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
    });
    let [_, _, third, fourth] = (hash ^ (hash >> 16)).to_be_bytes();
    format!("240.240.{third}.{fourth}")
}

/// Whether istiod allocates an address for a host of this entry.
pub fn takes_allocation(entry: &ServiceEntry, host: &str, snapshot: &Snapshot) -> bool {
    let spec = &entry.spec;
    let release = snapshot.mesh.release();
    let on = release.has_allocation_switch()
        && snapshot.mesh.feature(
            "PILOT_ENABLE_IP_AUTOALLOCATE",
            release.allocates_addresses(),
        );
    let opted_out = entry
        .metadata
        .label(AUTO_ADDRESS_LABEL)
        .is_some_and(|v| v.eq_ignore_ascii_case("false"));
    let wild = super::hosts::is_wild(host) && spec.resolution != Resolution::DynamicDns;
    on && !opted_out && spec.addresses.is_empty() && spec.resolution != Resolution::None && !wild
}
