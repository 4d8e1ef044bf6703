//! `status`: read the objects, our books and the gateways' counters, and print what they say. The
//! right to read is enough, and what may not be read is said.

use super::{Io, escape};
use crate::apply::read_records;
use crate::cli::connect::ConnectArgs;
use crate::cli::status::{StatusArgs, StatusOutput};
use crate::cluster::Cluster;
use crate::envoy::{Tally, read_tally};
use crate::error::Error;
use crate::exit::Exit;
use crate::flow::{GatewayPlace, LOCKDOWN};
use crate::install::find_gateways;
use crate::kubernetes::Kind;
use crate::lockdown::policy;
use crate::plan::{Inventory, Record, Unreadable, diff, render};
use crate::snapshot::{Look, Snapshot, take};
use crate::status::{Drift, Material, Status, assemble, drift, names, table};
use futures::stream::{self, StreamExt};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

const SIDE_BY_SIDE: usize = 6;

type Tallies = BTreeMap<String, Look<Tally>>;

/// Run the verb.
pub(super) async fn run(args: &StatusArgs, connect: &ConnectArgs, io: &Io) -> Result<Exit, Error> {
    let cluster = Cluster::connect(&connect.options()).await?;
    let mut earlier = None;
    loop {
        let status = Box::pin(look((&cluster, io), args, connect, &mut earlier)).await?;
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
    (cluster, io): (&Cluster, &Io),
    args: &StatusArgs,
    connect: &ConnectArgs,
    earlier: &mut Option<(Tallies, std::time::Instant)>,
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
        *earlier = Some((tallies(cluster, &snapshot).await, std::time::Instant::now()));
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
        *earlier = Some((now, std::time::Instant::now()));
    }
    Ok(status)
}

/// Whether a drift is of a host that a namespace calls, or of its own policy.
fn concerns(drift: &Drift, namespace: &str, inventory: &Inventory) -> bool {
    let records = inventory.hosts.iter();
    let mut own = records.filter(|record| record.callers.contains_key(namespace));
    drift.object.namespace == namespace || own.any(|record| record.objects.contains(&drift.object))
}

/// The counters of every pod of every gateway.
async fn tallies(cluster: &Cluster, snapshot: &Snapshot) -> Tallies {
    let pods = find_gateways(snapshot)
        .into_iter()
        .filter(|g| g.for_egress || !g.pods.is_empty());
    let pods: BTreeSet<(String, String)> = pods
        .flat_map(|g| {
            g.pods
                .clone()
                .into_iter()
                .map(move |pod| (g.place.namespace.clone(), pod))
        })
        .collect();
    let reads = pods.into_iter().map(|(namespace, pod)| async move {
        let tally = read_tally(cluster, &namespace, &pod).await;
        (
            format!("{namespace}/{pod}"),
            tally.map_or_else(|e| Look::Unseen(e.to_string()), Look::Seen),
        )
    });
    stream::iter(reads)
        .buffer_unordered(SIDE_BY_SIDE)
        .collect()
        .await
}

/// What is not as it was written: rendered again, and compared with what is there.
async fn drifted(
    cluster: &Cluster,
    snapshot: &Snapshot,
    inventory: &Inventory,
) -> Result<Vec<Drift>, Error> {
    let owners = inventory.owners();
    let kinds: BTreeSet<Kind> = owners
        .iter()
        .flat_map(|owner| owner.members.objects())
        .map(|object| object.kind)
        .collect();
    let mut live: Vec<Value> = Vec::new();
    for kind in kinds {
        let found = cluster
            .list_where(kind, None, "app.kubernetes.io/managed-by=kubectl-egress")
            .await?;
        let version = cluster.api_version(kind).await?;
        live.extend(found.into_iter().map(|mut object| {
            // Items of a list do not say what they are.
            object["kind"] = kind.name().into();
            object["apiVersion"] = version.as_str().into();
            object
        }));
    }
    let places: Vec<GatewayPlace> = find_gateways(snapshot)
        .into_iter()
        .map(|g| g.place)
        .collect();
    let mut all = Vec::new();
    for record in &inventory.hosts {
        let is = |place: &&GatewayPlace| {
            place.namespace == record.namespace && place.service == record.service
        };
        let Some(place) = places.iter().find(is) else {
            continue;
        };
        let pieces = render(record, place, snapshot, &BTreeSet::new())?;
        let wanted: Vec<Value> = pieces.into_iter().map(|piece| piece.body).collect();
        all.extend(drift(&record.owner(), &wanted, &live));
    }
    // With a namespace its lockdown goes, as it should.
    let namespaces = &snapshot.objects.namespaces;
    for record in &inventory.lockdowns {
        let namespace = record.spec.namespace.as_str();
        if namespaces.is_empty() || namespaces.iter().any(|n| n.name() == namespace) {
            let wanted = [policy(snapshot, &record.spec)?];
            all.extend(
                drift(&record.owner(), &wanted, &live)
                    .into_iter()
                    .map(explain),
            );
        }
    }
    Ok(all)
}

/// A policy that differs is more often out of date than changed.
fn explain(mut drift: Drift) -> Drift {
    if drift.object.name == LOCKDOWN && drift.object.kind == Kind::NetworkPolicy {
        drift.what = format!(
            "{}; lockdown {} brings it up to date",
            drift.what, drift.object.namespace
        );
    }
    drift
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
