//! What every object has: its metadata, its name as others refer to it, and the label selector.

use super::Kind;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;

/// The metadata that is read of every object.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Meta {
    /// The name.
    pub name: String,
    /// The namespace; empty for cluster-wide kinds.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub namespace: String,
    /// Labels.
    #[serde(
        skip_serializing_if = "BTreeMap::is_empty",
        deserialize_with = "null_as_default"
    )]
    pub labels: BTreeMap<String, String>,
    /// Annotations, less `last-applied-configuration`.
    #[serde(
        skip_serializing_if = "BTreeMap::is_empty",
        deserialize_with = "annotations"
    )]
    pub annotations: BTreeMap<String, String>,
    /// RFC 3339, in seconds; empty for an object that does not exist yet (it sorts last, as the
    /// youngest).
    #[serde(skip_serializing_if = "String::is_empty")]
    pub creation_timestamp: String,
    /// Set while the object waits for its finalizers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deletion_timestamp: Option<String>,
    /// The UID that the API server gave.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub uid: String,
    /// Who made it and collects it.
    #[serde(
        skip_serializing_if = "Vec::is_empty",
        deserialize_with = "null_as_default"
    )]
    pub owner_references: Vec<OwnerReference>,
}

/// One owner of an object.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct OwnerReference {
    /// The owner's kind.
    pub kind: String,
    /// The owner's name.
    pub name: String,
}

impl Meta {
    /// A label's value.
    pub fn label(&self, key: &str) -> Option<&str> {
        self.labels.get(key).map(String::as_str)
    }

    /// An annotation's value.
    pub fn annotation(&self, key: &str) -> Option<&str> {
        self.annotations.get(key).map(String::as_str)
    }

    /// Istio's order of configuration: older first, then by name, then by namespace.
    ///
    /// Source: `sortConfigByCreationTime`, pilot/pkg/model/config.go. An object without a time is a
    /// planned one.
    pub fn age_key(&self) -> (bool, &str, &str, &str) {
        (
            self.creation_timestamp.is_empty(),
            &self.creation_timestamp,
            &self.name,
            &self.namespace,
        )
    }
}

/// A part of an object that is there and is not read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unread {}

/// An object of which we know the metadata, the spec and, for some kinds, the status.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(bound(deserialize = "S: Default + Deserialize<'de>, T: Default + Deserialize<'de>"))]
pub struct Object<S, T = Unread> {
    /// The metadata.
    pub metadata: Meta,
    /// What is wanted.
    #[serde(default)]
    pub spec: S,
    /// What is.
    #[serde(default)]
    pub status: T,
}

impl<S, T> Object<S, T> {
    /// Its namespace.
    pub fn namespace(&self) -> &str {
        &self.metadata.namespace
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.metadata.name
    }

    /// How others refer to it.
    pub fn reference(&self, kind: Kind) -> ObjectRef {
        ObjectRef::new(kind, &self.metadata.namespace, &self.metadata.name)
    }
}

/// The name of an object.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ObjectRef {
    /// The kind.
    pub kind: Kind,
    /// The namespace; empty for cluster-wide kinds.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub namespace: String,
    /// The name.
    pub name: String,
}

impl ObjectRef {
    /// The object of that kind, namespace and name.
    pub fn new(kind: Kind, namespace: impl Into<String>, name: impl Into<String>) -> Self {
        let namespace = if kind.namespaced() {
            namespace.into()
        } else {
            String::new()
        };
        Self {
            kind,
            namespace,
            name: name.into(),
        }
    }

    /// The same object, and one field of it.
    pub fn at(&self, path: impl Into<String>) -> Place {
        Place {
            object: self.clone(),
            path: path.into(),
        }
    }

    /// Where the API server has it, at one version of its group.
    pub fn path_at(&self, version: &str) -> String {
        let namespace = self.kind.namespaced().then_some(self.namespace.as_str());
        let list = self.kind.list_path_at(version, namespace);
        format!("{list}/{}", self.name)
    }
}

impl fmt::Display for ObjectRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.namespace.as_str() {
            "" => write!(f, "{} {}", self.kind, self.name),
            namespace => write!(f, "{} {namespace}/{}", self.kind, self.name),
        }
    }
}

/// A field of an object: where a decision was taken, or what to change.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Place {
    /// The object.
    #[serde(flatten)]
    pub object: ObjectRef,
    /// The field, as `spec.tls[0].route[0].destination.subset`; empty for the whole object.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub path: String,
}

impl From<ObjectRef> for Place {
    fn from(object: ObjectRef) -> Self {
        Self {
            object,
            path: String::new(),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.path.as_str() {
            "" => self.object.fmt(f),
            path => write!(f, "{} {path}", self.object),
        }
    }
}

/// A label selector with all that Kubernetes allows in one.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Selector {
    /// Labels that must be equal.
    #[serde(
        skip_serializing_if = "BTreeMap::is_empty",
        deserialize_with = "null_as_default"
    )]
    pub match_labels: BTreeMap<String, String>,
    /// Labels that must be in a set, or be there, or not.
    #[serde(
        skip_serializing_if = "Vec::is_empty",
        deserialize_with = "null_as_default"
    )]
    pub match_expressions: Vec<Expression>,
}

/// One line of `matchExpressions`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Expression {
    /// The label.
    pub key: String,
    /// `In`, `NotIn`, `Exists` or `DoesNotExist`.
    pub operator: String,
    /// The set.
    #[serde(deserialize_with = "null_as_default")]
    pub values: Vec<String>,
}

impl Selector {
    /// Whether the labels satisfy all of it; an empty selector takes everything.
    pub fn matches(&self, labels: &BTreeMap<String, String>) -> bool {
        self.match_labels
            .iter()
            .all(|(k, v)| labels.get(k) == Some(v))
            && self.match_expressions.iter().all(|e| e.matches(labels))
    }
}

impl Expression {
    fn matches(&self, labels: &BTreeMap<String, String>) -> bool {
        let value = labels.get(&self.key);
        match self.operator.as_str() {
            "In" => value.is_some_and(|v| self.values.contains(v)),
            "NotIn" => value.is_none_or(|v| !self.values.contains(v)),
            "Exists" => value.is_some(),
            "DoesNotExist" => value.is_none(),
            _ => false,
        }
    }
}

/// `null` is how some writers say "empty".
pub(crate) fn null_as_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: serde::Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// `last-applied-configuration` repeats the object, and can hold what the object no longer does.
fn annotations<'de, D: serde::Deserializer<'de>>(
    deserializer: D,
) -> Result<BTreeMap<String, String>, D::Error> {
    let mut all: BTreeMap<String, String> = null_as_default(deserializer)?;
    all.remove("kubectl.kubernetes.io/last-applied-configuration");
    Ok(all)
}
