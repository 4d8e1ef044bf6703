//! `doctor`: read the cluster, choose the paths, look at each in its three truths, and say what is wrong.

mod clients;
mod look;

use super::Io;
use crate::apply::read_inventories;
use crate::checks::Layer;
use crate::checks::engine::{Choice, examine, follow};
use crate::checks::fold::{Looked, fold};
use crate::checks::registry::CHECKS;
use crate::checks::suppress::suppress;
use crate::cli::connect::ConnectArgs;
use crate::cli::doctor::DoctorArgs;
use crate::cluster::Cluster;
use crate::error::Error;
use crate::exit::Exit;
use crate::model::target::Target;
use crate::model::{EgressPath, World, paths};
use crate::plan::Inventory;
use crate::report::{Material, Report, assemble};
use crate::snapshot::{Snapshot, take};

/// Run the verb.
pub async fn run(args: &DoctorArgs, connect: &ConnectArgs, io: &Io) -> Result<Exit, Error> {
    args.check()?;
    let deadline = args.deadline();
    let cluster = Cluster::connect(&connect.options()).await?;
    let progress = io.progress("reading the cluster");
    let scope = connect.scope();
    let (snapshot, inventories) = tokio::join!(take(&cluster, &scope), read_inventories(&cluster));
    let mut snapshot = snapshot?;
    let known = inventories.map(|all| wired_targets(&all)).unwrap_or_default();
    let clients = clients::clients(args, &mut snapshot, &cluster.namespace)?;
    let paths = match args.asked() {
        Some(asked) => paths::to(&World::new(&snapshot), &clients, &asked),
        None => paths::wired(&World::new(&snapshot), &clients, &known),
    };
    drop(progress);
    let choice = args.choice(paths.len());
    look::look((&cluster, io), &mut snapshot, &paths, (&choice, deadline)).await;
    let report = judge(&snapshot, paths, (args, &choice));
    io.result(&args.output.print(&report)?)?;
    Ok(report.exit(args.fail_on))
}

/// What each namespace has wired by our own hand.
fn wired_targets(inventories: &[Inventory]) -> Vec<(String, Target)> {
    let records = inventories.iter().flat_map(|i| i.hosts.values());
    let targets = records.flat_map(|record| {
        record.callers.iter().flat_map(move |caller| {
            record.wires.iter().map(move |wire| {
                let target = Target { host: record.host.clone(), port: wire.port, protocol: wire.protocol };
                (caller.clone(), target)
            })
        })
    });
    targets.collect()
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
