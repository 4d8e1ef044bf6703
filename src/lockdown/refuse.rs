//! Namespaces that must not be locked down: the mesh's and the cluster's own, and those that are
//! not there.

use crate::error::Error;
use crate::kubernetes::Kind;
use crate::kubernetes::pod::Pod;
use crate::model::injection::labelled_ambient;
use crate::snapshot::Snapshot;

/// Say why not, and what to do instead.
pub fn refuse(snapshot: &Snapshot, namespace: &str) -> Result<(), Error> {
    let needed = [
        Kind::Pod,
        Kind::Service,
        Kind::Namespace,
        Kind::NetworkPolicy,
    ];
    for kind in needed {
        if let Some(unseen) = snapshot.unseen.iter().find(|u| u.what.is_list(kind)) {
            let what = kind.plural();
            return Err(Error::Refused {
                why: format!(
                    "{what} could not be read, so it is not known what a policy would cut: {}",
                    unseen.why
                ),
                hint: Some(
                    "lockdown reads pods, services, namespaces, endpointslices and networkpolicies \
                    of all namespaces"
                        .into(),
                ),
            });
        }
    }
    if !snapshot
        .objects
        .namespaces
        .iter()
        .any(|n| n.name() == namespace)
    {
        return Err(Error::NotFound {
            what: format!("namespace {namespace}"),
            hint: None,
        });
    }
    let pods: Vec<&Pod> = snapshot
        .objects
        .pods
        .iter()
        .filter(|p| p.namespace() == namespace)
        .collect();
    let runs = |what: &str| Error::Refused {
        why: format!(
            "{what} runs in namespace {namespace}: a policy there would cut the whole mesh off"
        ),
        hint: Some("lock down the namespaces of applications".into()),
    };
    if namespace == snapshot.mesh.namespace
        || pods
            .iter()
            .any(|p| p.metadata.label("app") == Some("istiod"))
    {
        return Err(runs("istiod"));
    }
    if namespace == "kube-system"
        || pods
            .iter()
            .any(|p| p.metadata.label("k8s-app") == Some("kube-dns"))
    {
        return Err(runs("the cluster's DNS"));
    }
    let meta = snapshot.objects.namespaces.iter();
    let meta = meta.map(|n| &n.metadata).find(|m| m.name == namespace);
    let has_sidecars = pods.iter().any(|pod| pod.spec.proxy().is_some());
    // The namespace's own label decides: whoever is to be locked down writes the pods, and must not
    // keep the policy away with a mark on one of them.
    if !has_sidecars && meta.is_some_and(labelled_ambient) {
        return Err(Error::Refused {
            why: format!(
                "namespace {namespace} is of the ambient mesh: connections of its pods go through \
                 no egress gateway, and the policy would cut them all"
            ),
            hint: Some("lock down namespaces whose clients have sidecars".into()),
        });
    }
    if !pods.is_empty() && pods.iter().all(|p| p.spec.is_proxy_alone()) {
        return Err(Error::Refused {
            why: format!(
                "namespace {namespace} has only gateways: they are the gateways that others go \
                 through, and need it open"
            ),
            hint: Some("lock down the namespaces of those that call".into()),
        });
    }
    Ok(())
}
