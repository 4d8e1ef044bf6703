//! The `IstioOperator` patch: `spec.components.egressGateways[0]`, which says what gateway is
//! wanted in the words of Istio's own installer. It is made from flags or read from a file, shown
//! to the user, and every installer starts from it.
//!
//! Source of the fields: operator/pkg/apis/types.go, `GatewayComponentSpec` and
//! `KubernetesResources`.

use crate::error::Error;
use crate::flow::GatewayPlace;
use crate::kubernetes::pod::Labels;
use crate::model::target::is_label;
use crate::yaml;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// Apart from istiod's, so that nobody's right to one is a right to the other.
pub(super) const DEFAULT_NAMESPACE: &str = "istio-egress";

/// One egress gateway, as Istio's installer would be told.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub struct GatewayPatch {
    /// The name of its Deployment, Service and `ServiceAccount`.
    pub name: String,
    /// Its namespace.
    pub namespace: String,
    /// A gateway that is not enabled is none.
    pub enabled: bool,
    /// Labels of its pods, by which `Gateway` objects select it.
    #[serde(skip_serializing_if = "Labels::is_empty")]
    pub label: Labels,
    /// Settings of its Kubernetes objects.
    pub k8s: K8s,
}

/// Settings of the gateway's Kubernetes objects; each value has the shape of the Kubernetes field
/// that it becomes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub struct K8s {
    /// How many pods.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replica_count: Option<u32>,
    /// `resources` of the proxy.
    #[serde(skip_serializing_if = "Value::is_null")]
    pub resources: Value,
    /// Labels that a node must have.
    #[serde(skip_serializing_if = "Labels::is_empty")]
    pub node_selector: Labels,
    /// Taints that the pods stand.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tolerations: Vec<Value>,
    /// `affinity` of the pods.
    #[serde(skip_serializing_if = "Value::is_null")]
    pub affinity: Value,
    /// Environment of the proxy.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub env: Vec<Value>,
    /// Annotations of the pods.
    #[serde(skip_serializing_if = "Labels::is_empty")]
    pub pod_annotations: Labels,
    /// Annotations of the Service.
    #[serde(skip_serializing_if = "Labels::is_empty")]
    pub service_annotations: Labels,
    /// `spec` of the Service: `type` and `ports`.
    pub service: ServicePatch,
    /// `spec` of a `HorizontalPodAutoscaler`; without it there is none.
    #[serde(skip_serializing_if = "Value::is_null")]
    pub hpa_spec: Value,
    /// `spec` of the `PodDisruptionBudget`; without it there is one from two replicas on.
    #[serde(skip_serializing_if = "Value::is_null")]
    pub pod_disruption_budget: Value,
    /// `imagePullPolicy` of the proxy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image_pull_policy: Option<String>,
    /// `priorityClassName` of the pods.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub priority_class_name: Option<String>,
}

/// The gateway's Service.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub struct ServicePatch {
    /// `ClusterIP` where nothing is said.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// Its ports.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ports: Vec<Value>,
}

impl GatewayPatch {
    /// The gateway that is installed when nothing else is said: ports above 1023 in the pod, so
    /// that it needs no privilege, and one that only mutual TLS of the mesh uses.
    pub fn new(namespace: &str, name: &str) -> Self {
        let mut patch = Self {
            name: name.into(),
            namespace: namespace.into(),
            enabled: true,
            ..Self::default()
        };
        patch.complete();
        patch
    }

    /// The gateway that nobody named.
    pub fn default_place() -> Self {
        Self::new(DEFAULT_NAMESPACE, "istio-egressgateway")
    }

    /// Where `Gateway` objects and clients find it.
    pub fn place(&self, domain: &str) -> GatewayPlace {
        GatewayPlace {
            namespace: self.namespace.clone(),
            service: self.name.clone(),
            hostname: format!("{}.{}.svc.{domain}", self.name, self.namespace),
            selector: self.label.clone(),
        }
    }

    /// The ports of its Service.
    pub fn ports(&self) -> Vec<u16> {
        let ports = self
            .k8s
            .service
            .ports
            .iter()
            .filter_map(|p| p.get("port")?.as_u64());
        ports.filter_map(|p| u16::try_from(p).ok()).collect()
    }

    /// Read it from an `IstioOperator` file that has exactly one egress gateway.
    pub fn parse(file: &str, text: &str) -> Result<Self, Error> {
        let wrong = |reason: String| Error::Input {
            path: file.into(),
            reason,
        };
        let operator: Value =
            serde_saphyr::from_str(text).map_err(|e| yaml::unreadable(file, &e))?;
        let gateways = operator
            .pointer("/spec/components/egressGateways")
            .and_then(Value::as_array);
        let [gateway] = gateways.map(Vec::as_slice).unwrap_or_default() else {
            return Err(wrong(
                "spec.components.egressGateways must have exactly one entry".into(),
            ));
        };
        let mut patch: Self = serde_json::from_value(gateway.clone())
            .map_err(|e| wrong(format!("spec.components.egressGateways[0]: {e}")))?;
        if !patch.enabled {
            return Err(wrong(
                "spec.components.egressGateways[0].enabled is not true".into(),
            ));
        }
        if !is_label(&patch.name) {
            return Err(wrong(
                "spec.components.egressGateways[0].name is not a name for a Service".into(),
            ));
        }
        patch.complete();
        Ok(patch)
    }

    /// As the file that `istioctl install -f` and `--istio-operator` take.
    pub fn to_operator(&self) -> Value {
        json!({
            "apiVersion": "install.istio.io/v1alpha1",
            "kind": "IstioOperator",
            "spec": {"components": {"egressGateways": [self]}},
        })
    }

    /// The defaults of what the file does not say.
    fn complete(&mut self) {
        if self.namespace.is_empty() {
            self.namespace = DEFAULT_NAMESPACE.into();
        }
        if self.label.is_empty() {
            // Not `istio: egressgateway`: other teams' Gateways select that in every namespace.
            let own: String = format!("{}-{}", self.namespace, self.name)
                .chars()
                .take(63)
                .collect();
            self.label = [("app".into(), self.name.clone()), ("istio".into(), own)].into();
        }
        if self.k8s.service.ports.is_empty() {
            self.k8s.service.ports = vec![
                json!({"name": "http2", "port": 80, "targetPort": 8080}),
                json!({"name": "tls", "port": 443, "targetPort": 8443}),
                json!({"name": "tls-mutual", "port": 15443, "targetPort": 15443}),
            ];
        }
    }
}

/// `KEY=VALUE` of `--node-selector`.
pub fn parse_label(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.into(), value.into())),
        _ => Err(format!("{text:?} is not a label: KEY=VALUE")),
    }
}

/// `KEY[=VALUE][:EFFECT]` of `--toleration`, as kubectl writes a taint.
pub fn parse_toleration(text: &str) -> Result<Value, String> {
    let (rest, effect) = match text.rsplit_once(':') {
        Some((rest, effect)) => (rest, Some(effect)),
        None => (text, None),
    };
    let (key, value) = match rest.split_once('=') {
        Some((key, value)) => (key, Some(value)),
        None => (rest, None),
    };
    if key.is_empty() {
        return Err(format!(
            "{text:?} is not a toleration: KEY[=VALUE][:EFFECT]"
        ));
    }
    let mut toleration = Map::new();
    toleration.insert("key".into(), json!(key));
    toleration.insert(
        "operator".into(),
        json!(if value.is_some() { "Equal" } else { "Exists" }),
    );
    if let Some(value) = value {
        toleration.insert("value".into(), json!(value));
    }
    match effect {
        None => {}
        Some(effect @ ("NoSchedule" | "PreferNoSchedule" | "NoExecute")) => {
            toleration.insert("effect".into(), json!(effect));
        }
        Some(other) => {
            return Err(format!(
                "{other:?} is no effect: NoSchedule, PreferNoSchedule or NoExecute"
            ));
        }
    }
    Ok(Value::Object(toleration))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_completed_and_says_what_it_cannot_take() {
        let text = "spec:\n  components:\n    egressGateways:\n    - {name: gw, enabled: true, \
            k8s: {replicaCount: 2}}\n";
        let patch = GatewayPatch::parse("f", text).unwrap();
        assert_eq!(
            (patch.namespace.as_str(), patch.k8s.replica_count),
            ("istio-egress", Some(2))
        );
        let again = GatewayPatch::parse("f", &serde_json::to_string(&patch.to_operator()).unwrap())
            .unwrap();
        assert_eq!(again, patch);
        for (text, reason) in [
            ("spec: {}", "exactly one"),
            (
                "spec: {components: {egressGateways: [{name: gw, enabled: true, k8s: {overlays: \
                 []}}]}}",
                "overlays",
            ),
            (
                "spec: {components: {egressGateways: [{name: gw}]}}",
                "not true",
            ),
            ("spec: [", "f:1: this is not YAML"),
        ] {
            let error = GatewayPatch::parse("f", text).unwrap_err().to_string();
            assert!(error.contains(reason), "{error}");
        }
    }

    #[test]
    fn tolerations_are_written_as_taints() {
        assert_eq!(
            parse_toleration("role=egress:NoSchedule").unwrap(),
            json!({"key": "role", "operator": "Equal", "value": "egress", "effect": "NoSchedule"})
        );
        assert_eq!(
            parse_toleration("role").unwrap(),
            json!({"key": "role", "operator": "Exists"})
        );
        assert!(parse_toleration("role:Sometimes").is_err() && parse_toleration("=x").is_err());
    }
}
