//! One file per verb: each calls the layers in their order and has no logic of its own.

mod io;

pub use io::{Io, Progress, escape};
