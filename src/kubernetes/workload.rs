//! What makes pods (Deployments and their like), and namespaces.

use super::meta::{Meta, null_as_default};
use super::pod::{Condition, PodSpec};
use super::{Object, Selector, Unread};
use serde::{Deserialize, Serialize};

/// A Deployment, `StatefulSet` or `DaemonSet`.
pub type Workload = Object<WorkloadSpec, WorkloadStatus>;

/// What is wanted of it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct WorkloadSpec {
    /// How many pods; absent is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replicas: Option<u32>,
    /// Its pods.
    pub selector: Selector,
    /// What each pod is made from.
    pub template: Template,
}

/// The template of the pods.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Template {
    /// Labels and annotations of each pod.
    pub metadata: Meta,
    /// The pods' own spec.
    pub spec: PodSpec,
}

/// What is of it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct WorkloadStatus {
    /// Pods that are ready.
    pub ready_replicas: u32,
    /// Why not, if not.
    #[serde(
        deserialize_with = "null_as_default",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub conditions: Vec<Condition>,
}

/// A namespace.
pub type Namespace = Object<Unread>;

/// A `ConfigMap` whose data is read (mesh config, roots).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ConfigMap {
    /// The metadata.
    pub metadata: Meta,
    /// The data.
    #[serde(deserialize_with = "null_as_default")]
    pub data: std::collections::BTreeMap<String, String>,
}
