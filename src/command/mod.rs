//! One file per verb: each calls the layers in their order and has no logic of its own.

pub mod cleanup;
mod complete;
mod completion;
mod consent;
pub mod doctor;
pub mod explain;
pub mod lockdown;
mod run;
pub mod setup;
mod status;
mod version;

pub use crate::console::{Io, Progress};
pub use crate::terminal::escape;
pub use run::{main, refuse};

use crate::cli::{App, Verb};
use crate::error::Error;
use crate::exit::Exit;

/// Run the verb.
async fn verb(app: &App, io: &Io) -> Result<Exit, Error> {
    match &app.verb {
        Verb::Setup(args) => setup::run(args, &app.connect, io).await,
        Verb::Doctor(args) => Box::pin(doctor::run(args, &app.connect, io)).await,
        Verb::Explain(args) => explain::run(args, io),
        Verb::Cleanup(args) => Box::pin(cleanup::run(args, &app.connect, io)).await,
        Verb::Status(args) => Box::pin(status::run(args, &app.connect, io)).await,
        Verb::Lockdown(args) => Box::pin(lockdown::run(args, &app.connect, io)).await,
        Verb::Unlock(args) => lockdown::unlock(args, &app.connect, io).await,
        Verb::Version(args) => version::run(args, &app.connect, io).await,
        Verb::Completion(args) => completion::run(args, io),
        Verb::Complete(args) => complete::run(args, io).await,
    }
}
