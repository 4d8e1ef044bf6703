//! The addresses of a host, as a client's container resolves it.

use super::client::ClientPod;
use crate::cluster::Cluster;
use crate::deadline::Deadline;
use crate::error::Error;
use std::collections::BTreeSet;
use std::net::IpAddr;

/// Of both families; empty where the name has none, or the container has no `getent`.
pub async fn addresses(
    cluster: &Cluster,
    at: &ClientPod,
    host: &str,
    deadline: Deadline,
) -> Result<Vec<IpAddr>, Error> {
    let of = (
        at.namespace.as_str(),
        at.pod.as_str(),
        at.container.as_str(),
    );
    let output = match cluster
        .exec(of, &["getent", "ahosts", host], &[], deadline)
        .await
    {
        Ok(output) => output,
        Err(Error::Api { .. }) => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let text = output.text();
    let found: BTreeSet<IpAddr> = text
        .lines()
        .filter_map(|l| l.split_whitespace().next()?.parse().ok())
        .collect();
    Ok(found.into_iter().collect())
}
