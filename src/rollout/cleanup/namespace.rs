//! What is in a namespace that we made: it only goes when nothing of anybody else is in it.

use crate::cluster::{Cluster, Content};
use crate::deadline::Deadline;
use crate::error::Error;
use crate::plan::{GatewayRecord, Record, Restore};
use std::time::Duration;

const PAUSE: Duration = Duration::from_millis(500);

/// The label of what Istio's installers make.
const COMPONENT: &str = "operator.istio.io/component";

/// Kubernetes deletes what belongs to a deleted object, and ends its pods, within this.
const FOLLOWS: Duration = Duration::from_secs(45);

/// What stays in the namespace of a gateway, and what could not be listed. What has an owner, or is
/// being deleted, goes after what went: a pod that came up while we looked, say, of a Deployment
/// that we have deleted since. So does what the operator made of a gateway that it was still
/// installing when its `IstioOperator` lost it. The gateway's own record goes with the namespace.
pub(super) async fn others_in_the_end(
    cluster: &Cluster,
    namespace: &str,
    record: &GatewayRecord,
    deadline: Deadline,
) -> Result<Vec<String>, Error> {
    let end = deadline.at_most(FOLLOWS);
    let own = record.name().object().name;
    let is_operators = matches!(record.restore, Some(Restore::Operator { .. }));
    loop {
        let contents = cluster.contents(namespace).await?;
        let is_record = |other: &&Content| other.resource == "configmaps" && other.name == own;
        let others: Vec<&Content> = contents.others().filter(|o| !is_record(o)).collect();
        let follows = |other: &Content| {
            other.passing || (is_operators && other.labels.contains_key(COMPONENT))
        };
        let stays = others.iter().any(|other| !follows(other));
        if stays || others.is_empty() || end.passed() {
            let mut names: Vec<String> = others.iter().map(ToString::to_string).collect();
            names.extend(contents.unlisted);
            return Ok(names);
        }
        tokio::time::sleep(PAUSE).await;
    }
}
