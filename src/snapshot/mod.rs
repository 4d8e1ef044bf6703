//! All that was read, as one value. It comes from a live cluster, from manifests, or from a bundle;
//! the model and the checks are functions of it, and a bundle is nothing but this value written
//! down.

mod bundle;
mod control_plane;
mod credentials;
mod gateway_api;
mod lists;
mod manifests;
mod narrow;
mod objects;
mod recorded;
mod redact;
mod take;
mod unseen;

pub use control_plane::find_mesh;
pub use lists::Scope;
pub use manifests::{Layer, Origin};
pub use objects::{Change, Objects};
pub use recorded::RecordedHost;
pub use take::take;
pub use unseen::{Subject, Unseen};

use crate::envoy::{Plane, Proxy};
use crate::istio::{MeshConfig, Release};
use crate::probe::Observation;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The version of the bundle's shape.
pub const BUNDLE_VERSION: &str = "egress.snapshot/v1";

/// All that was read.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Snapshot {
    /// `egress.snapshot/v1`.
    pub api_version: String,
    /// When, RFC 3339.
    pub taken: String,
    /// The control plane.
    pub mesh: Mesh,
    /// The objects.
    pub objects: Objects,
    /// What proxies were given, by `namespace/pod`.
    pub proxies: BTreeMap<String, Look<Proxy>>,
    /// What each istiod says of the proxies, by `namespace/pod`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub planes: BTreeMap<String, Look<Plane>>,
    /// What connections did.
    pub observations: Vec<Observation>,
    /// What `setup` routes through a gateway, as its records say.
    pub recorded: Look<Vec<RecordedHost>>,
    /// What could not be read, and why.
    pub unseen: Vec<Unseen>,
}

/// The control plane that the clients belong to.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Mesh {
    /// The namespace of istiod.
    pub namespace: String,
    /// Its revision; `default` for an unnamed one.
    pub revision: String,
    /// Its version; empty where it does not say.
    pub version: String,
    /// Its configuration.
    pub config: MeshConfig,
    /// The DNS domain of the cluster.
    pub domain: String,
    /// Switches of istiod itself (its environment: `PILOT_…`, `ENABLE_…`).
    pub features: BTreeMap<String, String>,
}

impl Mesh {
    /// Its release.
    pub fn release(&self) -> Release {
        Release::of(&self.version)
    }

    /// Whether a boolean switch of istiod is on; `default` where it is not set.
    pub fn feature(&self, name: &str, default: bool) -> bool {
        self.features
            .get(name)
            .map_or(default, |v| v == "true" || v == "1")
    }
}

/// What was seen, or why not. From an `Unseen` follow `skip`, `incomplete` and exit 3, never a
/// pass.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Look<T> {
    /// It was read.
    Seen(T),
    /// It was not.
    Unseen(String),
}

impl<T> Look<T> {
    /// What was read, if it was.
    pub fn seen(&self) -> Option<&T> {
        match self {
            Look::Seen(value) => Some(value),
            Look::Unseen(_) => None,
        }
    }
}
