//! Asking the API server, once a run, what it answers for; and reading a definition's metadata.

use super::Cluster;
use super::answer::{Purpose, invalid};
use super::served::Discovery;
use crate::error::{ApiStatus, Error};
use crate::kubernetes::{Absence, GroupVersion, Kind, ObjectRef, Resource, Served};
use http::Request;
use http::header::ACCEPT;
use kube::core::discovery::v2::{
    ACCEPT_AGGREGATED_DISCOVERY_V2, APIGroupDiscovery, APIGroupDiscoveryList, APIResourceDiscovery,
};
use serde_json::Value;
use std::collections::BTreeSet;

/// Metadata is all that is wanted of a definition: its schema can be half a megabyte.
const METADATA: &str = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1";

impl Cluster {
    /// What the server answers for, or why it does not say. It is asked the first time only.
    pub async fn served(&self) -> Result<Result<&Served, &str>, Error> {
        Ok(match self.discovery().await? {
            Discovery::Told(served) => Ok(served),
            Discovery::Untold { why, .. } => Err(why.as_str()),
        })
    }

    /// The version to read and write a kind at, or why there is none.
    pub async fn version_of(&self, kind: Kind) -> Result<Result<&'static str, Absence>, Error> {
        if !kind.is_defined() {
            return Ok(Ok(kind.version()));
        }
        match self.discovery().await? {
            Discovery::Told(served) => Ok(served.version(kind)),
            Discovery::Untold { tried, .. } => {
                let mut tried = tried.lock().await;
                if let Some(answer) = tried.get(&kind) {
                    return Ok(answer.clone());
                }
                let answer = self.try_versions(kind).await?;
                tried.insert(kind, answer.clone());
                Ok(answer)
            }
        }
    }

    /// The version to use for one object, or the error that says why there is none.
    pub(super) async fn usable_version(&self, kind: Kind) -> Result<&'static str, Error> {
        self.version_of(kind)
            .await?
            .map_err(|absence| Error::NotServed { kind, absence })
    }

    /// `apiVersion:` of a kind's objects on this server; the newest that we know where it has none.
    pub async fn api_version(&self, kind: Kind) -> Result<String, Error> {
        let version = self.version_of(kind).await?;
        Ok(kind.api_version_at(version.unwrap_or(kind.version())))
    }

    /// The metadata of an object of Kubernetes' own kinds and nothing else, or nothing where there
    /// is none.
    pub async fn metadata(&self, object: &ObjectRef) -> Result<Option<Value>, Error> {
        let request = Request::get(object.path_at(object.kind.version())).header(ACCEPT, METADATA);
        let request = request
            .body(Vec::new())
            .map_err(|e| invalid("get", object, &e))?;
        let what = object.to_string();
        let purpose = Purpose {
            verb: "get",
            what: &what,
        };
        match self.send(request, purpose).await {
            Ok(mut value) => Ok(value.get_mut("metadata").map(Value::take)),
            Err(Error::NotFound { .. }) => Ok(None),
            Err(other) => Err(other),
        }
    }

    async fn discovery(&self) -> Result<&Discovery, Error> {
        self.discovery.get_or_try_init(|| self.discover()).await
    }

    async fn discover(&self) -> Result<Discovery, Error> {
        match self.groups().await {
            Ok(served) => Ok(Discovery::Told(served)),
            Err(error @ (Error::Unreachable { .. } | Error::Unauthorized { .. })) => Err(error),
            Err(error) => Ok(Discovery::Untold {
                why: error.to_string(),
                tried: tokio::sync::Mutex::default(),
            }),
        }
    }

    /// All groups with all that they have, in one request; from Kubernetes before 1.26, which does
    /// not know it, in one for the names and one for each version that matters to us.
    async fn groups(&self) -> Result<Served, Error> {
        let list = self.document("/apis").await?;
        let text = |pointer: &str| list.pointer(pointer).and_then(Value::as_str);
        match text("/kind") {
            Some("APIGroupDiscoveryList") => {
                let list: APIGroupDiscoveryList =
                    serde_json::from_value(list).map_err(|e| invalid("read", &"/apis", &e))?;
                Ok(aggregated(list))
            }
            Some("APIGroupList") => self.one_by_one(&list).await,
            other => Err(Error::Api {
                doing: "read",
                what: "/apis".into(),
                status: ApiStatus::default(),
                reason: format!("it is of kind {}", other.unwrap_or("none")),
            }),
        }
    }

    async fn one_by_one(&self, list: &Value) -> Result<Served, Error> {
        let ours: BTreeSet<&str> = Kind::ALL
            .iter()
            .filter(|k| k.is_defined())
            .map(|k| k.group())
            .collect();
        let mut served = Served::default();
        for group in items(list, "/groups") {
            let name = string(group, "/name");
            if !ours.contains(name.as_str()) {
                continue;
            }
            let mut versions = Vec::new();
            for version in items(group, "/versions") {
                let version = string(version, "/version");
                let document = self.document(&format!("/apis/{name}/{version}")).await?;
                let resources = items(&document, "/resources").filter(|r| !is_part(r));
                versions.push(GroupVersion {
                    resources: resources.map(resource).collect(),
                    version,
                    stale: false,
                });
            }
            served.insert(&name, versions);
        }
        Ok(served)
    }

    async fn document(&self, path: &str) -> Result<Value, Error> {
        let request = Request::get(path)
            .header(ACCEPT, ACCEPT_AGGREGATED_DISCOVERY_V2)
            .body(Vec::new())
            .map_err(|e| invalid("get", &path, &e))?;
        let purpose = Purpose {
            verb: "get",
            what: path,
        };
        self.send(request, purpose).await
    }

    /// The first version at which the server knows the kind's list. Who may not list it is not told
    /// whether it is there: then the newest is as good as any.
    async fn try_versions(&self, kind: Kind) -> Result<Result<&'static str, Absence>, Error> {
        let what = kind.plural();
        for version in kind.versions() {
            let path = format!("{}?limit=1", kind.list_path_at(version, None));
            let request = Request::get(path)
                .body(Vec::new())
                .map_err(|e| invalid("list", &what, &e))?;
            match self.send(request, Purpose { verb: "list", what }).await {
                Ok(_) => return Ok(Ok(version)),
                Err(Error::NotFound { .. }) => {}
                Err(Error::Forbidden { .. }) => return Ok(Ok(kind.version())),
                Err(other) => return Err(other),
            }
        }
        Ok(Err(Absence::Kind))
    }
}

fn aggregated(list: APIGroupDiscoveryList) -> Served {
    let mut served = Served::default();
    for group in list.items {
        let name = group.metadata.as_ref().and_then(|m| m.name.clone());
        served.insert(&name.unwrap_or_default(), versions(group));
    }
    served
}

fn versions(group: APIGroupDiscovery) -> Vec<GroupVersion> {
    let versions = group.versions.into_iter().map(|version| GroupVersion {
        version: version.version.unwrap_or_default(),
        stale: version.freshness.as_deref() == Some("Stale"),
        resources: version.resources.into_iter().map(described).collect(),
    });
    versions.collect()
}

fn described(resource: APIResourceDiscovery) -> Resource {
    let kind = resource.response_kind.and_then(|k| k.kind);
    Resource {
        plural: resource.resource.unwrap_or_default(),
        kind: kind.unwrap_or_default(),
        namespaced: resource.scope.as_deref() == Some("Namespaced"),
        listable: resource.verbs.iter().any(|v| v == "list"),
    }
}

/// The same in the words of the older documents.
fn resource(value: &Value) -> Resource {
    Resource {
        plural: string(value, "/name"),
        kind: string(value, "/kind"),
        namespaced: value.pointer("/namespaced") == Some(&Value::Bool(true)),
        listable: items(value, "/verbs").any(|v| v == "list"),
    }
}

/// `pods/log` is a part of pods.
fn is_part(resource: &Value) -> bool {
    string(resource, "/name").contains('/')
}

fn items<'a>(value: &'a Value, pointer: &str) -> impl Iterator<Item = &'a Value> {
    value
        .pointer(pointer)
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
}

fn string(value: &Value, pointer: &str) -> String {
    value
        .pointer(pointer)
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned()
}
