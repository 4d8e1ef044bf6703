//! `setup`: from a wish to a path that is proven.

mod gateway;
mod needs;
mod perform;
mod prune;
mod show;
mod wanted;

use super::Io;
use crate::apply::{Journal, preview};
use crate::cli::connect::ConnectArgs;
use crate::cli::setup::SetupArgs;
use crate::cluster::{Cluster, DryRun};
use crate::error::Error;
use crate::exit::Exit;
use crate::plan::{Action, Step, diff};
use crate::snapshot::take;

/// Run the verb.
pub async fn run(args: &SetupArgs, connect: &ConnectArgs, io: &Io) -> Result<Exit, Error> {
    let journal = Journal::default();
    let done = tokio::select! {
        done = setup(args, connect, io, &journal) => done,
        _ = tokio::signal::ctrl_c() => Err(Error::Interrupted),
    };
    if done.is_err() {
        show::half_way(io, &journal.lines());
    }
    done
}

async fn setup(args: &SetupArgs, connect: &ConnectArgs, io: &Io, journal: &Journal) -> Result<Exit, Error> {
    let deadline = args.write.deadline();
    let patch = args.patch()?;
    let cluster = Cluster::connect(&connect.options()).await?;
    let spec = args.spec(&cluster.namespace)?;
    if spec.wishes.is_empty() {
        return Err(Error::Usage("name the hosts: HOST[:PORT][=PROTOCOL]…, or a file with -f".into()));
    }
    let progress = io.progress("reading the cluster");
    let snapshot = take(&cluster, &connect.scope()).await?;
    let wanted = wanted::wanted(&cluster, &snapshot, &spec, (args, patch, deadline)).await?;
    drop(progress);
    if args.write.dry_run == DryRun::Client {
        show::objects(io, args.output, &wanted.objects())?;
        return Ok(Exit::Done);
    }
    let steps = preview(&cluster, &wanted.inventory, wanted.objects(), args.write.options()).await?;
    if args.write.diff {
        return differ(io, &steps);
    }
    show::plan(io, &cluster, &wanted, &steps);
    let stale = if args.prune { prune::stale(&wanted.inventory, &spec) } else { Vec::new() };
    for (host, callers) in &stale {
        io.note(&format!("  prune     {host} for {}", callers.join(", ")));
    }
    if args.write.dry_run == DryRun::Server {
        io.note("the server would take all of it; nothing was written");
        return Ok(Exit::Done);
    }
    let changes = steps.iter().any(|s| s.action != Action::Unchanged);
    if (changes || !stale.is_empty()) && !args.write.yes && !io.confirm("write this?").await? {
        io.note("nothing was written");
        return Ok(Exit::Problems);
    }
    let run = perform::Run { cluster: &cluster, io, args, wanted: &wanted, steps: &steps, journal, deadline };
    let mut outcome = run.perform(&snapshot, changes).await?;
    outcome.changed |= !stale.is_empty();
    let left = if args.prune { prune::prune(&run, connect, &spec).await? } else { Vec::new() };
    left.iter().for_each(|left| io.warn(left));
    show::result(io, args.output, &outcome, &steps)?;
    Ok(if left.is_empty() { outcome.exit() } else { Exit::Problems })
}

fn differ(io: &Io, steps: &[Step]) -> Result<Exit, Error> {
    let text = diff::unified(steps)?;
    if text.is_empty() {
        return Ok(Exit::Done);
    }
    io.result(&text)?;
    Ok(Exit::Problems)
}
