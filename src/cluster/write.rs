//! Writing: server-side apply under our field manager, a merge patch guarded by a resource version,
//! and delete guarded by a UID. Nothing here decides what is written.

use super::Cluster;
use super::answer::{Purpose, invalid};
use crate::error::{Error, FieldConflict};
use crate::kubernetes::{FIELD_MANAGER, Kind, ObjectRef};
use form_urlencoded::Serializer;
use http::Request;
use serde_json::{Value, json};
use std::borrow::Cow;
use std::collections::BTreeSet;

/// The content type of server-side apply.
pub(super) const APPLY: &str = "application/apply-patch+yaml";

/// `--dry-run`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum DryRun {
    /// Write.
    #[default]
    None,
    /// Send nothing.
    Client,
    /// Let the server check and forget.
    Server,
}

/// How to write.
#[derive(Clone, Copy, Debug, Default)]
pub struct WriteOptions {
    /// Only ask the server whether it would take it.
    pub dry_run: bool,
    /// `--force-conflicts`.
    pub force: bool,
}

impl WriteOptions {
    fn query(self, manager: &str) -> Serializer<'static, String> {
        let mut query = Serializer::new(String::new());
        query.append_pair("fieldManager", manager);
        if self.dry_run {
            query.append_pair("dryRun", "All");
        }
        query
    }
}

impl Cluster {
    /// Server-side apply of a whole object.
    pub async fn apply(
        &self,
        object: &ObjectRef,
        body: &Value,
        options: WriteOptions,
    ) -> Result<Value, Error> {
        self.apply_as(FIELD_MANAGER, object, body, options).await
    }

    /// How an object would look after another field manager had applied that. Nothing is written.
    pub async fn foresee(
        &self,
        manager: &str,
        object: &ObjectRef,
        body: &Value,
    ) -> Result<Value, Error> {
        self.apply_as(
            manager,
            object,
            body,
            WriteOptions {
                dry_run: true,
                force: true,
            },
        )
        .await
    }

    async fn apply_as(
        &self,
        manager: &str,
        object: &ObjectRef,
        body: &Value,
        options: WriteOptions,
    ) -> Result<Value, Error> {
        let query = options
            .query(manager)
            .append_pair("force", &options.force.to_string())
            .finish();
        let version = self.usable_version(object.kind).await?;
        let uri = format!("{}?{query}", object.path_at(version));
        let body = at_version(object.kind, version, body);
        let bytes = serde_json::to_vec(&body).map_err(|e| invalid("write", object, &e))?;
        let request = Request::patch(uri)
            .header("content-type", APPLY)
            .body(bytes);
        let request = request.map_err(|e| invalid("write", object, &e))?;
        let what = object.to_string();
        match self
            .send(
                request,
                Purpose {
                    verb: "write",
                    what: &what,
                },
            )
            .await
        {
            Err(Error::Api { status, .. }) if !status.conflicts.is_empty() => {
                Err(conflict(object, &status.conflicts))
            }
            other => other,
        }
    }

    /// Create an object that must not exist yet.
    pub async fn create(&self, object: &ObjectRef, body: &Value) -> Result<Value, Error> {
        let namespace = object
            .kind
            .namespaced()
            .then_some(object.namespace.as_str());
        let version = self.usable_version(object.kind).await?;
        let uri = format!(
            "{}?fieldManager={FIELD_MANAGER}",
            object.kind.list_path_at(version, namespace)
        );
        let body = at_version(object.kind, version, body);
        let bytes = serde_json::to_vec(&body).map_err(|e| invalid("create", object, &e))?;
        let request = Request::post(uri)
            .header("content-type", "application/json")
            .body(bytes);
        let request = request.map_err(|e| invalid("create", object, &e))?;
        let what = object.to_string();
        self.send(
            request,
            Purpose {
                verb: "create",
                what: &what,
            },
        )
        .await
    }

    /// A JSON merge patch; with `resource_version` it fails if somebody else wrote in between.
    pub async fn merge_patch(
        &self,
        object: &ObjectRef,
        patch: &Value,
        resource_version: Option<&str>,
        options: WriteOptions,
    ) -> Result<Value, Error> {
        self.merge_patch_as(FIELD_MANAGER, object, (patch, resource_version), options)
            .await
    }

    /// The same in the name of another field manager, to give it back a field that was its own.
    pub async fn merge_patch_as(
        &self,
        manager: &str,
        object: &ObjectRef,
        (patch, resource_version): (&Value, Option<&str>),
        options: WriteOptions,
    ) -> Result<Value, Error> {
        let mut patch = patch.clone();
        if let Some(version) = resource_version {
            patch["metadata"]["resourceVersion"] = json!(version);
        }
        let query = options.query(manager).finish();
        let version = self.usable_version(object.kind).await?;
        let uri = format!("{}?{query}", object.path_at(version));
        let bytes = serde_json::to_vec(&patch).map_err(|e| invalid("patch", object, &e))?;
        let request = Request::patch(uri)
            .header("content-type", "application/merge-patch+json")
            .body(bytes);
        let request = request.map_err(|e| invalid("patch", object, &e))?;
        let what = object.to_string();
        self.send(
            request,
            Purpose {
                verb: "patch",
                what: &what,
            },
        )
        .await
    }

    /// Delete exactly the object with that UID, as it was read; its dependants go too. False where
    /// it was gone already.
    pub async fn delete(
        &self,
        object: &ObjectRef,
        uid: &str,
        resource_version: &str,
        options: WriteOptions,
    ) -> Result<bool, Error> {
        let version = match self.version_of(object.kind).await? {
            Ok(version) => version,
            Err(absence) if absence.is_empty() => return Ok(false),
            Err(absence) => {
                return Err(Error::NotServed {
                    kind: object.kind,
                    absence,
                });
            }
        };
        let mut body = json!({"propagationPolicy": "Background"});
        body["preconditions"] = json!({"uid": uid, "resourceVersion": resource_version});
        if options.dry_run {
            body["dryRun"] = json!(["All"]);
        }
        let bytes = serde_json::to_vec(&body).map_err(|e| invalid("delete", object, &e))?;
        let request = Request::delete(object.path_at(version))
            .header("content-type", "application/json")
            .body(bytes);
        let request = request.map_err(|e| invalid("delete", object, &e))?;
        let what = object.to_string();
        match self
            .send(
                request,
                Purpose {
                    verb: "delete",
                    what: &what,
                },
            )
            .await
        {
            Ok(_) => Ok(true),
            Err(Error::NotFound { .. }) => Ok(false),
            Err(other) => Err(other),
        }
    }
}

/// The object as the server takes it: written for the newest version, sent at the one that is
/// served. Istio's versions of one kind have the same fields.
///
/// Source: istio.io/api, kubernetes/customresourcedefinitions.gen.yaml (no conversion webhook).
fn at_version<'a>(kind: Kind, version: &str, body: &'a Value) -> Cow<'a, Value> {
    let wanted = kind.api_version_at(version);
    if !kind.is_defined() || body.get("apiVersion").and_then(Value::as_str) == Some(&wanted) {
        return Cow::Borrowed(body);
    }
    let mut body = body.clone();
    body["apiVersion"] = json!(wanted);
    Cow::Owned(body)
}

/// Who owns which of the fields, each once.
fn conflict(object: &ObjectRef, conflicts: &[FieldConflict]) -> Error {
    let managers: BTreeSet<&str> = conflicts.iter().map(|c| c.manager.as_str()).collect();
    let fields: BTreeSet<&str> = conflicts.iter().map(|c| c.field.as_str()).collect();
    Error::Conflict {
        object: object.clone(),
        managers: Vec::from_iter(managers).join(", "),
        fields: Vec::from_iter(fields).join(", "),
    }
}
