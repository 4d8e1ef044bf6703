//! A run that broke off: what it did, and the two ways from there. At a terminal it offers to go
//! either one.

use crate::cli::connect::ConnectArgs;
use crate::command::consent::{interruptible, say_what_was_done};
use crate::console::Io;
use crate::deadline::Question;
use crate::error::Error;
use crate::exit::Exit;
use crate::rollout::setup::{RunLog, go_back};
use dialoguer::Select;
use dialoguer::console::Term;

/// Say what exists, and go on or back where somebody says so.
pub(super) async fn settle(
    connect: &ConnectArgs,
    io: &Io,
    log: &RunLog,
    error: Error,
) -> Result<Exit, Error> {
    let Some(mut args) = log.asked() else {
        return Err(error);
    };
    if !say_what_was_done(io, &log.journal) {
        return Err(error);
    }
    if !io.interactive {
        io.say(
            "to go on, run the same command again; to go back: kubectl egress cleanup with the \
            same hosts",
        );
        return Err(error);
    }
    io.say(&format!("because: {error}"));
    match ask().await {
        0 => {
            // If that breaks off too, it says so and asks again.
            args.write.yes = true;
            Box::pin(super::run(&args, connect, io)).await
        }
        1 => {
            let connect = &connect.within(args.write.timeout);
            Box::pin(interruptible(go_back(log, &args, connect, io))).await?;
            io.say("all changes of this run were rolled back");
            Err(error)
        }
        _ => Err(error),
    }
}

async fn ask() -> usize {
    let _open = Question::open();
    let asked = tokio::task::spawn_blocking(|| {
        let term = Term::stderr();
        let ways = [
            "continue and finish",
            "roll back the changes of this run",
            "leave everything as it is",
        ];
        let asked = Select::new()
            .with_prompt("What now")
            .items(ways)
            .default(0)
            .interact_on(&term);
        // A question that was interrupted leaves the cursor hidden.
        let _ = term.show_cursor();
        asked
    });
    asked.await.ok().and_then(Result::ok).unwrap_or(2)
}
