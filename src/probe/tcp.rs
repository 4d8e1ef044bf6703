//! A bare TCP connection to a listener of a gateway's pod: does it stay open, and does the far side
//! speak first?

use super::answer::{Failure, cut};
use crate::cluster::Cluster;
use crate::deadline::Deadline;
use crate::error::Error;
use serde::{Deserialize, Serialize};
use std::time::Duration;
use tokio::io::AsyncReadExt;

/// What a connection does while we say nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "camelCase")]
pub enum TcpAnswer {
    /// The far side spoke first, as databases do.
    Spoke {
        /// Its first bytes, as text as far as they are.
        words: String,
    },
    /// It stays open, and waits for us.
    StaysOpen,
    /// It was closed at once.
    Closed,
    /// It did not come about.
    Failed {
        /// Why.
        failure: Failure,
    },
}

/// A far side that speaks first does so within this; one that cannot reach its host closes by then.
const PATIENCE: Duration = Duration::from_secs(2);

/// Connect to a port of a pod and wait a moment. Errors are only those of reaching the pod.
pub async fn tcp(
    cluster: &Cluster,
    (namespace, pod, port): (&str, &str, u16),
    deadline: Deadline,
) -> Result<TcpAnswer, Error> {
    let mut tunnel = cluster.tunnel(namespace, pod, port).await?;
    let mut bytes = [0; 256];
    let read = tokio::time::timeout(
        deadline.at_most(PATIENCE).left(),
        tunnel.stream.read(&mut bytes),
    )
    .await;
    Ok(match read {
        Err(_) => TcpAnswer::StaysOpen,
        Ok(Ok(length @ 1..)) => TcpAnswer::Spoke {
            words: cut(&String::from_utf8_lossy(&bytes[..length]), 200),
        },
        Ok(Ok(0) | Err(_)) => match tunnel.failure().await {
            Some(why) => TcpAnswer::Failed {
                failure: Failure::from_words(&why),
            },
            None => TcpAnswer::Closed,
        },
    })
}
