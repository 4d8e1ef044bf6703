//! What a connection does.

use serde::{Deserialize, Serialize};

/// One thing that was tried, and what came of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Observation {}
