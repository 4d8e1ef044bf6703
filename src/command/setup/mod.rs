//! `setup`: from a wish to a path that is proven.

mod former;
mod gateway;
mod half_way;
mod inject;
mod joined;
mod needs;
mod offline;
mod perform;
mod prune;
mod records;
mod resolves;
mod show;
mod wanted;
mod wizard;

pub(super) use show::objects as print_objects;

use super::Io;
use crate::apply::preview;
use crate::cli::connect::ConnectArgs;
use crate::cli::setup::SetupArgs;
use crate::cluster::{Cluster, DryRun, Poll, poll};
use crate::deadline::Deadline;
use crate::error::Error;
use crate::exit::Exit;
use crate::install::{Installer, Istioctl};
use crate::interrupt;
use crate::kubernetes::{Kind, ObjectRef};
use crate::plan::{self, Action, EgressSpec, Step, diff, file};
use crate::rights;
use crate::snapshot::{Snapshot, take};
use half_way::Trail;
use std::time::Duration;

/// A run that meets others decides again at most this often.
const TRIES: usize = 10;

const PAUSE: Duration = Duration::from_millis(300);

/// Run the verb.
pub async fn run(args: &SetupArgs, connect: &ConnectArgs, io: &Io) -> Result<Exit, Error> {
    let trail = Trail::default();
    match Box::pin(interruptible(setup(args, connect, io, &trail))).await {
        Err(error) => half_way::settle(connect, io, &trail, error).await,
        done => done,
    }
}

/// Ctrl-C ends it as an error does.
async fn interruptible(work: impl Future<Output = Result<Exit, Error>>) -> Result<Exit, Error> {
    tokio::select! {
        done = work => done,
        () = interrupt::requested() => Err(Error::Interrupted),
    }
}

async fn setup(
    args: &SetupArgs,
    connect: &ConnectArgs,
    io: &Io,
    trail: &Trail,
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
    if let Some(objects) = offline::objects(args)? {
        show::objects(io, args.output, &objects)?;
        return Ok(Exit::Done);
    }
    let mut deadline = args.write.deadline();
    let cluster = Cluster::connect(&connect.options()).await?;
    let mut spec = if guided {
        EgressSpec::default()
    } else {
        args.spec(&cluster.namespace)?
    };
    let progress = io.progress("reading the cluster");
    let mut snapshot = take(&cluster, &connect.scope()).await?;
    drop(progress);
    let mut args = args.clone();
    if guided {
        args = wizard::ask(args, (&cluster, io), &snapshot).await?;
        deadline = args.write.deadline();
        spec = args.spec(&cluster.namespace)?;
    }
    if args.inject
        && inject::inject((&cluster, io, trail), &args, (&spec, &snapshot), deadline).await?
    {
        snapshot = take(&cluster, &connect.scope()).await?;
    }
    let mut done = Err(Error::Raced {
        what: "what setup writes".into(),
    });
    for _ in 0..TRIES {
        let session = Session {
            cluster: &cluster,
            connect,
            io,
            trail,
            snapshot: &snapshot,
            guided,
        };
        done = Box::pin(session.carry_out(&args, (&spec, deadline))).await;
        let Err(Error::Raced { what }) = &done else {
            break;
        };
        io.note(&format!("{what} was changed meanwhile: planning again"));
        snapshot = take(&cluster, &connect.scope()).await?;
    }
    let done = done?;
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
    trail: &'a Trail,
    snapshot: &'a Snapshot,
    guided: bool,
}

impl Session<'_> {
    /// istioctl, where it is the installer.
    fn tool(&self, args: &SetupArgs) -> Result<Istioctl, Error> {
        if args.installer == Installer::Istioctl {
            self.connect.istioctl()
        } else {
            Ok(Istioctl::default())
        }
    }

    /// Plan, show, ask, write, prove.
    async fn carry_out(
        &self,
        args: &SetupArgs,
        (spec, deadline): (&EgressSpec, Deadline),
    ) -> Result<Exit, Error> {
        let (left, joined) = plan::joined(self.snapshot, spec);
        joined::announce(self.io, &joined);
        let prints = args.split || args.write.diff || args.write.dry_run != DryRun::None;
        let nothing_more = left.wishes.is_empty() && !args.prune;
        let done = if nothing_more {
            Exit::Done
        } else {
            Box::pin(self.wire(args, (&left, deadline))).await?
        };
        if prints || joined.is_empty() || done == Exit::Problems {
            return Ok(done);
        }
        let proven = joined::prove(
            (self.cluster, self.io),
            self.snapshot,
            &joined,
            (args, deadline),
        )
        .await?;
        Ok(if proven == Exit::Done { done } else { proven })
    }

    /// The same for what nobody else has wired.
    async fn wire(
        &self,
        args: &SetupArgs,
        (spec, deadline): (&EgressSpec, Deadline),
    ) -> Result<Exit, Error> {
        let (cluster, io) = (self.cluster, self.io);
        let tool = self.tool(args)?;
        let wanted = wanted::wanted(cluster, self.snapshot, spec, (args, &tool, deadline)).await?;
        self.wait_for_the_namespace(&wanted.gateway.place.namespace, deadline)
            .await?;
        if args.split {
            return show::halves(io, &wanted).map(|()| Exit::Done);
        }
        if args.write.dry_run == DryRun::Client {
            show::objects(io, args.output, &wanted.objects())?;
            return Ok(Exit::Done);
        }
        let owners = wanted.owners();
        let records = owners.iter().map(|owner| owner.record.object());
        let written = wanted.objects();
        let written = written.iter().filter_map(plan::reference);
        let written: Vec<ObjectRef> = written.chain(records).collect();
        cluster.require(&rights::of_objects(&written)).await?;
        let steps = preview(cluster, &owners, wanted.pieces(), args.write.options()).await?;
        if args.write.diff {
            return differ(io, &steps);
        }
        let stale = if args.prune {
            prune::stale(&wanted.inventory, &wanted.gateway.place.namespace, spec)
        } else {
            Vec::new()
        };
        for unreadable in &wanted.inventory.unreadable {
            io.warn(&unreadable.line());
        }
        for doubt in &wanted.doubts {
            io.warn(&format!("it may not work as the cluster is: {doubt}"));
        }
        show::plan(io, cluster, &wanted, &steps);
        show::pruned(io, &stale);
        if self.guided {
            io.note(&diff::unified(&steps)?);
        }
        if args.write.dry_run == DryRun::Server {
            io.note("the server would take all of it; nothing was written");
            return Ok(Exit::Done);
        }
        let writes =
            wanted.installs(self.snapshot) || steps.iter().any(|s| s.action != Action::Unchanged);
        let asks = (writes || !stale.is_empty()) && !args.write.yes && !self.trail.agreed(&steps);
        if asks && !io.confirm("write this?").await? {
            io.note("nothing was written");
            return Ok(Exit::Problems);
        }
        self.trail.agree(&steps);
        let run = perform::Run {
            cluster,
            io,
            args,
            wanted: &wanted,
            steps: &steps,
            journal: &self.trail.journal,
            deadline,
            baseline: &self.trail.baseline,
        };
        self.trail.keep(args, &wanted);
        let mut outcome = run.perform(self.snapshot, writes).await?;
        outcome.changed |= !stale.is_empty();
        outcome.left = if args.prune {
            Box::pin(prune::prune(&run, self.connect, spec)).await?
        } else {
            Vec::new()
        };
        show::result(io, args.output, &outcome, &steps)?;
        Ok(outcome.exit())
    }
}

impl Session<'_> {
    /// A namespace that is being deleted takes nothing: what comes after it is another one.
    async fn wait_for_the_namespace(
        &self,
        namespace: &str,
        deadline: Deadline,
    ) -> Result<(), Error> {
        let mut all = self.snapshot.objects.namespaces.iter();
        let going = all.any(|n| n.name() == namespace && n.metadata.deletion_timestamp.is_some());
        if !going {
            return Ok(());
        }
        let object = ObjectRef::new(Kind::Namespace, "", namespace);
        let _progress = self
            .io
            .progress(&format!("waiting until {object} is deleted"));
        poll(deadline, PAUSE, async || {
            Ok(match self.cluster.get(&object).await? {
                None => Poll::Ready(()),
                Some(_) => Poll::Waiting(format!("{object} to be deleted")),
            })
        })
        .await?;
        Err(Error::Raced {
            what: object.to_string(),
        })
    }
}

fn differ(io: &Io, steps: &[Step]) -> Result<Exit, Error> {
    let text = diff::unified(steps)?;
    if text.is_empty() {
        return Ok(Exit::Done);
    }
    io.result(&text)?;
    Ok(Exit::Problems)
}
