//! What we have written, and what was there before: the parent of our `ApplySet` (KEP-3659), a
//! `ConfigMap` in the gateway's namespace. It is written before the first object, as a superset,
//! and removed last; an interrupted run therefore never leaves an object that no inventory names.
//!
//! One key of the data for each host, each gateway that we installed and each namespace that we
//! labelled, so that it can be read with kubectl. Two runs at the same time are kept apart by the
//! `ConfigMap`'s resource version.

use super::lockdown::LockdownRecord;
use crate::flow::{MANAGED_BY, Names, Wire};
use crate::kubernetes::{FIELD_MANAGER, Kind, Meta, ObjectRef};
use crate::model::target::{Host, Target};
use crate::snapshot::{RecordedHost, Snapshot};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// The name of the `ConfigMap`.
pub const INVENTORY: &str = "kubectl-egress";

/// The label of every object in the set.
pub const PART_OF: &str = "applyset.kubernetes.io/part-of";

const ID: &str = "applyset.kubernetes.io/id";

/// All that we have in one gateway's namespace and beyond.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Inventory {
    /// The gateway's namespace, where the `ConfigMap` is.
    pub namespace: String,
    /// The hosts, by the name of their objects.
    pub hosts: BTreeMap<String, HostRecord>,
    /// The gateways that we installed, by Service.
    pub gateways: BTreeMap<String, GatewayRecord>,
    /// The namespaces that we had injected.
    pub namespaces: BTreeMap<String, NamespaceRecord>,
    /// The namespaces that may leave only through a gateway here.
    pub lockdowns: BTreeMap<String, LockdownRecord>,
    /// The version that was read; none where there is no `ConfigMap`.
    pub version: Option<String>,
}

/// A host that is wired, and what it is made of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HostRecord {
    /// The host.
    pub host: Host,
    /// The gateway's Service.
    pub service: String,
    /// Its ports.
    pub wires: Vec<Wire>,
    /// The namespaces that call it.
    pub callers: Vec<String>,
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
    /// Who, when and by which command.
    pub by: Stamp,
    /// The objects.
    pub objects: Vec<Owned>,
}

/// A gateway that we installed or gave something to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GatewayRecord {
    /// The installer; empty where we found the gateway and only added to it.
    pub installer: String,
    /// The `IstioOperator` patch that it was made from.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub patch: Value,
    /// What of somebody else's was changed for it, and how it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restore: Option<Restore>,
    /// Who, when and by which command.
    pub by: Stamp,
    /// The objects.
    pub objects: Vec<Owned>,
}

/// How something of somebody else's was before a gateway was added to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Restore {
    /// An `IstioOperator` file on the machine that setup ran on.
    #[serde(rename_all = "camelCase")]
    File {
        /// Its absolute path.
        path: String,
        /// The lines that were added; none where the component was there already.
        added: String,
        /// What they took the place of.
        replaced: String,
    },
    /// A live `IstioOperator`.
    #[serde(rename_all = "camelCase")]
    Operator {
        /// The object.
        object: ObjectRef,
        /// The component that was added.
        component: Value,
        /// `spec.components` was there before.
        had_components: bool,
        /// `spec.components.egressGateways` was there before.
        had_list: bool,
        /// Whose field that was.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        owner: Option<String>,
    },
}

/// A namespace that we labelled so that its pods get sidecars, and what was there before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NamespaceRecord {
    /// The namespace.
    pub namespace: String,
    /// The label.
    pub label: String,
    /// What we set it to.
    pub value: String,
    /// What it was; none where it was not there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prior: Option<String>,
    /// The workloads that we restarted.
    pub workloads: Vec<Restarted>,
    /// Who, when and by which command.
    pub by: Stamp,
}

/// A workload that we restarted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Restarted {
    /// The workload.
    #[serde(flatten)]
    pub object: ObjectRef,
    /// Its annotation before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prior: Option<String>,
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

/// An object that we wrote; the UID is empty between the plan and the write.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Owned {
    /// The object.
    #[serde(flatten)]
    pub object: ObjectRef,
    /// Its UID.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub uid: String,
}

impl GatewayRecord {
    /// Whether its access log is ours.
    pub fn logs(&self) -> bool {
        self.objects
            .iter()
            .any(|o| o.object.kind == Kind::Telemetry)
    }
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

    /// Let go of callers whose namespace was deleted, and of the objects that went with it.
    #[must_use]
    pub fn without_namespaces(mut self, gone: &[String]) -> Self {
        self.callers.retain(|c| !gone.contains(c));
        self.objects.retain(|o| !gone.contains(&o.object.namespace));
        self
    }
}

impl Inventory {
    /// Namespaces that are named here and no longer exist; none where namespaces cannot be listed.
    pub fn vanished(&self, snapshot: &Snapshot) -> Vec<String> {
        let exists = |name: &str| snapshot.objects.namespaces.iter().any(|n| n.name() == name);
        if snapshot.objects.namespaces.is_empty() {
            return Vec::new();
        }
        let named: BTreeSet<&String> = self.hosts.values().flat_map(|h| &h.callers).collect();
        named.into_iter().filter(|n| !exists(n)).cloned().collect()
    }

    /// An empty one for a gateway's namespace.
    pub fn new(namespace: &str) -> Self {
        Self {
            namespace: namespace.into(),
            ..Self::default()
        }
    }

    /// The `ConfigMap`.
    pub fn object(&self) -> ObjectRef {
        ObjectRef::new(Kind::ConfigMap, &self.namespace, INVENTORY)
    }

    /// The id of the set: the value of the parts' label.
    pub fn id(&self) -> String {
        let hash = Sha256::digest(format!("{INVENTORY}.{}.ConfigMap.", self.namespace));
        format!("applyset-{}-v1", URL_SAFE_NO_PAD.encode(hash))
    }

    /// True when nothing is left to remember.
    pub fn is_empty(&self) -> bool {
        self.hosts.is_empty()
            && self.gateways.is_empty()
            && self.namespaces.is_empty()
            && self.lockdowns.is_empty()
    }

    /// A host's record.
    pub fn host(&self, host: &Host) -> Option<&HostRecord> {
        self.hosts.get(&Names::of(host).object())
    }

    /// Every object of ours.
    pub fn objects(&self) -> impl Iterator<Item = &Owned> {
        let of_gateways = self.gateways.values().flat_map(|g| &g.objects);
        let of_lockdowns = self.lockdowns.values().flat_map(|l| &l.objects);
        self.hosts
            .values()
            .flat_map(|h| &h.objects)
            .chain(of_gateways)
            .chain(of_lockdowns)
    }

    /// The record of an object, if it is in the inventory.
    pub fn find(&self, object: &ObjectRef) -> Option<&Owned> {
        self.objects().find(|o| o.object == *object)
    }

    /// Whether it names an object with its UID; one that is still to be written has none yet.
    pub fn names(&self, kind: Kind, meta: &Meta) -> bool {
        let object = ObjectRef::new(kind, &meta.namespace, &meta.name);
        self.find(&object)
            .is_some_and(|owned| owned.uid.is_empty() || owned.uid == meta.uid)
    }

    /// Whether a live object is ours: both labels, our field manager, and the UID that we wrote
    /// down. An object that was written just before an interruption has no UID in the inventory
    /// yet.
    pub fn owns(&self, live: &Value) -> bool {
        let label =
            |key: &str| live.pointer(&format!("/metadata/labels/{}", key.replace('/', "~1")));
        let Some(owned) = reference(live).and_then(|object| self.find(&object)) else {
            return false;
        };
        label("app.kubernetes.io/managed-by") == Some(&json!(MANAGED_BY))
            && label(PART_OF) == Some(&json!(self.id()))
            && (owned.uid.is_empty() || live.pointer("/metadata/uid") == Some(&json!(owned.uid)))
            && managers(live).any(|m| m == FIELD_MANAGER)
    }

    /// Read it from its `ConfigMap`.
    pub fn parse(namespace: &str, map: &Value) -> Result<Self, String> {
        let mut inventory = Self::new(namespace);
        if map.pointer("/metadata/labels/applyset.kubernetes.io~1id")
            != Some(&json!(inventory.id()))
        {
            return Err("it does not carry the label of our set: another tool's, or a copy".into());
        }
        inventory.version = map
            .pointer("/metadata/resourceVersion")
            .and_then(Value::as_str)
            .map(str::to_owned);
        for (key, value) in map
            .get("data")
            .and_then(Value::as_object)
            .into_iter()
            .flatten()
        {
            let value = value.as_str().unwrap_or_default();
            let wrong = |e: serde_json::Error| format!("key {key}: {e}");
            match key.split_once('.') {
                Some(("host", name)) => {
                    inventory
                        .hosts
                        .insert(name.into(), serde_json::from_str(value).map_err(wrong)?);
                }
                Some(("gateway", name)) => {
                    inventory
                        .gateways
                        .insert(name.into(), serde_json::from_str(value).map_err(wrong)?);
                }
                Some(("namespace", name)) => {
                    inventory
                        .namespaces
                        .insert(name.into(), serde_json::from_str(value).map_err(wrong)?);
                }
                Some(("lockdown", name)) => {
                    inventory
                        .lockdowns
                        .insert(name.into(), serde_json::from_str(value).map_err(wrong)?);
                }
                _ => return Err(format!("key {key} is not one that this version knows")),
            }
        }
        Ok(inventory)
    }

    /// The `ConfigMap` to apply.
    pub fn to_object(&self) -> Value {
        let mut data = Map::new();
        for (name, record) in &self.hosts {
            data.insert(
                format!("host.{name}"),
                json!(serde_json::to_string(record).unwrap_or_default()),
            );
        }
        for (name, record) in &self.gateways {
            data.insert(
                format!("gateway.{name}"),
                json!(serde_json::to_string(record).unwrap_or_default()),
            );
        }
        for (name, record) in &self.namespaces {
            data.insert(
                format!("namespace.{name}"),
                json!(serde_json::to_string(record).unwrap_or_default()),
            );
        }
        for (name, record) in &self.lockdowns {
            data.insert(
                format!("lockdown.{name}"),
                json!(serde_json::to_string(record).unwrap_or_default()),
            );
        }
        let mut object = json!({
            "apiVersion": "v1", "kind": "ConfigMap",
            "metadata": {
                "name": INVENTORY, "namespace": self.namespace,
                "labels": {"app.kubernetes.io/managed-by": MANAGED_BY, ID: self.id()},
                "annotations": {
                    "applyset.kubernetes.io/tooling": concat!("kubectl-egress/v", env!("CARGO_PKG_VERSION")),
                    "applyset.kubernetes.io/contains-group-kinds": self.group_kinds(),
                    "applyset.kubernetes.io/additional-namespaces": self.namespaces(),
                },
            },
            "data": data,
        });
        if let Some(version) = &self.version {
            object["metadata"]["resourceVersion"] = json!(version);
        }
        object
    }

    fn group_kinds(&self) -> String {
        let name = |k: Kind| {
            if k.group().is_empty() {
                k.name().into()
            } else {
                format!("{}.{}", k.name(), k.group())
            }
        };
        let all: BTreeSet<String> = self.objects().map(|o| name(o.object.kind)).collect();
        all.into_iter().collect::<Vec<_>>().join(",")
    }

    fn namespaces(&self) -> String {
        let all: BTreeSet<&str> = self
            .objects()
            .map(|o| o.object.namespace.as_str())
            .collect();
        let others = all
            .into_iter()
            .filter(|ns| !ns.is_empty() && *ns != self.namespace);
        others.collect::<Vec<_>>().join(",")
    }
}

/// What the inventories say is routed through a gateway.
pub fn recorded(inventories: &[Inventory]) -> Vec<RecordedHost> {
    let mut all = Vec::new();
    for inventory in inventories {
        for record in inventory.hosts.values() {
            let target = |wire: &Wire| Target {
                host: record.host.clone(),
                port: wire.port,
                protocol: wire.protocol,
            };
            all.push(RecordedHost {
                targets: record.wires.iter().map(target).collect(),
                gateway_namespace: inventory.namespace.clone(),
                gateway_service: record.service.clone(),
                clients: record.callers.clone(),
            });
        }
    }
    all
}

/// The names in `managedFields`.
pub fn managers(live: &Value) -> impl Iterator<Item = &str> {
    let fields = live
        .pointer("/metadata/managedFields")
        .and_then(Value::as_array);
    fields
        .into_iter()
        .flatten()
        .filter_map(|f| f.get("manager")?.as_str())
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

#[cfg(test)]
mod tests {
    use super::*;

    fn inventory() -> Inventory {
        let host: Host = "edition.cnn.com".parse().unwrap();
        let object = ObjectRef::new(Kind::ServiceEntry, "egress", "egress-edition-cnn-com");
        let record = HostRecord {
            host: host.clone(),
            service: "gw".into(),
            wires: vec![],
            callers: vec!["default".into()],
            addresses: vec![],
            allow: vec![],
            server: None,
            set: None,
            by: Stamp::default(),
            objects: vec![Owned {
                object,
                uid: "1-2-3".into(),
            }],
        };
        Inventory {
            hosts: [(Names::of(&host).object(), record)].into(),
            ..Inventory::new("egress")
        }
    }

    fn live(uid: &str) -> Value {
        json!({
            "apiVersion": "networking.istio.io/v1", "kind": "ServiceEntry",
            "metadata": {
                "name": "egress-edition-cnn-com", "namespace": "egress", "uid": uid,
                "labels": {"app.kubernetes.io/managed-by": MANAGED_BY, PART_OF: inventory().id()},
                "managedFields": [{"manager": "kubectl-egress"}],
            },
        })
    }

    #[test]
    fn it_reads_what_it_writes() {
        let mut map = inventory().to_object();
        map["metadata"]["resourceVersion"] = json!("7");
        let want = Inventory {
            version: Some("7".into()),
            ..inventory()
        };
        assert_eq!(Inventory::parse("egress", &map).unwrap(), want);
        assert!(
            Inventory::parse("other", &map)
                .unwrap_err()
                .contains("does not carry")
        );
    }

    #[test]
    fn the_id_is_that_of_kubectls_applysets() {
        // sha256("kubectl-egress.egress.ConfigMap."), base64url without padding.
        assert!(inventory().id().starts_with("applyset-") && inventory().id().ends_with("-v1"));
        assert_eq!(inventory().id().len(), "applyset-".len() + 43 + "-v1".len());
    }

    #[test]
    fn a_copied_label_does_not_make_an_object_ours() {
        assert!(inventory().owns(&live("1-2-3")));
        assert!(!inventory().owns(&live("other")));
        let mut renamed = live("1-2-3");
        renamed["metadata"]["name"] = json!("copy");
        assert!(!inventory().owns(&renamed));
        let mut foreign = live("1-2-3");
        foreign["metadata"]["managedFields"] = json!([{"manager": "argocd-controller"}]);
        assert!(!inventory().owns(&foreign));
        let mut unlabelled = live("1-2-3");
        unlabelled["metadata"]["labels"] = json!({"app.kubernetes.io/managed-by": MANAGED_BY});
        assert!(!inventory().owns(&unlabelled));
    }
}
