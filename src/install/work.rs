//! What an installer changes that is somebody else's: decided and checked first, done after the
//! plan was agreed to, undone by cleanup.

use super::istioctl::{self, FileWork, Istioctl};
use super::istiooperator::{self, OperatorWork};
use super::{GatewayPatch, Installer};
use crate::cluster::{Cluster, Poll, poll};
use crate::deadline::Deadline;
use crate::error::Error;
use crate::kubernetes::{FIELD_MANAGER, Kind, ObjectRef};
use crate::plan::Restore;
use crate::snapshot::Snapshot;
use serde_json::Value;
use std::path::Path;
use std::time::Duration;

/// What is to be done.
#[derive(Clone, Debug)]
pub enum Work {
    /// To a file.
    File(Box<FileWork>),
    /// To a live `IstioOperator`.
    Operator(Box<OperatorWork>),
}

/// Decide what the installer has to change; nothing for one that only writes objects of ours.
pub async fn plan(
    (cluster, snapshot): (&Cluster, &Snapshot),
    (installer, tool): (Installer, &Istioctl),
    (file, patch): (Option<&Path>, &GatewayPatch),
    deadline: Deadline,
) -> Result<Option<Work>, Error> {
    match (installer, file) {
        (Installer::IstioOperator, _) => Ok(Some(Work::Operator(Box::new(
            istiooperator::plan(cluster, snapshot, patch).await?,
        )))),
        (Installer::Istioctl, Some(file)) => {
            let work =
                istioctl::plan((cluster, snapshot), tool.clone(), (file, patch), deadline).await?;
            Ok(Some(Work::File(Box::new(work))))
        }
        (Installer::Istioctl, None) => Err(Error::Usage(
            "--installer istioctl needs --istio-operator FILE: the file that Istio is installed \
             from"
                .into(),
        )),
        _ => Ok(None),
    }
}

impl Work {
    /// What changes, for the plan.
    pub fn describe(&self) -> String {
        match self {
            Work::File(work) => work.describe(),
            Work::Operator(work) => work.describe(),
        }
    }

    /// Whether the gateway was there before: then it stays, whatever cleanup takes away.
    pub fn was_there(&self) -> bool {
        match self {
            Work::File(work) => work.was_there(),
            Work::Operator(work) => work.was_there(),
        }
    }

    /// What cleanup needs to undo it; nothing where the gateway was there before.
    pub fn restore(&self) -> Option<Restore> {
        match self {
            Work::File(work) => work.restore(),
            Work::Operator(work) => work.restore(),
        }
    }

    /// Do it.
    pub async fn apply(&self, cluster: &Cluster, deadline: Deadline) -> Result<(), Error> {
        match self {
            Work::File(work) => work.apply(deadline).await,
            Work::Operator(work) => work.apply(cluster).await,
        }
    }

    /// What the one who makes it true says is wrong.
    pub async fn complaint(&self, cluster: &Cluster) -> Option<String> {
        match self {
            Work::File(_) => None,
            Work::Operator(work) => work.complaint(cluster).await,
        }
    }
}

/// Undo it, and wait until whoever made the gateway has taken all of it away: the operator in the
/// cluster removes one object after the other, over ten seconds and more. A file is only touched
/// where it is named on this run: what a record says of paths is for people.
pub async fn undo(
    (cluster, snapshot): (&Cluster, &Snapshot),
    tool: &Istioctl,
    file: Option<&Path>,
    (restore, patch): (&Restore, &GatewayPatch),
    deadline: Deadline,
) -> Result<(), Error> {
    let object = ObjectRef::new(Kind::Deployment, &patch.namespace, &patch.name);
    let service = ObjectRef::new(Kind::Service, &patch.namespace, &patch.name);
    match restore {
        Restore::File { .. }
            if cluster.get(&object).await?.is_none() && cluster.get(&service).await?.is_none() =>
        {
            return Ok(());
        }
        Restore::File {
            path,
            added,
            replaced,
        } => {
            let Some(file) = file else {
                return Err(Error::Refused {
                    why: format!(
                        "the gateway {}/{} was installed by istioctl from {path}",
                        patch.namespace, patch.name
                    ),
                    hint: Some(
                        "name the file that it is to be taken out of: --istio-operator FILE".into(),
                    ),
                });
            };
            let named = Restore::File {
                path: file.display().to_string(),
                added: added.clone(),
                replaced: replaced.clone(),
            };
            istioctl::undo((cluster, snapshot), tool, (&named, patch), deadline).await?;
        }
        Restore::Operator { object, .. } => {
            if added_by_us(cluster.get(object).await?.as_ref()) {
                istiooperator::undo(cluster, restore).await?;
            }
            // An earlier run may have taken it out and broken off before the operator was done. A
            // gateway that the object has, or one without an object, nobody takes away.
            let operator = cluster.get(object).await?;
            if operator.is_none_or(|operator| istiooperator::has(&operator, patch)) {
                return Ok(());
            }
        }
    }
    for object in made_of(patch) {
        poll(deadline, Duration::from_millis(300), async || {
            Ok(if is_installed(cluster, &object).await? {
                Poll::Waiting(format!("{object} to be removed by whoever installed it"))
            } else {
                Poll::Ready(())
            })
        })
        .await?;
    }
    Ok(())
}

/// Whether our field manager holds the list of gateways: a record alone proves nothing.
fn added_by_us(operator: Option<&Value>) -> bool {
    let fields = operator.and_then(|o| o.pointer("/metadata/managedFields")?.as_array());
    fields.into_iter().flatten().any(|field| {
        field["manager"] == FIELD_MANAGER
            && field
                .pointer("/fieldsV1/f:spec/f:components/f:egressGateways")
                .is_some()
    })
}

/// The objects that Istio's installers make of one egress gateway.
///
/// Source: istio/istio, manifests/charts/gateways/istio-egress/templates.
fn made_of(patch: &GatewayPatch) -> Vec<ObjectRef> {
    let (account, sds) = (
        format!("{}-service-account", patch.name),
        format!("{}-sds", patch.name),
    );
    let objects = [
        (Kind::Deployment, &patch.name),
        (Kind::Service, &patch.name),
        (Kind::HorizontalPodAutoscaler, &patch.name),
        (Kind::PodDisruptionBudget, &patch.name),
        (Kind::ServiceAccount, &account),
        (Kind::RoleBinding, &sds),
        (Kind::Role, &sds),
    ];
    objects
        .map(|(kind, name)| ObjectRef::new(kind, &patch.namespace, name))
        .into()
}

/// Whether it is there, and of an installer of Istio: the same name may be somebody else's.
async fn is_installed(cluster: &Cluster, object: &ObjectRef) -> Result<bool, Error> {
    let live = cluster.get(object).await?.unwrap_or_default();
    Ok(live
        .pointer("/metadata/labels/operator.istio.io~1component")
        .is_some())
}
