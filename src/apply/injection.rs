//! Sidecars for a namespace that has none: its label, and a restart of its workloads; and the way
//! back. Only with `--inject`; what was there before is in the inventory.

use crate::cluster::{Cluster, Poll, WriteOptions, poll};
use crate::deadline::Deadline;
use crate::error::Error;
use crate::kubernetes::pod::Pod;
use crate::kubernetes::{Kind, ObjectRef};
use crate::plan::{InjectionRecord, RESTARTED_AT};
use serde_json::{Value, json};
use std::time::Duration;

const PAUSE: Duration = Duration::from_millis(300);

/// Label the namespace, restart its workloads, and wait until their pods have sidecars and are
/// ready.
pub async fn inject(
    cluster: &Cluster,
    record: &InjectionRecord,
    deadline: Deadline,
) -> Result<(), Error> {
    label(cluster, record, &json!(record.value), None).await?;
    for workload in &record.workloads {
        let object = record.object(workload);
        restart(cluster, &object, &json!(record.by.when)).await?;
    }
    wait(cluster, (record, true), deadline).await
}

/// Put back what was there, where nobody changed it since, and wait until the pods have none again.
/// The answer says what somebody changed and was left.
pub async fn give_back(
    cluster: &Cluster,
    record: &InjectionRecord,
    deadline: Deadline,
) -> Result<Option<String>, Error> {
    let Some(live) = cluster.get(&namespace(record)).await? else {
        return Ok(None);
    };
    let labels = live.pointer("/metadata/labels");
    let now = labels
        .and_then(|l| l.get(&record.label))
        .and_then(Value::as_str);
    // A run that was cut off may have given back the label and not the workloads.
    let ours = now == Some(record.value.as_str());
    let given_back = now == record.prior.as_deref();
    if ours {
        let version = live
            .pointer("/metadata/resourceVersion")
            .and_then(Value::as_str);
        label(cluster, record, &json!(record.prior), version).await?;
    }
    for workload in &record.workloads {
        let object = record.object(workload);
        let Some(live) = cluster.get(&object).await? else {
            continue;
        };
        // A restart since then is somebody else's.
        if restarted_at(&live) == Some(record.by.when.as_str()) {
            restart(cluster, &object, &json!(workload.prior)).await?;
        }
    }
    if ours || given_back {
        wait(cluster, (record, false), deadline).await?;
        return Ok(None);
    }
    Ok(Some(format!(
        "Namespace {}: somebody changed its label {} to {}, which stays",
        record.namespace,
        record.label,
        now.unwrap_or("nothing")
    )))
}

fn restarted_at(workload: &Value) -> Option<&str> {
    let annotations = workload.pointer("/spec/template/metadata/annotations")?;
    annotations.get(RESTARTED_AT)?.as_str()
}

fn namespace(record: &InjectionRecord) -> ObjectRef {
    ObjectRef::new(Kind::Namespace, "", &record.namespace)
}

async fn label(
    cluster: &Cluster,
    record: &InjectionRecord,
    value: &Value,
    version: Option<&str>,
) -> Result<(), Error> {
    let patch = json!({"metadata": {"labels": {&record.label: value}}});
    cluster
        .merge_patch(&namespace(record), &patch, version, WriteOptions::default())
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
    (record, with_sidecar): (&InjectionRecord, bool),
    deadline: Deadline,
) -> Result<(), Error> {
    poll(deadline, PAUSE, async || {
        let list = cluster.list(Kind::Pod, Some(&record.namespace)).await?;
        let pods: Vec<Pod> = list
            .into_iter()
            .map(serde_json::from_value)
            .collect::<Result<_, _>>()
            .map_err(|e| Error::Api {
                doing: "read",
                what: format!("the pods of {}", record.namespace),
                status: crate::error::ApiStatus::default(),
                reason: e.to_string(),
            })?;
        let ours = |pod: &&Pod| {
            let mut workloads = record.workloads.iter();
            workloads.any(|workload| workload.name == pod.workload_name())
        };
        let settled = |pod: &Pod| pod.spec.proxy().is_some() == with_sidecar && pod.is_ready();
        let Some(pod) = pods.iter().filter(ours).find(|pod| !settled(pod)) else {
            return Ok(Poll::Ready(()));
        };
        let trouble = pod
            .trouble()
            .unwrap_or_else(|| "it is not ready, or still the old one".into());
        Ok(Poll::Waiting(format!(
            "the restart of {}: {}: {trouble}",
            record.namespace,
            pod.object()
        )))
    })
    .await
}
