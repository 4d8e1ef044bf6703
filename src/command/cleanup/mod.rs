//! `cleanup`: the way back, in the order that keeps traffic flowing, and a look at what is left.

mod perform;
mod plan;

pub(super) use perform::Run as RemovalRun;
pub(super) use plan::{GatewayRemoval, HostRemoval, Removal, host_change, host_removal};

use super::Io;
use crate::apply::{Journal, read_inventories};
use crate::cli::cleanup::CleanupArgs;
use crate::cli::connect::ConnectArgs;
use crate::cluster::{Cluster, DryRun};
use crate::error::Error;
use crate::exit::Exit;
use crate::interrupt;
use crate::snapshot::take;

/// Run the verb.
pub async fn run(args: &CleanupArgs, connect: &ConnectArgs, io: &Io) -> Result<Exit, Error> {
    let journal = Journal::default();
    let done = tokio::select! {
        done = cleanup(args, connect, io, &journal) => done,
        () = interrupt::requested() => Err(Error::Interrupted),
    };
    if done.is_err() && !journal.lines().is_empty() {
        io.say("this was done before it broke off; run the same command again to go on:");
        journal
            .lines()
            .iter()
            .for_each(|line| io.say(&format!("  {line}")));
    }
    done
}

async fn cleanup(
    args: &CleanupArgs,
    connect: &ConnectArgs,
    io: &Io,
    journal: &Journal,
) -> Result<Exit, Error> {
    args.check()?;
    let deadline = args.write.deadline();
    let cluster = Cluster::connect(&connect.options()).await?;
    let progress = io.progress("reading the cluster");
    let mut inventories = read_inventories(&cluster).await?;
    let snapshot = take(&cluster, &connect.scope()).await?;
    inventories.extend(plan::unfinished(&snapshot, &inventories));
    drop(progress);
    let removals = plan::removals(args, &cluster.namespace, &inventories, &snapshot)?;
    if removals.is_empty() {
        io.result("nothing of ours is left")?;
        return Ok(Exit::Done);
    }
    if args.write.diff || args.write.dry_run == DryRun::Client {
        io.result(&plan::summary(&removals))?;
        return Ok(if args.write.diff {
            Exit::Problems
        } else {
            Exit::Done
        });
    }
    io.note(&format!(
        "context {}, server {}",
        cluster.context, cluster.server
    ));
    io.note(plan::summary(&removals).trim_end());
    let asks = args.write.dry_run == DryRun::None && !args.write.yes;
    if asks && !io.confirm("remove this?").await? {
        io.note("nothing was removed");
        return Ok(Exit::Problems);
    }
    let mut left = Vec::new();
    let tool = connect.istioctl().unwrap_or_default();
    for removal in &removals {
        let run = perform::Run {
            cluster: &cluster,
            io,
            write: &args.write,
            snapshot: &snapshot,
            journal,
            deadline,
            tool: &tool,
        };
        left.extend(run.perform(removal).await?);
    }
    if args.write.dry_run == DryRun::Server {
        io.note("the server would take all of it; nothing was removed");
        return Ok(Exit::Done);
    }
    if left.is_empty() {
        io.result("nothing of it is left")?;
        return Ok(Exit::Done);
    }
    io.result(&format!("left:\n  {}", left.join("\n  ")))?;
    Ok(Exit::Problems)
}
