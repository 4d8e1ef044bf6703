#![doc = include_str!("stale.md")]

use super::roots::distrusts_istiod;
use super::{Link, links, outcome};
use crate::checks::finding::{Code, Confidence, Finding, Fix};
use crate::checks::{Check, Layer, Outcome, View};
use crate::kubernetes::pod::Pod;
use crate::kubernetes::{Kind, ObjectRef, Place};
use crate::model::trace::HopName;
use crate::model::workload_of;
use crate::snapshot::{Look, Snapshot};

const CODE: Code = Code("EG302");

pub(in crate::checks) const CHECK: Check = Check {
    code: CODE,
    title: "A proxy is cut off from istiod",
    layer: Layer::Programmed,
    page: include_str!("stale.md"),
    look,
};

fn look(view: &View<'_>) -> Outcome {
    let snapshot = view.world.snapshot;
    if let Some(unseen) = snapshot.narrow().filter(|_| snapshot.planes.is_empty()) {
        return Outcome::Skip(format!(
            "istiod was not checked: not all {} could be read",
            unseen.what
        ));
    }
    if snapshot.planes.is_empty() {
        let running = istiods(snapshot).any(Pod::is_running);
        if running || snapshot.mesh.namespace.is_empty() {
            return Outcome::Idle;
        }
        return Outcome::Found(vec![no_plane(snapshot)]);
    }
    let (links, unseen) = links(view);
    if links.is_empty() {
        return outcome(Vec::new(), &unseen);
    }
    let unread = snapshot.planes.values().find_map(|p| match p {
        Look::Unseen(why) => Some(why.clone()),
        Look::Seen(_) => None,
    });
    // Why a proxy with another root has no connection is for EG402 to say.
    let lost = links
        .iter()
        .filter(|l| !known(snapshot, l) && distrusts_istiod(view, l).is_none());
    let lost: Vec<&Link> = lost.collect();
    match (lost.is_empty(), unread) {
        (true, _) => outcome(Vec::new(), &unseen),
        // Another replica may know it.
        (false, Some(why)) => Outcome::Skip(why),
        (false, None) => Outcome::Found(lost.into_iter().map(|l| cut_off(snapshot, l)).collect()),
    }
}

fn istiods(snapshot: &Snapshot) -> impl Iterator<Item = &Pod> {
    let ours = |p: &&Pod| {
        p.namespace() == snapshot.mesh.namespace && p.metadata.label("app") == Some("istiod")
    };
    snapshot.objects.pods.iter().filter(ours)
}

fn known(snapshot: &Snapshot, link: &Link<'_>) -> bool {
    let mut all = snapshot
        .planes
        .values()
        .filter_map(Look::seen)
        .flat_map(|p| &p.proxies);
    all.any(|s| s.pod == link.pod.name() && s.namespace == link.pod.namespace())
}

fn cut_off(snapshot: &Snapshot, link: &Link<'_>) -> Finding {
    let maker = workload_of(link.pod);
    let ready = if link.pod.is_ready() {
        ""
    } else {
        " and its pod is not ready"
    };
    let message = format!(
        "the proxy of {} is not connected to istiod: none of its {} replicas knows it{ready}; it \
         goes on with the configuration and the certificate that it had, gets no change of routes \
         or endpoints, and will fail when its certificate expires",
        link.name(),
        snapshot.planes.len()
    );
    Finding::new(
        CODE,
        link.hop,
        format!("The proxy of {maker} is cut off from istiod"),
        message,
    )
    .on([Place::from(link.pod.object()), maker.clone().into()])
    .fix(Fix::advice(format!(
        "see whether {}/{} reaches istiod (port 15012 of {}): a NetworkPolicy, DNS, or a \
             certificate that istiod refuses",
        link.pod.namespace(),
        link.pod.name(),
        snapshot.mesh.namespace
    )))
}

/// No istiod at all.
fn no_plane(snapshot: &Snapshot) -> Finding {
    let namespace = &snapshot.mesh.namespace;
    let maker = snapshot.objects.deployments.iter().find(|d| {
        d.namespace() == namespace && d.spec.template.metadata.label("app") == Some("istiod")
    });
    let object = maker.map_or_else(
        || ObjectRef::new(Kind::Deployment, namespace, "istiod"),
        |d| d.reference(Kind::Deployment),
    );
    let scaled = maker.is_some_and(|d| d.spec.replicas == Some(0));
    let trouble = istiods(snapshot).find_map(Pod::trouble);
    let why = match (scaled, trouble) {
        (true, _) => "it is scaled to 0 replicas".to_owned(),
        (false, Some(words)) => words,
        (false, None) => "none of its pods runs".to_owned(),
    };
    let message = format!(
        "istiod is down: {object}: {why}; the proxies go on with what they had, no change reaches \
         them, new pods get no sidecar, and certificates are not renewed"
    );
    Finding::new(CODE, HopName::Sidecar, "istiod is down", message)
        .sure(Confidence::Certain)
        .on([object.clone().into()])
        .fix(Fix::advice(format!("bring {object} up")))
}
