//! What somebody does not want to hear: `--skip CODE`, or the annotation `egress.kubectl.io/ignore:
//! EG201,EG305` on the object that a finding names first. A suppression that matches nothing is
//! told, since it hides the next real finding.

use super::engine::Examined;
use super::registry;
use crate::kubernetes::{Meta, ObjectRef};
use crate::snapshot::Snapshot;
use std::collections::{BTreeSet, HashMap};

/// The annotation: codes, with commas between them.
pub const IGNORE: &str = "egress.kubectl.io/ignore";

/// What was suppressed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Suppressed {
    /// How many findings.
    pub count: usize,
    /// What matched nothing.
    pub notes: Vec<String>,
}

/// Take suppressed findings out. `all` says that every path was looked at, so that an annotation
/// without a match is one that nobody needs.
pub fn suppress(
    snapshot: &Snapshot,
    examined: &mut Examined,
    skip: &[String],
    all: bool,
) -> Suppressed {
    let mut used: BTreeSet<(String, String)> = BTreeSet::new();
    let annotated: HashMap<ObjectRef, &Meta> = snapshot
        .objects
        .metas()
        .filter(|(_, meta)| meta.annotation(IGNORE).is_some())
        .collect();
    let before = examined.findings.len();
    examined.findings.retain(|finding| {
        let code = finding.code.0;
        if skip.iter().any(|s| s.eq_ignore_ascii_case(code)) {
            used.insert((String::new(), code.into()));
            return false;
        }
        let object = finding.culprit().map(|place| &place.object);
        let ignored = object
            .and_then(|o| Some((o, annotated.get(o)?)))
            .filter(|(_, m)| codes(m).any(|c| c == code));
        if let Some((object, _)) = ignored {
            used.insert((object.to_string(), code.into()));
        }
        ignored.is_none()
    });
    let found: BTreeSet<&str> = examined.findings.iter().map(|f| f.code.0).collect();
    let gone: BTreeSet<&str> = used.iter().map(|(_, code)| code.as_str()).collect();
    examined
        .lines
        .retain(|line| !gone.contains(line.code.0) || found.contains(line.code.0));
    Suppressed {
        count: before - examined.findings.len(),
        notes: notes(snapshot, &used, (skip, all)),
    }
}

/// The codes that an object's annotation ignores.
fn codes(meta: &Meta) -> impl Iterator<Item = &str> {
    let said = meta.annotation(IGNORE).unwrap_or_default();
    said.split(',')
        .map(str::trim)
        .filter(|code| !code.is_empty())
}

fn notes(
    snapshot: &Snapshot,
    used: &BTreeSet<(String, String)>,
    (skip, all): (&[String], bool),
) -> Vec<String> {
    let mut notes = Vec::new();
    for code in skip.iter().map(|code| code.to_ascii_uppercase()) {
        if !used.contains(&(String::new(), code.clone())) {
            notes.push(format!("--skip {code} suppressed nothing"));
        }
    }
    for (object, meta) in snapshot.objects.metas() {
        for code in codes(meta) {
            let known = registry::find(code).is_some();
            if !known {
                notes.push(format!(
                    "{object}: {IGNORE} names {code}, and there is no such check"
                ));
            } else if all && !used.contains(&(object.to_string(), code.into())) {
                notes.push(format!(
                    "{object}: {IGNORE} names {code}, which was not found"
                ));
            }
        }
    }
    notes
}
