//! `unlock`: the policy goes, and with it its record. Cleanup does the same before
//! all else.

use super::super::Io;
use crate::apply::{Journal, read_records_of};
use crate::cli::connect::ConnectArgs;
use crate::cli::lockdown::UnlockArgs;
use crate::cli::write::WriteArgs;
use crate::cluster::{Cluster, DryRun};
use crate::command::cleanup::RemovalRun;
use crate::command::stamp::stamp;
use crate::deadline::Deadline;
use crate::error::Error;
use crate::exit::Exit;
use crate::flow::LOCKDOWN;
use crate::install::Istioctl;
use crate::kubernetes::{Kind, ObjectRef};
use crate::plan::{Inventory, LockdownRecord, Phase, Removal, Stamp, Unreadable, managers};
use crate::snapshot::Snapshot;
use serde_json::Value;
use std::sync::Mutex;

/// A run that meets others decides again at most this often.
const TRIES: usize = 10;

/// Run `unlock`.
pub async fn run(args: &UnlockArgs, connect: &ConnectArgs, io: &Io) -> Result<Exit, Error> {
    let journal = Journal::default();
    let done = tokio::select! {
        done = unlock(args, connect, io, &journal) => done,
        () = crate::interrupt::requested() => Err(Error::Interrupted),
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

async fn unlock(
    args: &UnlockArgs,
    connect: &ConnectArgs,
    io: &Io,
    journal: &Journal,
) -> Result<Exit, Error> {
    let namespaces = args.namespaces()?;
    let deadline = args.write.deadline();
    let cluster = Cluster::connect(&connect.options()).await?;
    let lockdowns = lockdowns_of(&cluster, &namespaces).await?;
    for line in &lockdowns.unreadable {
        io.warn(line);
    }
    let incomplete = !lockdowns.unreadable.is_empty();
    for namespace in &namespaces {
        if !lockdowns.names(namespace) {
            io.note(&not_ours(&cluster, namespace).await?);
        }
    }
    let exit = if incomplete {
        Exit::Unproven
    } else {
        Exit::Done
    };
    if lockdowns.records.is_empty() {
        io.result("unchanged")?;
        return Ok(exit);
    }
    let plan = lockdowns.removal().summary();
    if args.write.diff || args.write.dry_run == DryRun::Client {
        io.result(&plan)?;
        return Ok(if args.write.diff {
            Exit::Problems
        } else {
            Exit::Done
        });
    }
    cluster.require(&lockdowns.removal().rights()).await?;
    io.note(&format!(
        "context {}, server {}\n{plan}",
        cluster.context, cluster.server
    ));
    let asks = args.write.dry_run == DryRun::None && !args.write.yes;
    if asks && !io.confirm("let them leave directly again?").await? {
        io.note("nothing was removed");
        return Ok(Exit::Problems);
    }
    let mut left = Vec::new();
    let names: Vec<String> = lockdowns.namespaces();
    let stamp = stamp(&cluster).await;
    for namespace in &names {
        let removing = Removing {
            cluster: &cluster,
            io,
            write: &args.write,
            journal,
            deadline,
            stamp: &stamp,
        };
        left.extend(removing.one(namespace).await?);
    }
    if args.write.dry_run == DryRun::Server {
        io.note("the server would take it; nothing was removed");
        return Ok(Exit::Done);
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

/// The lockdowns of some namespaces, with the policies of ours that no record names.
struct Lockdowns {
    records: Vec<LockdownRecord>,
    live: Vec<Value>,
    unreadable: Vec<String>,
}

impl Lockdowns {
    fn names(&self, namespace: &str) -> bool {
        self.records.iter().any(|r| r.spec.namespace == namespace)
    }

    fn namespaces(&self) -> Vec<String> {
        self.records
            .iter()
            .map(|r| r.spec.namespace.clone())
            .collect()
    }

    fn removal(&self) -> Removal {
        Removal {
            lockdowns: self.records.clone(),
            ..Removal::default()
        }
    }
}

/// Only what lies in these namespaces is read: whoever may unlock one needs no other.
async fn lockdowns_of(cluster: &Cluster, namespaces: &[String]) -> Result<Lockdowns, Error> {
    let mut inventory = Inventory::default();
    let mut live = Vec::new();
    for namespace in namespaces {
        inventory.extend(read_records_of(cluster, namespace).await?);
        let object = ObjectRef::new(Kind::NetworkPolicy, namespace, LOCKDOWN);
        live.extend(cluster.get(&object).await?);
    }
    let unreadable = inventory.unreadable.iter().map(Unreadable::line).collect();
    inventory.adopt(&live);
    Ok(Lockdowns {
        records: inventory.lockdowns,
        live,
        unreadable,
    })
}

/// What the removal of one lockdown works with.
struct Removing<'a> {
    cluster: &'a Cluster,
    io: &'a Io,
    write: &'a WriteArgs,
    journal: &'a Journal,
    deadline: Deadline,
    stamp: &'a Stamp,
}

impl Removing<'_> {
    /// Remove it as it is by now; whoever locks it down meanwhile wants that.
    async fn one(&self, namespace: &str) -> Result<Vec<String>, Error> {
        let mut announced = false;
        for _ in 0..TRIES {
            let found = lockdowns_of(self.cluster, &[namespace.to_owned()]).await?;
            let Some(record) = found.records.first() else {
                return Ok(Vec::new());
            };
            if announced && record.phase != Phase::Leaving {
                return Err(Error::Refused {
                    why: format!(
                        "{namespace} is locked down again by {}: {}",
                        record.by.who, record.by.command
                    ),
                    hint: Some("run unlock again if it is to be open all the same".into()),
                });
            }
            let snapshot = Snapshot::default();
            let run = RemovalRun {
                cluster: self.cluster,
                io: self.io,
                write: self.write,
                snapshot: &snapshot,
                live: &found.live,
                journal: self.journal,
                deadline: self.deadline,
                tool: &Istioctl::default(),
                file: None,
                stamp: self.stamp.clone(),
                announced: &Mutex::default(),
            };
            match run.unlock(record.clone()).await {
                Err(Error::Raced { what }) => {
                    announced = true;
                    self.io
                        .note(&format!("{what} was changed meanwhile: looking again"));
                }
                done => return done,
            }
        }
        Err(Error::Raced {
            what: format!("the lockdown of {namespace}"),
        })
    }
}

/// Why nothing is done about a namespace.
async fn not_ours(cluster: &Cluster, namespace: &str) -> Result<String, Error> {
    let object = ObjectRef::new(Kind::NetworkPolicy, namespace, LOCKDOWN);
    Ok(match cluster.get(&object).await? {
        None => format!("{namespace} is not locked down"),
        Some(live) => {
            let owners: Vec<&str> = managers(&live).collect();
            format!(
                "{object} is in no record of ours and stays: it was written by {}",
                owners.join(", ")
            )
        }
    })
}
