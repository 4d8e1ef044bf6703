//! A run that broke off: what it did, and the two ways from there. At a terminal it offers to go
//! either one.

use super::interruptible;
use crate::apply::{Journal, read_inventory};
use crate::cli::connect::ConnectArgs;
use crate::cli::setup::SetupArgs;
use crate::cluster::Cluster;
use crate::command::Io;
use crate::command::cleanup::{
    GatewayRemoval, HostRemoval, Removal, RemovalRun, host_change, host_removal,
};
use crate::deadline::Question;
use crate::error::Error;
use crate::exit::Exit;
use crate::plan::{HostRecord, Inventory, NamespaceRecord};
use crate::snapshot::{Snapshot, take};
use dialoguer::Select;
use dialoguer::console::Term;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// What a run leaves behind for the case that it breaks off.
#[derive(Default)]
pub(super) struct Trail {
    /// What was written.
    pub(super) journal: Journal,
    before: Mutex<Before>,
}

/// How it was.
#[derive(Clone, Default)]
struct Before {
    /// What was asked for.
    args: Option<SetupArgs>,
    /// The inventory of the gateway's namespace.
    inventory: Option<Inventory>,
    /// Namespaces that had no sidecars.
    bare: Vec<NamespaceRecord>,
}

impl Trail {
    /// Keep what was asked, and what we had, before the first write to the gateway's namespace.
    pub(super) fn keep(&self, args: &SetupArgs, inventory: &Inventory) {
        let mut before = self.lock();
        before.args = Some(args.clone());
        before.inventory = Some(inventory.clone());
    }

    /// Keep that a namespace is about to get sidecars.
    pub(super) fn injects(&self, args: &SetupArgs, record: &NamespaceRecord) {
        let mut before = self.lock();
        before.args = Some(args.clone());
        before.bare.push(record.clone());
        self.journal.note(format!(
            "labelled Namespace {}, for sidecars, and restarted its workloads",
            record.namespace
        ));
    }

    fn lock(&self) -> MutexGuard<'_, Before> {
        self.before.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Say what exists, and go on or back where somebody says so.
pub(super) async fn settle(
    connect: &ConnectArgs,
    io: &Io,
    trail: &Trail,
    error: Error,
) -> Result<Exit, Error> {
    let lines = trail.journal.lines();
    let before = trail.lock().clone();
    let (false, Some(mut args)) = (lines.is_empty(), before.args.clone()) else {
        return Err(error);
    };
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
            let connect = &connect.within(args.write.timeout);
            Box::pin(interruptible(super::setup(
                &args,
                connect,
                io,
                &Trail::default(),
            )))
            .await
        }
        1 => {
            let connect = &connect.within(args.write.timeout);
            Box::pin(interruptible(go_back((&args, connect, io), &before))).await?;
            io.say("all that this run did is taken back");
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
            "go on and finish it",
            "go back: undo what this run did",
            "leave it as it is",
        ];
        let asked = Select::new()
            .with_prompt("What now?")
            .items(ways)
            .default(0)
            .interact_on(&term);
        // A question that was interrupted leaves the cursor hidden.
        let _ = term.show_cursor();
        asked
    });
    asked.await.ok().and_then(Result::ok).unwrap_or(2)
}

/// Make the inventories, and what they stand for, what they were.
async fn go_back(
    (args, connect, io): (&SetupArgs, &ConnectArgs, &Io),
    before: &Before,
) -> Result<Exit, Error> {
    let cluster = Cluster::connect(&connect.options()).await?;
    let snapshot = take(&cluster, &connect.scope()).await?;
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
    if let Some(inventory) = &before.inventory {
        let now = read_inventory(&cluster, &inventory.namespace).await?;
        run.perform(&since(inventory, &now, &snapshot)?).await?;
    }
    // Sidecars go last: until then the way through the gateway needs them.
    for record in &before.bare {
        let inventory = read_inventory(&cluster, &record.namespace).await?;
        let namespaces = vec![record.clone()];
        run.perform(&Removal {
            namespaces,
            ..Removal::nothing(inventory)
        })
        .await?;
    }
    Ok(Exit::Done)
}

/// What an inventory has by now and had not before.
fn since(before: &Inventory, now: &Inventory, snapshot: &Snapshot) -> Result<Removal, Error> {
    let hosts = now
        .hosts
        .values()
        .filter_map(|record| restored(record, before, (now, snapshot)));
    let hosts = hosts.collect::<Result<Vec<HostRemoval>, Error>>()?;
    let new = now
        .gateways
        .iter()
        .filter(|(service, _)| !before.gateways.contains_key(*service));
    let gateways = new
        .map(|(s, r)| GatewayRemoval {
            service: s.clone(),
            record: r.clone(),
            users: Vec::new(),
        })
        .collect();
    let locked = now
        .lockdowns
        .iter()
        .filter(|(namespace, _)| !before.lockdowns.contains_key(*namespace));
    let lockdowns = locked.map(|(_, record)| record.clone()).collect();
    Ok(Removal {
        hosts,
        gateways,
        lockdowns,
        ..Removal::nothing(now.clone())
    })
}

/// What to do so that a host is again as it was; nothing where it is.
fn restored(
    record: &HostRecord,
    before: &Inventory,
    (now, snapshot): (&Inventory, &Snapshot),
) -> Option<Result<HostRemoval, Error>> {
    match before.host(&record.host) {
        None => Some(host_removal(
            record,
            record.callers.clone(),
            (now, snapshot),
        )),
        Some(old) if (&old.callers, &old.wires) == (&record.callers, &record.wires) => None,
        Some(old) => {
            let gone = record
                .callers
                .iter()
                .filter(|c| !old.callers.contains(c))
                .cloned()
                .collect();
            Some(host_change(
                record,
                (Some(old.clone()), gone),
                (now, snapshot),
            ))
        }
    }
}
