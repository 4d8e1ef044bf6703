//! Which objects istiod reads at all: those of its revision, in the namespaces that
//! `discoverySelectors` select.
//!
//! Source: pkg/config/model.go (`LabelsInRevision`), pilot/pkg/config/kube/crdclient/client.go,
//! pkg/kube/namespace/filter.go.

use crate::kubernetes::Meta;
use crate::snapshot::Snapshot;
use std::fmt;

/// The label that gives an object to one revision. A tag does not count: the name must be the
/// revision's.
const REVISION: &str = "istio.io/rev";

/// Why istiod does not read an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotRead {
    /// It is labelled for another revision.
    OtherRevision {
        /// The label's value.
        label: String,
        /// istiod's own revision.
        revision: String,
    },
    /// `discoverySelectors` leave its namespace out.
    Namespace(String),
}

impl NotRead {
    /// The field that decides, in the object's metadata or in the mesh config.
    pub fn field(&self) -> &'static str {
        match self {
            NotRead::OtherRevision { .. } => "metadata.labels[istio.io/rev]",
            NotRead::Namespace(_) => "metadata.namespace",
        }
    }
}

impl fmt::Display for NotRead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NotRead::OtherRevision { label, revision } => write!(
                f,
                "its label istio.io/rev is {label}, and istiod reads only objects without that \
                 label or with its own revision {revision}; a tag is not resolved there"
            ),
            NotRead::Namespace(namespace) => write!(
                f,
                "discoverySelectors of the mesh config do not select namespace {namespace}, so \
                 istiod reads nothing there"
            ),
        }
    }
}

/// Why istiod does not read an object with this metadata, if it does not.
pub fn not_read(snapshot: &Snapshot, meta: &Meta) -> Option<NotRead> {
    let revision = &snapshot.mesh.revision;
    if let Some(label) = meta.label(REVISION).filter(|l| *l != revision)
        && !revision.is_empty()
    {
        return Some(NotRead::OtherRevision {
            label: label.to_owned(),
            revision: revision.clone(),
        });
    }
    let left_out = !selects_namespace(snapshot, &meta.namespace);
    left_out.then(|| NotRead::Namespace(meta.namespace.clone()))
}

/// Whether istiod reads an object with this metadata.
pub fn is_read(snapshot: &Snapshot, meta: &Meta) -> bool {
    not_read(snapshot, meta).is_none()
}

/// Whether `discoverySelectors` select a namespace. Without selectors all are; a namespace that is
/// not known is taken for selected.
pub(super) fn selects_namespace(snapshot: &Snapshot, namespace: &str) -> bool {
    let selectors = &snapshot.mesh.config.discovery_selectors;
    if selectors.is_empty() {
        return true;
    }
    let mut known = snapshot.objects.namespaces.iter();
    known
        .find(|n| n.name() == namespace)
        .is_none_or(|n| selectors.iter().any(|s| s.matches(&n.metadata.labels)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kubernetes::Kind;
    use serde_json::json;

    fn snapshot() -> Snapshot {
        let mut snapshot = Snapshot::default();
        snapshot.mesh.revision = "1-31".into();
        for (name, labels) in [("in", json!({"istio": "on"})), ("out", json!({}))] {
            let namespace = json!({"metadata": {"name": name, "labels": labels}});
            snapshot.objects.put(Kind::Namespace, namespace).unwrap();
        }
        snapshot
    }

    fn meta(namespace: &str, revision: Option<&str>) -> Meta {
        let labels = revision.map(|r| ("istio.io/rev".to_owned(), r.to_owned()));
        Meta {
            namespace: namespace.into(),
            labels: labels.into_iter().collect(),
            ..Meta::default()
        }
    }

    #[test]
    fn an_object_of_another_revision_or_of_a_tag_is_not_read() {
        let snapshot = snapshot();
        for (label, read) in [(None, true), (Some("1-31"), true), (Some("stable"), false)] {
            assert_eq!(is_read(&snapshot, &meta("in", label)), read, "{label:?}");
        }
    }

    #[test]
    fn selectors_leave_the_other_namespaces_out() {
        let mut snapshot = snapshot();
        assert!(is_read(&snapshot, &meta("out", None)));
        let selector = json!({"matchLabels": {"istio": "on"}});
        snapshot.mesh.config.discovery_selectors = vec![serde_json::from_value(selector).unwrap()];
        assert!(is_read(&snapshot, &meta("in", None)));
        assert!(!is_read(&snapshot, &meta("out", None)));
        assert!(is_read(&snapshot, &meta("unknown", None)));
    }
}
