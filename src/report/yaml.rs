//! The same as JSON, for people who read programs' output.

use super::Report;
use crate::error::Error;
use crate::terminal::visible;

/// YAML.
pub(super) fn yaml(report: &Report) -> Result<String, Error> {
    let value = serde_json::to_value(report)
        .map_err(|e| Error::Failed(format!("cannot write YAML: {e}")))?;
    let text = serde_saphyr::to_string(&value)
        .map_err(|e| Error::Failed(format!("cannot write YAML: {e}")))?;
    Ok(visible(&text).into_owned())
}
