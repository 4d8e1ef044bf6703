//! The walk: one path through all decisions that the objects take, kept whole for the checks.

use super::path::EgressPath;
use super::trace::Trace;
use super::world::World;

/// What the objects say will happen on one path.
#[derive(Clone, Debug, Default)]
pub struct Walk {
    /// In the shape that all three truths share.
    pub trace: Trace,
}

impl World<'_> {
    /// Follow a path.
    pub fn walk(&self, path: &EgressPath) -> Walk {
        let _ = path;
        Walk::default()
    }
}
