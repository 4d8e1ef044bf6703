//! What connections do: first from the clients, one after the other for each pod, since their
//! counters are read before and after; then at the gateways' own listeners, which would move those
//! counters; then, where a call failed, why the host outside refuses the gateway.

use super::question::{ListenerProbe, Trial, What};
use super::{PATH, SIDE_BY_SIDE, why};
use crate::cluster::Cluster;
use crate::deadline::Deadline;
use crate::kubernetes::pod::{PROXY, Pod};
use crate::model::trace::HopName;
use crate::model::{EgressPath, World};
use crate::probe::{
    Observation, Observed, Passage, ProofGoal, Prover, Request, SPREAD, http, outside, sni, tcp,
};
use crate::snapshot::Snapshot;
use futures::stream::{self, StreamExt};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// A listener of a gateway answers within this, or its host is slow.
const KNOCK: Duration = Duration::from_secs(5);

/// Try the paths.
pub async fn observe(
    cluster: &Cluster,
    snapshot: &Snapshot,
    paths: &[EgressPath],
    deadline: Deadline,
) -> Vec<Observation> {
    let world = World::new(snapshot);
    let trials: Vec<Trial> = paths.iter().map(|path| Trial::new(&world, path)).collect();
    let mut by_pod: BTreeMap<(&str, &str), Vec<&Trial>> = BTreeMap::new();
    for trial in &trials {
        by_pod
            .entry((
                &trial.path.client.namespace,
                trial.path.pod.as_deref().unwrap_or_default(),
            ))
            .or_default()
            .push(trial);
    }
    let asks = by_pod
        .into_values()
        .map(|trials| ask_from((cluster, snapshot), trials, deadline));
    let mut seen: Vec<Observation> = stream::iter(asks)
        .buffer_unordered(SIDE_BY_SIDE / 2)
        .collect::<Vec<_>>()
        .await
        .into_iter()
        .flatten()
        .collect();
    let knocks: BTreeSet<ListenerProbe> = trials.iter().flat_map(|t| t.knocks(snapshot)).collect();
    let knocks = knocks
        .into_iter()
        .map(|knock| at_gateway(cluster, knock, deadline.at_most(KNOCK)));
    seen.extend(
        stream::iter(knocks)
            .buffer_unordered(SIDE_BY_SIDE)
            .collect::<Vec<_>>()
            .await,
    );
    seen
}

async fn ask_from(
    (cluster, snapshot): (&Cluster, &Snapshot),
    trials: Vec<&Trial<'_>>,
    deadline: Deadline,
) -> Vec<Observation> {
    let Some(pod) = trials.first().and_then(|t| t.client) else {
        let why = |t: &Trial| format!("no pod of {} runs", t.path.client);
        return trials
            .iter()
            .map(|t| observation(t.path, HopName::Client, Observed::NotTried(why(t))))
            .collect();
    };
    let prover = match prover(cluster, pod, deadline).await {
        Ok(prover) => prover,
        Err(why) => {
            let not =
                |t: &&Trial| observation(t.path, HopName::Client, Observed::NotTried(why.clone()));
            return trials.iter().map(not).collect();
        }
    };
    let mut seen = Vec::new();
    for trial in trials {
        let calls = calls(cluster, &prover, trial, deadline).await;
        let failed = calls.iter().any(|said| match said {
            Observed::Passage(passage) => !passage.answer.reached,
            Observed::Client(answer) => !answer.reached,
            _ => false,
        });
        for said in calls {
            seen.push(observation(trial.path, HopName::Client, said));
        }
        if failed {
            seen.extend(look_outside((cluster, snapshot), &prover, trial, deadline).await);
            seen.extend(read_logs(cluster, trial, deadline).await);
        }
    }
    seen
}

/// Who calls from a pod, or why nobody can.
async fn prover(cluster: &Cluster, pod: &Pod, deadline: Deadline) -> Result<Prover, String> {
    if !pod.is_running() {
        return Err(format!(
            "pod {}/{} does not run",
            pod.namespace(),
            pod.name()
        ));
    }
    let found = Prover::of(cluster, pod, deadline).await;
    let found = found.map_err(|e| why(&e, (pod.namespace(), "exec")))?;
    found
        .filter(|prover| !prover.tools().is_empty())
        .ok_or_else(|| {
            format!(
                "no container of {}/{} has curl, wget, openssl, nc, python, perl, bash, node or \
             busybox to connect with",
                pod.namespace(),
                pod.name()
            )
        })
}

/// What calls of a path do: one, or several where connections are spread or one of them is bad.
async fn calls(
    cluster: &Cluster,
    prover: &Prover,
    trial: &Trial<'_>,
    deadline: Deadline,
) -> Vec<Observed> {
    if !trial.has_name() {
        return vec![Observed::NotTried(format!(
            "{} is not a host that could be asked",
            trial.path.target.host
        ))];
    }
    if deadline.passed() {
        return vec![Observed::NotTried(format!(
            "no time left of {}s",
            deadline.total().as_secs()
        ))];
    }
    let request = Request {
        target: trial.path.target.clone(),
        path: PATH.into(),
    };
    let made = if prover.is_captured() {
        let through = trial.walk.exit.is_some() || trial.walk.wanted.is_some();
        let is_good = |call: &Passage| {
            if through {
                call.proven()
            } else {
                call.answer.reached
            }
        };
        let question = trial.question();
        let goal = ProofGoal {
            request: &request,
            question: &question,
            is_good: &is_good,
            good_calls: if trial.is_spread() { SPREAD } else { 1 },
        };
        let calls = prover.look(cluster, &goal, deadline).await;
        calls.map(|calls| calls.into_iter().map(Observed::Passage).collect())
    } else {
        let answer = prover.ask(cluster, &request, deadline).await;
        answer.map(|answer| vec![Observed::Client(answer)])
    };
    made.unwrap_or_else(|e| vec![Observed::NotTried(why(&e, (prover.namespace(), "exec")))])
}

/// Where a proxy starts TLS and the call failed: what the host says to such an offer.
async fn look_outside(
    (cluster, snapshot): (&Cluster, &Snapshot),
    prover: &Prover,
    trial: &Trial<'_>,
    deadline: Deadline,
) -> Option<Observation> {
    let (address, names) = trial.outside()?;
    let Some(door) = trial.origin(snapshot, (prover.at(), prover.tools()), address) else {
        let why =
            format!("{address} cannot be reached from the client without its sidecar's own TLS");
        return Some(observation(
            trial.path,
            HopName::Outside,
            Observed::NotTried(why),
        ));
    };
    let seen = outside(cluster, &door, address, &names, deadline).await;
    let seen = seen.map_or_else(
        |e| Observed::NotTried(why(&e, (prover.namespace(), "exec"))),
        Observed::Outside,
    );
    Some(observation(trial.path, HopName::Outside, seen))
}

/// So many of a gateway's last lines are looked through, and so many are kept.
const LINES: u32 = 80;
const KEPT: usize = 5;

/// What the gateway's access log says of the host, where there is one.
async fn read_logs(cluster: &Cluster, trial: &Trial<'_>, deadline: Deadline) -> Vec<Observation> {
    let host = trial.path.target.host.text();
    let reads = trial.gateways.iter().map(|pod| async {
        let log = cluster.log(pod.namespace(), pod.name(), PROXY, LINES);
        let text = tokio::time::timeout(deadline.left(), log)
            .await
            .ok()?
            .ok()?;
        let mut lines: Vec<String> = text
            .lines()
            .filter(|l| l.contains(&host))
            .map(|l| l.chars().take(600).collect())
            .collect();
        let lines = lines.split_off(lines.len().saturating_sub(KEPT));
        let seen = Observation {
            pod: format!("{}/{}", pod.namespace(), pod.name()),
            ..observation(trial.path, HopName::Gateway, Observed::Log(lines.clone()))
        };
        (!lines.is_empty()).then_some(seen)
    });
    futures::future::join_all(reads)
        .await
        .into_iter()
        .flatten()
        .collect()
}

async fn at_gateway(
    cluster: &Cluster,
    knock: ListenerProbe<'_>,
    deadline: Deadline,
) -> Observation {
    let at = (knock.namespace, knock.pod, knock.port);
    let tried = match &knock.what {
        What::Name(name) => {
            let answer = sni(cluster, at, name.as_deref(), deadline).await;
            answer.map(|answer| Observed::Sni {
                name: name.clone().unwrap_or_default(),
                answer,
            })
        }
        What::Request(host) => http(cluster, at, (host, PATH), deadline)
            .await
            .map(Observed::Http),
        What::Silence => tcp(cluster, at, deadline).await.map(Observed::Tcp),
    };
    Observation {
        target: knock.target.clone(),
        from: None,
        hop: HopName::Gateway,
        pod: format!("{}/{}", knock.namespace, knock.pod),
        observed: tried
            .unwrap_or_else(|e| Observed::NotTried(why(&e, (knock.namespace, "portforward")))),
    }
}

fn observation(path: &EgressPath, hop: HopName, observed: Observed) -> Observation {
    let pod = path.pod.as_deref().unwrap_or_default();
    Observation {
        target: path.target.clone(),
        from: Some(path.client.clone()),
        hop,
        pod: format!("{}/{pod}", path.client.namespace),
        observed,
    }
}
