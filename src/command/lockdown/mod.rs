//! `lockdown` and `unlock`: what would be cut is shown, then the policy is written, then what
//! bypasses the gateway is tried.

mod show;
mod unlock;

pub use unlock::run as unlock;

use super::consent::{Decision, accountable, consent, say_where, show_difference, would_be_taken};
use super::setup::print_objects;
use crate::apply::{Journal, read_records};
use crate::cli::connect::ConnectArgs;
use crate::cli::lockdown::LockdownArgs;
use crate::cli::setup::SetupOutput;
use crate::cluster::{Cluster, DryRun};
use crate::console::Io;
use crate::deadline::Deadline;
use crate::error::Error;
use crate::exit::Exit;
use crate::lockdown::openings;
use crate::plan::{Action, Step, diff};
use crate::rollout::lockdown::{LockdownPlan, Run, rights_of};
use crate::rollout::{planned_again, stamp};
use crate::snapshot::take;
use serde_json::Value;

/// Run `lockdown`.
pub async fn run(args: &LockdownArgs, connect: &ConnectArgs, io: &Io) -> Result<Exit, Error> {
    // Wrong usage is told before anything is asked of a cluster.
    args.namespaces()?;
    let journal = Journal::default();
    let next = "run unlock to undo them";
    let work = Box::pin(lockdown(args, connect, io, &journal));
    accountable(io, &journal, next, work).await
}

async fn lockdown(
    args: &LockdownArgs,
    connect: &ConnectArgs,
    io: &Io,
    journal: &Journal,
) -> Result<Exit, Error> {
    let deadline = args.write.deadline();
    let cluster = Cluster::connect(&connect.options()).await?;
    let session = Session {
        args,
        connect,
        io,
        journal,
        deadline,
        cluster: &cluster,
    };
    planned_again(io, "what lockdown writes", async || {
        Box::pin(session.once()).await
    })
    .await
}

struct Session<'a> {
    args: &'a LockdownArgs,
    connect: &'a ConnectArgs,
    io: &'a Io,
    journal: &'a Journal,
    deadline: Deadline,
    cluster: &'a Cluster,
}

impl Session<'_> {
    /// Plan, show, ask, write, and try to bypass it.
    async fn once(&self) -> Result<Exit, Error> {
        let (io, args, cluster) = (self.io, self.args, self.cluster);
        let progress = io.progress("reading the cluster");
        let scope = self.connect.scope();
        let (snapshot, inventory) = tokio::join!(take(cluster, &scope), read_records(cluster));
        let (snapshot, inventory) = (snapshot?, inventory?);
        drop(progress);
        for unreadable in &inventory.unreadable {
            io.warn(&unreadable.line());
        }
        let run = Run {
            cluster,
            io,
            args,
            journal: self.journal,
            snapshot: &snapshot,
            inventory: &inventory,
            deadline: self.deadline,
            stamp: stamp(cluster).await,
        };
        let namespaces = args.namespaces()?;
        let plans = namespaces.iter().map(|namespace| run.plan(namespace));
        let plans = plans.collect::<Result<Vec<_>, _>>()?;
        if args.write.dry_run == DryRun::Client {
            let policies: Vec<Value> = plans.iter().map(|plan| plan.policy.clone()).collect();
            print_objects(io, args.output, &policies)?;
            return Ok(Exit::Done);
        }
        cluster.require(&rights_of(&plans)).await?;
        let steps = run.preview(&plans).await?;
        if args.write.diff {
            return show_difference(io, &steps);
        }
        self.carry_out(&run, &plans, &steps).await
    }

    async fn carry_out(
        &self,
        run: &Run<'_>,
        plans: &[LockdownPlan],
        steps: &[Step],
    ) -> Result<Exit, Error> {
        let (io, args) = (self.io, self.args);
        say_where(io, self.cluster);
        let mut outliving = Vec::new();
        for plan in plans {
            let sight = run.look(&plan.spec.namespace, &plan.policy).await?;
            show::plan(
                io,
                &plan.spec,
                &openings(run.snapshot, &plan.spec.namespace),
            );
            show::sight(io, &plan.spec, &sight);
            outliving.push(sight.cut.iter().map(|c| c.open).sum::<u64>());
        }
        io.note(diff::summary(steps).trim_end());
        if args.write.dry_run == DryRun::Server {
            return Ok(would_be_taken(io));
        }
        if steps.iter().any(|step| step.action != Action::Unchanged)
            && let Decision::Ended(exit) = consent(io, &args.write, "Apply the lockdown?").await?
        {
            return Ok(exit);
        }
        let mut outcomes = Vec::new();
        for ((plan, step), open) in plans.iter().zip(steps).zip(outliving) {
            let mut outcome = run.perform(plan, step).await?;
            if open > 0 && outcome.changed {
                outcome.notes.push(format!(
                    "of the connections that would be cut, {open} open now may survive: most \
                     network \
                     plugins apply policies to new connections only; restart the pods to end them"
                ));
            }
            outcomes.push(outcome);
        }
        if args.output != SetupOutput::Text {
            let bodies: Vec<Value> = steps.iter().filter_map(|s| s.body.clone()).collect();
            print_objects(io, args.output, &bodies)?;
        }
        show::result(io, args.output, &outcomes)?;
        Ok(show::exit(&outcomes))
    }
}
