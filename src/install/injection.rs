//! Installer `injection`: a Deployment whose pods istiod's webhook completes to gateways, and what
//! belongs to it.
//!
//! Nothing here is Istio's own installer's: no label of `istioctl`, so no run of it prunes or
//! purges the gateway. The image is `auto` until the webhook replaces it; where it does not, the
//! pod cannot start, and [`super::ready`] says why.

use super::GatewayPatch;
use crate::flow::MANAGED_BY;
use crate::kubernetes::Kind;
use crate::kubernetes::pod::Labels;
use serde_json::{Map, Value, json};

/// The objects of the gateway, in the order in which they are written. `revision` is that of the
/// control plane; `new_namespace` adds the namespace.
pub fn objects(patch: &GatewayPatch, revision: &str, new_namespace: bool) -> Vec<Value> {
    let mut all = Vec::new();
    if new_namespace {
        all.push(object(patch, Kind::Namespace, None));
    }
    all.push(object(patch, Kind::ServiceAccount, None));
    all.extend([
        role(patch),
        role_binding(patch),
        service(patch),
        deployment(patch, revision),
    ]);
    if let Some(budget) = disruption_budget(patch) {
        all.push(object(
            patch,
            Kind::PodDisruptionBudget,
            Some(("spec", budget)),
        ));
    }
    if !patch.k8s.hpa_spec.is_null() {
        all.push(object(
            patch,
            Kind::HorizontalPodAutoscaler,
            Some(("spec", autoscaler(patch))),
        ));
    }
    all
}

fn object(patch: &GatewayPatch, kind: Kind, body: Option<(&str, Value)>) -> Value {
    let name = if kind == Kind::Namespace {
        &patch.namespace
    } else {
        &patch.name
    };
    let mut labels: Labels = patch.label.clone();
    labels.insert("app.kubernetes.io/managed-by".into(), MANAGED_BY.into());
    let mut object = json!({
        "apiVersion": kind.api_version(), "kind": kind.name(), "metadata": {"name": name, "labels": labels},
    });
    if kind.namespaced() {
        object["metadata"]["namespace"] = json!(patch.namespace);
    } else {
        object["metadata"]["labels"] = json!({"app.kubernetes.io/managed-by": MANAGED_BY});
    }
    if let Some((field, value)) = body {
        object[field] = value;
    }
    object
}

/// Istiod lets a gateway read credentials only if its service account may.
fn role(patch: &GatewayPatch) -> Value {
    let rules =
        json!([{"apiGroups": [""], "resources": ["secrets"], "verbs": ["get", "watch", "list"]}]);
    object(patch, Kind::Role, Some(("rules", rules)))
}

fn role_binding(patch: &GatewayPatch) -> Value {
    let reference =
        json!({"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": patch.name});
    let mut binding = object(patch, Kind::RoleBinding, Some(("roleRef", reference)));
    binding["subjects"] =
        json!([{"kind": "ServiceAccount", "name": patch.name, "namespace": patch.namespace}]);
    binding
}

fn service(patch: &GatewayPatch) -> Value {
    let ports: Vec<Value> = patch.k8s.service.ports.iter().map(with_protocol).collect();
    let kind = patch.k8s.service.kind.as_deref().unwrap_or("ClusterIP");
    let spec = json!({"type": kind, "selector": patch.label, "ports": ports});
    let mut service = object(patch, Kind::Service, Some(("spec", spec)));
    if !patch.k8s.service_annotations.is_empty() {
        service["metadata"]["annotations"] = json!(patch.k8s.service_annotations);
    }
    service
}

/// Ports are told apart by number and protocol; server-side apply wants both.
fn with_protocol(port: &Value) -> Value {
    let mut port = port.clone();
    if let Some(fields) = port.as_object_mut() {
        fields.entry("protocol").or_insert_with(|| json!("TCP"));
    }
    port
}

fn deployment(patch: &GatewayPatch, revision: &str) -> Value {
    let mut spec = Map::new();
    if patch.k8s.hpa_spec.is_null() {
        spec.insert(
            "replicas".into(),
            json!(patch.k8s.replica_count.unwrap_or(1)),
        );
    }
    spec.insert("selector".into(), json!({"matchLabels": patch.label}));
    spec.insert("template".into(), template(patch, revision));
    object(patch, Kind::Deployment, Some(("spec", Value::Object(spec))))
}

fn template(patch: &GatewayPatch, revision: &str) -> Value {
    let mut labels = patch.label.clone();
    labels.insert("sidecar.istio.io/inject".into(), "true".into());
    if revision != "default" {
        labels.insert("istio.io/rev".into(), revision.into());
    }
    let mut annotations = patch.k8s.pod_annotations.clone();
    annotations.insert("inject.istio.io/templates".into(), "gateway".into());
    json!({"metadata": {"labels": labels, "annotations": annotations}, "spec": pod(patch)})
}

fn pod(patch: &GatewayPatch) -> Value {
    let k8s = &patch.k8s;
    let mut proxy = Map::new();
    proxy.insert("name".into(), json!("istio-proxy"));
    proxy.insert("image".into(), json!("auto"));
    // `auto` without a tag would be pulled every time.
    proxy.insert(
        "imagePullPolicy".into(),
        json!(k8s.image_pull_policy.as_deref().unwrap_or("IfNotPresent")),
    );
    let mut pod = Map::new();
    pod.insert("serviceAccountName".into(), json!(patch.name));
    if !k8s.resources.is_null() {
        proxy.insert("resources".into(), k8s.resources.clone());
    }
    if !k8s.env.is_empty() {
        proxy.insert("env".into(), json!(k8s.env));
    }
    if !k8s.node_selector.is_empty() {
        pod.insert("nodeSelector".into(), json!(k8s.node_selector));
    }
    if !k8s.tolerations.is_empty() {
        pod.insert("tolerations".into(), json!(k8s.tolerations));
    }
    if !k8s.affinity.is_null() {
        pod.insert("affinity".into(), k8s.affinity.clone());
    }
    if let Some(class) = &k8s.priority_class_name {
        pod.insert("priorityClassName".into(), json!(class));
    }
    if several(patch) {
        pod.insert("topologySpreadConstraints".into(), spread(patch));
    }
    pod.insert("containers".into(), json!([proxy]));
    Value::Object(pod)
}

/// Where there is more than one pod, they go to different nodes if they can.
fn spread(patch: &GatewayPatch) -> Value {
    json!([{
        "maxSkew": 1, "topologyKey": "kubernetes.io/hostname", "whenUnsatisfiable": "ScheduleAnyway",
        "labelSelector": {"matchLabels": patch.label},
    }])
}

fn several(patch: &GatewayPatch) -> bool {
    let least = patch
        .k8s
        .hpa_spec
        .get("minReplicas")
        .and_then(Value::as_u64);
    least.unwrap_or_else(|| u64::from(patch.k8s.replica_count.unwrap_or(1))) > 1
}

fn disruption_budget(patch: &GatewayPatch) -> Option<Value> {
    let mut budget = match &patch.k8s.pod_disruption_budget {
        Value::Null if several(patch) => json!({"minAvailable": 1}),
        Value::Null => return None,
        given => given.clone(),
    };
    if let Some(fields) = budget.as_object_mut() {
        fields
            .entry("selector")
            .or_insert_with(|| json!({"matchLabels": patch.label}));
    }
    Some(budget)
}

fn autoscaler(patch: &GatewayPatch) -> Value {
    let mut spec = patch.k8s.hpa_spec.clone();
    if let Some(fields) = spec.as_object_mut() {
        let target = json!({"apiVersion": "apps/v1", "kind": "Deployment", "name": patch.name});
        fields.entry("scaleTargetRef").or_insert(target);
    }
    spec
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(patch: &GatewayPatch) -> Vec<String> {
        objects(patch, "default", false)
            .iter()
            .map(|o| o["kind"].as_str().unwrap().to_owned())
            .collect()
    }

    #[test]
    fn a_gateway_is_five_objects_and_more_when_asked() {
        let mut patch = GatewayPatch::new("egress", "gw");
        assert_eq!(
            kinds(&patch),
            [
                "ServiceAccount",
                "Role",
                "RoleBinding",
                "Service",
                "Deployment"
            ]
        );
        patch.k8s.replica_count = Some(2);
        assert_eq!(kinds(&patch).last().unwrap(), "PodDisruptionBudget");
        patch.k8s.hpa_spec = json!({"minReplicas": 2, "maxReplicas": 5});
        assert_eq!(kinds(&patch).last().unwrap(), "HorizontalPodAutoscaler");
        let deployment = &objects(&patch, "default", false)[4];
        assert!(deployment["spec"].get("replicas").is_none());
    }

    #[test]
    fn what_the_patch_says_reaches_the_pod_and_no_label_is_istioctls() {
        let mut patch = GatewayPatch::new("egress", "gw");
        patch.k8s.node_selector = [("role".to_owned(), "egress".to_owned())].into();
        patch.k8s.tolerations = vec![json!({"key": "role", "operator": "Exists"})];
        patch.k8s.env = vec![json!({"name": "A", "value": "b"})];
        let all = objects(&patch, "canary", true);
        insta::assert_json_snapshot!(all);
        assert!(
            !serde_json::to_string(&all)
                .unwrap()
                .contains("operator.istio.io")
        );
    }
}
