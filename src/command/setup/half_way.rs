//! A run that broke off: what it did, and the two ways from there. At a terminal it offers to go
//! either one.

use super::interruptible;
use super::perform::Baseline;
use super::wanted::Wanted;
use crate::apply::Journal;
use crate::cli::connect::ConnectArgs;
use crate::cli::setup::SetupArgs;
use crate::cluster::Cluster;
use crate::command::Io;
use crate::command::cleanup::{RemovalRun, Survey};
use crate::deadline::Question;
use crate::error::Error;
use crate::exit::Exit;
use crate::flow::GatewayPlace;
use crate::kubernetes::ObjectRef;
use crate::plan::{
    Action, GatewayRecord, GatewayRemoval, HostRecord, HostRemoval, InjectionRecord, Item, Phase,
    Record, Removal, Stamp, Step, host_removal, index, reference, render,
};
use crate::snapshot::Snapshot;
use dialoguer::Select;
use dialoguer::console::Term;
use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// What a run leaves behind for the case that it breaks off.
#[derive(Default)]
pub(super) struct Trail {
    /// What was written.
    pub(super) journal: Journal,
    /// What the hosts answered before the first write.
    pub(super) baseline: Mutex<Option<Baseline>>,
    before: Mutex<Before>,
    agreed: Mutex<Option<BTreeSet<ObjectRef>>>,
}

/// How it was, and what this run is about.
#[derive(Clone, Default)]
struct Before {
    /// What was asked for.
    args: Option<SetupArgs>,
    /// Who this run is, in the records.
    stamp: Stamp,
    /// The gateway.
    place: GatewayPlace,
    /// Its record.
    gateway: Option<GatewayRecord>,
    /// The records of the hosts.
    hosts: Vec<HostRecord>,
    /// The hosts, and for whom this run is.
    asked: Vec<(HostRecord, BTreeSet<String>)>,
    /// Namespaces that had no sidecars.
    bare: Vec<InjectionRecord>,
}

impl Trail {
    /// Keep what was asked, and what we had, before the first write to the gateway's namespace.
    /// Another try finds what this run wrote itself: the first is what there was.
    pub(super) fn keep(&self, args: &SetupArgs, wanted: &Wanted) {
        let mut before = self.lock();
        if !before.asked.is_empty() {
            return;
        }
        before.args = Some(args.clone());
        before.stamp = wanted.stamp.clone();
        before.place = wanted.gateway.place.clone();
        before.gateway.clone_from(&wanted.gateway_before);
        before.hosts.clone_from(&wanted.before);
        let asked = wanted.hosts.iter();
        before.asked = asked
            .map(|host| (host.record.clone(), host.requested.clone()))
            .collect();
    }

    /// Keep that a namespace is about to get sidecars.
    pub(super) fn injects(&self, args: &SetupArgs, record: &InjectionRecord) {
        let mut before = self.lock();
        before.args = Some(args.clone());
        before.bare.push(record.clone());
        self.journal.note(format!(
            "labelled Namespace {}, for sidecars, and restarted its workloads",
            record.namespace
        ));
    }

    /// Somebody agreed to a plan.
    pub(super) fn agree(&self, steps: &[Step]) {
        *self.agreed.lock().unwrap_or_else(PoisonError::into_inner) = Some(changed(steps));
    }

    /// Whether somebody agreed to all of that.
    pub(super) fn agreed(&self, steps: &[Step]) -> bool {
        let agreed = self.agreed.lock().unwrap_or_else(PoisonError::into_inner);
        agreed
            .as_ref()
            .is_some_and(|agreed| changed(steps).is_subset(agreed))
    }

    fn lock(&self) -> MutexGuard<'_, Before> {
        self.before.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn changed(steps: &[Step]) -> BTreeSet<ObjectRef> {
    let changed = steps.iter().filter(|s| s.action != Action::Unchanged);
    changed.map(|step| step.object.clone()).collect()
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

/// A run that meets others decides again at most this often.
const TRIES: usize = 10;

/// Undo what this run did, and nothing that anybody else did meanwhile.
async fn go_back(
    (args, connect, io): (&SetupArgs, &ConnectArgs, &Io),
    before: &Before,
) -> Result<Exit, Error> {
    let cluster = Cluster::connect(&connect.options()).await?;
    let tool = connect.istioctl().unwrap_or_default();
    let journal = Journal::default();
    for _ in 0..TRIES {
        let survey = Survey::take(&cluster, &connect.scope()).await?;
        let run = RemovalRun {
            cluster: &cluster,
            io,
            write: &args.write,
            snapshot: &survey.snapshot,
            live: &survey.found.live,
            journal: &journal,
            deadline: args.write.deadline(),
            tool: &tool,
            file: args.istio_operator.as_deref(),
            stamp: before.stamp.clone(),
            announced: &Mutex::default(),
        };
        match run.perform(&before.undone(&survey)?).await {
            Err(Error::Raced { what }) => {
                io.note(&format!("{what} was changed meanwhile: looking again"));
            }
            done => return done.map(|_| Exit::Done),
        }
    }
    Err(Error::Raced {
        what: "what this run did".into(),
    })
}

impl Before {
    /// What this run did: the clients that it added, what it changed of hosts that nobody else
    /// changed since, and the gateway that it made.
    fn undone(&self, survey: &Survey) -> Result<Removal, Error> {
        let mut removal = Removal::default();
        for (asked, requested) in &self.asked {
            let Some(now) = survey.inventory.host(&asked.namespace, &asked.host) else {
                continue;
            };
            let old = self.hosts.iter().find(|old| old.host == asked.host);
            removal
                .hosts
                .extend(self.host_undone(now, old, requested, survey)?);
        }
        let gateway = survey
            .inventory
            .gateway(&self.place.namespace, &self.place.service)
            .filter(|now| self.gateway.is_none() && now.by == self.stamp);
        removal.gateways.extend(gateway.map(|now| GatewayRemoval {
            record: now.clone(),
            users: Vec::new(),
        }));
        // Sidecars go last: until then the way through the gateway needs them.
        for bare in &self.bare {
            let now = survey.inventory.injection(&bare.namespace);
            removal.injections.extend(now.cloned());
        }
        Ok(removal)
    }

    fn host_undone(
        &self,
        now: &HostRecord,
        old: Option<&HostRecord>,
        requested: &BTreeSet<String>,
        survey: &Survey,
    ) -> Result<Option<HostRemoval>, Error> {
        let ours = now.by == self.stamp;
        let came = |caller: &&String| {
            let was = old.is_some_and(|old| old.callers.contains_key(*caller));
            let phase = now.callers.get(*caller);
            !was && (ours && phase.is_some() || phase == Some(&Phase::Arriving))
        };
        let added: Vec<String> = requested.iter().filter(came).cloned().collect();
        let rewired = old.filter(|old| ours && old.wires != now.wires);
        if added.is_empty() && rewired.is_none() {
            return Ok(None);
        }
        let live = index(&survey.found.live);
        let mut undone = host_removal(now, added, &live);
        if let Some(old) = rewired {
            undone.back = self.back(now, old, &survey.snapshot)?;
            let kept: BTreeSet<&ObjectRef> = undone.back.iter().map(|item| &item.object).collect();
            let going: BTreeSet<ObjectRef> = undone
                .switches
                .iter()
                .chain(&undone.rest)
                .map(|item| item.object.clone())
                .collect();
            let stale = now.objects.objects().filter(|object| {
                !kept.contains(object) && !going.contains(object) && !old.objects.contains(object)
            });
            let stale: Vec<Item> = stale
                .map(|object| Item {
                    record: now.name(),
                    part: crate::flow::Part::Rule,
                    object: object.clone(),
                    body: None,
                    unchanged: false,
                })
                .collect();
            if let Some(next) = &mut undone.next {
                next.wires.clone_from(&old.wires);
                next.addresses.clone_from(&old.addresses);
                next.allow.clone_from(&old.allow);
                for item in &stale {
                    next.objects.remove(&item.object);
                }
            }
            undone.rest.extend(stale);
        }
        Ok(Some(undone))
    }

    /// The objects of a host as they were, where they are still there.
    fn back(
        &self,
        now: &HostRecord,
        old: &HostRecord,
        snapshot: &Snapshot,
    ) -> Result<Vec<Item>, Error> {
        let owner = now.owner();
        let pieces = render(old, &self.place, snapshot, &BTreeSet::new())?;
        let back = pieces.into_iter().filter_map(|piece| {
            let object = reference(&piece.body)?;
            now.objects.contains(&object).then(|| Item {
                record: now.name(),
                part: piece.part,
                object,
                body: Some(owner.join(piece.body)),
                unchanged: false,
            })
        });
        Ok(back.collect())
    }
}
