//! The whole of what setup is to write, as a value: the gateway, the records and the objects.

use crate::flow::{Flow, GatewayPlace, Hop, Part, Piece, RoutedPort};
use crate::install::{GatewayPatch, Installer, Work};
use crate::kubernetes::pod::Pod;
use crate::kubernetes::{ObjectRef, Right};
use crate::model::target::Host;
use crate::plan::{
    ClientPods, GatewayRecord, HostRecord, Inventory, Owner, Phase, Record, RecordName, Stamp,
    Wanted, reference,
};
use crate::rights;
use crate::snapshot::Snapshot;
use serde_json::Value;
use std::collections::BTreeSet;

/// A gateway, and what makes it where it is not there.
pub(crate) struct GatewayPlan {
    pub(crate) place: GatewayPlace,
    pub(crate) ports: Vec<u16>,
    pub(crate) objects: Vec<Value>,
    /// The patch of a gateway that we install.
    pub(crate) patch: Option<GatewayPatch>,
    /// Who installs it.
    pub(crate) installer: Installer,
    /// What that changes of somebody else's.
    pub(crate) work: Option<Work>,
}

/// What one run is to write, and what was there before.
pub(crate) struct SetupPlan {
    pub(crate) gateway: GatewayPlan,
    /// The record of the gateway as it will be, where something of it is ours.
    pub(crate) gateway_record: Option<GatewayRecord>,
    pub(crate) inventory: Inventory,
    pub(crate) clients: Vec<ClientPods>,
    pub(crate) hosts: Vec<HostPlan>,
    pub(crate) stamp: Stamp,
    /// The records of these hosts, as they are.
    pub(crate) before: Vec<HostRecord>,
    /// The record of the gateway, as it is.
    pub(crate) gateway_before: Option<GatewayRecord>,
    /// Why a hop is plain that could have been mutual TLS.
    pub(crate) reasons: Vec<String>,
    /// What is likely not to work as the cluster is.
    pub(crate) doubts: Vec<String>,
    /// All pods of all clients that have a sidecar.
    pub(crate) pods: Vec<Pod>,
}

/// A host with the objects that route it; `record.objects` is still that of the last run.
pub(crate) struct HostPlan {
    pub(crate) record: HostRecord,
    pub(crate) objects: Vec<Piece>,
    /// The clients that this run is for.
    pub(crate) requested: BTreeSet<String>,
    /// Namespaces in which objects may be created for them.
    pub(crate) places: BTreeSet<String>,
    /// A name to ask for.
    pub(crate) asked: Host,
}

impl HostPlan {
    /// Whether a namespace calls it.
    pub(crate) fn calls(&self, namespace: &str) -> bool {
        self.record.is_called_from(namespace)
    }
}

impl SetupPlan {
    /// Whether Istio's own installer has still to make the gateway.
    pub(crate) fn installs(&self, snapshot: &Snapshot) -> bool {
        let place = &self.gateway.place;
        let mut services = snapshot.objects.services.iter();
        let there = services.any(|s| s.namespace() == place.namespace && s.name() == place.service);
        self.gateway.work.is_some() && !there
    }

    /// Every object, in a safe order of writing.
    pub(crate) fn objects(&self) -> Vec<Value> {
        let hosts = self.hosts.iter().flat_map(|h| &h.objects);
        let gateway = self.gateway.objects.iter().cloned();
        gateway
            .chain(hosts.map(|piece| piece.body.clone()))
            .collect()
    }

    /// The same, with the record that each belongs to.
    pub(crate) fn pieces(&self) -> Vec<Wanted> {
        let mut all = Vec::new();
        let gateway = RecordName::Gateway {
            namespace: self.gateway.place.namespace.clone(),
            service: self.gateway.place.service.clone(),
        };
        for body in &self.gateway.objects {
            all.push(Wanted {
                record: gateway.clone(),
                part: Part::Gateway,
                body: body.clone(),
                optional: false,
            });
        }
        for host in &self.hosts {
            for piece in &host.objects {
                let namespace = piece.body["metadata"]["namespace"].as_str();
                let asked = namespace.is_some_and(|namespace| host.places.contains(namespace));
                all.push(Wanted {
                    record: host.record.name(),
                    part: piece.part,
                    body: piece.body.clone(),
                    optional: !asked,
                });
            }
        }
        all
    }

    /// Whether a gateway's record says nothing new.
    pub(crate) fn gateway_is_settled(&self, record: &GatewayRecord) -> bool {
        record.phase == Phase::Settled && self.gateway_before.as_ref() == Some(record)
    }

    /// What tells the objects of these records from those of others.
    pub(crate) fn owners(&self) -> Vec<Owner> {
        let hosts = self.hosts.iter().map(|host| host.record.owner());
        let gateway = self.gateway_record.iter().map(Record::owner);
        hosts.chain(gateway).collect()
    }

    /// What writing it takes.
    pub(crate) fn rights(&self) -> BTreeSet<Right> {
        let objects = self.objects();
        let records = self.owners();
        let records = records.iter().map(|owner| owner.record.object());
        let written = objects.iter().filter_map(reference).chain(records);
        let written: Vec<ObjectRef> = written.collect();
        rights::of_objects(&written)
    }

    /// The path of each port, from the clients to the host, a line each.
    pub(crate) fn paths(&self) -> Vec<String> {
        let hosts = self.hosts.iter();
        let ports =
            hosts.flat_map(|host| host.record.ports.iter().map(move |routed| (host, routed)));
        ports
            .map(|(host, routed)| self.path(host, routed))
            .collect()
    }

    fn path(&self, host: &HostPlan, routed: &RoutedPort) -> String {
        let place = &self.gateway.place;
        let hop = if routed.hop == Hop::Mutual {
            " (mutual TLS)"
        } else {
            ""
        };
        let clients: Vec<&str> = host.record.served_clients().collect();
        let clients = clients.join(", ");
        let server = host.record.server();
        let by = if *server == host.record.host {
            String::new()
        } else {
            format!(" at {server}")
        };
        format!(
            "  {clients} \u{2192} {}/{}:{}{hop} \u{2192} {}:{} ({}){by}",
            place.namespace,
            place.service,
            routed.gateway_port,
            host.record.host,
            routed.port,
            routed.flow.name()
        )
    }

    /// Hosts of the web of which a port is not routed, and so leaves directly.
    pub(crate) fn hosts_without(&self, port: u16) -> Vec<String> {
        let of_web = |host: &&HostPlan| host.record.ports.iter().any(|w| w.flow != Flow::Tcp);
        let open = |host: &&HostPlan| host.record.ports.iter().all(|w| w.port != port);
        let hosts = self.hosts.iter().filter(of_web).filter(open);
        hosts.map(|host| host.record.host.to_string()).collect()
    }

    /// The objects in two: for the owners of the gateway's namespace, and for the clients'.
    pub(crate) fn halves(&self) -> (Vec<Value>, Vec<Value>) {
        let gateway = self.gateway.place.namespace.as_str();
        self.objects().into_iter().partition(|object| {
            let namespace = object["metadata"]["namespace"].as_str().unwrap_or_default();
            namespace == gateway || !self.hosts.iter().any(|host| host.calls(namespace))
        })
    }
}
