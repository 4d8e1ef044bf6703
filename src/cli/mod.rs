//! The command line: one file per verb, and the groups of flags that verbs share.

pub mod cleanup;
pub mod connect;
pub mod duration;
pub mod flow;
pub mod setup;
pub mod write;
