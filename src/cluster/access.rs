//! May we? Asked of the API server before a command begins to write (SelfSubjectAccessReview), so
//! that a missing right is one sentence and a Role to apply, not a plan that stops half-way.

use super::Cluster;
use super::answer::{Purpose, invalid};
use crate::error::Error;
use crate::kubernetes::{Kind, Right, roles};
use futures::stream::{self, StreamExt};
use http::Request;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// So many questions at a time.
const AT_ONCE: usize = 8;

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
    /// Those of some rights that we do not have. Each namespace's rules are read at once
    /// (SelfSubjectRulesReview); what they do not show is asked for one by one, since not every
    /// authorizer can list its rules. Where nobody may ask, nothing is missing: the API server will
    /// say so itself.
    pub async fn missing_rights(&self, rights: &BTreeSet<Right>) -> Vec<Right> {
        let namespaces: BTreeSet<&str> = rights.iter().map(|r| r.namespace.as_str()).collect();
        let reviews = namespaces.into_iter().map(|namespace| async move {
            let asked = if namespace.is_empty() {
                "default"
            } else {
                namespace
            };
            (namespace, self.rules(asked).await.unwrap_or_default())
        });
        let rules: BTreeMap<&str, Vec<Rule>> = stream::iter(reviews)
            .buffer_unordered(AT_ONCE)
            .collect()
            .await;
        let unsure = rights.iter().filter(|right| {
            // A review of one namespace says nothing of all of them.
            let known = rules.get(right.namespace.as_str());
            right.namespace.is_empty()
                || !known.is_some_and(|rules| rules.iter().any(|rule| rule.grants(right)))
        });
        let asked = unsure.map(|right| async move {
            let attributes = Attributes {
                verb: right.verb,
                kind: right.kind,
                subresource: right.subresource,
                namespace: &right.namespace,
            };
            (right, self.allowed(attributes).await.unwrap_or(true))
        });
        let mut missing: Vec<Right> = stream::iter(asked)
            .buffer_unordered(AT_ONCE)
            .filter_map(|(right, allowed)| async move { (!allowed).then(|| right.clone()) })
            .collect()
            .await;
        missing.sort();
        missing
    }

    /// An error that names each right that is missing, and the roles that grant them.
    pub async fn require(&self, rights: &BTreeSet<Right>) -> Result<(), Error> {
        let missing = self.missing_rights(rights).await;
        if missing.is_empty() {
            return Ok(());
        }
        let names: Vec<String> = missing.iter().map(ToString::to_string).collect();
        let roles = roles("kubectl-egress", &missing.into_iter().collect());
        Err(Error::Refused {
            why: format!("not allowed to {}; nothing was written", names.join(", ")),
            hint: Some(format!("this would allow it:\n{}", roles.trim_end())),
        })
    }

    /// What we may do in a namespace, as far as the API server can list it.
    async fn rules(&self, namespace: &str) -> Result<Vec<Rule>, Error> {
        let body = json!({
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectRulesReview",
            "spec": {"namespace": namespace},
        });
        let bytes = serde_json::to_vec(&body).map_err(|e| invalid("ask for", &"rights", &e))?;
        let request = Request::post("/apis/authorization.k8s.io/v1/selfsubjectrulesreviews")
            .header("content-type", "application/json")
            .body(bytes)
            .map_err(|e| invalid("ask for", &"rights", &e))?;
        let purpose = Purpose {
            verb: "ask for",
            what: "our rights",
        };
        let mut answer = self.send(request, purpose).await?;
        let rules = answer.pointer_mut("/status/resourceRules").map(Value::take);
        Ok(serde_json::from_value(rules.unwrap_or_default()).unwrap_or_default())
    }
}

/// A rule of RBAC, as a review lists it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Rule {
    verbs: Vec<String>,
    api_groups: Vec<String>,
    resources: Vec<String>,
    resource_names: Vec<String>,
}

impl Rule {
    fn grants(&self, right: &Right) -> bool {
        let has = |list: &[String], word: &str| list.iter().any(|w| w == "*" || w == word);
        self.resource_names.is_empty()
            && has(&self.verbs, right.verb)
            && has(&self.api_groups, right.kind.group())
            && has(&self.resources, &right.resource())
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
        "apiVersion: rbac.authorization.k8s.io/v1\nkind: {role}\nmetadata: {{name: \
         kubectl-egress{place}}}\nrules:\n\
         - {{apiGroups: [{:?}], resources: [{resource:?}], verbs: [{:?}]}}\n",
        right.kind.group(),
        right.verb
    )
}
