//! For programs: the report as it is.

use super::Report;
use crate::error::Error;
use crate::terminal::harmless;
use serde_json::Value;
use std::fmt::Write;

/// JSON, indented.
pub(super) fn json(report: &Report) -> Result<String, Error> {
    pretty(&serde_json::to_value(report).map_err(|e| unwritable(&e))?)
}

/// A value as indented JSON; what a terminal would obey is written as an escape, which JSON allows
/// in its strings.
pub(super) fn pretty(value: &Value) -> Result<String, Error> {
    let text = serde_json::to_string_pretty(value).map_err(|e| unwritable(&e))?;
    Ok(text
        .chars()
        .fold(String::with_capacity(text.len()), |mut safe, c| {
            if harmless(c) {
                safe.push(c);
            } else {
                let _ = write!(safe, "\\u{:04x}", u32::from(c));
            }
            safe
        }))
}

fn unwritable(error: &serde_json::Error) -> Error {
    Error::Failed(format!("cannot write JSON: {error}"))
}
