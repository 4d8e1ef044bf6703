//! The kinds of one change. Each is a function that edits a right configuration, or says that it
//! has nothing there to edit.

mod fields;
mod gone;
mod neighbours;
mod origination;
mod policies;
mod workloads;

use crate::draft::Draft;

/// A kind of change; `edit` is false where there is nothing to change.
pub(crate) struct Kind {
    pub(crate) name: &'static str,
    pub(crate) edit: fn(&mut Draft<'_>) -> bool,
}

#[allow(dead_code, reason = "the oracle changes no workload")]
pub(crate) fn all() -> Vec<&'static Kind> {
    [
        gone::KINDS,
        fields::KINDS,
        neighbours::KINDS,
        origination::KINDS,
        policies::KINDS,
        workloads::KINDS,
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Those that need no pod to start again.
#[allow(dead_code, reason = "for the test that makes several changes at once")]
pub(crate) fn at_once() -> Vec<&'static Kind> {
    [
        gone::KINDS,
        fields::KINDS,
        neighbours::KINDS,
        origination::KINDS,
        policies::KINDS,
    ]
    .into_iter()
    .flatten()
    .collect()
}

pub(crate) const fn kind(name: &'static str, edit: fn(&mut Draft<'_>) -> bool) -> Kind {
    Kind { name, edit }
}
