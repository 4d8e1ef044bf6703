//! What is in a namespace that we made: it only goes when nothing of anybody else is in it.

use crate::cluster::{Cluster, Content};
use crate::deadline::Deadline;
use crate::error::Error;
use std::time::Duration;

const PAUSE: Duration = Duration::from_millis(500);

/// Kubernetes deletes what belongs to a deleted object, and ends its pods, within this.
const FOLLOWS: Duration = Duration::from_secs(45);

/// What stays in it, of any kind that the server knows, and what could not be listed. What has an
/// owner, or is being deleted, goes after what went: a pod that came up while we looked, say, of a
/// Deployment that we have deleted since.
pub(super) async fn others_in_the_end(
    cluster: &Cluster,
    namespace: &str,
    deadline: Deadline,
) -> Result<Vec<String>, Error> {
    let end = deadline.at_most(FOLLOWS);
    loop {
        let contents = cluster.contents(namespace).await?;
        let others: Vec<&Content> = contents.others().filter(|o| !is_record(o)).collect();
        if others.iter().any(|other| !other.passing) || others.is_empty() || end.passed() {
            let mut names: Vec<String> = others.into_iter().map(Content::to_string).collect();
            names.extend(contents.unlisted);
            return Ok(names);
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// The record of the gateway goes with its namespace.
fn is_record(content: &Content) -> bool {
    content.resource == "configmaps" && content.name.starts_with("kubectl-egress-gateway-")
}
