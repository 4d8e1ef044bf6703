//! What `--inject` changes in a namespace, and what was there before.

use super::record::{InjectionRecord, Restarted, Stamp};
use crate::kubernetes::Kind;
use crate::snapshot::Snapshot;

/// The annotation of `kubectl rollout restart`.
pub const RESTARTED_AT: &str = "kubectl.kubernetes.io/restartedAt";

/// The label that the control plane's revision goes by, and every workload of the namespace.
pub fn injection_record(snapshot: &Snapshot, namespace: &str, by: Stamp) -> InjectionRecord {
    let revision = snapshot.mesh.revision.as_str();
    let (label, value) = match revision {
        "default" | "" => ("istio-injection", "enabled"),
        revision => ("istio.io/rev", revision),
    };
    let found = snapshot
        .objects
        .namespaces
        .iter()
        .find(|n| n.name() == namespace);
    let mut record = InjectionRecord::new(namespace, label, value, by);
    record.prior = found
        .and_then(|n| n.metadata.label(label))
        .map(str::to_owned);
    let objects = &snapshot.objects;
    let lists = [
        (Kind::Deployment, &objects.deployments),
        (Kind::StatefulSet, &objects.stateful_sets),
        (Kind::DaemonSet, &objects.daemon_sets),
    ];
    let in_namespace = lists
        .into_iter()
        .flat_map(|(kind, list)| list.iter().map(move |w| (kind, w)));
    record.workloads = in_namespace
        .filter(|(_, w)| w.namespace() == namespace && !w.spec.template.spec.host_network)
        .map(|(kind, w)| Restarted {
            kind,
            name: w.name().to_owned(),
            prior: w
                .spec
                .template
                .metadata
                .annotation(RESTARTED_AT)
                .map(str::to_owned),
        })
        .collect();
    record
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_record_knows_what_was_there() {
        let mut snapshot = Snapshot::default();
        let labels = json!({"istio-injection": "disabled"});
        snapshot
            .objects
            .put(
                Kind::Namespace,
                json!({"metadata": {"name": "team", "labels": labels}}),
            )
            .unwrap();
        let annotations = json!({RESTARTED_AT: "then"});
        let app = json!({"metadata": {"name": "app", "namespace": "team"},
            "spec": {"template": {"metadata": {"annotations": annotations}}}});
        snapshot.objects.put(Kind::Deployment, app).unwrap();
        let record = injection_record(&snapshot, "team", Stamp::default());
        assert_eq!(
            (record.label.as_str(), record.prior.as_deref()),
            ("istio-injection", Some("disabled"))
        );
        assert_eq!(record.workloads[0].prior.as_deref(), Some("then"));
        snapshot.mesh.revision = "canary".into();
        assert_eq!(
            injection_record(&snapshot, "team", Stamp::default()).value,
            "canary"
        );
    }
}
