//! All records of a cluster, or of a part of it.

use super::{
    GatewayRecord, HostRecord, InjectionRecord, LockdownRecord, Members, Owner, Record, RecordName,
    from_object,
};
use crate::kubernetes::workload::Namespace;
use crate::kubernetes::{Kind, Meta, ObjectRef};
use crate::model::target::Host;
use crate::snapshot::{RecordedHost, Snapshot};
use serde_json::Value;
use std::collections::BTreeSet;

/// All records that were read, and what could not be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Inventory {
    /// The hosts.
    pub hosts: Vec<HostRecord>,
    /// The gateways that we installed or added to.
    pub gateways: Vec<GatewayRecord>,
    /// The namespaces that we gave sidecars.
    pub injections: Vec<InjectionRecord>,
    /// The namespaces that are locked down.
    pub lockdowns: Vec<LockdownRecord>,
    /// Records that are not believed.
    pub unreadable: Vec<Unreadable>,
    /// Why only a part of the cluster was looked at.
    pub partial: Option<String>,
}

/// A `ConfigMap` that carries our labels and is no record of ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreadable {
    /// The object.
    pub object: ObjectRef,
    /// Why it is not believed.
    pub why: String,
}

impl Unreadable {
    /// In one line.
    pub fn line(&self) -> String {
        format!(
            "{} is not a record of ours and is left alone: {}",
            self.object, self.why
        )
    }
}

impl Inventory {
    /// Sort what a list of `ConfigMap`s with our labels holds.
    pub fn read(maps: &[Value]) -> Self {
        let mut inventory = Self::default();
        for map in maps {
            let text = |pointer: &str| map.pointer(pointer).and_then(Value::as_str);
            let name = text("/metadata/name").unwrap_or_default();
            let namespace = text("/metadata/namespace").unwrap_or_default();
            if let Err(why) = inventory.take(name, map) {
                let object = ObjectRef::new(Kind::ConfigMap, namespace, name);
                inventory.unreadable.push(Unreadable { object, why });
            }
        }
        inventory
    }

    fn take(&mut self, name: &str, map: &Value) -> Result<(), String> {
        let kind = name.strip_prefix("kubectl-egress-").unwrap_or_default();
        if kind.starts_with("host-") {
            self.hosts.push(from_object(map)?);
        } else if kind.starts_with("gateway-") {
            self.gateways.push(from_object(map)?);
        } else if kind == "injection" {
            self.injections.push(from_object(map)?);
        } else if kind == "lockdown" {
            self.lockdowns.push(from_object(map)?);
        } else {
            return Err("it does not have the name of a record".into());
        }
        Ok(())
    }

    /// What lies in the place of a record and is none.
    pub fn in_place_of(&self, name: &RecordName) -> Option<&Unreadable> {
        let object = name.object();
        self.unreadable.iter().find(|found| found.object == object)
    }

    /// Add what another list holds.
    pub fn extend(&mut self, other: Self) {
        self.hosts.extend(other.hosts);
        self.gateways.extend(other.gateways);
        self.injections.extend(other.injections);
        self.lockdowns.extend(other.lockdowns);
        self.unreadable.extend(other.unreadable);
    }

    /// A host's record at the gateways of a namespace.
    pub fn host(&self, namespace: &str, host: &Host) -> Option<&HostRecord> {
        self.hosts
            .iter()
            .find(|record| record.namespace == namespace && record.host == *host)
    }

    /// A gateway's record.
    pub fn gateway(&self, namespace: &str, service: &str) -> Option<&GatewayRecord> {
        self.gateways
            .iter()
            .find(|record| record.namespace == namespace && record.service == service)
    }

    /// The record of a namespace's sidecars.
    pub fn injection(&self, namespace: &str) -> Option<&InjectionRecord> {
        self.injections
            .iter()
            .find(|record| record.namespace == namespace)
    }

    /// The record of a namespace's lockdown.
    pub fn lockdown(&self, namespace: &str) -> Option<&LockdownRecord> {
        self.lockdowns
            .iter()
            .find(|record| record.spec.namespace == namespace)
    }

    /// The owners of all objects.
    pub fn owners(&self) -> Vec<Owner> {
        let hosts = self.hosts.iter().map(Record::owner);
        let gateways = self.gateways.iter().map(Record::owner);
        let lockdowns = self.lockdowns.iter().map(Record::owner);
        hosts.chain(gateways).chain(lockdowns).collect()
    }

    /// Whether a record names an object with its UID; one that is still to be written has none yet.
    pub fn names(&self, kind: Kind, meta: &Meta) -> bool {
        let object = ObjectRef::new(kind, &meta.namespace, &meta.name);
        let named = |members: &Members| {
            members
                .uid(&object)
                .is_some_and(|uid| uid.is_empty() || uid == meta.uid)
        };
        self.hosts.iter().any(|record| named(&record.objects))
            || self.gateways.iter().any(|record| named(&record.objects))
    }

    /// Whether there is a record of that name.
    pub fn has(&self, name: &RecordName) -> bool {
        match name {
            RecordName::Host { namespace, host } => self.host(namespace, host).is_some(),
            RecordName::Gateway { namespace, service } => {
                self.gateway(namespace, service).is_some()
            }
            RecordName::Injection { namespace } => self.injection(namespace).is_some(),
            RecordName::Lockdown { namespace } => self.lockdown(namespace).is_some(),
        }
    }

    /// Namespaces that are named here and no longer exist; none where namespaces cannot be listed.
    pub fn vanished(&self, snapshot: &Snapshot) -> Vec<String> {
        let known = &snapshot.objects.namespaces;
        if known.is_empty() {
            return Vec::new();
        }
        let there: BTreeSet<&str> = known.iter().map(Namespace::name).collect();
        let named: BTreeSet<&String> = self.hosts.iter().flat_map(|r| r.clients.keys()).collect();
        named
            .into_iter()
            .filter(|name| !there.contains(name.as_str()))
            .cloned()
            .collect()
    }

    /// What is routed through a gateway, in the snapshot's words.
    pub fn recorded(&self) -> Vec<RecordedHost> {
        self.hosts.iter().map(HostRecord::recorded).collect()
    }
}
