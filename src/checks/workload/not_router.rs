#![doc = include_str!("not_router.md")]

use super::gateway_service::destination;
use super::{makers, pods};
use crate::checks::finding::{Code, Finding, Fix};
use crate::checks::{Check, Layer, Outcome, View};
use crate::kubernetes::pod::{PROXY, PodSpec};
use crate::kubernetes::service::Service;
use crate::kubernetes::{Kind, Meta, ObjectRef, Place};
use crate::model::trace::HopName;
use serde_json::json;

const CODE: Code = Code("EG105");

pub(in crate::checks) const CHECK: Check = Check {
    code: CODE,
    title: "The gateway's pods are not injected as a gateway",
    layer: Layer::Intended,
    page: include_str!("not_router.md"),
    look,
};

fn look(view: &View<'_>) -> Outcome {
    let Some(service) = destination(view) else {
        return Outcome::Idle;
    };
    let mut makers = makers(view, service).into_iter();
    let odd = makers.find(|(_, maker)| {
        let template = &maker.spec.template;
        is_only_a_proxy(&template.spec) && !is_router(&template.metadata, &template.spec)
    });
    odd.map_or(Outcome::Pass, |(maker, _)| {
        Outcome::Found(vec![explain(view, service, &maker)])
    })
}

/// A pod that has nothing but the proxy: a gateway is meant.
fn is_only_a_proxy(spec: &PodSpec) -> bool {
    let mut containers = spec.containers.iter();
    !spec.containers.is_empty() && containers.all(|container| container.name == PROXY)
}

/// The injector's template for gateways, or the proxy's own arguments.
fn is_router(meta: &Meta, spec: &PodSpec) -> bool {
    let templates = meta
        .annotation("inject.istio.io/templates")
        .unwrap_or_default();
    let asks = templates
        .split(',')
        .any(|template| template.trim() == "gateway");
    let runs = spec
        .proxy()
        .is_some_and(|proxy| proxy.args.iter().any(|arg| arg == "router"));
    asks || runs
}

fn explain(view: &View<'_>, service: &Service, maker: &ObjectRef) -> Finding {
    let none = !pods(view, service).iter().any(|pod| pod.is_ready());
    let so = if none {
        "no pod of it is ready: with native sidecars the pod is left without a container and \
         cannot be created (spec.containers: Required)"
    } else {
        "its pods run the proxy as a sidecar, which takes no connections for hosts outside"
    };
    let message = format!(
        "{maker} behind {} asks for the injector's template for sidecars, not for gateways: the \
         annotation inject.istio.io/templates: gateway is missing in its pod template; {so}, and \
         connections that are routed there fail",
        service.reference(Kind::Service)
    );
    let patch = json!({"spec": {"template": {"metadata": {"annotations": {"inject.istio.io/templates": "gateway"}}}}});
    let summary = "annotate the pod template inject.istio.io/templates: gateway";
    Finding::new(
        CODE,
        HopName::Gateway,
        "The gateway's pods are injected as sidecars, not as a gateway",
        message,
    )
    .on([
        maker.at("spec.template.metadata.annotations"),
        Place::from(service.reference(Kind::Service)),
    ])
    .fix(Fix::patch(view.world, maker, patch, summary))
}
