#![doc = include_str!("roots.md")]

use super::identity::roots;
use super::{Link, links, outcome, taken};
use crate::checks::finding::{Code, Finding, Fix};
use crate::checks::{Check, Layer, Outcome, View};
use crate::identity::{Expected, Problem, verify};
use crate::kubernetes::{Kind, ObjectRef, Place};
use crate::model::target::short;
use crate::model::trace::HopName;
use crate::model::workload_of;
use crate::snapshot::Look;

const CODE: Code = Code("EG402");

pub(in crate::checks) const CHECK: Check = Check {
    code: CODE,
    title: "The two ends of the hop trust different roots",
    layer: Layer::Programmed,
    page: include_str!("roots.md"),
    look,
};

/// What istiod writes into every namespace.
const MAP: &str = "istio-ca-root-cert";

fn look(view: &View<'_>) -> Outcome {
    let (links, unseen) = links(view);
    let clients: Vec<&Link> = links.iter().filter(|l| l.hop == HopName::Sidecar).collect();
    let gateways: Vec<&Link> = links.iter().filter(|l| l.hop == HopName::Gateway).collect();
    let mut found: Vec<Finding> = links
        .iter()
        .filter_map(|link| replaced(view, link))
        .collect();
    if !found.is_empty() {
        return Outcome::Found(found);
    }
    for client in &clients {
        for gateway in &gateways {
            found.extend(
                stranger(view, client, gateway).or_else(|| stranger(view, gateway, client)),
            );
        }
    }
    found.extend(links.iter().find_map(|link| against_map(view, link)));
    found.extend(istiod_itself(view));
    found.truncate(2);
    outcome(found, &unseen)
}

/// Whether a proxy's roots do not vouch for the istiod that runs: then it cannot connect to it,
/// whatever else is right.
pub(super) fn distrusts_istiod(view: &View<'_>, link: &Link<'_>) -> Option<String> {
    let planes = view.world.snapshot.planes.values().filter_map(Look::seen);
    let own = roots(link.proxy.roots());
    planes
        .into_iter()
        .map(|plane| no_path(view, &plane.chain, &own))
        .collect::<Option<Vec<_>>>()?
        .pop()
}

/// The authority was exchanged, and this proxy still has the old root: what istiod shows leads to
/// the root that it spreads now, and not to that of the proxy.
fn replaced(view: &View<'_>, link: &Link<'_>) -> Option<Finding> {
    let why = distrusts_istiod(view, link)?;
    let namespace = link.pod.namespace();
    let map = map_of(view, namespace).map(|pem| {
        (
            ObjectRef::new(Kind::ConfigMap, namespace, MAP).at("data[root-cert.pem]"),
            pem,
        )
    });
    let spread = |pem| {
        view.world
            .snapshot
            .planes
            .values()
            .filter_map(Look::seen)
            .all(|p| no_path(view, &p.chain, pem).is_none())
    };
    if map.as_ref().is_some_and(|(_, pem)| !spread(pem)) {
        return None;
    }
    let maker = workload_of(link.pod);
    let message = format!(
        "istiod's certificate is of another root than the one that {} has: {why}; the authority \
         was exchanged, and this proxy is from before: it can neither connect to istiod nor speak \
         mutual TLS with a proxy that has the new root",
        link.name()
    );
    let commands = vec![format!(
        "kubectl -n {namespace} rollout restart {}/{}",
        short(maker.kind),
        maker.name
    )];
    let summary = "restart what still has the old root; next time distribute both roots before the \
        authority changes";
    let finding = Finding::new(
        CODE,
        link.hop,
        format!("{maker} still has the old root"),
        message,
    )
    .on([maker.clone().into(), Place::from(link.pod.object())])
    .on(map.map(|(place, _)| place))
    .fix(Fix {
        commands,
        ..Fix::advice(summary)
    });
    Some(finding)
}

/// Why a chain does not lead to some roots.
fn no_path(view: &View<'_>, chain: &str, roots: &str) -> Option<String> {
    if chain.is_empty() || roots.is_empty() {
        return None;
    }
    let identity = verify(chain, roots, &Expected::Client, taken(view));
    identity
        .problems
        .iter()
        .find(|p| matches!(p, Problem::NoPath { .. }))
        .map(ToString::to_string)
}

/// One end shows a certificate that the other end's roots do not vouch for.
fn stranger(view: &View<'_>, judge: &Link<'_>, shown: &Link<'_>) -> Option<Finding> {
    let chain = &shown.proxy.identity()?.chain;
    let why = no_path(view, chain, &roots(judge.proxy.roots()))?;
    let message = format!(
        "{} shows a certificate that {} does not trust: {why}; they have different roots, and \
         mutual TLS between them fails",
        shown.name(),
        judge.name()
    );
    let finding = Finding::new(
        CODE,
        shown.hop,
        "Sidecar and gateway trust different roots",
        message,
    )
    .on([
        Place::from(shown.pod.object()),
        workload_of(shown.pod).into(),
        Place::from(judge.pod.object()),
    ])
    .fix(Fix::advice(
        "restart the one that still has the old root; with two CAs, distribute both roots \
            first",
    ));
    Some(finding)
}

/// The namespace's own copy of the root is another than that which its proxies have.
fn against_map(view: &View<'_>, link: &Link<'_>) -> Option<Finding> {
    let pem = map_of(view, link.pod.namespace())?;
    let why = no_path(view, &link.proxy.identity()?.chain, pem)?;
    let map = ObjectRef::new(Kind::ConfigMap, link.pod.namespace(), MAP);
    let message = format!(
        "the root in {map} did not sign the certificate of {}: {why}; a pod that starts now takes \
         its first root from there, and cannot connect to istiod",
        link.name()
    );
    let finding = Finding::new(
        CODE,
        link.hop,
        format!("The root in {map} is not the signing root"),
        message,
    )
    .on([
        map.at("data[root-cert.pem]"),
        Place::from(link.pod.object()),
    ])
    .fix(Fix::advice(format!(
        "delete {map}, and istiod writes it again; if it comes back the same, see which authority \
             istiod signs with"
    )));
    Some(finding)
}

/// istiod's own certificate must lead to the root that it spreads, else no proxy can connect.
fn istiod_itself(view: &View<'_>) -> Option<Finding> {
    let snapshot = view.world.snapshot;
    let pem = map_of(view, &view.path.client.namespace)
        .or_else(|| map_of(view, &snapshot.mesh.namespace))?;
    let planes = snapshot.planes.iter().filter_map(|(name, p)| match p {
        Look::Seen(plane) => Some((name, plane)),
        Look::Unseen(_) => None,
    });
    let (name, why) = planes
        .into_iter()
        .find_map(|(name, plane)| Some((name, no_path(view, &plane.chain, pem)?)))?;
    let map = ObjectRef::new(Kind::ConfigMap, &view.path.client.namespace, MAP);
    let (namespace, pod) = name.split_once('/').unwrap_or(("", name));
    let message = format!(
        "istiod {name} shows a certificate that the root in {map} did not sign: {why}; proxies \
         that start now refuse it and get no configuration"
    );
    let finding = Finding::new(
        CODE,
        HopName::Sidecar,
        "istiod's certificate is not of the root that proxies get",
        message,
    )
    .on([
        map.at("data[root-cert.pem]"),
        Place::from(ObjectRef::new(Kind::Pod, namespace, pod)),
    ])
    .fix(Fix::advice(
        "make istiod sign with the authority whose root it spreads (cacerts, istio-ca-secret), and \
                 restart it",
    ));
    Some(finding)
}

fn map_of<'v>(view: &View<'v>, namespace: &str) -> Option<&'v str> {
    let maps = &view.world.snapshot.objects.config_maps;
    let map = maps
        .iter()
        .find(|m| m.metadata.namespace == namespace && m.metadata.name == MAP)?;
    map.data.get("root-cert.pem").map(String::as_str)
}
