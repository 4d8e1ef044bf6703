//! One file per verb: each calls the layers in their order and has no logic of its own.

pub mod cleanup;
mod io;
mod run;
pub mod setup;
mod stamp;

pub use io::{Io, Progress, escape};
pub use run::{main, refuse};

use crate::cli::{App, Verb};
use crate::error::Error;
use crate::exit::Exit;

/// Run the verb.
async fn verb(app: &App, io: &Io) -> Result<Exit, Error> {
    match &app.verb {
        Verb::Setup(args) => setup::run(args, &app.connect, io).await,
        Verb::Cleanup(args) => cleanup::run(args, &app.connect, io).await,
    }
}
