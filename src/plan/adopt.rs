//! Objects of ours that no record names: because it was deleted, or a run broke off before it could
//! write them down.

use super::record::{
    GatewayRecord, HostRecord, Inventory, LockdownRecord, Members, Phase, Version, claimed,
    reference,
};
use crate::flow::Names;
use crate::kubernetes::{Kind, ObjectRef};
use crate::model::target::Host;
use serde_json::Value;
use std::collections::BTreeMap;

impl Inventory {
    /// Take in objects of ours that no record names, because it was deleted or a run broke off
    /// before it could say so. They are told by marks that only fit one record.
    pub fn adopt(&mut self, live: &[Value]) {
        for object in live {
            let (Some(name), Some(reference), Some(version)) =
                (claimed(object), reference(object), Version::of(object))
            else {
                continue;
            };
            self.adopt_one(&name, reference, version.uid, object);
        }
    }

    fn adopt_one(
        &mut self,
        name: &super::record::RecordName,
        object: ObjectRef,
        uid: String,
        live: &Value,
    ) {
        use super::record::RecordName;
        match name {
            RecordName::Host { namespace, host } => {
                let at = self
                    .hosts
                    .iter()
                    .position(|r| r.namespace == *namespace && r.host == *host);
                let at = at.unwrap_or_else(|| {
                    self.hosts.push(lost_host(namespace, host, live));
                    self.hosts.len() - 1
                });
                let record = &mut self.hosts[at];
                let is_switch =
                    object.kind == Kind::VirtualService && object.name == Names::of(host).object();
                if is_switch {
                    record
                        .clients
                        .entry(object.namespace.clone())
                        .or_insert(Phase::Settled);
                }
                if !record.objects.contains(&object) {
                    record.objects.put(object, uid);
                }
            }
            RecordName::Gateway { namespace, service } => {
                let at = self
                    .gateways
                    .iter()
                    .position(|r| r.namespace == *namespace && r.service == *service);
                let at = at.unwrap_or_else(|| {
                    self.gateways.push(GatewayRecord {
                        namespace: namespace.clone(),
                        service: service.clone(),
                        phase: Phase::Leaving,
                        ..GatewayRecord::default()
                    });
                    self.gateways.len() - 1
                });
                let record = &mut self.gateways[at];
                if !record.objects.contains(&object) {
                    record.objects.put(object, uid);
                }
            }
            RecordName::Lockdown { namespace } => {
                if self.lockdown(namespace).is_none() {
                    let mut record = LockdownRecord::lost(namespace);
                    record.objects.put(object, uid);
                    self.lockdowns.push(record);
                }
            }
            RecordName::Injection { .. } => {}
        }
    }
}

/// What can be said of a host whose record is gone.
fn lost_host(namespace: &str, host: &Host, live: &Value) -> HostRecord {
    let gateway = live
        .pointer("/metadata/annotations/egress.report~1gateway")
        .and_then(Value::as_str)
        .and_then(|gateway| gateway.split_once('/'));
    HostRecord {
        namespace: namespace.to_owned(),
        host: host.clone(),
        service: gateway
            .map(|(_, service)| service)
            .unwrap_or_default()
            .to_owned(),
        ports: Vec::new(),
        clients: BTreeMap::new(),
        addresses: Vec::new(),
        allow: Vec::new(),
        server: None,
        set: None,
        by: super::record::Stamp::default(),
        epoch: 0,
        objects: Members::default(),
        version: None,
    }
}
