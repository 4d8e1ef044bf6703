//! What istiod last sent to each proxy and what the proxy said to it: `/debug/syncz`, which each
//! istiod knows only of the proxies that are connected to itself.
//!
//! "Synced" proves little (istiod may not have noticed the change yet); an error or a proxy that
//! nobody knows proves a lot.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// One replica of istiod.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Plane {
    /// The proxies that are connected to it.
    pub proxies: Vec<ProxySync>,
    /// Its version, as it says itself; empty where it does not.
    pub version: String,
    /// The certificates that it shows to proxies, PEM, the leaf first; empty where it was not
    /// asked.
    pub chain: String,
}

/// A proxy, as one istiod sees it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ProxySync {
    /// The namespace of its pod.
    pub namespace: String,
    /// Its pod.
    pub pod: String,
    /// The version of its agent.
    pub istio_version: String,
    /// The state of each kind of resource: `clusters`, `listeners`, `routes`, `endpoints`, or a
    /// type's URL.
    pub kinds: BTreeMap<String, SyncState>,
}

/// Whether the proxy has what was last sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum SyncState {
    /// It took it.
    Synced,
    /// It has not answered yet.
    Stale,
    /// Nothing was ever sent.
    NotSent,
    /// It refused it.
    Rejected(String),
}

impl ProxySync {
    /// Read `/debug/syncz`. The error is the JSON parser's.
    pub fn parse(answer: &[u8]) -> Result<Vec<ProxySync>, String> {
        let entries: Vec<Entry> = serde_json::from_slice(answer).map_err(|e| e.to_string())?;
        Ok(entries.into_iter().map(Entry::keep).collect())
    }

    /// What it refused: the kind, and Envoy's words.
    pub fn rejected(&self) -> impl Iterator<Item = (&str, &str)> {
        self.kinds.iter().filter_map(|(kind, state)| match state {
            SyncState::Rejected(why) => Some((kind.as_str(), why.as_str())),
            _ => None,
        })
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Entry {
    proxy: String,
    istio_version: String,
    resources: BTreeMap<String, Nonces>,
    cluster_sent: String,
    cluster_acked: String,
    listener_sent: String,
    listener_acked: String,
    route_sent: String,
    route_acked: String,
    endpoint_sent: String,
    endpoint_acked: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Nonces {
    sent: String,
    acked: String,
    #[serde(rename = "lastError")]
    last_error: String,
}

impl Entry {
    fn keep(self) -> ProxySync {
        // Pod names have no dot.
        let (pod, namespace) = self.proxy.split_once('.').unwrap_or((&self.proxy, ""));
        let kinds = if self.resources.is_empty() {
            // Older istiods have four fixed kinds, and no errors.
            let all = [
                ("clusters", &self.cluster_sent, &self.cluster_acked),
                ("listeners", &self.listener_sent, &self.listener_acked),
                ("routes", &self.route_sent, &self.route_acked),
                ("endpoints", &self.endpoint_sent, &self.endpoint_acked),
            ];
            all.into_iter()
                .map(|(kind, sent, acked)| (kind.to_owned(), state(sent, acked, "")))
                .collect()
        } else {
            let each = self.resources.iter();
            each.map(|(url, n)| {
                (
                    short(url).to_owned(),
                    state(&n.sent, &n.acked, &n.last_error),
                )
            })
            .collect()
        };
        ProxySync {
            pod: pod.into(),
            namespace: namespace.into(),
            istio_version: self.istio_version,
            kinds,
        }
    }
}

/// As istiod itself judges it (`pilot/pkg/xds/statusgen.go`).
fn state(sent: &str, acked: &str, error: &str) -> SyncState {
    match (sent, acked, error) {
        (_, _, error) if !error.is_empty() => SyncState::Rejected(error.into()),
        ("", _, _) => SyncState::NotSent,
        (sent, acked, _) if sent == acked => SyncState::Synced,
        _ => SyncState::Stale,
    }
}

fn short(url: &str) -> &str {
    match url.rsplit('.').next() {
        Some("Cluster") => "clusters",
        Some("Listener") => "listeners",
        Some("RouteConfiguration") => "routes",
        Some("ClusterLoadAssignment") => "endpoints",
        _ => url,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_are_told_apart() {
        let text = r#"[
          {"proxy": "sleep-1.default", "istio_version": "1.31.0", "resources": {
            "type.googleapis.com/envoy.config.listener.v3.Listener": {"sent": "a", "acked": "b", "lastError": "no such filter"},
            "type.googleapis.com/envoy.config.cluster.v3.Cluster": {"sent": "a", "acked": "a"},
            "type.googleapis.com/envoy.config.route.v3.RouteConfiguration": {"sent": "a", "acked": "b"},
            "istio.io/other": {}}},
          {"proxy": "old.ns", "cluster_sent": "a", "cluster_acked": "a"}]"#;
        let found = ProxySync::parse(text.as_bytes()).unwrap();
        assert_eq!(
            (found[0].pod.as_str(), found[0].namespace.as_str()),
            ("sleep-1", "default")
        );
        assert_eq!(
            found[0].rejected().collect::<Vec<_>>(),
            [("listeners", "no such filter")]
        );
        assert_eq!(found[0].kinds["clusters"], SyncState::Synced);
        assert_eq!(found[0].kinds["routes"], SyncState::Stale);
        assert_eq!(found[0].kinds["istio.io/other"], SyncState::NotSent);
        assert_eq!(found[1].kinds["clusters"], SyncState::Synced);
        assert!(ProxySync::parse(b"{").is_err());
    }
}
