//! The proof of a path: who asks, how often, and when enough was seen. Setup, hosts that are joined
//! and doctor all prove by it, so that they cannot disagree.

use super::answer::Answer;
use super::client::{ClientPod, Request, client, find_tools};
use super::passage::{Passage, Question, passage};
use super::pipe::Tools;
use crate::cluster::Cluster;
use crate::deadline::Deadline;
use crate::error::Error;
use crate::kubernetes::pod::{PROXY, Pod};
use std::time::Duration;

/// So many calls in a row must be good where connections are spread over pods or by weight, and
/// after a bad one.
pub const SPREAD: usize = 5;

/// So many calls in a row that are all bad are enough.
const BAD: usize = 3;

/// No more calls than this.
const MOST: usize = 8;

/// Between a bad call and the next: an application's other traffic moves the same counters, and a
/// proxy may be about to change.
const SETTLE: Duration = Duration::from_millis(200);

/// A call that takes longer is not made again.
const SLOW: Duration = Duration::from_secs(5);

/// A client's container, and what it has to connect with.
#[derive(Clone, Debug)]
pub struct Prover {
    at: ClientPod,
    tools: Tools,
    account: String,
    captured: bool,
}

impl Prover {
    /// The first container of the application that has something to connect with; the last one
    /// where none has; nothing for a pod that is only a proxy. Errors are those of reaching the
    /// containers.
    pub async fn of(
        cluster: &Cluster,
        pod: &Pod,
        deadline: Deadline,
    ) -> Result<Option<Self>, Error> {
        let mut found = None;
        for container in pod.spec.containers.iter().filter(|c| c.name != PROXY) {
            let at = ClientPod {
                namespace: pod.namespace().into(),
                pod: pod.name().into(),
                container: container.name.clone(),
            };
            let tools = find_tools(cluster, &at, deadline).await?;
            let enough = !tools.is_empty();
            found = Some(Self {
                at,
                tools,
                account: pod.spec.service_account_name.clone(),
                captured: pod.spec.proxy().is_some() && !pod.spec.host_network,
            });
            if enough {
                break;
            }
        }
        Ok(found)
    }

    /// The container.
    pub fn at(&self) -> &ClientPod {
        &self.at
    }

    /// What it has to connect with.
    pub fn tools(&self) -> &Tools {
        &self.tools
    }

    /// Whether there is a sidecar to count what it sends.
    pub fn is_captured(&self) -> bool {
        self.captured
    }

    /// Its namespace.
    pub fn namespace(&self) -> &str {
        &self.at.namespace
    }

    /// `namespace/pod`.
    pub fn name(&self) -> String {
        format!("{}/{}", self.at.namespace, self.at.pod)
    }

    /// Whether it is among those that may call; an empty list is everybody.
    pub fn is_allowed(&self, principals: &[String]) -> bool {
        let own = format!("/ns/{}/sa/{}", self.at.namespace, self.account);
        principals.is_empty() || principals.iter().any(|p| p.ends_with(&own))
    }

    /// What the host answers, without counters.
    pub async fn ask(
        &self,
        cluster: &Cluster,
        request: &Request,
        deadline: Deadline,
    ) -> Result<Answer, Error> {
        client(cluster, &self.at, &self.tools, request, deadline).await
    }

    /// Call until enough was seen: as many good calls in a row as `good_calls` asks for, or only
    /// bad ones. Bad calls before a long run of good ones are left out: something had still to
    /// settle. At least one call comes back.
    pub async fn look(
        &self,
        cluster: &Cluster,
        goal: &ProofGoal<'_>,
        deadline: Deadline,
    ) -> Result<Vec<Passage>, Error> {
        let mut calls: Vec<(Passage, bool)> = Vec::new();
        loop {
            let way = (&self.at, &self.tools);
            let seen = passage(cluster, way, goal.request, goal.question, deadline).await?;
            let good = (goal.is_good)(&seen);
            let slow = Duration::from_millis(seen.answer.took) > SLOW;
            calls.push((seen, good));
            let judged: Vec<bool> = calls.iter().map(|(_, good)| *good).collect();
            if slow || deadline.passed() || is_enough(&judged, goal.good_calls) {
                let settled = settled(&judged);
                return Ok(calls
                    .into_iter()
                    .skip(settled)
                    .map(|(call, _)| call)
                    .collect());
            }
            if !good {
                tokio::time::sleep(SETTLE).await;
            }
        }
    }
}

/// What is to be proven.
#[derive(Clone, Copy)]
pub struct ProofGoal<'a> {
    /// The call.
    pub request: &'a Request,
    /// The counters around it.
    pub question: &'a Question,
    /// Whether a call did what it should.
    pub is_good: &'a (dyn Fn(&Passage) -> bool + Sync),
    /// How many good calls in a row are enough: 1, or [`SPREAD`].
    pub good_calls: usize,
}

/// Whether the calls so far are enough to judge by.
fn is_enough(good: &[bool], good_calls: usize) -> bool {
    let run = good.iter().rev().take_while(|good| **good).count();
    let all_good = run == good.len();
    let all_bad = !good.contains(&true);
    match (all_good, all_bad) {
        _ if good.len() >= MOST => true,
        (true, _) => run >= good_calls,
        (_, true) => good.len() >= BAD,
        _ => run >= SPREAD,
    }
}

/// How many calls at the beginning are left out: bad ones before a run of good ones to the end.
fn settled(good: &[bool]) -> usize {
    let bad = good.iter().take_while(|good| !**good).count();
    let run = good.iter().skip(bad).take_while(|good| **good).count();
    if run >= SPREAD && bad + run == good.len() {
        bad
    } else {
        0
    }
}

#[cfg(test)]
mod tests {
    use super::{SPREAD, is_enough, settled};

    #[test]
    fn one_good_call_is_enough_where_nothing_is_spread() {
        assert!(is_enough(&[true], 1));
        assert!(!is_enough(&[true], SPREAD));
        assert!(is_enough(&[true; 5], SPREAD));
        assert!(!is_enough(&[false, false], 1));
        assert!(is_enough(&[false, false, false], 1));
    }

    #[test]
    fn after_a_bad_call_one_good_one_proves_nothing() {
        assert!(!is_enough(&[false, true], 1));
        assert!(!is_enough(&[false, true, true, true, true], 1));
        assert!(is_enough(&[false, true, true, true, true, true], 1));
        let mixed = [true, false, true, false, true, false, true, true];
        assert!(is_enough(&mixed, 1) && !is_enough(&mixed[..7], 1));
    }

    #[test]
    fn what_had_to_settle_is_left_out_and_what_alternates_is_kept() {
        assert_eq!(settled(&[false, true, true, true, true, true]), 1);
        assert_eq!(
            settled(&[false, true, false, true, true, true, true, true]),
            0
        );
        assert_eq!(settled(&[true; 5]), 0);
        assert_eq!(settled(&[false; 3]), 0);
    }
}
