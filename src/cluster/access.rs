//! May we? Asked of the API server before a command begins to write (SelfSubjectAccessReview), so
//! that a missing right is one sentence and a Role to apply, not a plan that stops half-way.

use super::Cluster;
use super::answer::{Purpose, invalid};
use crate::error::Error;
use crate::kubernetes::Kind;
use http::Request;
use serde_json::{Value, json};

/// One right.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Attributes<'a> {
    /// `get`, `list`, `patch`, `create`, `delete`.
    pub verb: &'static str,
    /// The kind.
    pub kind: Kind,
    /// `portforward`, `exec`; empty for the object itself.
    pub subresource: &'static str,
    /// The namespace.
    pub namespace: &'a str,
}

impl Cluster {
    /// Whether we have the right.
    pub async fn allowed(&self, right: Attributes<'_>) -> Result<bool, Error> {
        let body = json!({
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectAccessReview",
            "spec": {"resourceAttributes": {
                "verb": right.verb, "group": right.kind.group(), "resource": right.kind.plural(),
                "subresource": right.subresource, "namespace": right.namespace,
            }},
        });
        let bytes = serde_json::to_vec(&body).map_err(|e| invalid("ask for", &"rights", &e))?;
        let request = Request::post("/apis/authorization.k8s.io/v1/selfsubjectaccessreviews")
            .header("content-type", "application/json")
            .body(bytes)
            .map_err(|e| invalid("ask for", &"rights", &e))?;
        let answer = self
            .send(
                request,
                Purpose {
                    verb: "ask for",
                    what: "our rights",
                },
            )
            .await?;
        Ok(answer
            .pointer("/status/allowed")
            .and_then(Value::as_bool)
            .unwrap_or(false))
    }
}

impl Cluster {
    /// Who we are to the API server; empty where it does not say (before Kubernetes 1.28).
    pub async fn user(&self) -> String {
        let body =
            br#"{"apiVersion":"authentication.k8s.io/v1","kind":"SelfSubjectReview"}"#.to_vec();
        let request = Request::post("/apis/authentication.k8s.io/v1/selfsubjectreviews")
            .header("content-type", "application/json")
            .body(body);
        let Ok(request) = request else {
            return String::new();
        };
        let answer = self
            .send(
                request,
                Purpose {
                    verb: "ask for",
                    what: "our name",
                },
            )
            .await
            .unwrap_or_default();
        answer
            .pointer("/status/userInfo/username")
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned()
    }
}

/// The Role that would grant it, as YAML for `kubectl apply -f -`.
pub fn missing_right(right: Attributes<'_>) -> String {
    let resource = match right.subresource {
        "" => right.kind.plural().to_owned(),
        sub => format!("{}/{sub}", right.kind.plural()),
    };
    let (role, place) = if right.namespace.is_empty() {
        ("ClusterRole", String::new())
    } else {
        ("Role", format!(", namespace: {}", right.namespace))
    };
    format!(
        "apiVersion: rbac.authorization.k8s.io/v1\nkind: {role}\nmetadata: {{name: kubectl-egress{place}}}\nrules:\n\
         - {{apiGroups: [{:?}], resources: [{resource:?}], verbs: [{:?}]}}\n",
        right.kind.group(),
        right.verb
    )
}
