//! What an API server said of itself, kept for the run.

use crate::kubernetes::{Absence, Kind, Served};
use std::collections::BTreeMap;

/// What the API server said of itself.
#[derive(Debug)]
pub(super) enum Discovery {
    /// Its groups, versions and kinds.
    Told(Served),
    /// It would not say, and why. Each kind is then tried at the versions that we know; the answers
    /// so far stand here.
    Untold {
        why: String,
        tried: tokio::sync::Mutex<BTreeMap<Kind, Result<&'static str, Absence>>>,
    },
}
