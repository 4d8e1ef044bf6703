//! What is not as it was written: rendered again from the records, and compared with what is there.

use crate::cluster::Cluster;
use crate::error::Error;
use crate::flow::{GatewayPlace, LOCKDOWN};
use crate::install::find_gateways;
use crate::kubernetes::Kind;
use crate::lockdown::policy;
use crate::plan::{Inventory, Record, render};
use crate::snapshot::Snapshot;
use crate::status::{Drift, drift};
use serde_json::Value;
use std::collections::BTreeSet;

/// What is not as it was written: rendered again, and compared with what is there.
pub(crate) async fn drifted(
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
