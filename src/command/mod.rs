//! One file per verb: each calls the layers in their order and has no logic of its own.

pub mod cleanup;
mod io;
pub mod setup;
mod stamp;

pub use io::{Io, Progress, escape};
