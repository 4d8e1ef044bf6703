//! What a check says: a finding with its culprit, its evidence and its cure.

use crate::kubernetes::{ObjectRef, Place};
use crate::model::World;
use crate::model::trace::HopName;
use crate::snapshot::Change;
use serde::{Deserialize, Serialize};
use serde_json::Value;

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

/// What a finding says of the connections that it concerns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// They fail, or leave past the gateway. A call that passes the gateway and is answered by the
    /// host contradicts that.
    Lost,
    /// They reach another site, leave through another gateway, or only some of them do. An answer
    /// contradicts nothing.
    Diverted,
}

/// One thing that is wrong, and what to change.
#[derive(Clone, Debug, Serialize)]
pub struct Finding {
    /// The check's code.
    pub code: Code,
    /// How bad it is.
    pub severity: Severity,
    /// More is open than was meant: a warning that makes the verdict broken though the connection
    /// works.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub opens: bool,
    /// What it does to connections.
    #[serde(skip)]
    pub effect: Effect,
    /// How sure we are.
    pub confidence: Confidence,
    /// Where on the path.
    pub hop: HopName,
    /// The fault in a few words.
    pub title: String,
    /// What happens and why, in a sentence or three.
    pub message: String,
    /// The object to change first, then those that are involved. For a missing object the name it
    /// should have.
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

impl Finding {
    /// Nothing breaks, but more is open than was meant.
    #[must_use]
    pub fn opens(self) -> Self {
        Self {
            severity: Severity::Warning,
            opens: true,
            ..self
        }
    }

    /// Connections end at another place than the one that is meant, or some of them do.
    #[must_use]
    pub fn diverts(self) -> Self {
        Self {
            effect: Effect::Diverted,
            ..self
        }
    }

    /// Whether the paths that it concerns are broken by it.
    pub fn breaks(&self) -> bool {
        self.severity == Severity::Error || self.opens
    }

    /// The object to change.
    pub fn culprit(&self) -> Option<&Place> {
        self.objects.first()
    }
}

/// What to do about a finding.
#[derive(Clone, Debug, Serialize)]
pub struct Fix {
    /// In a sentence.
    pub summary: String,
    /// Whether the model, run on the changed objects, has the path working and no new error on any
    /// path.
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

impl Finding {
    /// An error that Istio's rules leave no doubt about; the builders below say otherwise.
    pub fn new(
        code: Code,
        hop: HopName,
        title: impl Into<String>,
        message: impl Into<String>,
    ) -> Self {
        Self {
            code,
            severity: Severity::Error,
            opens: false,
            effect: Effect::Lost,
            confidence: Confidence::Certain,
            hop,
            title: title.into(),
            message: message.into(),
            objects: Vec::new(),
            evidence: Vec::new(),
            explains: Vec::new(),
            fix: None,
            paths: Vec::new(),
        }
    }

    /// The object to change first, then the others.
    #[must_use]
    pub fn on(mut self, places: impl IntoIterator<Item = Place>) -> Self {
        for place in places {
            if !self.objects.contains(&place) {
                self.objects.push(place);
            }
        }
        self
    }

    /// A fact that was read or measured.
    #[must_use]
    pub fn seen(mut self, evidence: impl Into<String>) -> Self {
        self.evidence.push(evidence.into());
        self
    }

    /// Less than certain.
    #[must_use]
    pub fn sure(mut self, confidence: Confidence) -> Self {
        self.confidence = confidence;
        self
    }

    /// Not an error.
    #[must_use]
    pub fn severity(mut self, severity: Severity) -> Self {
        self.severity = severity;
        self
    }

    /// What to do.
    #[must_use]
    pub fn fix(mut self, fix: Fix) -> Self {
        self.fix = Some(fix);
        self
    }
}

impl Fix {
    /// Only words: nothing that one patch could do.
    pub fn advice(summary: impl Into<String>) -> Self {
        Self {
            summary: summary.into(),
            safe: false,
            patch: None,
            commands: Vec::new(),
            changes: Vec::new(),
        }
    }

    /// A JSON merge patch (RFC 7396) of an object that is there. An object that is not in the
    /// snapshot gets only advice.
    pub fn patch(
        world: &World<'_>,
        object: &ObjectRef,
        patch: Value,
        summary: impl Into<String>,
    ) -> Self {
        let mut fix = Self::advice(summary);
        if let Some(before) = world.object(object) {
            let mut after = before.clone();
            merge(&mut after, &patch);
            fix.changes.push(Change {
                object: object.clone(),
                before: Some(before),
                after: Some(after),
            });
            fix.commands.push(command(object, &patch));
            fix.patch = Some(patch);
        }
        fix
    }

    /// A new object.
    pub fn create(object: &ObjectRef, body: Value, summary: impl Into<String>) -> Self {
        let mut fix = Self::advice(summary);
        fix.changes.push(Change {
            object: object.clone(),
            before: None,
            after: Some(body),
        });
        fix
    }

    /// The end of an object.
    pub fn delete(world: &World<'_>, object: &ObjectRef, summary: impl Into<String>) -> Self {
        let mut fix = Self::advice(summary);
        fix.changes.push(Change {
            object: object.clone(),
            before: world.object(object),
            after: None,
        });
        let kind = object.kind.name().to_lowercase();
        fix.commands.push(format!(
            "kubectl delete {kind} -n {} {}",
            object.namespace, object.name
        ));
        fix
    }
}

fn command(object: &ObjectRef, patch: &Value) -> String {
    let kind = object.kind.name().to_lowercase();
    let namespace = if object.kind.namespaced() {
        format!(" -n {}", object.namespace)
    } else {
        String::new()
    };
    format!(
        "kubectl patch {kind}{namespace} {} --type merge -p '{patch}'",
        object.name
    )
}

/// RFC 7396.
pub fn merge(target: &mut Value, patch: &Value) {
    let Value::Object(changes) = patch else {
        target.clone_from(patch);
        return;
    };
    if !target.is_object() {
        *target = Value::Object(serde_json::Map::new());
    }
    let Value::Object(fields) = target else {
        return;
    };
    for (key, change) in changes {
        if change.is_null() {
            fields.remove(key);
        } else {
            merge(fields.entry(key.clone()).or_insert(Value::Null), change);
        }
    }
}
