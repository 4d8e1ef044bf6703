//! `unlock`: the policy goes, and with it its record. Cleanup does the same before all else.

use crate::apply::Journal;
use crate::cli::connect::ConnectArgs;
use crate::cli::lockdown::UnlockArgs;
use crate::cluster::{Cluster, DryRun};
use crate::command::consent::{
    Decision, accountable, consent, say_where, show_removal, would_be_taken,
};
use crate::console::Io;
use crate::error::Error;
use crate::exit::Exit;
use crate::rollout::lockdown::{Lockdowns, Unlock, not_ours};
use crate::rollout::stamp;

/// Run `unlock`.
pub async fn run(args: &UnlockArgs, connect: &ConnectArgs, io: &Io) -> Result<Exit, Error> {
    let journal = Journal::default();
    let next = "run the same command again to continue";
    let work = Box::pin(unlock(args, connect, io, &journal));
    accountable(io, &journal, next, work).await
}

async fn unlock(
    args: &UnlockArgs,
    connect: &ConnectArgs,
    io: &Io,
    journal: &Journal,
) -> Result<Exit, Error> {
    let namespaces = args.namespaces()?;
    let deadline = args.write.deadline();
    let cluster = Cluster::connect(&connect.options()).await?;
    let lockdowns = Lockdowns::read(&cluster, &namespaces).await?;
    for line in &lockdowns.unreadable {
        io.warn(line);
    }
    for namespace in &namespaces {
        if !lockdowns.names(namespace) {
            io.note(&not_ours(&cluster, namespace).await?);
        }
    }
    let exit = if lockdowns.unreadable.is_empty() {
        Exit::Done
    } else {
        Exit::Unproven
    };
    if lockdowns.records.is_empty() {
        io.result("unchanged")?;
        return Ok(exit);
    }
    let removal = lockdowns.removal();
    let summary = removal.summary();
    if let Some(exit) = show_removal(io, &args.write, &summary)? {
        return Ok(exit);
    }
    cluster.require(&removal.rights()).await?;
    say_where(io, &cluster);
    io.note(summary.trim_end());
    let question = "Remove the lockdown?";
    if let Decision::Ended(exit) = consent(io, &args.write, question).await? {
        return Ok(exit);
    }
    let unlock = Unlock {
        cluster: &cluster,
        io,
        write: &args.write,
        journal,
        deadline,
        stamp: &stamp(&cluster).await,
    };
    let names = lockdowns.namespaces();
    let mut left = Vec::new();
    for namespace in &names {
        left.extend(unlock.perform(namespace).await?);
    }
    if args.write.dry_run == DryRun::Server {
        return Ok(would_be_taken(io));
    }
    for line in &left {
        io.say(&format!("left: {line}"));
    }
    io.result(&format!("unlocked {}", names.join(", ")))?;
    Ok(if left.is_empty() {
        exit
    } else {
        Exit::Problems
    })
}
