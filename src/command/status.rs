//! `status`: read the objects, our books and the gateways' counters, and print what they say. The
//! right to read is enough, and what may not be read is said.

use crate::apply::read_records;
use crate::cli::connect::ConnectArgs;
use crate::cli::status::{StatusArgs, StatusOutput};
use crate::cluster::Cluster;
use crate::console::Io;
use crate::error::Error;
use crate::exit::Exit;
use crate::plan::{Inventory, Unreadable, diff};
use crate::snapshot::{Look, take};
use crate::status::{Drift, Material, Status, assemble, names, table};
use crate::survey::{Tallies, drifted, tallies};
use crate::terminal::escape;
use std::time::{Duration, Instant};

/// Run the verb.
pub(super) async fn run(args: &StatusArgs, connect: &ConnectArgs, io: &Io) -> Result<Exit, Error> {
    let cluster = Cluster::connect(&connect.options()).await?;
    let mut earlier = None;
    loop {
        let status = Box::pin(look(&cluster, io, args, connect, &mut earlier)).await?;
        io.document(&print(&status, args.output)?)?;
        if !args.watch {
            return Ok(match () {
                () if status.is_wrong() => Exit::Problems,
                () if !status.incomplete.is_empty() => Exit::Unproven,
                () => Exit::Done,
            });
        }
        tokio::time::sleep(args.interval().unwrap_or_default()).await;
    }
}

/// Read once; rates are against what was read before, or a while ago.
async fn look(
    cluster: &Cluster,
    io: &Io,
    args: &StatusArgs,
    connect: &ConnectArgs,
    earlier: &mut Option<(Tallies, Instant)>,
) -> Result<Status, Error> {
    let progress = (!args.watch).then(|| io.progress("reading the cluster"));
    let scope = connect.scope();
    let (snapshot, inventory) = tokio::join!(take(cluster, &scope), read_records(cluster));
    let mut snapshot = snapshot?;
    let mut incomplete = Vec::new();
    let inventory = inventory.or_else(|error| match error {
        Error::Forbidden { .. } => {
            incomplete.push(format!(
                "what kubectl-egress wrote, so neither drift nor lockdowns are known: {error}"
            ));
            Ok(Inventory::default())
        }
        other => Err(other),
    })?;
    incomplete.extend(inventory.unreadable.iter().map(Unreadable::line));
    incomplete.extend(inventory.partial.iter().cloned());
    snapshot.recorded = Look::Seen(inventory.recorded());
    let drift = drifted(cluster, &snapshot, &inventory)
        .await
        .unwrap_or_else(|error| {
            incomplete.push(format!("drift: {error}"));
            Vec::new()
        });
    if earlier.is_none()
        && let Some(interval) = args.interval()
    {
        *earlier = Some((tallies(cluster, &snapshot).await, Instant::now()));
        tokio::time::sleep(interval).await;
    }
    let now = tallies(cluster, &snapshot).await;
    drop(progress);
    let passed = earlier
        .as_ref()
        .map_or(Duration::from_secs(1), |(_, then)| then.elapsed());
    let status = assemble(Material {
        snapshot: &snapshot,
        inventory: &inventory,
        namespace: (!args.all_namespaces).then_some(cluster.namespace.as_str()),
        tallies: &now,
        earlier: earlier.as_ref().map(|(then, _)| (then, passed)),
        drift: drift
            .into_iter()
            .filter(|d| args.all_namespaces || concerns(d, &cluster.namespace, &inventory))
            .collect(),
        incomplete,
    });
    if earlier.is_some() {
        *earlier = Some((now, Instant::now()));
    }
    Ok(status)
}

/// Whether a drift is of a host that a namespace calls, or of its own policy.
fn concerns(drift: &Drift, namespace: &str, inventory: &Inventory) -> bool {
    let records = inventory.hosts.iter();
    let mut own = records.filter(|record| record.clients.contains_key(namespace));
    drift.object.namespace == namespace || own.any(|record| record.objects.contains(&drift.object))
}

fn print(status: &Status, output: StatusOutput) -> Result<String, Error> {
    let value = || serde_json::to_value(status).map_err(|e| Error::Failed(e.to_string()));
    Ok(match output {
        StatusOutput::Text => escape(&table(status, false)),
        StatusOutput::Wide => escape(&table(status, true)),
        StatusOutput::Name => escape(&names(status)),
        StatusOutput::Json => format!("{:#}", value()?),
        StatusOutput::Yaml => diff::yaml(&value()?)?,
    })
}
