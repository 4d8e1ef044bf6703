//! What every verb that writes does around its work, in one wording: name the cluster, stop after
//! `--diff` and `--dry-run`, ask, plan again where others wrote meanwhile, end on a signal, and say
//! what was done where it broke off.

use crate::apply::Journal;
use crate::cli::write::WriteArgs;
use crate::cluster::{Cluster, DryRun};
use crate::console::Io;
use crate::error::Error;
use crate::exit::Exit;
use crate::interrupt;
use crate::plan::{Step, diff};

/// Said where somebody declined, and after a dry run.
const NOTHING: &str = "nothing was written";

/// What follows a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Decision {
    /// Do it.
    GoAhead,
    /// Nothing more is to be done.
    Ended(Exit),
}

/// Do the work; a signal ends it as an error does, and what was done until then is told. `next`
/// says what to do about it.
pub(super) async fn accountable(
    io: &Io,
    journal: &Journal,
    next: &str,
    work: impl Future<Output = Result<Exit, Error>>,
) -> Result<Exit, Error> {
    let done = interruptible(work).await;
    if done.is_err() && say_what_was_done(io, journal) {
        io.say(next);
    }
    done
}

/// A signal ends it as an error does.
pub(super) async fn interruptible(
    work: impl Future<Output = Result<Exit, Error>>,
) -> Result<Exit, Error> {
    tokio::select! {
        done = work => done,
        () = interrupt::requested() => Err(Error::Interrupted),
    }
}

/// Say what was done before a run broke off; false where that is nothing.
pub(super) fn say_what_was_done(io: &Io, journal: &Journal) -> bool {
    let lines = journal.lines();
    if lines.is_empty() {
        return false;
    }
    io.say("changes made before the failure:");
    for line in lines {
        io.say(&format!("  {line}"));
    }
    true
}

/// Where it would be written.
pub(super) fn say_where(io: &Io, cluster: &Cluster) {
    io.note(&format!(
        "context {}, server {}",
        cluster.context, cluster.server
    ));
}

/// `--diff` of objects that are written: the difference is the result, and the exit code tells
/// whether there is one.
pub(super) fn show_difference(io: &Io, steps: &[Step]) -> Result<Exit, Error> {
    let text = diff::unified(steps)?;
    if text.is_empty() {
        return Ok(Exit::Done);
    }
    io.result(&text)?;
    Ok(Exit::Problems)
}

/// `--diff` and `--dry-run=client` of a removal: what would go is the result.
pub(super) fn show_removal(
    io: &Io,
    write: &WriteArgs,
    summary: &str,
) -> Result<Option<Exit>, Error> {
    if !write.diff && write.dry_run != DryRun::Client {
        return Ok(None);
    }
    io.result(summary)?;
    let exit = if write.diff {
        Exit::Problems
    } else {
        Exit::Done
    };
    Ok(Some(exit))
}

/// `--dry-run=server`: it went through.
pub(super) fn would_be_taken(io: &Io) -> Exit {
    io.note(&format!("the server would take all of it; {NOTHING}"));
    Exit::Done
}

/// Ask, unless somebody said `-y`, or it is only tried.
pub(super) async fn consent(io: &Io, write: &WriteArgs, question: &str) -> Result<Decision, Error> {
    if write.yes || write.dry_run != DryRun::None {
        return Ok(Decision::GoAhead);
    }
    if io.confirm(question).await? {
        return Ok(Decision::GoAhead);
    }
    io.note(NOTHING);
    Ok(Decision::Ended(Exit::Problems))
}
