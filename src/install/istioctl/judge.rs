//! Whether `istioctl install` with a file would touch nothing but the gateway.

use super::tool::Istioctl;
use crate::cluster::Cluster;
use crate::deadline::Deadline;
use crate::error::Error;
use crate::install::GatewayPatch;
use crate::kubernetes::{Kind, ObjectRef};
use crate::plan::reference;
use crate::snapshot::Snapshot;
use futures::stream::{self, StreamExt, TryStreamExt};
use serde_json::Value;

/// istioctl's name in `managedFields`.
const MANAGER: &str = "istio-operator";

const COMPONENT: &str = "operator.istio.io/component";
const VERSION: &str = "operator.istio.io/version";
const OWNER: &str = "install.operator.istio.io/owning-resource";
const KEPT: &str = "install.operator.istio.io/owning-resource-not-pruned";

/// A change of the file that is still to be judged.
pub(super) struct Change<'a> {
    pub(super) tool: &'a Istioctl,
    pub(super) before: &'a str,
    pub(super) after: &'a str,
    pub(super) gateway: &'a GatewayPatch,
}

/// Kinds in which settings show. istiod itself writes to its webhooks, so these are no measure.
const JUDGED: &[Kind] = &[
    Kind::ConfigMap,
    Kind::Deployment,
    Kind::DaemonSet,
    Kind::Service,
    Kind::HorizontalPodAutoscaler,
    Kind::PodDisruptionBudget,
    Kind::Role,
    Kind::RoleBinding,
    Kind::ServiceAccount,
    Kind::EnvoyFilter,
];

const SIDE_BY_SIDE: usize = 8;

/// Whether `istioctl install` with the text would touch nothing but the gateway.
pub(super) async fn judge(
    cluster: &Cluster,
    snapshot: &Snapshot,
    change: &Change<'_>,
    deadline: Deadline,
) -> Result<(), Error> {
    let Change {
        tool,
        before,
        after,
        gateway: patch,
    } = change;
    let version = same_version(snapshot, &tool.version(deadline).await?)?;
    let (old, new) = tokio::try_join!(tool.render(before, deadline), tool.render(after, deadline))?;
    let mut touched: Vec<String> = old
        .iter()
        .filter(|o| !new.contains(o))
        .filter_map(reference)
        .map(|o| o.to_string())
        .collect();
    touched.extend(
        changed(cluster, &new, patch)
            .await?
            .iter()
            .map(ObjectRef::to_string),
    );
    touched.retain(|name| !ours(name, patch));
    touched.sort();
    touched.dedup();
    if !touched.is_empty() {
        return Err(Error::Refused {
            why: format!(
                "istioctl install with this file would change more than the gateway: {}",
                touched.join(", ")
            ),
            hint: Some(
                "the file is not all that Istio was installed with: put what was given by --set, \
                or in other files, into it"
                    .into(),
            ),
        });
    }
    let owner = edit_name(after);
    let installed = Installed {
        version: &version,
        owner: owner.as_deref(),
        revision: &snapshot.mesh.revision,
    };
    let pruned = pruned(cluster, &new, &installed).await?;
    let pruned: Vec<String> = pruned
        .iter()
        .map(ObjectRef::to_string)
        .filter(|name| !ours(name, patch))
        .collect();
    if !pruned.is_empty() {
        return Err(Error::Refused {
            why: format!(
                "istioctl install with this file would delete {}",
                pruned.join(", ")
            ),
            hint: Some(
                "they were installed from another file: put their components into this one".into(),
            ),
        });
    }
    Ok(())
}

/// The chart gives everything of a gateway its name, some with more behind it.
fn ours(object: &str, patch: &GatewayPatch) -> bool {
    object.split_once(' ').is_some_and(|(_, name)| {
        let own = format!("{}/{}", patch.namespace, patch.name);
        name == own
            || name
                .strip_prefix(&own)
                .is_some_and(|rest| rest == "-service-account" || rest == "-sds")
    })
}

fn edit_name(text: &str) -> Option<String> {
    let operator: Value = serde_saphyr::from_str(text).ok()?;
    operator
        .pointer("/metadata/name")
        .and_then(Value::as_str)
        .map(str::to_owned)
}

fn same_version(snapshot: &Snapshot, ours: &str) -> Result<String, Error> {
    let istiod = snapshot.objects.deployments.iter().find(|d| {
        d.namespace() == snapshot.mesh.namespace
            && d.metadata.label("app") == Some("istiod")
            && d.metadata
                .label("istio.io/rev")
                .is_none_or(|rev| rev == snapshot.mesh.revision)
    });
    match istiod.and_then(|d| d.metadata.label(VERSION)) {
        Some(installed) if installed == ours => Ok(installed.into()),
        Some(installed) => Err(Error::Refused {
            why: format!(
                "Istio was installed by istioctl {installed}, and the one in PATH is {ours}"
            ),
            hint: Some(format!(
                "an upgrade is more than a gateway: put istioctl {installed} into PATH"
            )),
        }),
        None => Err(Error::Refused {
            why: format!(
                "the istiod in {} was not installed by istioctl",
                snapshot.mesh.namespace
            ),
            hint: Some(
                "use --installer injection, which needs nothing of the control plane's installer"
                    .into(),
            ),
        }),
    }
}

/// Objects of the manifest that istioctl would create or change.
async fn changed(
    cluster: &Cluster,
    manifest: &[Value],
    patch: &GatewayPatch,
) -> Result<Vec<ObjectRef>, Error> {
    let judged = manifest
        .iter()
        .filter_map(|body| Some((reference(body)?, body)));
    let judged = judged
        .filter(|(object, _)| JUDGED.contains(&object.kind) && !ours(&object.to_string(), patch));
    let looks = judged.map(|(object, body)| async move {
        let Some(live) = cluster.get(&object).await? else {
            return Ok(Some(object));
        };
        let next = cluster.foresee(MANAGER, &object, body).await?;
        Ok((substance(&live) != substance(&next)).then_some(object))
    });
    let all: Result<Vec<Option<ObjectRef>>, Error> = stream::iter(looks)
        .buffered(SIDE_BY_SIDE)
        .try_collect()
        .await;
    Ok(all?.into_iter().flatten().collect())
}

/// What an object does, without what is written about it.
fn substance(object: &Value) -> Value {
    let mut object = object.clone();
    if let Some(fields) = object.as_object_mut() {
        fields.remove("metadata");
        fields.remove("status");
    }
    object
}

/// What the labels of istioctl's objects say.
struct Installed<'a> {
    version: &'a str,
    /// The name of the `IstioOperator`, where it has one.
    owner: Option<&'a str>,
    revision: &'a str,
}

/// Objects that istioctl would delete, because they carry its labels and are not in the manifest.
async fn pruned(
    cluster: &Cluster,
    manifest: &[Value],
    installed: &Installed<'_>,
) -> Result<Vec<ObjectRef>, Error> {
    let kept: Vec<ObjectRef> = manifest.iter().filter_map(reference).collect();
    let Installed {
        version,
        owner,
        revision,
    } = installed;
    let owner = owner.map_or(String::new(), |owner| format!(",{OWNER}={owner}"));
    let selector =
        format!("{COMPONENT},{VERSION}={version},istio.io/rev={revision},{KEPT}!=true{owner}");
    let selector = selector.as_str();
    let lists = JUDGED.iter().map(|kind| async move {
        let found = cluster.list_where(*kind, None, selector).await?;
        let text = |o: &Value, key: &str| {
            o.pointer(key)
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned()
        };
        let name = |o: &Value| {
            ObjectRef::new(
                *kind,
                text(o, "/metadata/namespace"),
                text(o, "/metadata/name"),
            )
        };
        Ok(found.iter().map(name).collect::<Vec<_>>())
    });
    let all: Result<Vec<Vec<ObjectRef>>, Error> = stream::iter(lists)
        .buffered(SIDE_BY_SIDE)
        .try_collect()
        .await;
    Ok(all?
        .into_iter()
        .flatten()
        .filter(|o| !kept.contains(o))
        .collect())
}
