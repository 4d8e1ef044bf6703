#![doc = include_str!("client_sidecar.md")]

use super::namespace_of;
use crate::checks::finding::{Code, Finding, Fix};
use crate::checks::{Check, Layer, Outcome, View};
use crate::kubernetes::pod::Pod;
use crate::kubernetes::{Kind, ObjectRef};
use crate::model::injection::{injects, labelled, said};
use crate::model::trace::HopName;
use crate::model::{Uncaptured, workload_of};

const CODE: Code = Code("EG102");

pub(in crate::checks) const CHECK: Check = Check {
    code: CODE,
    title: "The client has no sidecar",
    layer: Layer::Intended,
    page: include_str!("client_sidecar.md"),
    look,
};

fn look(view: &View<'_>) -> Outcome {
    let (Some((why, place)), Some(pod)) = (&view.walk.client.uncaptured, view.world.pod(view.path))
    else {
        return Outcome::Pass;
    };
    if !matches!(why, Uncaptured::NoProxy | Uncaptured::HostNetwork) {
        return Outcome::Idle;
    }
    let Some(wanted) = &view.walk.wanted else {
        return Outcome::Idle;
    };
    if is_ambient(view, pod) {
        return Outcome::Skip(format!(
            "pod {} is of the ambient mesh, which is not judged",
            pod.name()
        ));
    }
    let workload = workload_of(pod);
    let cause = if *why == Uncaptured::HostNetwork {
        Cause::HostNetwork
    } else {
        cause(view, pod)
    };
    let namespace = ObjectRef::new(Kind::Namespace, "", pod.namespace());
    let message = format!(
        "{workload} runs without a sidecar, {}: no proxy routes its traffic, so {} is reached \
         directly from pod {} and not through the gateway {}",
        cause.words(pod),
        view.path.target,
        pod.name(),
        wanted.gateway
    );
    let mut finding = Finding::new(CODE, HopName::Client, cause.title(), message)
        .on([workload.at(cause.field()), pod.object().into()])
        .on([wanted.route.clone()])
        .fix(Fix::advice(cause.cure(&workload)));
    if matches!(cause, Cause::NotLabelled) {
        finding = finding.on([namespace.at("metadata.labels")]);
    }
    if *why == Uncaptured::HostNetwork {
        finding = finding.seen(place.to_string());
    }
    Outcome::Found(vec![finding])
}

/// Whether ztunnel takes a pod's traffic.
///
/// Source: pkg/config/constants (`AmbientRedirection`), cni/pkg/util/podutil.go.
fn is_ambient(view: &View<'_>, pod: &Pod) -> bool {
    const MODE: &str = "istio.io/dataplane-mode";
    if pod.metadata.annotation("ambient.istio.io/redirection") == Some("enabled") {
        return true;
    }
    let of_namespace = || namespace_of(view, pod.namespace()).and_then(|n| n.label(MODE));
    pod.metadata.label(MODE).or_else(of_namespace) == Some("ambient")
}

/// Why there is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cause {
    HostNetwork,
    SwitchedOff,
    NotLabelled,
    Older,
}

fn cause(view: &View<'_>, pod: &Pod) -> Cause {
    let namespace = namespace_of(view, pod.namespace());
    match said(&pod.metadata) {
        Some("false" | "n" | "no" | "off") => Cause::SwitchedOff,
        _ if injects(namespace, &pod.metadata) || namespace.is_some_and(labelled) => Cause::Older,
        _ => Cause::NotLabelled,
    }
}

impl Cause {
    fn title(self) -> &'static str {
        match self {
            Cause::HostNetwork => "The client uses the host network: no sidecar",
            Cause::SwitchedOff => "Injection is switched off for the client: no sidecar",
            Cause::NotLabelled => "Nothing asks for a sidecar for the client",
            Cause::Older => "The client has no sidecar, although injection is on",
        }
    }

    fn words(self, pod: &Pod) -> String {
        match self {
            Cause::HostNetwork => {
                "since it has hostNetwork: true, and the injector leaves pods in the host network \
                 alone"
                    .into()
            }
            Cause::SwitchedOff => "since its label or annotation sidecar.istio.io/inject switches \
                injection off"
                .into(),
            Cause::NotLabelled => format!(
                "since namespace {} is not labelled for injection and the pod does not ask for it",
                pod.namespace()
            ),
            Cause::Older => format!(
                "although namespace {} is labelled for injection: pod {} was started before it \
                 was, or while istiod's webhook did not answer",
                pod.namespace(),
                pod.name()
            ),
        }
    }

    fn field(self) -> &'static str {
        match self {
            Cause::HostNetwork => "spec.template.spec.hostNetwork",
            Cause::SwitchedOff => "spec.template.metadata.labels[sidecar.istio.io/inject]",
            Cause::NotLabelled | Cause::Older => "spec.template",
        }
    }

    fn cure(self, workload: &ObjectRef) -> String {
        let restart = format!(
            "kubectl rollout restart -n {} {}/{}",
            workload.namespace,
            workload.kind.name().to_lowercase(),
            workload.name
        );
        match self {
            Cause::HostNetwork => format!(
                "drop hostNetwork from {workload}, or let its traffic out another way: it cannot \
                 have a sidecar"
            ),
            Cause::SwitchedOff => {
                format!("drop sidecar.istio.io/inject from {workload}, and restart it: {restart}")
            }
            Cause::NotLabelled => format!(
                "label the namespace: kubectl label namespace {} istio-injection=enabled; then \
                 {restart}",
                workload.namespace
            ),
            Cause::Older => format!("restart it, and it gets its sidecar: {restart}"),
        }
    }
}
