//! What a check says: a finding with its culprit, its evidence and its cure.

use crate::kubernetes::Place;
use crate::model::trace::HopName;
use crate::snapshot::Change;
use serde::{Deserialize, Serialize};

/// A number that is never reused: `EG201`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Code(pub &'static str);

impl std::fmt::Display for Code {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0)
    }
}

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth knowing.
    Info,
    /// More is open than was meant, or it will break.
    Warning,
    /// It breaks, bypasses, or will break a path that somebody wants.
    Error,
}

/// How sure we are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Confidence {
    /// It depends on what we cannot see.
    Possible,
    /// All signs say so.
    Likely,
    /// Istio's rules leave no other way, or we saw it happen.
    Certain,
}

/// One thing that is wrong, and what to change.
#[derive(Clone, Debug, Serialize)]
pub struct Finding {
    /// The check's code.
    pub code: Code,
    /// How bad it is.
    pub severity: Severity,
    /// How sure we are.
    pub confidence: Confidence,
    /// Where on the path.
    pub hop: HopName,
    /// The fault in a few words.
    pub title: String,
    /// What happens and why, in a sentence or three.
    pub message: String,
    /// The object to change first, then those that are involved. For a missing object the name it should have.
    pub objects: Vec<Place>,
    /// Facts that were read or measured.
    pub evidence: Vec<String>,
    /// Codes of the consequences that are folded into this one.
    pub explains: Vec<Code>,
    /// What to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fix: Option<Fix>,
    /// Which paths of the report it concerns, by index.
    pub paths: Vec<usize>,
}

/// What to do about a finding.
#[derive(Clone, Debug, Serialize)]
pub struct Fix {
    /// In a sentence.
    pub summary: String,
    /// Whether the model, run on the changed objects, has the path working and no new error on any path.
    pub safe: bool,
    /// A JSON merge patch for `objects[0]`; absent where the cure is not a change of one object.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub patch: Option<serde_json::Value>,
    /// Commands that do it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub commands: Vec<String>,
    /// The same as whole objects, for the model.
    #[serde(skip)]
    pub changes: Vec<Change>,
}

/// What a check came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// It looked and found nothing.
    Pass,
    /// It found something.
    Fail,
    /// It could not look.
    Skip,
}

/// One line of `checks` in the report.
#[derive(Clone, Debug, Serialize)]
pub struct CheckLine {
    /// The check.
    pub code: Code,
    /// Its outcome.
    pub status: Status,
    /// Why it could not look; empty otherwise.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub reason: String,
    /// Which paths it looked at.
    pub paths: Vec<usize>,
}
