//! Asking the API server what it knows of a group that may not be there, and reading what is there
//! at the version that is served.

use super::Cluster;
use super::answer::{Purpose, invalid};
use crate::error::Error;
use crate::kubernetes::{Kind, ObjectRef};
use http::Request;
use serde_json::Value;

/// Metadata is all that is wanted of a definition: its schema can be half a megabyte.
const METADATA: &str = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1";

impl Cluster {
    /// The versions of a group, the preferred first; none where the server does not know it.
    pub async fn versions(&self, group: &str) -> Result<Vec<String>, Error> {
        let found = self.discover(&format!("/apis/{group}")).await?;
        Ok(texts(&found, "/versions", "/version"))
    }

    /// The plurals of the kinds that are served at one version of a group.
    pub async fn served(&self, group: &str, version: &str) -> Result<Vec<String>, Error> {
        let found = self.discover(&format!("/apis/{group}/{version}")).await?;
        Ok(texts(&found, "/resources", "/name"))
    }

    /// All objects of a kind, at a version that need not be the one that we write.
    pub async fn list_at(&self, kind: Kind, version: &str) -> Result<Vec<Value>, Error> {
        let what = format!("{} in all namespaces", kind.plural());
        self.pages(&kind.list_path_at(version, None), &what, "")
            .await
    }

    /// An object's metadata and nothing else, or nothing where there is none.
    pub async fn metadata(&self, object: &ObjectRef) -> Result<Option<Value>, Error> {
        let request = Request::get(object.path()).header(http::header::ACCEPT, METADATA);
        let request = request
            .body(Vec::new())
            .map_err(|e| invalid("get", object, &e))?;
        match self
            .send(
                request,
                Purpose {
                    verb: "get",
                    what: &object.to_string(),
                },
            )
            .await
        {
            Ok(mut value) => Ok(value.get_mut("metadata").map(Value::take)),
            Err(Error::NotFound { .. }) => Ok(None),
            Err(other) => Err(other),
        }
    }

    async fn discover(&self, path: &str) -> Result<Value, Error> {
        let request = Request::get(path)
            .body(Vec::new())
            .map_err(|e| invalid("get", &path, &e))?;
        match self
            .send(
                request,
                Purpose {
                    verb: "get",
                    what: path,
                },
            )
            .await
        {
            Err(Error::NotFound { .. }) => Ok(Value::Null),
            other => other,
        }
    }
}

fn texts(value: &Value, list: &str, field: &str) -> Vec<String> {
    let items = value
        .pointer(list)
        .and_then(Value::as_array)
        .into_iter()
        .flatten();
    items
        .filter_map(|i| i.pointer(field)?.as_str())
        .map(str::to_owned)
        .collect()
}
