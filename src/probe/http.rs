//! Plain HTTP straight to a listener of a gateway's pod, with the host that it should know.

use super::answer::{Answer, Failure};
use super::exchange::get;
use crate::cluster::Cluster;
use crate::deadline::Deadline;
use crate::error::Error;
use crate::model::trace::HopName;

/// GET with that Host header and path (`target`) from a port of a pod (8080, not 80). Errors are
/// only those of reaching the pod: everything that the listener does is an answer.
pub async fn http(
    cluster: &Cluster,
    (namespace, pod, port): (&str, &str, u16),
    target: (&str, &str),
    deadline: Deadline,
) -> Result<Answer, Error> {
    let mut tunnel = cluster.tunnel(namespace, pod, port).await?;
    let asked = tokio::time::timeout(
        deadline.left(),
        get(&mut tunnel.stream, target, HopName::Gateway),
    )
    .await;
    let mut answer = asked.unwrap_or_else(|_| Answer::failed(Failure::Timeout, ""));
    if answer.failure == Some(Failure::Reset)
        && let Some(why) = tunnel.failure().await
    {
        answer.failure = Some(Failure::from_words(&why));
        answer.raw = why;
    }
    answer.through = "port-forward".into();
    Ok(answer)
}
