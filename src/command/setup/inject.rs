//! `--inject`: a caller's namespace without sidecars gets the label, and its workloads a restart,
//! with consent.

use super::half_way::Trail;
use crate::apply::{Guard, inject as apply_inject, read_records_of, refuse_kept_workloads};
use crate::cli::setup::SetupArgs;
use crate::cluster::Cluster;
use crate::command::Io;
use crate::command::stamp::stamp;
use crate::deadline::Deadline;
use crate::error::Error;
use crate::kubernetes::{Kind, Right};
use crate::plan::{EgressSpec, InjectionRecord, Phase, caller_pods, injection_record};
use crate::snapshot::Snapshot;
use std::collections::BTreeSet;

/// A run that meets others writes again at most this often.
const TRIES: usize = 10;

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
        let mut record = injection_record(snapshot, &client.namespace, stamp(cluster).await);
        show(io, &record);
        refuse_kept_workloads(cluster, &record).await?;
        cluster.require(&rights_of(&record)).await?;
        if !args.write.writes() {
            return Err(Error::Refused {
                why: format!(
                    "namespace {} has no sidecars yet, so there is nothing more to plan",
                    client.namespace
                ),
                hint: Some(
                    "the label and the restarts above come first: run it without --dry-run and \
                    --diff"
                        .into(),
                ),
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
        trail.injects(args, &record);
        carry_out(cluster, &mut record, deadline).await?;
        changed = true;
    }
    Ok(changed)
}

/// What the label, the restarts and the record of them take.
fn rights_of(record: &InjectionRecord) -> BTreeSet<Right> {
    let namespace = record.namespace.as_str();
    let workloads = record.workloads.iter().map(|workload| workload.kind);
    let patched = workloads.chain([Kind::Namespace]);
    let mut rights: BTreeSet<Right> = patched
        .map(|kind| Right::new("patch", kind, namespace))
        .collect();
    for verb in ["get", "list", "create", "patch", "delete"] {
        rights.insert(Right::new(verb, Kind::ConfigMap, namespace));
    }
    rights
}

/// Label and restart under the record. Where a cleanup took the record away meanwhile, it did not
/// see what was written after it: all of it is recorded and written once more.
async fn carry_out(
    cluster: &Cluster,
    record: &mut InjectionRecord,
    deadline: Deadline,
) -> Result<(), Error> {
    let mut done = Ok(());
    for _ in 0..TRIES {
        done = once(cluster, record, deadline).await;
        if !matches!(done, Err(Error::Raced { .. })) {
            break;
        }
    }
    done
}

async fn once(
    cluster: &Cluster,
    record: &mut InjectionRecord,
    deadline: Deadline,
) -> Result<(), Error> {
    begin(cluster, record).await?;
    apply_inject(cluster, record, deadline).await?;
    record.phase = Phase::Settled;
    Guard::default().write(cluster, record).await
}

/// The record comes first. One that is there already, of a run that broke off, knows better what
/// there was before.
async fn begin(cluster: &Cluster, record: &mut InjectionRecord) -> Result<(), Error> {
    let inventory = read_records_of(cluster, &record.namespace).await?;
    record.phase = Phase::Arriving;
    record.version = None;
    if let Some(earlier) = inventory.injection(&record.namespace) {
        record.version.clone_from(&earlier.version);
        record.prior.clone_from(&earlier.prior);
        for workload in &mut record.workloads {
            let same = earlier
                .workloads
                .iter()
                .find(|known| known.kind == workload.kind && known.name == workload.name);
            if let Some(known) = same {
                workload.prior.clone_from(&known.prior);
            }
        }
    }
    Guard::default().write(cluster, record).await
}

fn show(io: &Io, record: &InjectionRecord) {
    io.note(&format!(
        "  label     Namespace {} {}={}",
        record.namespace, record.label, record.value
    ));
    for workload in &record.workloads {
        io.note(&format!("  restart   {}", record.object(workload)));
    }
}
