//! The command line: one file per verb, and the groups of flags that verbs share.

pub mod connect;
pub mod duration;
pub mod write;
