//! Waiting until proxies have what was written: each is read again until it decides as it should.

use crate::cluster::Cluster;
use crate::deadline::Deadline;
use crate::envoy::{Connection, Proxy, evaluate, read};
use crate::error::Error;
use futures::stream::{self, StreamExt, TryStreamExt};
use std::collections::BTreeMap;
use std::time::Duration;

const SIDE_BY_SIDE: usize = 4;
const PAUSE: Duration = Duration::from_millis(60);

/// What one proxy shall have.
#[derive(Clone, Debug)]
pub struct Goal {
    /// The pod's namespace.
    pub namespace: String,
    /// The pod.
    pub pod: String,
    /// What it shall do.
    pub until: Until,
}

/// What a proxy shall do.
#[derive(Clone, Debug)]
pub enum Until {
    /// It sends the connection to that cluster, which has endpoints.
    Sends(Box<Connection>, String),
    /// It no longer sends the connection to that cluster.
    Leaves(Box<Connection>, String),
    /// It knows the cluster, with endpoints.
    Knows(String),
}

impl Until {
    /// What is still missing; nothing when it is reached.
    fn missing(&self, proxy: &Proxy) -> Option<String> {
        match self {
            Until::Knows(name) => match proxy.cluster(name) {
                None => Some(format!("it has no cluster {name}")),
                Some(cluster) if cluster.warming => {
                    Some(format!("cluster {name} is still warming"))
                }
                Some(cluster) if cluster.endpoints.is_empty() => {
                    Some(format!("cluster {name} has no endpoints"))
                }
                Some(_) => None,
            },
            Until::Sends(connection, name) => {
                let step = evaluate(proxy, connection);
                let now = step.cluster.map(|c| c.value.to_string());
                if now.as_ref() != Some(name) {
                    let instead = now
                        .or(step.ends.map(|e| e.value.to_string()))
                        .unwrap_or_else(|| "nowhere".into());
                    return Some(format!(
                        "port {} goes to {instead}, not to {name}",
                        connection.port
                    ));
                }
                Until::Knows(name.clone()).missing(proxy)
            }
            Until::Leaves(connection, name) => {
                let now = evaluate(proxy, connection)
                    .cluster
                    .map(|c| c.value.to_string());
                (now.as_ref() == Some(name))
                    .then(|| format!("port {} still goes to {name}", connection.port))
            }
        }
    }
}

/// Wait until all goals are reached. A pod that is gone has nothing to reach.
pub async fn wait_for(cluster: &Cluster, goals: &[Goal], deadline: Deadline) -> Result<(), Error> {
    let mut pods: BTreeMap<(&str, &str), Vec<&Until>> = BTreeMap::new();
    for goal in goals {
        pods.entry((&goal.namespace, &goal.pod))
            .or_default()
            .push(&goal.until);
    }
    let waits = pods
        .into_iter()
        .map(|(pod, goals)| async move { wait_pod(cluster, pod, &goals, deadline).await });
    stream::iter(waits)
        .buffer_unordered(SIDE_BY_SIDE)
        .try_collect()
        .await
}

async fn wait_pod(
    cluster: &Cluster,
    (namespace, pod): (&str, &str),
    goals: &[&Until],
    deadline: Deadline,
) -> Result<(), Error> {
    loop {
        let missing = match read(cluster, namespace, pod).await {
            Ok(proxy) => goals.iter().find_map(|goal| goal.missing(&proxy)),
            Err(Error::NotFound { .. }) => None,
            Err(error @ (Error::Forbidden { .. } | Error::Unauthorized { .. })) => {
                return Err(error);
            }
            Err(error) => Some(error.to_string()),
        };
        let Some(missing) = missing else {
            return Ok(());
        };
        if deadline.passed() {
            let what = format!("the proxy of {namespace}/{pod}: {missing}");
            return Err(Error::Deadline {
                what,
                after: deadline.total(),
            });
        }
        tokio::time::sleep(PAUSE).await;
    }
}
