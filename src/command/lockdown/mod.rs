//! `lockdown` and `unlock`: what would be cut is shown, then the policy is written, then the ways
//! round it are tried.

mod look;
mod show;
mod trials;
mod unlock;

pub use unlock::run as unlock;
pub(super) use unlock::{records_of, remove};

use super::Io;
use super::setup::print_objects;
use super::stamp::stamp;
use crate::apply::{Journal, preview, read_inventories, update_inventory, write_all};
use crate::cli::connect::ConnectArgs;
use crate::cli::lockdown::LockdownArgs;
use crate::cluster::{Cluster, DryRun};
use crate::deadline::Deadline;
use crate::error::Error;
use crate::exit::Exit;
use crate::install::FoundGateway;
use crate::interrupt;
use crate::kubernetes::{Kind, ObjectRef};
use crate::lockdown::{Trial, gateways_of, openings, policy, refuse, spec_of, verdict};
use crate::plan::{
    Action, Enforcement, Inventory, LockdownRecord, LockdownSpec, Owned, Stamp, Step, diff,
    reference,
};
use crate::rights;
use crate::snapshot::{Change, Snapshot, take};
use serde_json::Value;

/// Run `lockdown`.
pub async fn run(args: &LockdownArgs, connect: &ConnectArgs, io: &Io) -> Result<Exit, Error> {
    let journal = Journal::default();
    let done = tokio::select! {
        done = lockdown(args, connect, (io, &journal)) => done,
        () = interrupt::requested() => Err(Error::Interrupted),
    };
    if done.is_err() && !journal.lines().is_empty() {
        io.say("this was done before it broke off; unlock takes it back:");
        journal
            .lines()
            .iter()
            .for_each(|line| io.say(&format!("  {line}")));
    }
    done
}

/// One namespace: what is wanted of it, and where that is remembered.
struct Wanted {
    spec: LockdownSpec,
    gateways: Vec<FoundGateway>,
    /// The namespace of the inventory.
    home: String,
    earlier: Option<LockdownRecord>,
    policy: Value,
}

/// What one run has at hand.
struct Session<'a> {
    cluster: &'a Cluster,
    io: &'a Io,
    args: &'a LockdownArgs,
    journal: &'a Journal,
    snapshot: &'a Snapshot,
    inventories: &'a [Inventory],
    deadline: Deadline,
}

async fn lockdown(
    args: &LockdownArgs,
    connect: &ConnectArgs,
    (io, journal): (&Io, &Journal),
) -> Result<Exit, Error> {
    let namespaces = args.namespaces()?;
    let deadline = args.write.deadline();
    let cluster = Cluster::connect(&connect.options()).await?;
    let progress = io.progress("reading the cluster");
    let scope = connect.scope();
    let (snapshot, inventories) = tokio::join!(take(&cluster, &scope), read_inventories(&cluster));
    let (snapshot, inventories) = (snapshot?, inventories?);
    drop(progress);
    let session = Session {
        cluster: &cluster,
        io,
        args,
        journal,
        snapshot: &snapshot,
        inventories: &inventories,
        deadline,
    };
    let wanted = namespaces
        .iter()
        .map(|n| session.wanted(n))
        .collect::<Result<Vec<_>, _>>()?;
    let policies: Vec<Value> = wanted.iter().map(|w| w.policy.clone()).collect();
    if args.write.dry_run == DryRun::Client {
        print_objects(io, args.output, &policies)?;
        return Ok(Exit::Done);
    }
    let written: Vec<ObjectRef> = wanted
        .iter()
        .flat_map(|w| {
            [
                reference(&w.policy),
                Some(session.inventory(&w.home).object()),
            ]
        })
        .flatten()
        .collect();
    cluster.require(&rights::of_objects(&written)).await?;
    let steps = session.steps(&wanted).await?;
    if args.write.diff {
        let text = diff::unified(&steps)?;
        io.result(&text)?;
        return Ok(if text.is_empty() {
            Exit::Done
        } else {
            Exit::Problems
        });
    }
    session.carry_out(&wanted, &steps).await
}

impl Session<'_> {
    fn wanted(&self, namespace: &str) -> Result<Wanted, Error> {
        refuse(self.snapshot, namespace)?;
        let earlier = self
            .inventories
            .iter()
            .find_map(|i| Some((i, i.lockdowns.get(namespace)?)));
        let gateways = gateways_of(
            self.snapshot,
            self.inventories,
            (namespace, &self.args.gateway),
        )?;
        let asked = (self.args.in_cluster.as_ref(), self.args.allow_apiserver);
        let spec = spec_of(namespace, &gateways, asked, earlier.map(|(_, r)| &r.spec));
        let home = earlier.map_or_else(
            || gateways.first().map(|g| g.place.namespace.clone()),
            |(i, _)| Some(i.namespace.clone()),
        );
        let policy = policy(self.snapshot, &spec)?;
        Ok(Wanted {
            spec,
            gateways,
            home: home.unwrap_or_default(),
            earlier: earlier.map(|(_, record)| record.clone()),
            policy,
        })
    }

    fn inventory(&self, home: &str) -> Inventory {
        let known = self
            .inventories
            .iter()
            .find(|i| i.namespace == home)
            .cloned();
        known.unwrap_or_else(|| Inventory::new(home))
    }

    async fn steps(&self, wanted: &[Wanted]) -> Result<Vec<Step>, Error> {
        let mut steps = Vec::new();
        for want in wanted {
            let inventory = self.inventory(&want.home);
            let options = self.args.write.options();
            steps.extend(
                preview(self.cluster, &inventory, vec![want.policy.clone()], options).await?,
            );
        }
        Ok(steps)
    }

    async fn carry_out(&self, wanted: &[Wanted], steps: &[Step]) -> Result<Exit, Error> {
        let (io, args) = (self.io, self.args);
        io.note(&format!(
            "context {}, server {}",
            self.cluster.context, self.cluster.server
        ));
        let mut outliving = Vec::new();
        for want in wanted {
            let then = self.then(&want.policy)?;
            let sight = self.look(&want.spec.namespace, &then).await?;
            show::plan(
                io,
                &want.spec,
                &openings(self.snapshot, &want.spec.namespace),
            );
            show::sight(io, &want.spec, &sight);
            outliving.push(sight.cut.iter().map(|c| c.open).sum::<u64>());
        }
        let writes = steps.iter().any(|s| s.action != Action::Unchanged);
        io.note(diff::summary(steps).trim_end());
        if args.write.dry_run == DryRun::Server {
            io.note("the server would take it; nothing was written");
            return Ok(Exit::Done);
        }
        if writes && !args.write.yes && !io.confirm("lock it down?").await? {
            io.note("nothing was written");
            return Ok(Exit::Problems);
        }
        let mut ends = Vec::new();
        for ((want, step), open) in wanted.iter().zip(steps).zip(outliving) {
            let mut end = self.lock(want, step).await?;
            if open > 0 && step.action != Action::Unchanged {
                end.notes.push(format!(
                    "of the connections that would be cut, {open} open now may outlive the policy: most plugins only judge new ones; a restart of the pods ends them"
                ));
            }
            ends.push(end);
        }
        if args.output != crate::cli::setup::SetupOutput::Text {
            let bodies: Vec<Value> = steps.iter().filter_map(|s| s.body.clone()).collect();
            print_objects(io, args.output, &bodies)?;
        }
        show::result(io, args.output, &ends)?;
        Ok(show::exit(&ends))
    }

    /// The cluster as it will be.
    fn then(&self, policy: &Value) -> Result<Snapshot, Error> {
        let object =
            reference(policy).unwrap_or_else(|| ObjectRef::new(Kind::NetworkPolicy, "", ""));
        let change = Change {
            object,
            before: None,
            after: Some(policy.clone()),
        };
        self.snapshot
            .with(&[change])
            .map_err(|e| Error::Failed(format!("the policy cannot be read back: {e}")))
    }

    /// Try, write, try again.
    async fn lock(&self, want: &Wanted, step: &Step) -> Result<show::End, Error> {
        let namespace = &want.spec.namespace;
        let new = step.action == Action::Create;
        let mut tries = trials::Tries::prepare(self, want).await?;
        if new {
            let _progress = self.io.progress(&format!(
                "trying the ways out of {namespace} as they are now"
            ));
            tries.before().await?;
        }
        let stamp = stamp(self.cluster).await;
        if step.action != Action::Unchanged || want.earlier.is_none() {
            self.write(want, step, &stamp).await?;
        }
        let mut end = show::End {
            spec: want.spec.clone(),
            changed: step.action != Action::Unchanged,
            ..show::End::default()
        };
        if self.args.no_probe || !self.args.write.wait {
            return Ok(end);
        }
        let progress = self
            .io
            .progress(&format!("trying to get round it from {namespace}"));
        let (trials, controls, notes) = tries.after(new, &self.then(&want.policy)?).await?;
        drop(progress);
        let earlier = want.earlier.as_ref().map(|r| r.seen).unwrap_or_default();
        end.verdict = Some(verdict(&trials));
        end.seen = verdict(&trials).seen(earlier);
        self.remember(want, end.seen).await?;
        (end.trials, end.controls, end.notes) = (trials, controls, notes);
        Ok(end)
    }

    /// The inventory names the policy before it is there, and knows its UID afterwards.
    async fn write(&self, want: &Wanted, step: &Step, stamp: &Stamp) -> Result<(), Error> {
        let seen = want.earlier.as_ref().map(|r| r.seen).unwrap_or_default();
        let record = |uid: String| LockdownRecord {
            spec: want.spec.clone(),
            seen,
            by: stamp.clone(),
            objects: vec![Owned {
                object: step.object.clone(),
                uid,
            }],
        };
        let uid = step
            .live
            .as_ref()
            .and_then(|l| l.pointer("/metadata/uid")?.as_str())
            .unwrap_or_default();
        self.keep(&want.home, &record(uid.into())).await?;
        let options = self.args.write.options();
        let written = write_all(
            self.cluster,
            std::slice::from_ref(step),
            options,
            (self.journal, self.deadline),
        )
        .await?;
        let uid = written.first().map(|o| o.uid.clone()).unwrap_or_default();
        self.keep(&want.home, &record(uid)).await
    }

    async fn keep(&self, home: &str, record: &LockdownRecord) -> Result<(), Error> {
        let change = |inventory: &mut Inventory| {
            inventory
                .lockdowns
                .insert(record.spec.namespace.clone(), record.clone());
        };
        update_inventory(self.cluster, home, change)
            .await
            .map(|_| ())
    }

    /// What was seen, where it is news.
    async fn remember(&self, want: &Wanted, seen: Enforcement) -> Result<(), Error> {
        let known = want.earlier.as_ref().map(|r| r.seen).unwrap_or_default();
        if known == seen {
            return Ok(());
        }
        let change = |inventory: &mut Inventory| {
            if let Some(record) = inventory.lockdowns.get_mut(&want.spec.namespace) {
                record.seen = seen;
            }
        };
        update_inventory(self.cluster, &want.home, change)
            .await
            .map(|_| ())
    }
}

/// All that was tried of one namespace.
type Tried = (Vec<Trial>, Vec<trials::Control>, Vec<String>);
