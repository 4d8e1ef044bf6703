#![doc = include_str!("client_sidecar.md")]

use super::namespace_of;
use crate::checks::finding::{Code, Finding, Fix};
use crate::checks::{Check, Layer, Outcome, View};
use crate::kubernetes::pod::Pod;
use crate::kubernetes::{Kind, Meta, ObjectRef};
use crate::model::injection::{injects, labelled, said};
use crate::model::trace::HopName;
use crate::model::{Uncaptured, node, workload_of};

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
    if *why == Uncaptured::Ambient {
        return Outcome::Skip(in_ambient(view, pod));
    }
    if !matches!(why, Uncaptured::NoProxy | Uncaptured::HostNetwork) {
        return Outcome::Idle;
    }
    let Some(wanted) = &view.walk.wanted else {
        return Outcome::Idle;
    };
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

/// What is known of a path in the ambient mesh, and what is not: ztunnel has no routes, only a
/// waypoint does.
fn in_ambient(view: &View<'_>, pod: &Pod) -> String {
    let target = &view.path.target;
    let route = match &view.walk.wanted {
        Some(wanted) => format!(", where {} does not apply", wanted.route.object),
        None => String::new(),
    };
    let onward = match waypoint(view) {
        Some((waypoint, by)) => format!(
            "{by} sends connections to {target} through waypoint {waypoint}, whose configuration \
             is not read"
        ),
        None => format!("no waypoint is named for {target}, so they leave directly{route}"),
    };
    format!(
        "pod {} is of the ambient mesh: ztunnel takes its connections; {onward}",
        pod.name()
    )
}

/// The waypoint of the host's entry, and the object that names it: the entry, or its namespace.
///
/// Source: pilot/pkg/serviceregistry/ambient/waypoints.go (`fetchWaypointForTarget`).
fn waypoint<'v>(view: &View<'v>) -> Option<(String, ObjectRef)> {
    const USE: &str = "istio.io/use-waypoint";
    const USE_NAMESPACE: &str = "istio.io/use-waypoint-namespace";
    let named = |meta: &'v Meta, namespace: &'v str| match meta.label(USE) {
        None | Some("" | "none") => None,
        Some(name) => {
            let namespace = meta.label(USE_NAMESPACE).unwrap_or(namespace);
            Some(format!("{namespace}/{name}"))
        }
    };
    let client = node(view.world, view.path);
    let scope = view.world.scope(&client);
    let entry = scope
        .closest_owner(&view.path.target.host.text())?
        .entry()?;
    let own = named(&entry.metadata, entry.namespace());
    if entry.metadata.label(USE).is_some() {
        return own.map(|waypoint| (waypoint, entry.reference(Kind::ServiceEntry)));
    }
    let by = namespace_of(view, entry.namespace())?;
    let object = ObjectRef::new(Kind::Namespace, "", entry.namespace());
    named(by, entry.namespace()).map(|waypoint| (waypoint, object))
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
