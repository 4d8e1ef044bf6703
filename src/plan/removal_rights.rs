//! What a removal takes, so that it is asked for before the first write: a removal that stops
//! half-way because a right is missing is worse than none.

use super::record::{Record, Restore};
use super::removal::{GatewayRemoval, HostRemoval, Removal};
use crate::kubernetes::{Kind, ObjectRef, Right};
use std::collections::BTreeSet;

impl Removal {
    /// Every right that it takes, each with its namespace.
    pub fn rights(&self) -> BTreeSet<Right> {
        let mut rights = Rights::default();
        for lockdown in &self.lockdowns {
            rights.removes(lockdown.objects.objects());
            rights.changes_record(lockdown, true);
        }
        for host in &self.hosts {
            rights.of_host(host);
        }
        for gateway in self.gateways.iter().filter(|g| g.users.is_empty()) {
            rights.of_gateway(gateway);
        }
        for injection in &self.injections {
            rights.add("patch", Kind::Namespace, &injection.namespace);
            for workload in &injection.workloads {
                rights.add("patch", workload.kind, &injection.namespace);
            }
            rights.changes_record(injection, true);
        }
        rights.0
    }
}

#[derive(Default)]
struct Rights(BTreeSet<Right>);

impl Rights {
    fn add(&mut self, verb: &'static str, kind: Kind, namespace: &str) {
        self.0.insert(Right::new(verb, kind, namespace));
    }

    fn of_object(&mut self, verb: &'static str, object: &ObjectRef) {
        let namespace = if object.kind == Kind::Namespace {
            &object.name
        } else {
            &object.namespace
        };
        self.add(verb, object.kind, namespace);
    }

    fn removes<'o>(&mut self, objects: impl Iterator<Item = &'o ObjectRef>) {
        for object in objects {
            self.of_object("get", object);
            self.of_object("delete", object);
        }
    }

    /// A record is written before its objects go, and goes after them. One that was lost is written
    /// anew.
    fn changes_record<R: Record>(&mut self, record: &R, goes: bool) {
        let object = record.name().object();
        self.of_object("get", &object);
        self.of_object("patch", &object);
        if record.version().is_none() {
            self.of_object("create", &object);
        }
        if goes {
            self.of_object("delete", &object);
        }
    }

    fn of_host(&mut self, host: &HostRemoval) {
        let going = host.switches.iter().chain(&host.rest);
        self.removes(going.map(|item| &item.object));
        for entry in host.entries.iter().filter_map(super::record::reference) {
            self.of_object("patch", &entry);
        }
        for item in &host.back {
            self.of_object("patch", &item.object);
        }
        self.changes_record(&host.record, host.next.is_none());
    }

    fn of_gateway(&mut self, gateway: &GatewayRemoval) {
        let record = &gateway.record;
        self.removes(record.objects.objects());
        if let Some(Restore::Operator { object, .. }) = &record.restore {
            self.of_object("get", object);
            self.of_object("patch", object);
        }
        self.add("list", Kind::ConfigMap, &record.namespace);
        self.changes_record(record, true);
    }
}
