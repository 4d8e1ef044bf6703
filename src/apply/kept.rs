//! What `--inject` would change and a tool keeps: asked of the live objects before anything is
//! written, since a snapshot has no field managers.

use crate::cluster::Cluster;
use crate::error::Error;
use crate::kubernetes::{Kind, ObjectRef};
use crate::plan::{InjectionRecord, refuse_kept};
use serde_json::json;

/// Refuse to label a namespace, or to restart a workload, that Argo CD, Flux or Helm keeps.
///
/// # Errors
/// [`Error::Refused`] with the owner and the change to make there; those of the requests.
pub async fn refuse_kept_workloads(
    cluster: &Cluster,
    record: &InjectionRecord,
) -> Result<(), Error> {
    let namespace = ObjectRef::new(Kind::Namespace, "", &record.namespace);
    let label = format!("the label {}={}", record.label, record.value);
    let restart = "restart it yourself once the namespace has its label (kubectl rollout restart), \
                   then run setup without --inject";
    let workloads = record.workloads.iter().map(|w| (record.object(w), restart));
    for (object, change) in std::iter::once((namespace, label.as_str())).chain(workloads) {
        if let Some(metadata) = cluster.metadata(&object).await? {
            refuse_kept(&object, &json!({"metadata": metadata}), change)?;
        }
    }
    Ok(())
}
