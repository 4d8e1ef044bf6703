#![doc = include_str!("gateway_pods.md")]

use super::{gateway, makers, namespace_of, pods};
use crate::checks::finding::{Code, Finding, Fix, Severity};
use crate::checks::{Check, Layer, Outcome, View};
use crate::envoy::Plane;
use crate::kubernetes::pod::{PROXY, Pod};
use crate::kubernetes::service::Service;
use crate::kubernetes::workload::Workload;
use crate::kubernetes::{Kind, ObjectRef, Place};
use crate::model::injection::{injects, labelled};
use crate::model::trace::HopName;
use crate::model::workload_of;
use crate::snapshot::Look;
use serde_json::{Value, json};

const CODE: Code = Code("EG101");

pub(in crate::checks) const CHECK: Check = Check {
    code: CODE,
    title: "No pod of the gateway serves",
    layer: Layer::Intended,
    page: include_str!("gateway_pods.md"),
    look,
};

fn look(view: &View<'_>) -> Outcome {
    let Some(service) = gateway(view) else {
        return Outcome::Idle;
    };
    let pods = pods(view, service);
    let (ready, ill): (Vec<&Pod>, Vec<&Pod>) = pods.iter().partition(|p| p.is_ready());
    let makers = makers(view, service);
    match (ready.is_empty(), ill.first()) {
        (false, None) => Outcome::Pass,
        (false, Some(pod)) => Outcome::Found(vec![some_ill(service, pod, (ill.len(), pods.len()))]),
        (true, Some(pod)) => Outcome::Found(vec![all_ill(view, service, pod)]),
        (true, None) => match makers.first() {
            Some((object, maker)) => Outcome::Found(vec![none(view, service, (object, maker))]),
            None => Outcome::Idle,
        },
    }
}

/// There is no pod at all, and something that should make some.
fn none(view: &View<'_>, service: &Service, (object, maker): (&ObjectRef, &Workload)) -> Finding {
    let service_name = service.reference(Kind::Service);
    let so = format!(
        "so {service_name} has no endpoint, and every connection to the gateway fails (503, no \
         healthy upstream)"
    );
    if maker.spec.replicas == Some(0) {
        let summary = format!("scale {object} up");
        let fix = Fix::patch(
            view.world,
            object,
            json!({"spec": {"replicas": 1}}),
            summary,
        );
        let message = format!("{object} is scaled to 0 replicas: the gateway has no pod, {so}");
        return found(format!("The gateway is scaled to zero: {object}"), message)
            .on([object.at("spec.replicas"), service_name.into()])
            .fix(fix);
    }
    let failure = maker
        .status
        .conditions
        .iter()
        .find(|c| c.kind == "ReplicaFailure" && c.status == "True");
    let failure = failure.or_else(|| {
        maker
            .status
            .conditions
            .iter()
            .find(|c| c.status == "False" && !c.message.is_empty())
    });
    let why = failure.map_or_else(|| "it does not say why".to_owned(), |c| c.message.clone());
    let message = format!("{object} makes no pod ({why}): no pod of the gateway runs, {so}");
    found(format!("The gateway has no pod: {object}"), message)
        .on([object.clone().into(), service_name.into()])
        .fix(Fix::advice(format!(
            "see why {object} makes no pod: kubectl describe it, and its ReplicaSet"
        )))
}

/// There are pods, and none is ready.
fn all_ill(view: &View<'_>, service: &Service, pod: &Pod) -> Finding {
    let maker = workload_of(pod);
    let so = format!(
        "no pod of {} is ready, so it has no endpoint and connections to the gateway fail",
        service.reference(Kind::Service)
    );
    let places = [
        maker.clone().into(),
        service.reference(Kind::Service).into(),
        Place::from(pod.object()),
    ];
    if let Some(place) = waits_for_injection(view, pod) {
        let namespace = pod.namespace();
        let message = format!(
            "nothing asks for injection of {maker}: neither namespace {namespace} nor the pod \
             template is labelled for it, so the pod keeps the placeholder image \"auto\", which \
             cannot be pulled; {so}"
        );
        let summary = "label the pod template sidecar.istio.io/inject: \"true\" (or the namespace \
            istio-injection: enabled), and restart it";
        return found(
            "The gateway's pod was not injected: image \"auto\"".to_owned(),
            message,
        )
        .on([
            maker.at("spec.template.metadata.labels"),
            place,
            pod.object().into(),
        ])
        .on([service.reference(Kind::Service).into()])
        .fix(injecting(view, &maker, summary));
    }
    let (what, why, cure) = state(view, pod);
    let message = format!(
        "the gateway's pod {}/{} {what}: {why}; {so}",
        pod.namespace(),
        pod.name()
    );
    found(format!("The gateway's pod {what}"), message)
        .on(places)
        .seen(why)
        .fix(Fix::advice(cure))
}

/// Others serve: less of it is there than was meant.
fn some_ill(service: &Service, pod: &Pod, (ill, all): (usize, usize)) -> Finding {
    let why = pod
        .trouble()
        .unwrap_or_else(|| "it does not say why".into());
    let message = format!(
        "{ill} of the {all} pods of {} are not ready; the others serve. {}: {why}",
        service.reference(Kind::Service),
        pod.name()
    );
    found(
        format!("{ill} of {all} pods of the gateway are not ready"),
        message,
    )
    .on([workload_of(pod).into(), pod.object().into()])
    .severity(Severity::Warning)
}

fn found(title: String, message: String) -> Finding {
    Finding::new(CODE, HopName::Gateway, title, message)
}

/// The image that the injector replaces, in a pod that it did not touch; the place where injection
/// would be asked for.
fn waits_for_injection(view: &View<'_>, pod: &Pod) -> Option<Place> {
    let placeholder = pod
        .spec
        .containers
        .iter()
        .any(|c| c.name == PROXY && c.image == "auto");
    let namespace = namespace_of(view, pod.namespace());
    let asked = injects(namespace, &pod.metadata);
    (placeholder && (!asked || !namespace.is_some_and(labelled)))
        .then(|| ObjectRef::new(Kind::Namespace, "", pod.namespace()).at("metadata.labels"))
}

fn injecting(view: &View<'_>, maker: &ObjectRef, summary: &str) -> Fix {
    let patch = json!({"spec": {"template": {"metadata": {"labels": {"sidecar.istio.io/inject": "true"}}}}});
    Fix::patch(view.world, maker, patch, summary)
}

/// What it does, why, and what to do.
fn state(view: &View<'_>, pod: &Pod) -> (&'static str, String, String) {
    let statuses = || {
        pod.status
            .init_container_statuses
            .iter()
            .chain(&pod.status.container_statuses)
    };
    let waiting = || statuses().filter_map(|s| s.state.waiting.as_ref());
    let trouble = pod
        .trouble()
        .unwrap_or_else(|| "it does not say why".into());
    let unscheduled = pod
        .status
        .conditions
        .iter()
        .find(|c| c.kind == "PodScheduled" && c.status == "False");
    if let Some(condition) = unscheduled {
        let why = format!("{} {}", condition.reason, condition.message);
        return (
            "is pending, it cannot be scheduled",
            why,
            "make room on a node that it may run on, or change what the pod asks for (resources, \
            node selector, tolerations)"
                .into(),
        );
    }
    if waiting().any(|w| w.reason == "CrashLoopBackOff")
        || statuses().any(|s| s.restart_count > 2 && !s.ready)
    {
        let cure = format!(
            "check its last logs: kubectl logs -n {} {} -c {PROXY} --previous",
            pod.namespace(),
            pod.name()
        );
        return ("crashes again and again (crash loop)", trouble, cure);
    }
    if waiting().any(|w| w.reason.contains("Image") || w.reason.contains("ErrImagePull")) {
        return (
            "cannot pull its image",
            trouble,
            "correct the image or the right to pull it".into(),
        );
    }
    if pod.is_running()
        && let Some((why, cure)) = cut_off(view, pod)
    {
        return ("is not connected to istiod", why, cure);
    }
    if pod.is_running() {
        let plane = view.world.snapshot.mesh.namespace.as_str();
        let istiod = view.world.snapshot.objects.pods.iter().any(|p| {
            p.namespace() == plane && p.metadata.label("app") == Some("istiod") && p.is_ready()
        });
        let cure = if istiod {
            "see what its readiness probe says: kubectl describe the pod"
        } else {
            "bring istiod up: a proxy is not ready before it has its configuration"
        };
        return ("runs and is not ready", trouble, cure.into());
    }
    ("does not run", trouble, "kubectl describe the pod".into())
}

/// A proxy that no istiod knows is not ready: why, and what to do. Nothing where istiod was not
/// asked, or is down itself.
fn cut_off(view: &View<'_>, pod: &Pod) -> Option<(String, String)> {
    let snapshot = view.world.snapshot;
    let planes: Vec<_> = snapshot
        .planes
        .values()
        .map(Look::seen)
        .collect::<Option<_>>()?;
    let known = |p: &&Plane| {
        p.proxies
            .iter()
            .any(|s| s.pod == pod.name() && s.namespace == pod.namespace())
    };
    if planes.is_empty() || planes.iter().any(known) {
        return None;
    }
    let config = pod
        .spec
        .proxy()
        .and_then(|c| c.variable("PROXY_CONFIG"))
        .unwrap_or_default();
    let config: Value = serde_json::from_str(config).unwrap_or_default();
    let asked = config["discoveryAddress"]
        .as_str()
        .map_or(String::new(), |a| format!(", it asks {a}"));
    let why = format!(
        "none of the {} istiod pods knows its proxy{asked}; a proxy is not ready before it has its \
         configuration",
        planes.len()
    );
    let cure = format!(
        "see whether it reaches istiod (port 15012 of {}): discoveryAddress in the annotation \
         proxy.istio.io/config, a NetworkPolicy, DNS, or a certificate that istiod refuses",
        snapshot.mesh.namespace
    );
    Some((why, cure))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pod(status: &str) -> Pod {
        serde_saphyr::from_str(&format!(
            "metadata: {{name: gw, namespace: egress}}\nstatus: {status}"
        ))
        .unwrap()
    }

    #[test]
    fn states_are_told_apart() {
        let snapshot = crate::snapshot::Snapshot::default();
        let world = crate::model::World::new(&snapshot);
        let path = crate::model::EgressPath {
            target: "a.b".parse().unwrap(),
            client: "x".parse().unwrap(),
            pod: None,
        };
        let walk = crate::model::Walk::default();
        let programmed = crate::snapshot::Look::Unseen(String::new());
        let view = View {
            world: &world,
            path: &path,
            walk: &walk,
            programmed: &programmed,
        };
        for (status, want) in [
            (
                "{phase: Pending, conditions: [{type: PodScheduled, status: \"False\", reason: \
                 Unschedulable, message: 0/1 nodes}]}",
                "pending",
            ),
            (
                "{phase: Running, containerStatuses: [{name: istio-proxy, state: {waiting: \
                 {reason: CrashLoopBackOff, message: back-off}}}]}",
                "crash",
            ),
            (
                "{phase: Pending, containerStatuses: [{name: istio-proxy, state: {waiting: \
                 {reason: ErrImagePull, message: no such image}}}]}",
                "image",
            ),
            (
                "{phase: Running, conditions: [{type: Ready, status: \"False\", reason: \
                 ContainersNotReady, message: unready}]}",
                "not ready",
            ),
        ] {
            let (what, why, _) = state(&view, &pod(status));
            assert!(
                what.contains(want) && !why.is_empty(),
                "{status}: {what}: {why}"
            );
        }
    }
}
