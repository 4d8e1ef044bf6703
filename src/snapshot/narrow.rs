//! Reading with the rights of a few namespaces, as a developer has them: what is listed there, what
//! is missing, and the ClusterRole that would make it whole. Without the control plane's own words
//! Istio's defaults are assumed.

use super::control_plane::find_mesh;
use super::lists::{LISTED, SIDE_BY_SIDE, Scope, keep};
use super::{Mesh, Snapshot, Subject, Unseen};
use crate::cluster::Cluster;
use crate::error::Error;
use crate::kubernetes::Kind;
use futures::stream::{self, StreamExt};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Where Istio is installed, unless somebody says otherwise.
const USUAL: &str = "istio-system";

/// Read what may not be listed everywhere in some namespaces, each for itself. Where that is not
/// allowed either, the error is the first of the whole cluster.
pub(super) async fn read(
    cluster: &Cluster,
    snapshot: &mut Snapshot,
    scope: &Scope,
    mut forbidden: Vec<(Kind, Error)>,
) -> Result<(), Error> {
    forbidden.sort_by_key(|(kind, _)| *kind);
    let current = std::slice::from_ref(&cluster.namespace);
    let named = if scope.namespaces.is_empty() {
        current
    } else {
        &scope.namespaces
    };
    let namespaces: BTreeSet<String> = named.iter().cloned().collect();
    let kinds: Vec<Kind> = forbidden.iter().map(|(kind, _)| *kind).collect();
    let read = lists(cluster, &kinds, &namespaces).await;
    match forbidden.into_iter().next() {
        Some((_, error)) if read.is_empty() && kinds.len() == LISTED.len() => return Err(error),
        _ => {}
    }
    for (kind, items) in read {
        keep(snapshot, kind, items);
    }
    snapshot.unseen.extend(unseen(&kinds, &namespaces));
    Ok(())
}

/// What of it may be read there.
async fn lists(
    cluster: &Cluster,
    kinds: &[Kind],
    namespaces: &BTreeSet<String>,
) -> Vec<(Kind, Vec<Value>)> {
    let places = kinds.iter().filter(|k| k.namespaced());
    let reads = places.flat_map(|kind| namespaces.iter().map(move |namespace| (*kind, namespace)));
    let reads = reads.map(|(kind, namespace)| async move {
        let list = cluster.list_where(kind, Some(namespace), "").await;
        Some((kind, list.ok()?))
    });
    stream::iter(reads)
        .buffer_unordered(SIDE_BY_SIDE)
        .filter_map(std::future::ready)
        .collect()
        .await
}

/// What cannot be known for it.
fn unseen(kinds: &[Kind], namespaces: &BTreeSet<String>) -> Vec<Unseen> {
    let only = namespaces
        .iter()
        .map(String::as_str)
        .collect::<Vec<_>>()
        .join(", ");
    let why = format!(
        "not allowed to list them in all namespaces, so they were read only in {only}, as far as \
         that is allowed; this would allow all:\n{}",
        role(kinds)
    );
    kinds
        .iter()
        .map(|kind| Unseen {
            what: Subject::List(*kind),
            why: why.clone(),
        })
        .collect()
}

/// One ClusterRole for all of them.
fn role(kinds: &[Kind]) -> String {
    let mut groups: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for kind in kinds {
        groups.entry(kind.group()).or_default().push(kind.plural());
    }
    let rule = |(group, kinds): (&str, Vec<&str>)| {
        format!(
            "- {{apiGroups: [{group:?}], resources: [{}], verbs: [get, list]}}\n",
            kinds.join(", ")
        )
    };
    let rules: String = groups.into_iter().map(rule).collect();
    format!(
        "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {{name: \
         kubectl-egress-reader}}\nrules:\n{rules}"
    )
}

/// The control plane where it usually is; else Istio's defaults, and that they are no more than
/// that.
pub(super) async fn mesh(
    cluster: &Cluster,
    scope: &Scope,
) -> Result<(Mesh, Option<Unseen>), Error> {
    let namespace = scope
        .istio_namespace
        .clone()
        .unwrap_or_else(|| USUAL.into());
    match find_mesh(
        cluster,
        &Scope {
            istio_namespace: Some(namespace.clone()),
            ..scope.clone()
        },
    )
    .await
    {
        Err(Error::Forbidden { .. }) => {}
        found => return found.map(|mesh| (mesh, None)),
    }
    let why = format!("not allowed to read them in {namespace}: Istio's defaults are assumed");
    let mut mesh = Mesh {
        namespace: namespace.clone(),
        revision: scope.revision.clone().unwrap_or_else(|| "default".into()),
        domain: "cluster.local".into(),
        ..Mesh::default()
    };
    mesh.config.root_namespace = namespace;
    Ok((
        mesh,
        Some(Unseen {
            what: Subject::ControlPlane,
            why,
        }),
    ))
}

impl Snapshot {
    /// What could not be read, each reason once, after all that it is for.
    pub fn unread(&self) -> Vec<String> {
        let mut reasons: Vec<(&str, Vec<String>)> = Vec::new();
        for unseen in &self.unseen {
            match reasons.iter_mut().find(|(why, _)| *why == unseen.why) {
                Some((_, what)) => what.push(unseen.what.to_string()),
                None => reasons.push((&unseen.why, vec![unseen.what.to_string()])),
            }
        }
        reasons
            .into_iter()
            .map(|(why, what)| format!("{}: {}", what.join(", "), why.trim_end()))
            .collect()
    }

    /// Why the objects do not say all: a list without which what somebody wants cannot be told from
    /// what is missing.
    pub fn narrow(&self) -> Option<&Unseen> {
        let decisive = [
            Kind::Pod,
            Kind::Service,
            Kind::ServiceEntry,
            Kind::VirtualService,
            Kind::DestinationRule,
            Kind::Gateway,
        ];
        self.unseen
            .iter()
            .find(|u| decisive.iter().any(|kind| u.what.is_list(*kind)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_role_has_all_that_is_missing() {
        let unseen = unseen(
            &[Kind::Pod, Kind::Gateway, Kind::Service],
            &["team".to_owned()].into(),
        );
        assert_eq!(unseen.len(), 3);
        let role = &unseen[0].why;
        assert!(role.contains("only in team,"), "{role}");
        assert!(
            role.contains("- {apiGroups: [\"\"], resources: [pods, services], verbs: [get, list]}"),
            "{role}"
        );
        assert!(
            role.contains("[\"networking.istio.io\"], resources: [gateways]"),
            "{role}"
        );
    }
}
