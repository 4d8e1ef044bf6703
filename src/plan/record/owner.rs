//! What tells an object of ours from one of somebody else.

use super::{EPOCH, GATEWAY, GatewayRecord, HOST, HostRecord, Members, PART_OF, RecordName};
use crate::flow::{LOCKDOWN, MANAGED_BY};
use crate::kubernetes::{FIELD_MANAGER, Kind, ObjectRef};
use crate::model::target::is_label;
use serde_json::Value;

/// The owner of a set of objects: its record.
#[derive(Clone, Debug)]
pub struct Owner {
    /// The record.
    pub record: RecordName,
    /// The objects that it names.
    pub members: Members,
    /// A run is at work on it, or was when it broke off.
    pub unsettled: bool,
    /// How often it was taken over from a run that was removing it.
    pub epoch: u32,
}

impl Owner {
    /// Whether a live object is ours: named in the record, both labels, our field manager, and the
    /// UID that was written down. An object that was written just before a run broke off has no UID
    /// in the record yet.
    pub fn owns(&self, live: &Value) -> bool {
        let Some(object) = reference(live) else {
            return false;
        };
        let Some(uid) = self.members.uid(&object) else {
            return false;
        };
        let same = live.pointer("/metadata/uid").and_then(Value::as_str) == Some(uid);
        marked(live, &self.record.id()) && (same || uid.is_empty() && self.unsettled)
    }

    /// Make an object one of the set.
    pub fn join(&self, mut body: Value) -> Value {
        mark(&mut body, "labels", PART_OF, self.record.id());
        match &self.record {
            RecordName::Host { host, .. } => mark(&mut body, "annotations", HOST, host.text()),
            RecordName::Gateway { namespace, service } => {
                let gateway = format!("{namespace}/{service}");
                mark(&mut body, "annotations", GATEWAY, gateway);
            }
            RecordName::Injection { .. } | RecordName::Lockdown { .. } => {}
        }
        if self.epoch > 0 {
            mark(&mut body, "annotations", EPOCH, self.epoch.to_string());
        }
        body
    }
}

/// Set a label or an annotation.
fn mark(body: &mut Value, field: &str, key: &str, value: String) {
    body["metadata"][field][key] = Value::String(value);
}

/// Both labels, and our field manager.
fn marked(live: &Value, id: &str) -> bool {
    label(live, "app.kubernetes.io/managed-by") == Some(MANAGED_BY)
        && label(live, PART_OF) == Some(id)
        && managers(live).any(|manager| manager == FIELD_MANAGER)
}

fn label<'l>(live: &'l Value, key: &str) -> Option<&'l str> {
    live.pointer("/metadata/labels")?.get(key)?.as_str()
}

/// The record that an object belongs to by what it says of itself: its marks, its annotations and
/// its name must fit together. So an object of ours is found whose record is gone.
pub fn claimed(live: &Value) -> Option<RecordName> {
    let object = reference(live)?;
    let note = |key: &str| live.pointer("/metadata/annotations")?.get(key)?.as_str();
    let record = if object.kind == Kind::NetworkPolicy && object.name == LOCKDOWN {
        RecordName::Lockdown {
            namespace: object.namespace.clone(),
        }
    } else {
        let (namespace, service) = note(GATEWAY)?.split_once('/')?;
        if !is_label(namespace) || !super::is_name(service) {
            return None;
        }
        if let Some(host) = note(HOST) {
            let host = host.parse().ok()?;
            if !HostRecord::could_have(namespace, &host, &object) {
                return None;
            }
            RecordName::Host {
                namespace: namespace.into(),
                host,
            }
        } else {
            if !GatewayRecord::could_have(namespace, service, &object) {
                return None;
            }
            RecordName::Gateway {
                namespace: namespace.into(),
                service: service.into(),
            }
        }
    };
    marked(live, &record.id()).then_some(record)
}

/// The names in `managedFields`.
pub fn managers(live: &Value) -> impl Iterator<Item = &str> {
    let fields = live
        .pointer("/metadata/managedFields")
        .and_then(Value::as_array);
    fields
        .into_iter()
        .flatten()
        .filter_map(|field| field.get("manager")?.as_str())
}

/// The name of an object that we know the kind of.
pub fn reference(object: &Value) -> Option<ObjectRef> {
    let text = |pointer: &str| {
        object
            .pointer(pointer)
            .and_then(Value::as_str)
            .unwrap_or_default()
    };
    let group = text("/apiVersion")
        .split_once('/')
        .map_or("", |(group, _)| group);
    let kind = Kind::find(group, text("/kind"))?;
    Some(ObjectRef::new(
        kind,
        text("/metadata/namespace"),
        text("/metadata/name"),
    ))
}
