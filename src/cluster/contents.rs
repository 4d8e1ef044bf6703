//! What a namespace has in it, of every kind that the server knows: a namespace of ours is deleted
//! only when that is nothing of anybody else's.

use super::Cluster;
use super::answer::{Purpose, invalid};
use crate::error::Error;
use futures::stream::{self, StreamExt, TryStreamExt};
use http::Request;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Names and owners are all that is wanted.
const METADATA: &str = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1";

/// More of one kind than Kubernetes or Istio put there by themselves.
const SOME: usize = 20;

const SIDE_BY_SIDE: usize = 8;

/// An object, by what is known of it without its kind.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Content {
    /// `plural.group`, as kubectl takes it; without a group for those of the core.
    pub resource: String,
    /// Its name.
    pub name: String,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// The annotations' keys and values.
    pub annotations: BTreeMap<String, String>,
    /// It has an owner or is being deleted, so it may go by itself.
    pub passing: bool,
}

/// What was found in a namespace.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Contents {
    /// The first of each kind.
    pub objects: Vec<Content>,
    /// What could not be listed, and why.
    pub unlisted: Vec<String>,
}

/// A list of a namespaced kind that can also be deleted: what cannot is made up by an extension
/// server at each request, as the metrics of pods are.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Listable {
    root: String,
    resource: String,
    plural: String,
}

impl Contents {
    /// What neither Kubernetes nor Istio puts into every namespace.
    pub fn others(&self) -> impl Iterator<Item = &Content> {
        self.objects.iter().filter(|object| !object.is_furniture())
    }
}

impl Cluster {
    /// Look into a namespace: at most some objects of each kind.
    pub async fn contents(&self, namespace: &str) -> Result<Contents, Error> {
        let mut contents = Contents::default();
        let listable = self.listable(&mut contents.unlisted).await?;
        let lists = listable
            .iter()
            .map(|kind| async move { (kind, self.some_of(kind, namespace).await) });
        let lists: Vec<_> = stream::iter(lists).buffered(SIDE_BY_SIDE).collect().await;
        for (kind, found) in lists {
            match found {
                Ok(items) => contents
                    .objects
                    .extend(items.iter().map(|item| content(&kind.resource, item))),
                // Served when it was asked for, and gone since: so are its objects.
                Err(Error::NotFound { .. }) => {}
                Err(error @ (Error::Forbidden { .. } | Error::Api { .. })) => {
                    contents
                        .unlisted
                        .push(format!("{}: {error}", kind.resource));
                }
                Err(error) => return Err(error),
            }
        }
        Ok(contents)
    }

    /// Every namespaced kind; a group that does not answer is named in `unlisted`.
    async fn listable(&self, unlisted: &mut Vec<String>) -> Result<BTreeSet<Listable>, Error> {
        let groups = self.answer("/apis", "the API groups", None).await?;
        let mut roots = vec!["/api/v1".to_owned()];
        for group in items(&groups, "groups") {
            let versions = items(group, "versions").filter_map(|v| v.get("groupVersion")?.as_str());
            roots.extend(versions.map(|v| format!("/apis/{v}")));
        }
        let answers = roots.iter().map(|root| async move {
            match self.answer(root, root, None).await {
                Ok(found) => Ok((root, Ok(found))),
                Err(error @ (Error::Api { .. } | Error::Forbidden { .. })) => {
                    Ok((root, Err(error.to_string())))
                }
                Err(Error::NotFound { .. }) => Ok((root, Ok(Value::Null))),
                Err(error) => Err(error),
            }
        });
        let answers: Vec<(&String, Result<Value, String>)> = stream::iter(answers)
            .buffered(SIDE_BY_SIDE)
            .try_collect()
            .await?;
        let mut known = BTreeMap::new();
        for (root, answer) in answers {
            match answer {
                Ok(found) => {
                    for kind in items(&found, "resources").filter_map(|r| listable(root, r)) {
                        known.entry(kind.resource.clone()).or_insert(kind);
                    }
                }
                Err(why) => unlisted.push(why),
            }
        }
        Ok(known.into_values().collect())
    }

    async fn some_of(&self, kind: &Listable, namespace: &str) -> Result<Vec<Value>, Error> {
        let path = format!(
            "{}/namespaces/{namespace}/{}?limit={SOME}",
            kind.root, kind.plural
        );
        let what = format!("{} in namespace {namespace}", kind.resource);
        let found = self.answer(&path, &what, Some(METADATA)).await?;
        Ok(items(&found, "items").cloned().collect())
    }

    async fn answer(&self, path: &str, what: &str, accept: Option<&str>) -> Result<Value, Error> {
        let mut request = Request::get(path);
        if let Some(accept) = accept {
            request = request.header(http::header::ACCEPT, accept);
        }
        let request = request
            .body(Vec::new())
            .map_err(|e| invalid("list", &what, &e))?;
        self.send(request, Purpose { verb: "list", what }).await
    }
}

fn items<'a>(value: &'a Value, key: &str) -> impl Iterator<Item = &'a Value> + use<'a> {
    value
        .get(key)
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
}

fn listable(root: &str, resource: &Value) -> Option<Listable> {
    let plural = resource.get("name")?.as_str()?;
    let verbs: Vec<&str> = items(resource, "verbs").filter_map(Value::as_str).collect();
    let namespaced = resource.get("namespaced")?.as_bool()?;
    let stored = verbs.contains(&"list") && verbs.contains(&"delete");
    if !namespaced || !stored || plural.contains('/') {
        return None;
    }
    let group = root.strip_prefix("/apis/").and_then(|r| r.split_once('/'));
    Some(Listable {
        root: root.into(),
        resource: group.map_or(plural.into(), |(group, _)| format!("{plural}.{group}")),
        plural: plural.into(),
    })
}

fn content(resource: &str, item: &Value) -> Content {
    let texts = |key: &str| {
        let found = item.pointer(key).and_then(Value::as_object).into_iter();
        let pairs = found.flatten();
        pairs
            .map(|(k, v)| (k.clone(), v.as_str().unwrap_or_default().to_owned()))
            .collect()
    };
    let name = item.pointer("/metadata/name").and_then(Value::as_str);
    let passing = ["/metadata/deletionTimestamp", "/metadata/ownerReferences/0"];
    Content {
        resource: resource.into(),
        name: name.unwrap_or_default().into(),
        labels: texts("/metadata/labels"),
        annotations: texts("/metadata/annotations"),
        passing: passing.iter().any(|at| item.pointer(at).is_some()),
    }
}

impl Content {
    /// What Kubernetes, Istio or OpenShift put into every namespace, and what follows from other
    /// objects.
    fn is_furniture(&self) -> bool {
        /// Service accounts that every namespace has; the last two are OpenShift's.
        const ACCOUNTS: &[&str] = &["default", "builder", "deployer"];
        let name = self.name.as_str();
        match self.resource.as_str() {
            "events" | "events.events.k8s.io" | "endpoints" | "endpointslices.discovery.k8s.io" => {
                true
            }
            "configmaps" => matches!(
                name,
                "kube-root-ca.crt"
                    | "istio-ca-root-cert"
                    | "istio-ca-crl"
                    | "openshift-service-ca.crt"
            ),
            "serviceaccounts" => ACCOUNTS.contains(&name),
            // Tokens of these, as Kubernetes made them before 1.24, and their image pull secrets.
            "secrets" => [
                "kubernetes.io/service-account.name",
                "openshift.io/internal-registry-auth-token.service-account",
            ]
            .iter()
            .filter_map(|key| self.annotations.get(*key))
            .any(|account| ACCOUNTS.contains(&account.as_str())),
            "rolebindings.rbac.authorization.k8s.io"
            | "rolebindings.authorization.openshift.io" => {
                matches!(
                    name,
                    "system:deployers" | "system:image-builders" | "system:image-pullers"
                )
            }
            _ => false,
        }
    }
}

impl std::fmt::Display for Content {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.resource, self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn only_what_is_stored_in_a_namespace_is_listed() {
        let kind = |name: &str, namespaced: bool, verbs: &[&str]| {
            let resource = json!({"name": name, "namespaced": namespaced, "verbs": verbs});
            listable("/apis/x.io/v1", &resource).map(|l| l.resource)
        };
        let all = ["create", "delete", "get", "list"];
        assert_eq!(kind("things", true, &all).unwrap(), "things.x.io");
        assert_eq!(kind("things", false, &all), None);
        assert_eq!(kind("things/status", true, &all), None);
        assert_eq!(kind("podmetrics", true, &["get", "list"]), None);
        assert_eq!(kind("reviews", true, &["create"]), None);
        let core = json!({"name": "pods", "namespaced": true, "verbs": all});
        assert_eq!(listable("/api/v1", &core).unwrap().resource, "pods");
    }

    #[test]
    fn what_every_namespace_has_is_furniture_and_a_name_alike_is_not() {
        let object =
            |resource: &str, name: &str| content(resource, &json!({"metadata": {"name": name}}));
        assert!(object("configmaps", "istio-ca-root-cert").is_furniture());
        assert!(object("serviceaccounts", "default").is_furniture());
        assert!(object("events.events.k8s.io", "x").is_furniture());
        for (resource, name) in [
            ("configmaps", "istio-ca-of-mine"),
            ("persistentvolumeclaims", "default"),
            ("certificates.cert-manager.io", "kube-root-ca.crt"),
            ("secrets", "default-token-abcde"),
        ] {
            assert!(!object(resource, name).is_furniture(), "{resource}/{name}");
        }
        let annotations = json!({"kubernetes.io/service-account.name": "default"});
        let token = json!({"metadata": {"name": "default-token-x", "annotations": annotations}});
        assert!(content("secrets", &token).is_furniture());
        let owned = json!({"metadata": {"name": "x", "ownerReferences": [{"name": "y"}]}});
        assert!(content("leases.coordination.k8s.io", &owned).passing);
    }
}
