//! The bootstrap's node, and the few statistics that say whether updates were refused.

use super::super::Node;
use super::number;
use serde::Deserialize;

/// The bootstrap; only who the node is.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(in super::super) struct Bootstrap {
    node: WireNode,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct WireNode {
    id: String,
    metadata: NodeMetadata,
    user_agent_build_version: Build,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "SCREAMING_SNAKE_CASE")]
struct NodeMetadata {
    istio_version: String,
    namespace: String,
    service_account: String,
    mesh_id: String,
    interception_mode: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Build {
    version: Version,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Version {
    major_number: u32,
    minor_number: u32,
    patch: u32,
}

impl Bootstrap {
    /// None where this entry of a dump has no bootstrap.
    pub(in super::super) fn keep(self) -> Option<Node> {
        if self.node.id.is_empty() {
            return None;
        }
        let node = self.node;
        let Version {
            major_number,
            minor_number,
            patch,
        } = node.user_agent_build_version.version;
        Some(Node {
            id: node.id,
            istio_version: node.metadata.istio_version,
            envoy_version: if major_number == 0 {
                String::new()
            } else {
                format!("{major_number}.{minor_number}.{patch}")
            },
            namespace: node.metadata.namespace,
            service_account: node.metadata.service_account,
            mesh_id: node.metadata.mesh_id,
            interception: node.metadata.interception_mode,
        })
    }
}

/// `/stats?format=json`.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(in super::super) struct Stats {
    pub(in super::super) stats: Vec<Stat>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(in super::super) struct Stat {
    pub(in super::super) name: String,
    #[serde(deserialize_with = "number")]
    pub(in super::super) value: u64,
}
