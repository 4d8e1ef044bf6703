//! Sidecars for a namespace that has none: its label and the restart of its workloads, under a
//! record.

use super::planned_again;
use crate::apply::{Guard, inject, read_records_of};
use crate::cluster::Cluster;
use crate::console::Io;
use crate::deadline::Deadline;
use crate::error::Error;
use crate::kubernetes::{Kind, Right};
use crate::plan::{InjectionRecord, Phase};
use std::collections::BTreeSet;

/// What the label, the restarts and the record of them take.
pub(crate) fn rights_of(record: &InjectionRecord) -> BTreeSet<Right> {
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
pub(crate) async fn carry_out(
    cluster: &Cluster,
    io: &Io,
    record: &mut InjectionRecord,
    deadline: Deadline,
) -> Result<(), Error> {
    let what = format!("the sidecars of {}", record.namespace);
    planned_again(io, &what, async || once(cluster, record, deadline).await).await
}

async fn once(
    cluster: &Cluster,
    record: &mut InjectionRecord,
    deadline: Deadline,
) -> Result<(), Error> {
    begin(cluster, record).await?;
    inject(cluster, record, deadline).await?;
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
