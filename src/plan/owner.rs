//! Who keeps an object as it is in some repository: a change in the cluster would be undone, or
//! would undo theirs.

use super::managers;
use crate::error::Error;
use crate::kubernetes::ObjectRef;
use serde_json::Value;

/// The tool that owns a live object, with the name of its release or application where it says so.
pub fn kept_by(live: &Value) -> Option<String> {
    let text = |pointer: &str| {
        live.pointer(pointer)
            .and_then(Value::as_str)
            .filter(|t| !t.is_empty())
    };
    let named = |tool: &str, name: Option<&str>| {
        Some(name.map_or_else(|| tool.to_owned(), |n| format!("{tool} ({n})")))
    };
    let by = |names: &[&str]| managers(live).any(|m| names.contains(&m));
    let flux = text("/metadata/labels/kustomize.toolkit.fluxcd.io~1name")
        .or_else(|| text("/metadata/labels/helm.toolkit.fluxcd.io~1name"));
    if flux.is_some() || by(&["kustomize-controller", "helm-controller"]) {
        return named("Flux", flux);
    }
    let argo = text("/metadata/annotations/argocd.argoproj.io~1tracking-id")
        .map(|id| id.split(':').next().unwrap_or(id));
    let argo = argo.or_else(|| text("/metadata/labels/argocd.argoproj.io~1instance"));
    if argo.is_some() || by(&["argocd-controller", "argocd-application-controller"]) {
        return named("Argo CD", argo);
    }
    let helm = text("/metadata/annotations/meta.helm.sh~1release-name");
    let managed = text("/metadata/labels/app.kubernetes.io~1managed-by");
    if helm.is_some() || managed == Some("Helm") || by(&["helm"]) {
        return named("Helm", helm);
    }
    None
}

/// Refuse to change an object that a tool keeps: it would undo the change. `change` is what to make
/// of it there, in words.
pub fn refuse_kept(object: &ObjectRef, live: &Value, change: &str) -> Result<(), Error> {
    let Some(owner) = kept_by(live) else {
        return Ok(());
    };
    Err(Error::Refused {
        why: format!("{object} is kept by {owner}, which would undo a change in the cluster"),
        hint: Some(format!(
            "make the change where {owner} takes it from: {change}"
        )),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn owners_are_known_by_what_they_write() {
        for (live, owner) in [
            (
                json!({"metadata": {"annotations": {"meta.helm.sh/release-name": "gw"}}}),
                Some("Helm (gw)"),
            ),
            (
                json!({"metadata": {"labels": {"app.kubernetes.io/managed-by": "Helm"}}}),
                Some("Helm"),
            ),
            (
                json!({"metadata": {"annotations": {"argocd.argoproj.io/tracking-id": "shop:x/y:a/b"}}}),
                Some("Argo CD (shop)"),
            ),
            (
                json!({"metadata": {"managedFields": [{"manager": "argocd-controller"}]}}),
                Some("Argo CD"),
            ),
            (
                json!({"metadata": {"labels": {"kustomize.toolkit.fluxcd.io/name": "apps"}}}),
                Some("Flux (apps)"),
            ),
            (
                json!({"metadata": {"managedFields": [{"manager": "kubectl-client-side-apply"}]}}),
                None,
            ),
        ] {
            assert_eq!(kept_by(&live).as_deref(), owner, "{live}");
            let object = ObjectRef::new(crate::kubernetes::Kind::Namespace, "", "x");
            let refused = refuse_kept(&object, &live, "a label");
            assert_eq!(refused.is_err(), owner.is_some(), "{live}");
        }
    }
}
