//! `doctor`: read the cluster, choose the paths, look at each in its three truths, and say what is
//! wrong.

mod clients;
mod fix;
mod look;
mod source;

use crate::checks::Layer;
use crate::checks::engine::{Choice, examine, follow};
use crate::checks::fold::{Looked, fold};
use crate::checks::registry::CHECKS;
use crate::checks::suppress::suppress;
use crate::checks::weigh::weigh;
use crate::cli::connect::ConnectArgs;
use crate::cli::doctor::DoctorArgs;
use crate::cluster::Cluster;
use crate::console::Io;
use crate::deadline::Deadline;
use crate::error::Error;
use crate::exit::Exit;
use crate::model::{EgressPath, World, paths};
use crate::report::{Material, Report, assemble};
use crate::snapshot::Snapshot;
use std::time::Duration;

/// Between two looks at the same cluster.
const PAUSE: Duration = Duration::from_secs(2);

/// Proxies have what was changed after this long, or something else is wrong.
const SETTLE: Duration = Duration::from_secs(15);

/// Run the verb.
pub async fn run(args: &DoctorArgs, connect: &ConnectArgs, io: &Io) -> Result<Exit, Error> {
    args.check()?;
    let deadline = args.deadline();
    if args.fix {
        return Box::pin(fixed(args, connect, (io, deadline))).await;
    }
    let mut shown = String::new();
    loop {
        let within = if args.watch {
            args.deadline()
        } else {
            deadline
        };
        let (report, _) = examined(args, connect, (io, within)).await?;
        let exit = report.exit(args.fail_on);
        let text = args.output.print(&report)?;
        let last = !args.watch && (!args.wait || exit == Exit::Done || deadline.left() <= PAUSE);
        if last || (args.watch && text != shown) {
            io.styled(&text)?;
        }
        if last {
            return Ok(exit);
        }
        if args.wait && text != shown {
            io.note(&format!("not yet: {}", reason(&report)));
        }
        shown = text;
        tokio::time::sleep(PAUSE).await;
    }
}

/// Look, offer the fixes, and look again until what was changed is in force.
async fn fixed(
    args: &DoctorArgs,
    connect: &ConnectArgs,
    (io, deadline): (&Io, Deadline),
) -> Result<Exit, Error> {
    let (mut report, cluster) = examined(args, connect, (io, deadline)).await?;
    if let Some(cluster) = cluster
        && fix::offer(&cluster, io, (&report, args.yes)).await? > 0
    {
        let settled = deadline.at_most(SETTLE);
        loop {
            tokio::time::sleep(PAUSE).await;
            report = examined(args, connect, (io, deadline)).await?.0;
            if report.exit(args.fail_on) == Exit::Done || settled.passed() {
                break;
            }
        }
    }
    io.styled(&args.output.print(&report)?)?;
    Ok(report.exit(args.fail_on))
}

fn reason(report: &Report) -> String {
    match (report.findings.first(), report.incomplete.first()) {
        (Some(finding), _) => format!("{} {}", finding.code, finding.title),
        (None, Some(line)) => line.clone(),
        (None, None) => "something could not be looked at".into(),
    }
}

/// One look, and the cluster that was looked at.
async fn examined(
    args: &DoctorArgs,
    connect: &ConnectArgs,
    (io, deadline): (&Io, Deadline),
) -> Result<(Report, Option<Cluster>), Error> {
    let mut source = source::read(args, connect, io).await?;
    let clients = clients::clients(args, &mut source.snapshot, &source.namespace)?;
    let known = source.snapshot.recorded_targets();
    let paths = match args.asked() {
        Some(asked) => paths::to(&World::new(&source.snapshot), &clients, &asked),
        None => paths::wired(&World::new(&source.snapshot), &clients, &known),
    };
    let mut choice = args.choice(paths.len());
    match &source.live {
        Some(cluster) => {
            look::look(
                (cluster, io),
                &mut source.snapshot,
                &paths,
                (&choice, args.bypass, deadline),
            )
            .await;
        }
        // Nobody can ask proxies or hosts any more; a bundle has what they said, manifests have
        // nothing.
        None if args.layers.is_empty() => choice
            .layers
            .retain(|layer| look::recorded(&source.snapshot, *layer)),
        None => {}
    }
    if let Some(path) = &args.bundle {
        source::write(path, &source.snapshot)?;
        io.note(&format!("written to {}", path.display()));
    }
    Ok((judge(&source.snapshot, paths, (args, &choice)), source.live))
}

/// The report on some paths.
fn judge(
    snapshot: &Snapshot,
    paths: Vec<EgressPath>,
    (args, choice): (&DoctorArgs, &Choice),
) -> Report {
    let world = World::new(snapshot);
    let cases = follow(&world, paths, choice.layers.contains(&Layer::Programmed));
    let checks = choice.of(CHECKS);
    let mut examined = examine(&world, &cases, &checks);
    examined.findings = weigh(snapshot, &cases, examined.findings);
    let suppressed = suppress(snapshot, &mut examined, &args.skip, args.host.is_none());
    let looked = Looked {
        snapshot,
        cases: &cases,
        checks: &checks,
    };
    examined.findings = fold(&looked, examined.findings);
    assemble(
        &Material {
            snapshot,
            cases: &cases,
            layers: &choice.layers,
            suppressed,
        },
        examined,
    )
}
