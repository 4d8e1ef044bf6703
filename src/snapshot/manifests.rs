//! Manifests: the objects of YAML or JSON text, laid over a snapshot or over the mesh that Istio's
//! defaults make. What is no object of ours to judge is let by; what cannot be read is told with
//! its line.

use super::{BUNDLE_VERSION, Mesh, Snapshot};
use crate::error::Error;
use crate::istio::MeshConfig;
use crate::kubernetes::{Kind, Meta, ObjectRef};
use crate::yaml;
use serde_json::{Value, json};

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
    /// there keeps its age.
    pub fn lay(&mut self, text: &str, origin: Origin<'_>) -> Result<Vec<ObjectRef>, Error> {
        let mut laid = Vec::new();
        for document in documents(text, origin)? {
            self.put(document, origin, &mut laid)?;
        }
        Ok(laid)
    }

    fn put(
        &mut self,
        document: Document,
        origin: Origin<'_>,
        laid: &mut Vec<ObjectRef>,
    ) -> Result<(), Error> {
        let Document { line, mut value } = document;
        let text = |pointer: &str| {
            value
                .pointer(pointer)
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned()
        };
        let (version, kind, name) = (text("/apiVersion"), text("/kind"), text("/metadata/name"));
        if kind == "MeshConfig" {
            self.mesh.config = mesh_config(value).map_err(|e| wrong(origin, line, &e))?;
            return Ok(());
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
            return Ok(());
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
        let object = ObjectRef::new(kind, namespace, name);
        if let Some(Meta {
            creation_timestamp,
            uid,
            ..
        }) = self.objects.meta(&object)
        {
            let meta = &mut value["metadata"];
            meta["creationTimestamp"] = json!(creation_timestamp);
            meta["uid"] = json!(uid);
        }
        if let Some(text) = mesh_text(&object, &value, &self.mesh) {
            self.mesh.config =
                super::take::parse_mesh_config(text).map_err(|e| wrong(origin, line, &e))?;
        }
        self.objects
            .put(kind, value)
            .map_err(|e| wrong(origin, line, &format!("{object}: {e}")))?;
        laid.push(object);
        Ok(())
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
        // Blank lines before it keep the parser's own line numbers right.
        let placed = format!("{}{part}", "\n".repeat(line - 1));
        let value: Value =
            serde_saphyr::from_str(&placed).map_err(|e| unreadable(origin, line, &e))?;
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

fn is_list(object: &serde_json::Map<String, Value>) -> bool {
    let kind = object
        .get("kind")
        .and_then(Value::as_str)
        .unwrap_or_default();
    kind.ends_with("List") && object.get("items").is_some_and(Value::is_array)
}

/// The text between lines of `---`, each with the line that it begins on. Parts with nothing but
/// comments are left out.
fn parts(text: &str) -> Vec<(usize, String)> {
    let mut parts = vec![(1, String::new())];
    for (at, line) in text.lines().enumerate() {
        if line == "---" || line.starts_with("--- ") || line == "..." {
            parts.push((at + 2, String::new()));
        } else if let Some((_, part)) = parts.last_mut() {
            part.push_str(line);
            part.push('\n');
        }
    }
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
        .unwrap_or(line);
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
        let text = "# a comment\n---\napiVersion: networking.istio.io/v1beta1\nkind: Sidecar\nmetadata: {name: a}\n---\n\
             apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: Service, metadata: {name: b, namespace: other}}\n\
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
                "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\n---\napiVersion: networking.istio.io/v1\nkind: Gateway\n\
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
        let service = "apiVersion: v1\nkind: Service\nmetadata: {name: istio-egressgateway, namespace: istio-system}\n";
        snapshot.lay(service, HERE).unwrap();
        assert_eq!(snapshot.objects.services.len(), 1);
        assert_eq!(
            snapshot.objects.services[0].metadata.creation_timestamp,
            "2020-01-01T00:00:00Z"
        );
        assert!(snapshot.objects.services[0].spec.ports.is_empty());
    }
}
