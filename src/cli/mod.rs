//! The command line: one file per verb, and the groups of flags that verbs share.

mod app;
pub mod cleanup;
pub mod complete;
pub mod completion;
pub mod connect;
pub mod doctor;
pub mod duration;
pub mod explain;
pub mod flow;
mod invocation;
pub mod lockdown;
mod refusal;
pub mod scripts;
pub mod setup;
pub mod status;
pub mod version;
pub mod write;

pub use app::{App, TalkArgs, Verb};
pub use invocation::Invocation;
pub use refusal::refusal;
