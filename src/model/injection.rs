//! Whether the injector adds a sidecar to a pod.
//!
//! Source: manifests/charts/istio-control/istio-discovery/templates/mutatingwebhook.yaml,
//! pkg/kube/inject/inject.go (`injectRequired`).

use crate::kubernetes::Meta;

const INJECT: &str = "sidecar.istio.io/inject";
const OF_NAMESPACE: &str = "istio-injection";
const REVISION: &str = "istio.io/rev";

/// Whether a pod gets a sidecar: its own label or annotation decides, else its namespace's. Any
/// revision counts, since a tag is one too, and which tags there are the objects do not say.
pub fn injects(namespace: Option<&Meta>, pod: &Meta) -> bool {
    match said(pod) {
        Some("true" | "y" | "yes" | "on") => return true,
        Some(_) => return false,
        None => {}
    }
    let disabled = namespace.is_some_and(|n| n.label(OF_NAMESPACE) == Some("disabled"));
    namespace.is_some_and(labelled) || (pod.label(REVISION).is_some() && !disabled)
}

/// What a pod says of itself.
pub fn said(pod: &Meta) -> Option<&str> {
    pod.label(INJECT).or_else(|| pod.annotation(INJECT))
}

/// Whether a namespace is labelled for injection.
pub fn labelled(namespace: &Meta) -> bool {
    match namespace.label(OF_NAMESPACE) {
        Some(value) => value == "enabled",
        None => namespace.label(REVISION).is_some(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meta(labels: &str) -> Meta {
        serde_saphyr::from_str(&format!("name: x\nlabels: {labels}")).unwrap()
    }

    #[test]
    fn the_pod_decides_before_its_namespace() {
        let (on, off, none, tag) = (
            meta("{istio-injection: enabled}"),
            meta("{istio-injection: disabled}"),
            meta("{}"),
            meta("{istio.io/rev: prod-stable}"),
        );
        let (yes, no) = (
            meta("{sidecar.istio.io/inject: \"true\"}"),
            meta("{sidecar.istio.io/inject: \"false\"}"),
        );
        for (pod, namespace, want) in [
            (&none, &on, true),
            (&none, &none, false),
            (&yes, &none, true),
            (&no, &on, false),
            (&none, &off, false),
            (&none, &tag, true),
            (&tag, &none, true),
            (&tag, &off, false),
        ] {
            assert_eq!(injects(Some(namespace), pod), want, "{pod:?} {namespace:?}");
        }
    }
}
