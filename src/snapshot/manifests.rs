//! Manifests: the objects of YAML or JSON text, laid over a snapshot or over the mesh that Istio's
//! defaults make. What is no object of ours to judge is let by; what cannot be read is told with
//! its line.

use super::{BUNDLE_VERSION, Mesh, Snapshot};
use crate::error::Error;
use crate::istio::MeshConfig;
use crate::kubernetes::{Kind, Meta, ObjectRef};
use crate::yaml;
use serde_json::{Value, json};
use std::collections::HashMap;

/// Where text comes from, and which namespace objects without one are for.
#[derive(Clone, Copy, Debug)]
pub struct Origin<'a> {
    /// The file, `-` for standard input.
    pub path: &'a str,
    /// The namespace.
    pub namespace: &'a str,
}

/// One document, and the line that it begins on.
struct Document {
    line: usize,
    value: Value,
}

impl Snapshot {
    /// A mesh with Istio's own defaults and its egress gateway, and nothing else.
    pub fn offline() -> Result<Self, Error> {
        let mut snapshot = Self {
            api_version: BUNDLE_VERSION.into(),
            mesh: Mesh {
                namespace: "istio-system".into(),
                revision: "default".into(),
                domain: "cluster.local".into(),
                ..Mesh::default()
            },
            ..Self::default()
        };
        snapshot.lay(
            include_str!("base.yaml"),
            Origin {
                path: "base.yaml",
                namespace: "default",
            },
        )?;
        Ok(snapshot)
    }

    /// After all manifests: Secrets that they name and do not have were not seen.
    pub fn seal(&mut self) {
        super::credentials::unasked(self);
    }

    /// Lay the objects of some text over the snapshot, and say which they are. An object that is
    /// there keeps its age. For many texts a [`Layer`] is faster.
    pub fn lay(&mut self, text: &str, origin: Origin<'_>) -> Result<Vec<ObjectRef>, Error> {
        Layer::over(self).lay(text, origin)
    }
}

/// Objects that are laid over a snapshot.
#[derive(Debug)]
pub struct Layer<'s> {
    snapshot: &'s mut Snapshot,
    /// Where each object is; looked up when the first text comes.
    places: Option<HashMap<ObjectRef, usize>>,
}

impl<'s> Layer<'s> {
    /// Nothing laid yet.
    pub fn over(snapshot: &'s mut Snapshot) -> Self {
        Self {
            places: None,
            snapshot,
        }
    }

    /// Lay the objects of some text, and say which they are.
    pub fn lay(&mut self, text: &str, origin: Origin<'_>) -> Result<Vec<ObjectRef>, Error> {
        let mut laid = Vec::new();
        for document in documents(text, origin)? {
            laid.extend(self.put(document, origin)?);
        }
        Ok(laid)
    }

    fn put(&mut self, document: Document, origin: Origin<'_>) -> Result<Option<ObjectRef>, Error> {
        let Document { line, mut value } = document;
        drop_nulls(&mut value);
        let text = |pointer: &str| {
            value
                .pointer(pointer)
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned()
        };
        let (version, kind, name) = (text("/apiVersion"), text("/kind"), text("/metadata/name"));
        if kind == "MeshConfig" {
            self.snapshot.mesh.config = mesh_config(value).map_err(|e| wrong(origin, line, &e))?;
            return Ok(None);
        }
        if kind.is_empty() || version.is_empty() {
            return Err(wrong(
                origin,
                line,
                "this is not a Kubernetes object: it has no apiVersion and kind",
            ));
        }
        let group = version.split_once('/').map_or("", |(group, _)| group);
        let Some(kind) = Kind::find(group, &kind).filter(|kind| kept(*kind)) else {
            return Ok(None);
        };
        if name.is_empty() {
            return Err(wrong(
                origin,
                line,
                &format!("this {kind} has no metadata.name"),
            ));
        }
        if kind.namespaced() && text("/metadata/namespace").is_empty() {
            value["metadata"]["namespace"] = json!(origin.namespace);
        }
        let namespace = value
            .pointer("/metadata/namespace")
            .and_then(Value::as_str)
            .unwrap_or_default();
        let namespace = if kind.namespaced() { namespace } else { "" };
        let object = ObjectRef::new(kind, namespace, name);
        let objects = &mut self.snapshot.objects;
        let places = self.places.get_or_insert_with(|| objects.places());
        let at = places.get(&object).copied();
        if let Some(Meta {
            creation_timestamp,
            uid,
            ..
        }) = at.and_then(|at| self.snapshot.objects.meta_at(kind, at))
        {
            let meta = &mut value["metadata"];
            meta["creationTimestamp"] = json!(creation_timestamp);
            meta["uid"] = json!(uid);
        }
        if let Some(text) = mesh_text(&object, &value, &self.snapshot.mesh) {
            self.snapshot.mesh.config = super::control_plane::parse_mesh_config(text)
                .map_err(|e| wrong(origin, line, &e))?;
        }
        let at = self
            .snapshot
            .objects
            .put_at(kind, at, value)
            .map_err(|e| wrong(origin, line, &format!("{object}: {e}")))?;
        let places = self.places.get_or_insert_default();
        places.entry(object.clone()).or_insert(at);
        Ok(Some(object))
    }
}

/// Whether objects of that kind are looked at at all.
fn kept(kind: Kind) -> bool {
    super::Objects::KINDS.contains(&kind)
}

/// The fields of a MeshConfig stand at the top, as in `meshConfig:` of an installation.
fn mesh_config(mut value: Value) -> Result<MeshConfig, String> {
    if let Some(fields) = value.as_object_mut() {
        for key in ["apiVersion", "kind", "metadata"] {
            fields.remove(key);
        }
    }
    serde_json::from_value(value).map_err(|e| e.to_string())
}

/// The mesh config inside istiod's own ConfigMap.
fn mesh_text<'v>(object: &ObjectRef, value: &'v Value, mesh: &Mesh) -> Option<&'v str> {
    let name = if mesh.revision == "default" {
        "istio".to_owned()
    } else {
        format!("istio-{}", mesh.revision)
    };
    let its =
        object.kind == Kind::ConfigMap && object.namespace == mesh.namespace && object.name == name;
    value
        .pointer("/data/mesh")
        .and_then(Value::as_str)
        .filter(|_| its)
}

/// The documents of a text, Lists taken apart.
fn documents(text: &str, origin: Origin<'_>) -> Result<Vec<Document>, Error> {
    let mut all = Vec::new();
    for (line, part) in parts(text) {
        let value: Value = serde_saphyr::from_str_with_options(part, budget(part))
            .map_err(|e| unreadable(origin, line, &e))?;
        match value {
            Value::Null => {}
            Value::Object(mut list) if is_list(&list) => {
                let items = list.get_mut("items").map(Value::take);
                let items = items.and_then(|i| {
                    if let Value::Array(items) = i {
                        Some(items)
                    } else {
                        None
                    }
                });
                all.extend(
                    items
                        .into_iter()
                        .flatten()
                        .map(|value| Document { line, value }),
                );
            }
            Value::Object(_) => all.push(Document { line, value }),
            _ => return Err(wrong(origin, line, "this is not a Kubernetes object")),
        }
    }
    Ok(all)
}

/// A field that is null is one that is not there, as an API server takes it.
fn drop_nulls(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.retain(|_, field| !field.is_null());
            fields.values_mut().for_each(drop_nulls);
        }
        Value::Array(items) => items.iter_mut().for_each(drop_nulls),
        _ => {}
    }
}

fn is_list(object: &serde_json::Map<String, Value>) -> bool {
    let kind = object
        .get("kind")
        .and_then(Value::as_str)
        .unwrap_or_default();
    kind.ends_with("List") && object.get("items").is_some_and(Value::is_array)
}

/// What a document may cost is a matter of its size: a list of thousands of objects is readable,
/// and a few bytes cannot stand for millions.
fn budget(part: &str) -> serde_saphyr::Options {
    let size = part.len().max(LEAST_BUDGET);
    serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_nodes: size,
            max_events: size.saturating_mul(2),
            max_total_scalar_bytes: size.saturating_mul(2),
        },
    }
}

/// Short documents may repeat themselves by aliases so far.
const LEAST_BUDGET: usize = 250_000;

/// The text between lines of `---`, each with the line that it begins on. Parts with nothing but
/// comments are left out.
fn parts(text: &str) -> Vec<(usize, &str)> {
    let mut parts = Vec::new();
    let (mut first, mut from, mut at) = (1, 0, 0);
    for (number, line) in text.split_inclusive('\n').enumerate() {
        let words = line.trim_end_matches(['\n', '\r']);
        if words == "---" || words.starts_with("--- ") || words == "..." {
            parts.push((first, &text[from..at]));
            (first, from) = (number + 2, at + line.len());
        }
        at += line.len();
    }
    parts.push((first, &text[from..]));
    let says = |line: &str| {
        !line.trim().is_empty() && !line.trim_start().starts_with('#') && !line.starts_with('%')
    };
    parts.retain(|(_, part)| part.lines().any(says));
    parts
}

fn wrong(origin: Origin<'_>, line: usize, reason: &str) -> Error {
    Error::Input {
        path: format!("{}:{line}", origin.path),
        reason: reason.into(),
    }
}

fn unreadable(origin: Origin<'_>, line: usize, error: &serde_saphyr::Error) -> Error {
    let at = error
        .location()
        .and_then(|l| usize::try_from(l.line()).ok())
        .map_or(line, |within| line + within.saturating_sub(1));
    wrong(origin, at, &yaml::words(error))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: Origin<'_> = Origin {
        path: "x.yaml",
        namespace: "team",
    };

    #[test]
    fn documents_lists_and_other_kinds_are_read() {
        let mut snapshot = Snapshot::offline().unwrap();
        let text = "# a comment\n---\napiVersion: networking.istio.io/v1beta1\nkind: \
            Sidecar\nmetadata: {name: a}\n---\n\
             apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: Service, metadata: \
             {name: b, namespace: other}}\n\
             - {apiVersion: example.com/v1, kind: Widget, metadata: {name: c}}\n---\n\
             kind: MeshConfig\ntrustDomain: example.org\n";
        let laid = snapshot.lay(text, HERE).unwrap();
        let names: Vec<String> = laid.iter().map(ToString::to_string).collect();
        assert_eq!(names, ["Sidecar team/a", "Service other/b"]);
        assert_eq!(snapshot.mesh.config.trust_domain, "example.org");
    }

    #[test]
    fn what_cannot_be_read_is_told_with_its_line() {
        for (text, words) in [
            ("a: b\n", ":1: this is not a Kubernetes object"),
            (
                "apiVersion: v1\nkind: Service\nmetadata: {}\n",
                ":1: this Service has no metadata.name",
            ),
            (
                "---\n\napiVersion: v1\nkind: [\n",
                "x.yaml:4: this is not YAML",
            ),
            (
                "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\n---\napiVersion: \
                 networking.istio.io/v1\nkind: Gateway\n\
                 metadata: {name: g}\nspec: {servers: 5}\n",
                ":5: Gateway team/g",
            ),
        ] {
            let error = Snapshot::offline()
                .unwrap()
                .lay(text, HERE)
                .unwrap_err()
                .to_string();
            assert!(
                error.contains(words) && error.lines().count() == 1,
                "{error}"
            );
        }
    }

    #[test]
    fn an_object_that_is_there_keeps_its_age() {
        let mut snapshot = Snapshot::offline().unwrap();
        let service = "apiVersion: v1\nkind: Service\nmetadata: {name: istio-egressgateway, \
            namespace: istio-system}\n";
        snapshot.lay(service, HERE).unwrap();
        assert_eq!(snapshot.objects.services.len(), 1);
        assert_eq!(
            snapshot.objects.services[0].metadata.creation_timestamp,
            "2020-01-01T00:00:00Z"
        );
        assert!(snapshot.objects.services[0].spec.ports.is_empty());
    }
}
