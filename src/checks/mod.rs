//! What can be wrong with a path, one file a check.

pub mod finding;
