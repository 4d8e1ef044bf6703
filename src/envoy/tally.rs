//! What went where, per cluster and address, out of Envoy's `/clusters`: always counted, whatever
//! statistics are on. Two of them, one before and one after, are the proof of passage.

use super::Counters;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The counters of every address of every cluster of one proxy.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Tally {
    /// By cluster, then by `address:port`.
    pub clusters: BTreeMap<String, BTreeMap<String, Counters>>,
}

impl Tally {
    /// What was added since `before`: connections and requests to that cluster, over all its
    /// addresses.
    ///
    /// An address that is new counts from 0. One whose counter went down was dropped and came back:
    /// what it has now is new. One that vanished took its counter with it and adds nothing.
    pub fn since(&self, before: &Tally, cluster: &str) -> Moved {
        self.by_address(before, cluster)
            .fold(Moved::default(), |sum, (_, moved)| sum.plus(moved))
    }

    /// The same, address by address; those of `0` everywhere are among them.
    pub fn by_address<'a>(
        &'a self,
        before: &'a Tally,
        cluster: &str,
    ) -> impl Iterator<Item = (&'a str, Moved)> {
        let then = before.clusters.get(cluster);
        self.clusters
            .get(cluster)
            .into_iter()
            .flatten()
            .map(move |(address, now)| {
                let then = then
                    .and_then(|t| t.get(address))
                    .copied()
                    .unwrap_or_default();
                let moved = Moved {
                    connections: grown(then.cx_total, now.cx_total),
                    requests: grown(then.rq_total, now.rq_total),
                    failed: grown(then.cx_connect_fail, now.cx_connect_fail),
                };
                (address.as_str(), moved)
            })
    }
}

fn grown(then: u64, now: u64) -> u64 {
    now.checked_sub(then).unwrap_or(now)
}

/// How far a cluster's counters moved.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Moved {
    /// Connections that were tried.
    pub connections: u64,
    /// Requests, and TCP connections that were used.
    pub requests: u64,
    /// Connections that failed.
    pub failed: u64,
}

impl Moved {
    /// Whether anything got through: a request on a kept connection moves only the second, a failed
    /// connection does not count.
    pub fn any(&self) -> bool {
        self.requests > 0 || self.connections > self.failed
    }

    /// Whether anything was tried at all.
    pub fn tried(&self) -> bool {
        self.connections > 0 || self.requests > 0
    }

    /// Both together.
    #[must_use]
    pub fn plus(self, other: Moved) -> Moved {
        Moved {
            connections: self.connections.saturating_add(other.connections),
            requests: self.requests.saturating_add(other.requests),
            failed: self.failed.saturating_add(other.failed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally(addresses: &[(&str, u64, u64)]) -> Tally {
        let of = |(address, cx, rq): &(&str, u64, u64)| {
            (
                (*address).to_owned(),
                Counters {
                    cx_total: *cx,
                    rq_total: *rq,
                    ..Counters::default()
                },
            )
        };
        Tally {
            clusters: [("c".to_owned(), addresses.iter().map(of).collect())].into(),
        }
    }

    #[test]
    fn addresses_come_and_go_between_two_tallies() {
        let before = tally(&[("a:1", 5, 5), ("b:1", 7, 9), ("gone:1", 100, 100)]);
        let after = tally(&[("a:1", 5, 6), ("b:1", 1, 1), ("new:1", 2, 2)]);
        assert_eq!(
            after.since(&before, "c"),
            Moved {
                connections: 3,
                requests: 4,
                failed: 0
            }
        );
        assert_eq!(after.since(&before, "other"), Moved::default());
        assert_eq!(Tally::default().since(&before, "c"), Moved::default());
    }

    #[test]
    fn a_connection_that_failed_is_no_passage() {
        assert!(
            !Moved {
                connections: 1,
                requests: 0,
                failed: 1
            }
            .any()
        );
        assert!(
            Moved {
                connections: 0,
                requests: 1,
                failed: 0
            }
            .any()
        );
    }
}
