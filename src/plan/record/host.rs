//! A host that is routed through a gateway.

use super::{Members, Phase, Record, RecordName, Stamp, Version, is_name};
use crate::flow::{Names, RoutedPort};
use crate::kubernetes::{Kind, ObjectRef};
use crate::model::target::{Host, Target, is_label};
use crate::snapshot::RecordedHost;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::net::IpAddr;

/// A host, how it is carried, who calls it, and what it is made of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HostRecord {
    /// The gateway's namespace, in which the record lies.
    #[serde(skip)]
    pub namespace: String,
    /// The host.
    pub host: Host,
    /// The gateway's Service.
    pub service: String,
    /// Its ports.
    pub ports: Vec<RoutedPort>,
    /// The namespaces that call it.
    pub clients: BTreeMap<String, Phase>,
    /// Its addresses, where bytes without a name are told apart by them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub addresses: Vec<IpAddr>,
    /// Principals that may call; empty is everybody.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub allow: Vec<String>,
    /// The one server that answers for a wildcard.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server: Option<Host>,
    /// The name of the file that it came from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub set: Option<String>,
    /// Who changed it last, when and by which command.
    pub by: Stamp,
    /// How often a setup took it over from a cleanup.
    #[serde(default, skip_serializing_if = "super::gateway::is_zero")]
    pub epoch: u32,
    /// The objects.
    pub objects: Members,
    /// The version that was read.
    #[serde(skip)]
    pub version: Option<Version>,
}

impl HostRecord {
    /// Where the gateway reaches it.
    pub fn server(&self) -> &Host {
        self.server.as_ref().unwrap_or(&self.host)
    }

    /// A name to ask for: the host, or one that a wildcard stands for, its server if it is.
    pub fn asked(&self) -> Host {
        let server = self.server();
        if self.host.covers(server) {
            server.clone()
        } else {
            self.host.example()
        }
    }

    /// The namespaces that call it, and are not about to stop.
    pub fn served_clients(&self) -> impl Iterator<Item = &str> {
        let stays = |(_, phase): &(&String, &Phase)| **phase != Phase::Leaving;
        self.clients
            .iter()
            .filter(stays)
            .map(|(name, _)| name.as_str())
    }

    /// Whether a namespace calls it, and is not about to stop.
    pub fn is_called_from(&self, namespace: &str) -> bool {
        self.served_clients().any(|client| client == namespace)
    }

    /// Let go of clients whose namespace was deleted, and of the objects that went with it.
    #[must_use]
    pub fn without_namespaces(mut self, gone: &[String]) -> Self {
        self.clients.retain(|client, _| !gone.contains(client));
        self.objects
            .retain(|object| !gone.contains(&object.namespace));
        self
    }

    /// The same in the snapshot's words.
    pub fn recorded(&self) -> RecordedHost {
        let target = |routed: &RoutedPort| Target {
            host: self.host.clone(),
            port: routed.port,
            protocol: routed.protocol,
        };
        RecordedHost {
            targets: self.ports.iter().map(target).collect(),
            gateway_namespace: self.namespace.clone(),
            gateway_service: self.service.clone(),
            clients: self.served_clients().map(str::to_owned).collect(),
        }
    }

    /// Whether setup would give an object of this host that kind, place and name.
    pub fn could_have(namespace: &str, host: &Host, object: &ObjectRef) -> bool {
        let names = Names::of(host);
        let name = object.name.as_str();
        let port = |prefix: String| {
            let port = name.strip_prefix(&prefix).and_then(|p| p.strip_prefix('-'));
            port.is_some_and(|p| p.parse::<u16>().is_ok())
        };
        if !is_label(&object.namespace) {
            return false;
        }
        let beside_gateway = object.namespace == namespace;
        match object.kind {
            Kind::ServiceEntry => {
                beside_gateway && (name == names.object() || name == names.server())
            }
            Kind::Gateway => beside_gateway && name == names.object(),
            Kind::AuthorizationPolicy => beside_gateway && name == names.allow(),
            Kind::Service => beside_gateway && port(names.object()),
            Kind::VirtualService => {
                name == names.object()
                    || beside_gateway && (name == names.at_gateway() || port(names.at_gateway()))
            }
            Kind::DestinationRule => {
                name == names.object() || beside_gateway && name == names.outside()
            }
            _ => false,
        }
    }
}

impl Record for HostRecord {
    fn name(&self) -> RecordName {
        RecordName::Host {
            namespace: self.namespace.clone(),
            host: self.host.clone(),
        }
    }

    fn members(&self) -> &Members {
        &self.objects
    }

    fn unsettled(&self) -> bool {
        self.clients.values().any(|phase| *phase != Phase::Settled)
    }

    fn epoch(&self) -> u32 {
        self.epoch
    }

    fn version(&self) -> Option<&Version> {
        self.version.as_ref()
    }

    fn stands(&mut self, namespace: &str, version: Option<Version>) {
        namespace.clone_into(&mut self.namespace);
        self.version = version;
    }

    fn fault(&self) -> Option<String> {
        if !is_name(&self.service) {
            return Some(format!("{:?} is not the name of a Service", self.service));
        }
        if let Some(client) = self.clients.keys().find(|client| !is_label(client)) {
            return Some(format!("{client:?} is not the name of a namespace"));
        }
        let strange = |object: &&ObjectRef| {
            let follows = Self::could_have(&self.namespace, &self.host, object);
            let calls = object.kind != Kind::VirtualService
                || object.namespace == self.namespace
                || self.clients.contains_key(&object.namespace);
            !(follows && calls)
        };
        let strange = self.objects.objects().find(strange)?;
        Some(format!(
            "{strange} is not an object that setup makes for {}",
            self.host
        ))
    }
}
