//! What an installer changes that is somebody else's: decided and checked first, done after the
//! plan was agreed to, undone by cleanup.

use super::istioctl::{self, FileWork, Istioctl};
use super::istiooperator::{self, OperatorWork};
use super::{GatewayPatch, Installer};
use crate::cluster::Cluster;
use crate::deadline::Deadline;
use crate::error::Error;
use crate::kubernetes::{Kind, ObjectRef};
use crate::plan::Restore;
use crate::snapshot::Snapshot;
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
        (Installer::IstioOperator, _) => {
            Ok(Some(Work::Operator(Box::new(istiooperator::plan(cluster, snapshot, patch).await?))))
        }
        (Installer::Istioctl, Some(file)) => {
            let work = istioctl::plan((cluster, snapshot), tool.clone(), (file, patch), deadline).await?;
            Ok(Some(Work::File(Box::new(work))))
        }
        (Installer::Istioctl, None) => Err(Error::Usage(
            "--installer istioctl needs --istio-operator FILE: the file that Istio is installed from".into(),
        )),
        _ => Ok(None),
    }
}

/// A gateway of that name which the installer does not know is somebody else's.
pub(super) fn refuse_strangers(snapshot: &Snapshot, patch: &GatewayPatch) -> Result<(), Error> {
    let mut services = snapshot.objects.services.iter();
    match services.find(|s| s.namespace() == patch.namespace && s.name() == patch.name) {
        None => Ok(()),
        Some(service) => Err(Error::Refused {
            why: format!(
                "{} is there already, and this installer did not make it",
                service.reference(Kind::Service)
            ),
            hint: Some(
                "use it as it is, without --installer, or name another with --gateway NS/SERVICE"
                    .into(),
            ),
        }),
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
/// cluster removes one object after the other, over ten seconds and more.
pub async fn undo(
    (cluster, snapshot): (&Cluster, &Snapshot),
    tool: &Istioctl,
    (restore, patch): (&Restore, &GatewayPatch),
    deadline: Deadline,
) -> Result<(), Error> {
    match restore {
        Restore::File { .. } => {
            istioctl::undo((cluster, snapshot), tool, (restore, patch), deadline).await?;
        }
        Restore::Operator { .. } => istiooperator::undo(cluster, restore).await?,
    }
    for object in made_of(patch) {
        while is_installed(cluster, &object).await? {
            if deadline.passed() {
                return Err(Error::Deadline {
                    what: format!("{object} to be removed by whoever installed it"),
                    after: deadline.total(),
                });
            }
            tokio::time::sleep(Duration::from_millis(300)).await;
        }
    }
    Ok(())
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
