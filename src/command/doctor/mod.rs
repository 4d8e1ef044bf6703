//! `doctor`: read the cluster, choose the paths, look at each in its three truths, and say what is wrong.

mod clients;
mod look;
mod source;

use super::Io;
use crate::checks::Layer;
use crate::checks::engine::{Choice, examine, follow};
use crate::checks::fold::{Looked, fold};
use crate::checks::registry::CHECKS;
use crate::checks::suppress::suppress;
use crate::cli::connect::ConnectArgs;
use crate::cli::doctor::DoctorArgs;
use crate::deadline::Deadline;
use crate::error::Error;
use crate::exit::Exit;
use crate::model::{EgressPath, World, paths};
use crate::report::{Material, Report, assemble};
use crate::snapshot::Snapshot;
use source::wired_targets;
use std::time::Duration;

/// Between two looks at the same cluster.
const PAUSE: Duration = Duration::from_secs(2);

/// Run the verb.
pub async fn run(args: &DoctorArgs, connect: &ConnectArgs, io: &Io) -> Result<Exit, Error> {
    args.check()?;
    let deadline = args.deadline();
    let mut shown = String::new();
    loop {
        let within = if args.watch { args.deadline() } else { deadline };
        let report = examined(args, connect, (io, within)).await?;
        let exit = report.exit(args.fail_on);
        let text = args.output.print(&report)?;
        let last = !args.watch && (!args.wait || exit == Exit::Done || deadline.left() <= PAUSE);
        if last || (args.watch && text != shown) {
            io.result(&text)?;
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

fn reason(report: &Report) -> String {
    match (report.findings.first(), report.incomplete.first()) {
        (Some(finding), _) => format!("{} {}", finding.code, finding.title),
        (None, Some(line)) => line.clone(),
        (None, None) => "something could not be looked at".into(),
    }
}

/// One look.
async fn examined(args: &DoctorArgs, connect: &ConnectArgs, (io, deadline): (&Io, Deadline)) -> Result<Report, Error> {
    let mut source = source::read(args, connect, io).await?;
    let clients = clients::clients(args, &mut source.snapshot, &source.namespace)?;
    let known = wired_targets(&source.snapshot);
    let paths = match args.asked() {
        Some(asked) => paths::to(&World::new(&source.snapshot), &clients, &asked),
        None => paths::wired(&World::new(&source.snapshot), &clients, &known),
    };
    let mut choice = args.choice(paths.len());
    match &source.live {
        Some(cluster) => look::look((cluster, io), &mut source.snapshot, &paths, (&choice, deadline)).await,
        // Nobody can ask proxies or hosts any more; a bundle has what they said, manifests have nothing.
        None if args.layers.is_empty() => choice.layers.retain(|layer| look::recorded(&source.snapshot, *layer)),
        None => {}
    }
    if let Some(path) = &args.bundle {
        source::write(path, &source.snapshot)?;
        io.note(&format!("written to {}", path.display()));
    }
    Ok(judge(&source.snapshot, paths, (args, &choice)))
}

/// The report on some paths.
fn judge(snapshot: &Snapshot, paths: Vec<EgressPath>, (args, choice): (&DoctorArgs, &Choice)) -> Report {
    let world = World::new(snapshot);
    let cases = follow(&world, paths, choice.layers.contains(&Layer::Programmed));
    let checks = choice.of(CHECKS);
    let mut examined = examine(&world, &cases, &checks);
    let suppressed = suppress(snapshot, &mut examined, &args.skip, args.host.is_none());
    let looked = Looked { snapshot, cases: &cases, checks: &checks };
    examined.findings = fold(&looked, examined.findings);
    assemble(&Material { snapshot, cases: &cases, layers: &choice.layers, suppressed }, examined)
}
