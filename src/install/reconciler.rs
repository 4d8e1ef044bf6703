//! Who makes a live `IstioOperator` true: the operator in the cluster, if it runs, looks at that
//! namespace and revision, and was not told to leave the object alone.
//!
//! Source: istio/istio at 1.22, operator/cmd/operator/server.go (`getWatchNamespaces`) and
//! operator/pkg/controller/istiocontrolplane/istiocontrolplane_controller.go (`Reconcile`).

use crate::cluster::Cluster;
use crate::error::Error;
use crate::kubernetes::workload::Workload;
use crate::kubernetes::{Kind, ObjectRef};
use crate::snapshot::Snapshot;
use serde_json::Value;

/// The operator's Deployment, and its label.
const OPERATOR: &str = "istio-operator";

/// With the value `true` the operator passes the object over.
const IGNORED: &str = "install.istio.io/ignoreReconcile";

/// Refuse an object that nobody makes true, with the reason of the operator that comes nearest.
pub(super) async fn refuse_unreconciled(
    cluster: &Cluster,
    snapshot: &Snapshot,
    object: &ObjectRef,
    live: &Value,
) -> Result<(), Error> {
    if let Some(why) = left_alone(live) {
        return Err(nothing_reconciles(object, &why));
    }
    let mut why = "there is no Deployment istio-operator".to_owned();
    for deployment in operators(snapshot) {
        let name = deployment.reference(Kind::Deployment);
        if deployment.status.ready_replicas == 0 {
            why = format!("no pod of {name} is ready");
            continue;
        }
        let operator = cluster.get(&name).await?.unwrap_or_default();
        match overlooks(&operator, object, live) {
            None => return Ok(()),
            Some(reason) => why = format!("{name} {reason}"),
        }
    }
    Err(nothing_reconciles(object, &why))
}

/// The refusal, for who knows already that nobody does.
pub(super) fn nothing_reconciles(object: &ObjectRef, why: &str) -> Error {
    Error::Refused {
        why: format!("nothing reconciles {object}: {why}"),
        hint: Some(
            "say --installer injection, or --installer istioctl --istio-operator FILE".into(),
        ),
    }
}

fn operators(snapshot: &Snapshot) -> impl Iterator<Item = &Workload> {
    snapshot.objects.deployments.iter().filter(|d| {
        d.metadata.label("name") == Some(OPERATOR)
            || d.name() == OPERATOR
            || d.name().starts_with("istio-operator-")
    })
}

/// What of the object itself keeps every operator from it.
fn left_alone(live: &Value) -> Option<String> {
    let text = |pointer: &str| live.pointer(pointer).and_then(Value::as_str);
    let ignored = live
        .pointer("/metadata/annotations")
        .and_then(|a| a.get(IGNORED)?.as_str());
    if ignored == Some("true") {
        return Some(format!(
            "its annotation {IGNORED} tells the operator to leave it alone"
        ));
    }
    if text("/metadata/deletionTimestamp").is_some() {
        return Some("it is being deleted".into());
    }
    (text("/spec/profile") == Some("ambient"))
        .then(|| "the operator does not take the profile ambient".into())
}

/// Why one operator does not look at the object.
fn overlooks(operator: &Value, object: &ObjectRef, live: &Value) -> Option<String> {
    let watched = environment(operator, "WATCH_NAMESPACE").unwrap_or_default();
    let mut namespaces = watched.split(',');
    if !watched.is_empty() && !namespaces.any(|n| n == object.namespace) {
        return Some(format!("watches {watched} only"));
    }
    let own = environment(operator, "REVISION").unwrap_or_default();
    let revision = live.pointer("/spec/revision").and_then(Value::as_str);
    (!own.is_empty() && revision != Some(own)).then(|| format!("takes revision {own} only"))
}

fn environment<'a>(operator: &'a Value, name: &str) -> Option<&'a str> {
    let containers = operator.pointer("/spec/template/spec/containers")?;
    let variables = containers
        .as_array()?
        .iter()
        .filter_map(|c| c.get("env")?.as_array())
        .flatten();
    let mut values = variables.filter(|v| v.get("name").and_then(Value::as_str) == Some(name));
    values.next()?.get("value")?.as_str()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn operator(watched: &str, revision: &str) -> Value {
        json!({"spec": {"template": {"spec": {"containers": [{"env": [
            {"name": "WATCH_NAMESPACE", "value": watched}, {"name": "REVISION", "value": revision}]}]}}}})
    }

    #[test]
    fn an_operator_looks_at_its_namespaces_and_its_revision() {
        let object = ObjectRef::new(Kind::IstioOperator, "istio-system", "mesh");
        let (plain, canary) = (json!({}), json!({"spec": {"revision": "canary"}}));
        for (watched, revision, live, words) in [
            ("istio-system", "", &plain, None),
            ("", "", &canary, None),
            ("a,istio-system", "canary", &canary, None),
            (
                "istio-config",
                "",
                &plain,
                Some("watches istio-config only"),
            ),
            ("istio", "", &plain, Some("watches istio only")),
            (
                "istio-system",
                "canary",
                &plain,
                Some("takes revision canary only"),
            ),
        ] {
            let found = overlooks(&operator(watched, revision), &object, live);
            assert_eq!(found.as_deref(), words, "{watched} {revision}");
        }
        // Without the variables it is not the operator that Istio ships; it may well look.
        assert_eq!(overlooks(&json!({}), &object, &plain), None);
    }

    #[test]
    fn an_object_can_keep_the_operator_away() {
        assert_eq!(left_alone(&json!({})), None);
        let paused = json!({"metadata": {"annotations": {IGNORED: "true"}}});
        assert!(left_alone(&paused).unwrap().contains("leave it alone"));
        let going = json!({"metadata": {"deletionTimestamp": "2026-01-01T00:00:00Z"}});
        assert!(left_alone(&going).unwrap().contains("being deleted"));
        assert!(left_alone(&json!({"spec": {"profile": "ambient"}})).is_some());
        let not = json!({"metadata": {"annotations": {IGNORED: "false"}}});
        assert_eq!(left_alone(&not), None);
    }

    #[test]
    fn what_is_named_like_the_operator_is_asked() {
        let mut snapshot = Snapshot::default();
        for (name, label) in [
            ("istio-operator", ""),
            ("istio-operator-1-22", ""),
            ("op", "istio-operator"),
            ("istiod", ""),
        ] {
            let deployment =
                json!({"metadata": {"name": name, "namespace": "x", "labels": {"name": label}}});
            snapshot.objects.put(Kind::Deployment, deployment).unwrap();
        }
        let found: Vec<&str> = operators(&snapshot).map(Workload::name).collect();
        assert_eq!(found, ["istio-operator", "istio-operator-1-22", "op"]);
    }
}
