//! `--inject`: a caller's namespace without sidecars gets the label, and its workloads a restart,
//! with consent.

use super::half_way::Trail;
use crate::apply::{inject as apply_inject, refuse_kept_workloads, update_inventory};
use crate::cli::setup::SetupArgs;
use crate::cluster::Cluster;
use crate::command::Io;
use crate::command::stamp::stamp;
use crate::deadline::Deadline;
use crate::error::Error;
use crate::kubernetes::{Kind, Right};
use crate::plan::{EgressSpec, NamespaceRecord, caller_pods, injection_record};
use crate::snapshot::Snapshot;
use std::collections::BTreeSet;

/// Inject where it is missing; true where anything changed, so that the cluster has to be read
/// anew.
pub(super) async fn inject(
    (cluster, io, trail): (&Cluster, &Io, &Trail),
    args: &SetupArgs,
    (spec, snapshot): (&EgressSpec, &Snapshot),
    deadline: Deadline,
) -> Result<bool, Error> {
    let mut changed = false;
    for client in spec.clients() {
        let exists = snapshot
            .objects
            .namespaces
            .iter()
            .any(|n| n.name() == client.namespace);
        if !exists || caller_pods(snapshot, &client).is_ok() {
            continue;
        }
        let record = injection_record(snapshot, &client.namespace, stamp(cluster).await);
        show(io, &record);
        refuse_kept_workloads(cluster, &record).await?;
        cluster.require(&rights_of(&record)).await?;
        if !args.write.writes() {
            return Err(Error::Refused {
                why: format!("namespace {} has no sidecars yet, so there is nothing more to plan", client.namespace),
                hint: Some("the label and the restarts above come first: run it without --dry-run and --diff".into()),
            });
        }
        if !args.write.yes && !io.confirm("label it and restart them?").await? {
            return Err(Error::Refused {
                why: "nothing was written".into(),
                hint: None,
            });
        }
        let _progress = io.progress(&format!(
            "restarting the workloads of {} with sidecars",
            client.namespace
        ));
        let keep = |inventory: &mut crate::plan::Inventory| {
            inventory
                .namespaces
                .entry(record.namespace.clone())
                .or_insert_with(|| record.clone());
        };
        trail.injects(args, &record);
        update_inventory(cluster, &client.namespace, keep).await?;
        apply_inject(cluster, &record, deadline).await?;
        changed = true;
    }
    Ok(changed)
}

/// What the label, the restarts and the record of them take.
fn rights_of(record: &NamespaceRecord) -> BTreeSet<Right> {
    let namespace = record.namespace.as_str();
    let workloads = record.workloads.iter().map(|workload| workload.object.kind);
    let patched = workloads.chain([Kind::Namespace]);
    let mut rights: BTreeSet<Right> = patched
        .map(|kind| Right::new("patch", kind, namespace))
        .collect();
    for verb in ["get", "create", "patch", "delete"] {
        rights.insert(Right::new(verb, Kind::ConfigMap, namespace));
    }
    rights
}

fn show(io: &Io, record: &NamespaceRecord) {
    io.note(&format!(
        "  label     Namespace {} {}={}",
        record.namespace, record.label, record.value
    ));
    for workload in &record.workloads {
        io.note(&format!("  restart   {}", workload.object));
    }
}
