//! The ways round a gateway, tried from the pods of each client's namespace. What is tried is what
//! one of them could do: nothing is made for it, and a kind of pod that is not there is not tried.

use super::question::Trial;
use super::{SIDE_BY_SIDE, runaways, why};
use crate::cluster::Cluster;
use crate::deadline::Deadline;
use crate::error::Error;
use crate::kubernetes::Kind;
use crate::model::target::{Host, Target};
use crate::model::trace::HopName;
use crate::model::{EgressPath, World};
use crate::probe::bypass::{Outcome, Runaway, RunawayKind, Way};
use crate::probe::{Observation, Observed, addresses};
use crate::snapshot::Snapshot;
use futures::stream::{self, StreamExt};
use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

/// Try them for the paths that some rule leads through a gateway. Clients of one namespace share
/// what its pods can do.
pub async fn round(
    cluster: &Cluster,
    snapshot: &Snapshot,
    paths: &[EgressPath],
    deadline: Deadline,
) -> Vec<Observation> {
    let world = World::new(snapshot);
    let trials = paths
        .iter()
        .map(|path| Trial::new(&world, path))
        .filter(|t| t.walk.wanted.is_some() && t.has_name());
    let mut namespaces: BTreeMap<&str, BTreeMap<&Target, Vec<Trial>>> = BTreeMap::new();
    for trial in trials {
        let targets = namespaces.entry(&trial.path.client.namespace).or_default();
        targets.entry(&trial.path.target).or_default().push(trial);
    }
    let mut seen = Vec::new();
    for (namespace, targets) in namespaces {
        let first = targets
            .values()
            .flatten()
            .find_map(|t| t.path.pod.as_deref());
        let found = match runaways(cluster, snapshot, (namespace, first), deadline).await {
            Ok(found) if found.is_empty() => Err(format!(
                "no running pod of {namespace} has anything to connect with"
            )),
            found => found.map_err(|e| why(&e, (namespace, "exec"))),
        };
        for trials in targets.into_values() {
            let tried = match &found {
                Ok(found) => attempts((cluster, snapshot), &trials[0], found, deadline).await,
                Err(why) => vec![untried(&trials[0], why)],
            };
            for trial in &trials {
                let from = |o: &Observation| Observation {
                    from: Some(trial.path.client.clone()),
                    ..o.clone()
                };
                seen.extend(tried.iter().map(from));
            }
        }
    }
    seen
}

/// Why nobody could try.
fn untried(trial: &Trial<'_>, why: &str) -> Observation {
    let way = Way::Name(trial.path.target.clone());
    let observed = Observed::Round {
        kind: RunawayKind::Bare,
        way,
        outcome: Outcome::Untried(why.into()),
    };
    observation(trial, format!("{}/", trial.path.client.namespace), observed)
}

async fn attempts(
    (cluster, snapshot): (&Cluster, &Snapshot),
    trial: &Trial<'_>,
    runaways: &[Runaway],
    deadline: Deadline,
) -> Vec<Observation> {
    let mut tries = Vec::new();
    for runaway in runaways {
        let known = addresses_of(cluster, trial, runaway, deadline)
            .await
            .unwrap_or_default();
        let ways = runaway.kind.ways(&trial.path.target, &known);
        let straight = (runaway.kind == RunawayKind::Bare)
            .then(|| straight(snapshot, trial))
            .flatten();
        tries.extend(ways.into_iter().chain(straight).map(|way| (runaway, way)));
    }
    let attempts = tries.into_iter().map(|(runaway, way)| async move {
        let attempt = runaway.attempt(cluster, &way, deadline).await;
        let outcome =
            attempt.unwrap_or_else(|e| Outcome::Untried(why(&e, (&runaway.at.namespace, "exec"))));
        observation(
            trial,
            runaway.name(),
            Observed::Round {
                kind: runaway.kind,
                way,
                outcome,
            },
        )
    });
    stream::iter(attempts)
        .buffered(SIDE_BY_SIDE)
        .collect()
        .await
}

/// As the pod resolves the host, else as the last proxy did.
async fn addresses_of(
    cluster: &Cluster,
    trial: &Trial<'_>,
    runaway: &Runaway,
    deadline: Deadline,
) -> Result<Vec<IpAddr>, Error> {
    if let Host::Address(ip) = trial.path.target.host {
        return Ok(vec![ip]);
    }
    let found = addresses(
        cluster,
        &runaway.at,
        &trial.path.target.host.text(),
        deadline,
    )
    .await?;
    let outside = || {
        trial
            .trace
            .as_ref()
            .and_then(|t| t.outside.endpoints.as_ref())
    };
    let resolved = || {
        outside().map(|e| {
            e.value
                .iter()
                .filter_map(|e| Some(e.parse::<SocketAddr>().ok()?.ip()))
        })
    };
    Ok(if found.is_empty() {
        resolved().into_iter().flatten().collect()
    } else {
        found
    })
}

/// The gateway's own address, for a host that is told by its server name.
fn straight(snapshot: &Snapshot, trial: &Trial<'_>) -> Option<Way> {
    let exit = trial.walk.exit.as_ref()?;
    let name = trial
        .path
        .target
        .host
        .sni()
        .filter(|_| trial.path.target.protocol.is_tls())?;
    let mut services = snapshot.objects.services.iter();
    let service = services.find(|s| s.reference(Kind::Service) == exit.service)?;
    let to = SocketAddr::new(service.address()?.parse().ok()?, exit.port);
    Some(Way::Straight(to, name.to_owned()))
}

fn observation(trial: &Trial<'_>, pod: String, observed: Observed) -> Observation {
    let from = Some(trial.path.client.clone());
    Observation {
        target: trial.path.target.clone(),
        from,
        hop: HopName::Client,
        pod,
        observed,
    }
}
