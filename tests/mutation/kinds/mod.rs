//! The kinds of one change. Each is a function that edits a right configuration, or says that it
//! has nothing there to edit.

mod drawn;
mod fields;
mod gone;
mod neighbours;
mod origination;
mod policies;
mod workloads;

use drawn::Field;
pub(crate) use drawn::of_fields;

use crate::draft::Draft;
use std::borrow::Cow;

/// A kind of change.
pub(crate) struct Kind {
    pub(crate) name: Cow<'static, str>,
    edit: Edit,
}

enum Edit {
    Written(fn(&mut Draft<'_>) -> bool),
    Drawn(Field),
}

impl Kind {
    /// False where there is nothing to change.
    pub(crate) fn edit(&self, draft: &mut Draft<'_>) -> bool {
        match &self.edit {
            Edit::Written(edit) => edit(draft),
            Edit::Drawn(field) => field.edit(draft),
        }
    }

    /// A change of one field.
    fn of_field(field: Field) -> Self {
        Self {
            name: field.to_string().into(),
            edit: Edit::Drawn(field),
        }
    }
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
    Kind {
        name: Cow::Borrowed(name),
        edit: Edit::Written(edit),
    }
}
