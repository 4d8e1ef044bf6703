//! `setup`: from what is asked for to a path that is proven.

mod half_way;
mod inject;
mod show;
mod wizard;

pub(super) use show::objects as print_objects;

use super::consent::{
    Decision, consent, interruptible, say_where, show_difference, would_be_taken,
};
use crate::apply::preview;
use crate::cli::connect::ConnectArgs;
use crate::cli::setup::SetupArgs;
use crate::cluster::{Cluster, DryRun};
use crate::console::Io;
use crate::deadline::Deadline;
use crate::error::Error;
use crate::exit::Exit;
use crate::install::{Installer, Istioctl};
use crate::plan::{self, Action, EgressSpec, Step, diff, file};
use crate::rollout::planned_again;
use crate::rollout::setup::{
    Joining, Planner, Run, RunLog, SetupPlan, prune, rendered_offline, stale, until_gone,
};
use crate::snapshot::{Snapshot, take};

/// Run the verb.
pub async fn run(args: &SetupArgs, connect: &ConnectArgs, io: &Io) -> Result<Exit, Error> {
    let log = RunLog::default();
    match Box::pin(interruptible(setup(args, connect, io, &log))).await {
        Err(error) => half_way::settle(connect, io, &log, error).await,
        done => done,
    }
}

async fn setup(
    args: &SetupArgs,
    connect: &ConnectArgs,
    io: &Io,
    log: &RunLog,
) -> Result<Exit, Error> {
    if args.print_schema {
        io.document(&file::schema()?)?;
        return Ok(Exit::Done);
    }
    let guided = args.targets.is_empty() && args.filename.is_none();
    if guided && !io.interactive {
        return Err(Error::Usage(
            "name the hosts: HOST[:PORT][=PROTOCOL]…, or a file with -f".into(),
        ));
    }
    if let Some(objects) = rendered_offline(args)? {
        show::objects(io, args.output, &objects)?;
        return Ok(Exit::Done);
    }
    let mut deadline = args.write.deadline();
    let cluster = Cluster::connect(&connect.options()).await?;
    let spec = if guided {
        None
    } else {
        Some(args.spec(&cluster.namespace)?)
    };
    let progress = io.progress("reading the cluster");
    let mut snapshot = take(&cluster, &connect.scope()).await?;
    drop(progress);
    let mut args = args.clone();
    let spec = if let Some(spec) = spec {
        spec
    } else {
        args = wizard::ask(args, &cluster, io, &snapshot).await?;
        deadline = args.write.deadline();
        args.spec(&cluster.namespace)?
    };
    let session = Session {
        cluster: &cluster,
        connect,
        io,
        log,
        args: &args,
        spec: &spec,
        deadline,
        guided,
    };
    if args.inject {
        match session.inject(&snapshot).await? {
            inject::Injected::Declined => return Ok(Exit::Problems),
            inject::Injected::Nothing => {}
            inject::Injected::Changed => snapshot = take(&cluster, &connect.scope()).await?,
        }
    }
    let mut first = Some(snapshot);
    let done = planned_again(io, "what setup writes", async || {
        let snapshot = match first.take() {
            Some(snapshot) => snapshot,
            None => take(&cluster, &connect.scope()).await?,
        };
        Box::pin(session.carry_out(&snapshot)).await
    })
    .await?;
    if guided {
        io.note(&format!(
            "the same without a question:\n  {}",
            wizard::command(&args)
        ));
    }
    Ok(done)
}

/// What one run has at hand.
struct Session<'a> {
    cluster: &'a Cluster,
    connect: &'a ConnectArgs,
    io: &'a Io,
    log: &'a RunLog,
    args: &'a SetupArgs,
    spec: &'a EgressSpec,
    deadline: Deadline,
    guided: bool,
}

impl Session<'_> {
    /// istioctl, where it is the installer.
    fn tool(&self) -> Result<Istioctl, Error> {
        if self.args.installer == Installer::Istioctl {
            self.connect.istioctl()
        } else {
            Ok(Istioctl::default())
        }
    }

    /// Plan, show, ask, write, prove; what somebody else has routed already is proven only.
    async fn carry_out(&self, snapshot: &Snapshot) -> Result<Exit, Error> {
        let (args, io) = (self.args, self.io);
        let (left, joined) = plan::joined(snapshot, self.spec);
        show::joined(io, &joined);
        let prints = args.split || args.write.diff || args.write.dry_run != DryRun::None;
        let nothing_more = left.requests.is_empty() && !args.prune;
        let done = if nothing_more {
            Exit::Done
        } else {
            Box::pin(self.route(snapshot, &left)).await?
        };
        if prints || joined.is_empty() || done == Exit::Problems {
            return Ok(done);
        }
        let joining = Joining {
            cluster: self.cluster,
            io,
            snapshot,
            deadline: self.deadline,
        };
        let proven = joining.prove(&joined, !args.no_probe).await;
        show::lines(io, args.output, &proven.lines)?;
        Ok(if proven.exit == Exit::Done {
            done
        } else {
            proven.exit
        })
    }

    /// The same for what nobody else has routed.
    async fn route(&self, snapshot: &Snapshot, spec: &EgressSpec) -> Result<Exit, Error> {
        let (args, cluster, io) = (self.args, self.cluster, self.io);
        let planner = Planner {
            cluster,
            snapshot,
            args,
            tool: &self.tool()?,
            deadline: self.deadline,
        };
        let plan = planner.plan(spec).await?;
        let namespace = &plan.gateway.place.namespace;
        until_gone(cluster, io, snapshot, namespace, self.deadline).await?;
        if args.split {
            return show::halves(io, &plan).map(|()| Exit::Done);
        }
        if args.write.dry_run == DryRun::Client {
            show::objects(io, args.output, &plan.objects())?;
            return Ok(Exit::Done);
        }
        cluster.require(&plan.rights()).await?;
        let options = args.write.options();
        let steps = preview(cluster, &plan.owners(), plan.pieces(), options).await?;
        if args.write.diff {
            return show_difference(io, &steps);
        }
        let stale = if args.prune {
            stale(&plan.inventory, namespace, spec)
        } else {
            Vec::new()
        };
        let writes = plan.installs(snapshot) || steps.iter().any(|s| s.action != Action::Unchanged);
        let changes = writes || !stale.is_empty();
        self.show(&plan, &steps)?;
        show::pruned(io, &stale);
        if args.write.dry_run == DryRun::Server {
            return Ok(would_be_taken(io));
        }
        if changes
            && !self.log.agreed(&steps)
            && let Decision::Ended(exit) = consent(io, &args.write, "Apply this plan?").await?
        {
            return Ok(exit);
        }
        self.log.agree(&steps);
        let run = Run {
            cluster,
            io,
            args,
            plan: &plan,
            steps: &steps,
            journal: &self.log.journal,
            deadline: self.deadline,
            baseline: &self.log.baseline,
        };
        self.log.keep(args, &plan);
        let mut outcome = run.perform(snapshot, writes).await?;
        outcome.changed |= !stale.is_empty();
        if args.prune {
            outcome.left = Box::pin(prune(&run, self.connect, spec)).await?;
        }
        show::result(io, args.output, &outcome, &steps)?;
        Ok(outcome.exit())
    }

    fn show(&self, plan: &SetupPlan, steps: &[Step]) -> Result<(), Error> {
        let io = self.io;
        for unreadable in &plan.inventory.unreadable {
            io.warn(&unreadable.line());
        }
        for doubt in &plan.doubts {
            io.warn(&format!("it may not work as the cluster is: {doubt}"));
        }
        say_where(io, self.cluster);
        show::plan(io, plan, steps);
        if self.guided {
            io.note(&diff::unified(steps)?);
        }
        Ok(())
    }
}
