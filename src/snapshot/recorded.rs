//! What `setup` has routed through a gateway, as its own records say. That a host is wanted through
//! a gateway is known from here also where every object of it is gone.

use super::{Look, Snapshot};
use crate::model::target::Target;
use serde::{Deserialize, Serialize};

/// A host that `setup` routes, its ports, its gateway and its clients.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RecordedHost {
    /// The host with each of its ports.
    pub targets: Vec<Target>,
    /// The namespace of the gateway.
    pub gateway_namespace: String,
    /// The Service of the gateway.
    pub gateway_service: String,
    /// The namespaces whose workloads call the host.
    pub clients: Vec<String>,
}

impl Snapshot {
    /// What `setup` routes for a namespace.
    pub fn recorded_for(&self, namespace: &str) -> impl Iterator<Item = &RecordedHost> {
        self.recorded_hosts()
            .iter()
            .filter(move |recorded| recorded.clients.iter().any(|client| client == namespace))
    }

    /// Every host that `setup` routes; none where the records could not be read.
    pub fn recorded_hosts(&self) -> &[RecordedHost] {
        self.recorded.seen().map(Vec::as_slice).unwrap_or_default()
    }

    /// Every client's namespace and target that `setup` routes.
    pub fn recorded_targets(&self) -> Vec<(String, Target)> {
        let mut all = Vec::new();
        for recorded in self.recorded_hosts() {
            for client in &recorded.clients {
                for target in &recorded.targets {
                    all.push((client.clone(), target.clone()));
                }
            }
        }
        all
    }
}

/// A bundle of an older version, manifests and the like hold no records.
impl<T: Default> Default for Look<T> {
    fn default() -> Self {
        Look::Seen(T::default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bundle_keeps_what_is_recorded_and_why_it_is_not_known() {
        let recorded = RecordedHost {
            targets: vec!["edition.cnn.com:443".parse().unwrap()],
            gateway_namespace: "egress".into(),
            gateway_service: "gw".into(),
            clients: vec!["a".into(), "b".into()],
        };
        let mut snapshot = Snapshot {
            api_version: super::super::BUNDLE_VERSION.into(),
            recorded: Look::Seen(vec![recorded]),
            ..Snapshot::default()
        };
        let again = Snapshot::unbundle("x", &snapshot.bundle().unwrap()).unwrap();
        assert_eq!(again.recorded_for("b").count(), 1);
        assert_eq!(again.recorded_for("c").count(), 0);
        assert_eq!(again.recorded_targets().len(), 2);
        snapshot.recorded = Look::Unseen("no right".into());
        let again = Snapshot::unbundle("x", &snapshot.bundle().unwrap()).unwrap();
        assert_eq!(again.recorded, Look::Unseen("no right".into()));
        assert!(again.recorded_targets().is_empty());
    }
}
