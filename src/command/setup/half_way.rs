//! A run that broke off: what it did, and the two ways from there. At a terminal it offers to go either one.

use super::interruptible;
use crate::apply::{Journal, read_inventory};
use crate::cli::connect::ConnectArgs;
use crate::cli::setup::SetupArgs;
use crate::cluster::Cluster;
use crate::command::Io;
use crate::command::cleanup::{GatewayRemoval, HostRemoval, Removal, RemovalRun, host_change, host_removal};
use crate::error::Error;
use crate::exit::Exit;
use crate::plan::{HostRecord, Inventory};
use crate::snapshot::{Snapshot, take};
use dialoguer::Select;
use dialoguer::console::Term;
use std::sync::{Mutex, PoisonError};

/// What a run leaves behind for the case that it breaks off.
#[derive(Default)]
pub(super) struct Trail {
    /// What was written.
    pub(super) journal: Journal,
    before: Mutex<Option<(SetupArgs, Inventory)>>,
}

impl Trail {
    /// Keep what was asked, and what we had, before the first write.
    pub(super) fn keep(&self, args: &SetupArgs, inventory: &Inventory) {
        let kept = Some((args.clone(), inventory.clone()));
        *self.before.lock().unwrap_or_else(PoisonError::into_inner) = kept;
    }

    fn before(&self) -> Option<(SetupArgs, Inventory)> {
        self.before.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Say what exists, and go on or back where somebody says so.
pub(super) async fn settle(connect: &ConnectArgs, io: &Io, trail: &Trail, error: Error) -> Result<Exit, Error> {
    let lines = trail.journal.lines();
    let (false, Some((mut args, before))) = (lines.is_empty(), trail.before()) else { return Err(error) };
    io.say("this was done before it broke off:");
    for line in lines {
        io.say(&format!("  {line}"));
    }
    if !io.interactive {
        io.say("to go on, run the same command again; to go back: kubectl egress cleanup with the same hosts");
        return Err(error);
    }
    io.say(&format!("because: {error}"));
    match ask().await {
        0 => {
            args.write.yes = true;
            Box::pin(interruptible(super::setup(&args, connect, io, &Trail::default()))).await
        }
        1 => {
            interruptible(go_back((&args, connect, io), &before)).await?;
            io.say("all that this run did is taken back");
            Err(error)
        }
        _ => Err(error),
    }
}

async fn ask() -> usize {
    let asked = tokio::task::spawn_blocking(|| {
        let term = Term::stderr();
        let ways = ["go on and finish it", "go back: undo what this run did", "leave it as it is"];
        let asked = Select::new().with_prompt("What now?").items(ways).default(0).interact_on(&term);
        // A question that was interrupted leaves the cursor hidden.
        let _ = term.show_cursor();
        asked
    });
    asked.await.ok().and_then(Result::ok).unwrap_or(2)
}

/// Make the inventory, and what it stands for, what they were.
async fn go_back((args, connect, io): (&SetupArgs, &ConnectArgs, &Io), before: &Inventory) -> Result<Exit, Error> {
    let cluster = Cluster::connect(&connect.options()).await?;
    let now = read_inventory(&cluster, &before.namespace).await?;
    let snapshot = take(&cluster, &connect.scope()).await?;
    let hosts = now.hosts.values().filter_map(|record| restored(record, before, (&now, &snapshot)));
    let hosts = hosts.collect::<Result<Vec<HostRemoval>, Error>>()?;
    let new = now.gateways.iter().filter(|(service, _)| !before.gateways.contains_key(*service));
    let removal = Removal {
        hosts,
        gateways: new
            .map(|(s, r)| GatewayRemoval { service: s.clone(), record: r.clone(), users: Vec::new() })
            .collect(),
        namespaces: Vec::new(),
        lockdowns: now
            .lockdowns
            .iter()
            .filter(|(namespace, _)| !before.lockdowns.contains_key(*namespace))
            .map(|(_, record)| record.clone())
            .collect(),
        inventory: now.clone(),
    };
    let tool = connect.istioctl().unwrap_or_default();
    let journal = Journal::default();
    let run = RemovalRun {
        cluster: &cluster,
        io,
        write: &args.write,
        snapshot: &snapshot,
        journal: &journal,
        deadline: args.write.deadline(),
        tool: &tool,
    };
    run.perform(&removal).await?;
    Ok(Exit::Done)
}

/// What to do so that a host is again as it was; nothing where it is.
fn restored(
    record: &HostRecord,
    before: &Inventory,
    (now, snapshot): (&Inventory, &Snapshot),
) -> Option<Result<HostRemoval, Error>> {
    match before.host(&record.host) {
        None => Some(host_removal(record, record.callers.clone(), (now, snapshot))),
        Some(old) if (&old.callers, &old.wires) == (&record.callers, &record.wires) => None,
        Some(old) => {
            let gone = record.callers.iter().filter(|c| !old.callers.contains(c)).cloned().collect();
            Some(host_change(record, (Some(old.clone()), gone), (now, snapshot)))
        }
    }
}
