//! Sidecars for a namespace that has none: its label, and a restart of its workloads; and the way
//! back. Only with `--inject`; what was there before is in the inventory.

use crate::cluster::{Cluster, WriteOptions};
use crate::deadline::Deadline;
use crate::error::Error;
use crate::kubernetes::pod::Pod;
use crate::kubernetes::{Kind, ObjectRef};
use crate::plan::{NamespaceRecord, RESTARTED_AT};
use serde_json::{Value, json};
use std::time::Duration;

const PAUSE: Duration = Duration::from_millis(300);

/// Label the namespace, restart its workloads, and wait until their pods have sidecars and are
/// ready.
pub async fn inject(
    cluster: &Cluster,
    record: &NamespaceRecord,
    deadline: Deadline,
) -> Result<(), Error> {
    label(cluster, record, &json!(record.value)).await?;
    for workload in &record.workloads {
        restart(cluster, &workload.object, &json!(record.by.when)).await?;
    }
    wait(cluster, (record, true), deadline).await
}

/// Put back what was there, where nobody changed it since, and wait until the pods have none again.
pub async fn give_back(
    cluster: &Cluster,
    record: &NamespaceRecord,
    deadline: Deadline,
) -> Result<(), Error> {
    let Some(live) = cluster.get(&namespace(record)).await? else {
        return Ok(());
    };
    let labels = live.pointer("/metadata/labels");
    if labels
        .and_then(|l| l.get(&record.label))
        .and_then(Value::as_str)
        != Some(record.value.as_str())
    {
        return Ok(());
    }
    label(cluster, record, &json!(record.prior)).await?;
    for workload in &record.workloads {
        if cluster.get(&workload.object).await?.is_some() {
            restart(cluster, &workload.object, &json!(workload.prior)).await?;
        }
    }
    wait(cluster, (record, false), deadline).await
}

fn namespace(record: &NamespaceRecord) -> ObjectRef {
    ObjectRef::new(Kind::Namespace, "", &record.namespace)
}

async fn label(cluster: &Cluster, record: &NamespaceRecord, value: &Value) -> Result<(), Error> {
    let patch = json!({"metadata": {"labels": {&record.label: value}}});
    cluster
        .merge_patch(&namespace(record), &patch, None, WriteOptions::default())
        .await
        .map(|_| ())
}

/// As `kubectl rollout restart` does it: a new annotation makes new pods.
async fn restart(cluster: &Cluster, workload: &ObjectRef, at: &Value) -> Result<(), Error> {
    let patch = json!({"spec": {"template": {"metadata": {"annotations": {RESTARTED_AT: at}}}}});
    cluster
        .merge_patch(workload, &patch, None, WriteOptions::default())
        .await
        .map(|_| ())
}

async fn wait(
    cluster: &Cluster,
    (record, with_sidecar): (&NamespaceRecord, bool),
    deadline: Deadline,
) -> Result<(), Error> {
    loop {
        let list = cluster.list(Kind::Pod, Some(&record.namespace)).await?;
        let pods: Vec<Pod> = list
            .into_iter()
            .filter_map(|p| serde_json::from_value(p).ok())
            .collect();
        let ours = |p: &&Pod| {
            record
                .workloads
                .iter()
                .any(|w| w.object.name == p.workload_name())
        };
        let settled = |p: &Pod| p.spec.proxy().is_some() == with_sidecar && p.is_ready();
        let Some(pod) = pods.iter().filter(ours).find(|p| !settled(p)) else {
            return Ok(());
        };
        if deadline.passed() {
            let trouble = pod
                .trouble()
                .unwrap_or_else(|| "it is not ready, or still the old one".into());
            let what = format!(
                "the restart of {}: {}: {trouble}",
                record.namespace,
                pod.object()
            );
            return Err(Error::Deadline {
                what,
                after: deadline.total(),
            });
        }
        tokio::time::sleep(PAUSE).await;
    }
}
