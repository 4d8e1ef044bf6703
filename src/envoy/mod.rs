//! What a proxy was given: Envoy's admin interface, read and evaluated.

use serde::{Deserialize, Serialize};

/// What was read of one proxy.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Proxy {}
