//! A CustomResourceDefinition as far as it says which versions of a kind there are, and which
//! bundle it came in.

use super::Object;
use super::meta::null_as_default;
use serde::{Deserialize, Serialize};

/// A CustomResourceDefinition.
pub type Definition = Object<DefinitionSpec>;

/// The annotation with the release of the Gateway API that a definition came with. istiod goes by
/// it.
///
/// Source: pkg/kube/kclient/crdwatcher.go (`minimumVersionFilter`).
pub const BUNDLE_VERSION: &str = "gateway.networking.k8s.io/bundle-version";

/// What it defines.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct DefinitionSpec {
    /// The versions.
    #[serde(deserialize_with = "null_as_default")]
    pub versions: Vec<DefinitionVersion>,
}

/// One version of the kind; its schema is not read.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct DefinitionVersion {
    /// `v1`, `v1alpha2`.
    pub name: String,
    /// Whether the API server answers for it.
    pub served: bool,
}

impl DefinitionSpec {
    /// Whether a version is served.
    pub fn serves(&self, version: &str) -> bool {
        self.versions.iter().any(|v| v.served && v.name == version)
    }
}
