//! Whether the injector adds a sidecar to a pod, or ztunnel takes its connections.
//!
//! Source: manifests/charts/istio-control/istio-discovery/templates/mutatingwebhook.yaml,
//! pkg/kube/inject/inject.go (`injectRequired`).

use crate::kubernetes::Meta;
use crate::kubernetes::pod::Pod;

const INJECT: &str = "sidecar.istio.io/inject";
const OF_NAMESPACE: &str = "istio-injection";
const REVISION: &str = "istio.io/rev";
const DATAPLANE: &str = "istio.io/dataplane-mode";

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

/// Whether ztunnel takes a pod's connections: istio-cni has noted on the pod that it does, or will
/// see to it by the selectors that it has unless told otherwise. A pod with a sidecar is left to
/// it.
///
/// Source: cni/pkg/util/enablement_selector.go (`Matches`), manifests/charts/istio-cni/values.yaml
/// (`ambient.enablementSelectors`), cni/pkg/util/podutil.go (`PodFullyEnrolled`).
pub fn is_ambient(namespace: Option<&Meta>, pod: &Pod) -> bool {
    if pod.spec.host_network || pod.spec.proxy().is_some() {
        return false;
    }
    let is_enrolled = pod.metadata.annotation("ambient.istio.io/redirection") == Some("enabled");
    let of_pod = pod.metadata.label(DATAPLANE);
    let by_label = match of_pod {
        Some("ambient") => true,
        Some("none") => false,
        _ => namespace.is_some_and(labelled_ambient),
    };
    is_enrolled || by_label
}

/// Whether a namespace is labelled for the ambient mesh.
pub fn labelled_ambient(namespace: &Meta) -> bool {
    namespace.label(DATAPLANE) == Some("ambient")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meta(labels: &str) -> Meta {
        serde_saphyr::from_str(&format!("name: x\nlabels: {labels}")).unwrap()
    }

    #[test]
    fn ztunnel_takes_what_has_no_sidecar_and_is_labelled() {
        let ambient = meta("{istio.io/dataplane-mode: ambient}");
        for (pod, namespace, want) in [
            ("metadata: {name: a}", Some(&ambient), true),
            ("metadata: {name: a}", None, false),
            (
                "metadata: {name: a, labels: {istio.io/dataplane-mode: ambient}}",
                None,
                true,
            ),
            (
                "metadata: {name: a, labels: {istio.io/dataplane-mode: none}}",
                Some(&ambient),
                false,
            ),
            (
                "metadata: {name: a, annotations: {ambient.istio.io/redirection: enabled}}",
                None,
                true,
            ),
            (
                "{metadata: {name: a}, spec: {hostNetwork: true}}",
                Some(&ambient),
                false,
            ),
            (
                "{metadata: {name: a}, spec: {containers: [{name: istio-proxy}]}}",
                Some(&ambient),
                false,
            ),
        ] {
            let pod: Pod = serde_saphyr::from_str(pod).unwrap();
            assert_eq!(is_ambient(namespace, &pod), want, "{pod:?}");
        }
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
