//! What we remember of what we wrote: one small `ConfigMap` for each host, each gateway, each
//! namespace that we gave sidecars and each lockdown. Each is the parent of an `ApplySet` of its
//! own (KEP-3659): its members carry its id.
//!
//! A record is written before the first of its objects, names all of them, and is removed after the
//! last. It says of each client, or of the whole, whether it is arriving, settled or leaving, so
//! that whoever comes next knows what a run that was cut off was about. It is a hint and never an
//! order: it is believed only under the name that follows from what it says, in the namespace where
//! setup writes it, and only about objects whose names follow from it.

mod gateway;
mod host;
mod injection;
mod inventory;
mod lockdown;
mod members;
mod owner;

pub use gateway::{GatewayRecord, Restore};
pub use host::HostRecord;
pub use injection::{InjectionRecord, Restarted};
pub use inventory::{Inventory, Unreadable};
pub use lockdown::{Enforcement, InCluster, LockdownRecord, LockdownSpec};
pub use members::Members;
pub use owner::{Owner, claimed, managers, reference};

use crate::flow::{MANAGED_BY, Names};
use crate::kubernetes::{FIELD_MANAGER, Kind, ObjectRef};
use crate::model::target::Host;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};

/// The label of every member of a set.
pub const PART_OF: &str = "applyset.kubernetes.io/part-of";

/// The label of the parent of a set.
pub const SET_ID: &str = "applyset.kubernetes.io/id";

/// On each member: the gateway, as `NAMESPACE/SERVICE`.
const GATEWAY: &str = "egress.report/gateway";

/// On each member of a host's record: the host.
const HOST: &str = "egress.report/host";

/// On each member: how often the record was taken over from a run that was removing it.
const EPOCH: &str = "egress.report/epoch";

/// The key of the data under which a record lies.
const KEY: &str = "record";

/// The API server takes objects of at most 1 MiB, with all their metadata.
const LARGEST: usize = 900_000;

/// Which record.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum RecordName {
    /// A host at the gateways of one namespace.
    Host {
        /// The namespace of the gateway.
        namespace: String,
        /// The host.
        host: Host,
    },
    /// A gateway that we installed or added something to.
    Gateway {
        /// Its namespace.
        namespace: String,
        /// Its Service.
        service: String,
    },
    /// A namespace that we gave sidecars.
    Injection {
        /// The namespace.
        namespace: String,
    },
    /// A namespace that may leave only through its gateways.
    Lockdown {
        /// The namespace.
        namespace: String,
    },
}

impl RecordName {
    /// The namespace in which it lies.
    pub fn namespace(&self) -> &str {
        match self {
            RecordName::Host { namespace, .. }
            | RecordName::Gateway { namespace, .. }
            | RecordName::Injection { namespace }
            | RecordName::Lockdown { namespace } => namespace,
        }
    }

    /// The `ConfigMap`.
    pub fn object(&self) -> ObjectRef {
        let name = match self {
            RecordName::Host { host, .. } => {
                format!("kubectl-egress-host-{}", Names::of(host).subset())
            }
            RecordName::Gateway { service, .. } => format!("kubectl-egress-gateway-{service}"),
            RecordName::Injection { .. } => "kubectl-egress-injection".into(),
            RecordName::Lockdown { .. } => "kubectl-egress-lockdown".into(),
        };
        ObjectRef::new(Kind::ConfigMap, self.namespace(), name)
    }

    /// The id of the set, as KEP-3659 makes it: `<name>.<namespace>.<kind>.<group>`, hashed.
    pub fn id(&self) -> String {
        let object = self.object();
        let hash = Sha256::digest(format!("{}.{}.ConfigMap.", object.name, object.namespace));
        format!("applyset-{}-v1", URL_SAFE_NO_PAD.encode(hash))
    }
}

impl std::fmt::Display for RecordName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            RecordName::Host { host, .. } => host.fmt(f),
            RecordName::Gateway { namespace, service } => write!(f, "{namespace}/{service}"),
            RecordName::Injection { namespace } => write!(f, "the sidecars of {namespace}"),
            RecordName::Lockdown { namespace } => write!(f, "the lockdown of {namespace}"),
        }
    }
}

/// What the last run that wrote a record was about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    /// It is being set up, or was when the run broke off.
    Arriving,
    /// All of it is there.
    #[default]
    Settled,
    /// It is being removed, or was when the run broke off.
    Leaving,
}

/// The version of an object that a decision was made from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    /// Its UID.
    pub uid: String,
    /// Its resource version.
    pub resource: String,
}

impl Version {
    /// Of an object as the API server gave it.
    pub fn of(live: &Value) -> Option<Self> {
        let text = |pointer: &str| live.pointer(pointer)?.as_str().map(str::to_owned);
        Some(Self {
            uid: text("/metadata/uid")?,
            resource: text("/metadata/resourceVersion")?,
        })
    }
}

/// Who did it, when and how.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stamp {
    /// The user, as the API server knows them.
    pub who: String,
    /// RFC 3339.
    pub when: String,
    /// The command line.
    pub command: String,
}

/// What all records have.
pub trait Record: Clone + Serialize + DeserializeOwned {
    /// Which one it is.
    fn name(&self) -> RecordName;
    /// The objects that it stands for.
    fn members(&self) -> &Members;
    /// Whether a run is at work on it, or was when it broke off: then an object may be ours whose
    /// UID was not written down any more.
    fn unsettled(&self) -> bool;
    /// How often it was taken over from a run that was removing it.
    fn epoch(&self) -> u32;
    /// The version that was read; none where it is not in the cluster.
    fn version(&self) -> Option<&Version>;
    /// It was read from, or written to, that place and version.
    fn stands(&mut self, namespace: &str, version: Option<Version>);
    /// Why it cannot be one that setup wrote.
    fn fault(&self) -> Option<String>;

    /// What tells its objects from those of others.
    fn owner(&self) -> Owner {
        Owner {
            record: self.name(),
            members: self.members().clone(),
            unsettled: self.unsettled(),
            epoch: self.epoch(),
        }
    }
}

/// The `ConfigMap` to apply; refused where the API server could not take it.
pub fn to_object<R: Record>(record: &R) -> Result<Value, String> {
    let text = serde_json::to_string(record).map_err(|e| e.to_string())?;
    if text.len() > LARGEST {
        return Err(format!(
            "its record would have {} bytes, and a ConfigMap takes {LARGEST}",
            text.len()
        ));
    }
    let name = record.name();
    let object = name.object();
    let mut annotations = BTreeMap::new();
    annotations.insert(
        "applyset.kubernetes.io/tooling",
        concat!("kubectl-egress/v", env!("CARGO_PKG_VERSION")).to_owned(),
    );
    annotations.insert(
        "applyset.kubernetes.io/contains-group-kinds",
        group_kinds(record.members()),
    );
    annotations.insert(
        "applyset.kubernetes.io/additional-namespaces",
        other_namespaces(record.members(), name.namespace()),
    );
    let mut body = json!({
        "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {
            "name": object.name, "namespace": object.namespace,
            // A version that no object has: the write then only succeeds where there is none yet.
            "resourceVersion": "1",
            "labels": {"app.kubernetes.io/managed-by": MANAGED_BY, SET_ID: name.id()},
            "annotations": annotations,
        },
        "data": {KEY: text},
    });
    if let Some(version) = record.version() {
        body["metadata"]["resourceVersion"] = json!(version.resource);
        // Without it the write of a record that is gone by now would make another one.
        body["metadata"]["uid"] = json!(version.uid);
    }
    Ok(body)
}

/// Read a record from its `ConfigMap`, or say why it is not believed.
fn from_object<R: Record>(map: &Value) -> Result<R, String> {
    let text = |pointer: &str| map.pointer(pointer).and_then(Value::as_str);
    let namespace = text("/metadata/namespace").unwrap_or_default();
    let data = map
        .pointer("/data")
        .and_then(|data| data.get(KEY)?.as_str());
    let data = data.ok_or("it has no record in it")?;
    let mut record: R = serde_json::from_str(data)
        .map_err(|_| "what is in it is not a record of this version, or is cut off".to_owned())?;
    record.stands(namespace, Version::of(map));
    let name = record.name();
    if text("/metadata/name") != Some(name.object().name.as_str()) {
        return Err("it does not have the name that follows from what it says".into());
    }
    if text("/metadata/labels/applyset.kubernetes.io~1id") != Some(name.id().as_str()) {
        return Err("it does not carry the id of its own set: it is a copy".into());
    }
    if !managers(map).any(|manager| manager == FIELD_MANAGER) {
        return Err("it was not written by kubectl-egress".into());
    }
    match record.fault() {
        None => Ok(record),
        Some(fault) => Err(fault),
    }
}

fn group_kinds(members: &Members) -> String {
    let mut all = BTreeSet::new();
    for object in members.objects() {
        let kind = object.kind;
        all.insert(match kind.group() {
            "" => kind.name().to_owned(),
            group => format!("{}.{group}", kind.name()),
        });
    }
    all.into_iter().collect::<Vec<_>>().join(",")
}

fn other_namespaces(members: &Members, own: &str) -> String {
    let all: BTreeSet<&str> = members
        .objects()
        .map(|object| object.namespace.as_str())
        .filter(|namespace| !namespace.is_empty() && *namespace != own)
        .collect();
    all.into_iter().collect::<Vec<_>>().join(",")
}

/// Whether it can be the name of an object, and so stand in a request's path.
fn is_name(text: &str) -> bool {
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '.';
    !text.is_empty()
        && text.len() <= 253
        && text.chars().all(fits)
        && text.split('.').all(crate::model::target::is_label)
}

#[cfg(test)]
mod tests;
