//! For programs: the report as it is.

use super::Report;
use crate::error::Error;

/// JSON, indented.
pub(super) fn json(report: &Report) -> Result<String, Error> {
    serde_json::to_string_pretty(report).map_err(|e| Error::Failed(format!("cannot write JSON: {e}")))
}
