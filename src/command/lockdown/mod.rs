//! `lockdown` and `unlock`: what would be cut is shown, then the policy is written, then the ways
//! round it are tried.

mod look;
mod show;
mod trials;
mod unlock;

pub use unlock::run as unlock;

use super::Io;
use super::setup::print_objects;
use super::stamp::stamp;
use crate::apply::{Executor, Guard, Journal, preview, read_records};
use crate::cli::connect::ConnectArgs;
use crate::cli::lockdown::LockdownArgs;
use crate::cluster::{Cluster, DryRun};
use crate::deadline::Deadline;
use crate::error::Error;
use crate::exit::Exit;
use crate::flow::Part;
use crate::install::FoundGateway;
use crate::interrupt;
use crate::kubernetes::{Kind, ObjectRef};
use crate::lockdown::{Trial, gateways_of, openings, policy, refuse, spec_of, verdict};
use crate::plan::{
    Action, Enforcement, Form, Inventory, Item, LockdownRecord, LockdownSpec, Phase, Record, Stage,
    Stamp, Step, Wanted as WantedObject, diff, reference,
};
use crate::rights;
use crate::snapshot::{Change, Snapshot, take};
use serde_json::Value;

/// Run `lockdown`.
pub async fn run(args: &LockdownArgs, connect: &ConnectArgs, io: &Io) -> Result<Exit, Error> {
    let journal = Journal::default();
    // Wrong usage is told before anything is asked of a cluster.
    args.namespaces()?;
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
    earlier: Option<LockdownRecord>,
    /// The record as it will be.
    record: LockdownRecord,
    policy: Value,
}

/// What one run has at hand.
struct Session<'a> {
    cluster: &'a Cluster,
    io: &'a Io,
    args: &'a LockdownArgs,
    journal: &'a Journal,
    snapshot: &'a Snapshot,
    inventory: &'a Inventory,
    deadline: Deadline,
    stamp: Stamp,
}

/// A run that meets others decides again at most this often.
const TRIES: usize = 10;

async fn lockdown(
    args: &LockdownArgs,
    connect: &ConnectArgs,
    (io, journal): (&Io, &Journal),
) -> Result<Exit, Error> {
    let deadline = args.write.deadline();
    let cluster = Cluster::connect(&connect.options()).await?;
    for _ in 0..TRIES {
        match Box::pin(once(args, connect, (io, journal), (&cluster, deadline))).await {
            Err(Error::Raced { what }) => {
                io.note(&format!("{what} was changed meanwhile: planning again"));
            }
            done => return done,
        }
    }
    Err(Error::Raced {
        what: "what lockdown writes".into(),
    })
}

async fn once(
    args: &LockdownArgs,
    connect: &ConnectArgs,
    (io, journal): (&Io, &Journal),
    (cluster, deadline): (&Cluster, Deadline),
) -> Result<Exit, Error> {
    let namespaces = args.namespaces()?;
    let progress = io.progress("reading the cluster");
    let scope = connect.scope();
    let (snapshot, inventory) = tokio::join!(take(cluster, &scope), read_records(cluster));
    let (snapshot, inventory) = (snapshot?, inventory?);
    drop(progress);
    for unreadable in &inventory.unreadable {
        io.warn(&unreadable.line());
    }
    let session = Session {
        cluster,
        io,
        args,
        journal,
        snapshot: &snapshot,
        inventory: &inventory,
        deadline,
        stamp: stamp(cluster).await,
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
    let records = wanted.iter().map(|w| w.record.name().object());
    let policies = wanted.iter().filter_map(|w| reference(&w.policy));
    let written: Vec<ObjectRef> = policies.chain(records).collect();
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
        let earlier = self.inventory.lockdown(namespace);
        let name = LockdownRecord::lost(namespace).name();
        if let Some(unreadable) = self.inventory.in_place_of(&name) {
            return Err(Error::Refused {
                why: unreadable.line(),
                hint: Some("remove it: lockdown keeps its record there".into()),
            });
        }
        let gateways = gateways_of(
            self.snapshot,
            self.inventory,
            (namespace, &self.args.gateway),
        )?;
        let asked = (self.args.in_cluster.as_ref(), self.args.allow_apiserver);
        let spec = spec_of(namespace, &gateways, asked, earlier.map(|r| &r.spec));
        let policy = policy(self.snapshot, &spec)?;
        let mut record = earlier
            .cloned()
            .unwrap_or_else(|| LockdownRecord::lost(namespace));
        // Whoever is removing it may still delete what it looked at before: so it is written anew.
        if earlier.is_some_and(|r| r.phase == Phase::Leaving) {
            record.epoch += 1;
        }
        record.spec = spec.clone();
        record.phase = Phase::Arriving;
        if let Some(object) = reference(&policy) {
            record.objects.expect(object);
        }
        Ok(Wanted {
            spec,
            gateways,
            earlier: earlier.cloned(),
            record,
            policy,
        })
    }

    async fn steps(&self, wanted: &[Wanted]) -> Result<Vec<Step>, Error> {
        let owners: Vec<_> = wanted.iter().map(|want| want.record.owner()).collect();
        let policies = wanted.iter().map(|want| WantedObject {
            record: want.record.name(),
            part: Part::Policy,
            body: want.policy.clone(),
            optional: false,
        });
        preview(
            self.cluster,
            &owners,
            policies.collect(),
            self.args.write.options(),
        )
        .await
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
                    "of the connections that would be cut, {open} open now may outlive the policy: \
                     most plugins only judge new ones; a restart of the pods ends them"
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
            let _progress = self
                .io
                .progress(&format!("trying what {namespace} can reach now"));
            tries.before().await?;
        }
        let mut record = want.record.clone();
        let settled = want
            .earlier
            .as_ref()
            .is_some_and(|r| r.phase == Phase::Settled);
        if step.action != Action::Unchanged || !settled {
            self.write(&mut record, step).await?;
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
            .progress(&format!("trying to bypass it from {namespace}"));
        let (trials, controls, notes) = tries.after(new, &self.then(&want.policy)?).await?;
        drop(progress);
        let earlier = want.earlier.as_ref().map(|r| r.seen).unwrap_or_default();
        end.verdict = Some(verdict(&trials));
        end.seen = verdict(&trials).seen(earlier);
        self.remember(record, earlier, end.seen).await?;
        (end.trials, end.controls, end.notes) = (trials, controls, notes);
        Ok(end)
    }

    /// The record names the policy before it is there, and knows its UID afterwards.
    async fn write(&self, record: &mut LockdownRecord, step: &Step) -> Result<(), Error> {
        let guard = Guard::default();
        record.by = self.stamp.clone();
        let live = step.live.as_ref();
        let uid = live.and_then(|l| l.pointer("/metadata/uid")?.as_str());
        record
            .objects
            .put(step.object.clone(), uid.unwrap_or_default());
        guard.write(self.cluster, record).await?;
        let options = self.args.write.options();
        let executor = Executor::new(self.cluster, &guard, self.journal, options, self.deadline)
            .knows_steps(vec![record.owner()], std::slice::from_ref(step));
        let stage = Stage {
            form: Form::Final,
            items: vec![Item {
                record: step.record.clone(),
                part: step.part,
                object: step.object.clone(),
                body: step.body.clone(),
                unchanged: step.action == Action::Unchanged,
            }],
            then: Vec::new(),
        };
        executor.perform(&stage).await?;
        executor.fill_in(&mut record.objects);
        record.phase = Phase::Settled;
        guard.write(self.cluster, record).await
    }

    /// What was seen, where it is news.
    async fn remember(
        &self,
        mut record: LockdownRecord,
        known: Enforcement,
        seen: Enforcement,
    ) -> Result<(), Error> {
        if known == seen {
            return Ok(());
        }
        record.seen = seen;
        record.phase = Phase::Settled;
        Guard::default().write(self.cluster, &mut record).await
    }
}

/// All that was tried of one namespace.
type Tried = (Vec<Trial>, Vec<trials::Control>, Vec<String>);
