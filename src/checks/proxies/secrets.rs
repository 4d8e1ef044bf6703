#![doc = include_str!("secrets.md")]

use super::{Link, links, outcome};
use crate::checks::finding::{Code, Finding, Fix};
use crate::checks::{Check, Layer, Outcome, View};
use crate::envoy::{Cluster, Secret};
use crate::kubernetes::{Kind, ObjectRef, Place};
use crate::model::trace::{ClusterName, HopName};
use crate::model::workload_of;

const CODE: Code = Code("EG306");

pub(in crate::checks) const CHECK: Check = Check {
    code: CODE,
    title: "A proxy waits for a secret",
    layer: Layer::Programmed,
    page: include_str!("secrets.md"),
    look,
};

fn look(view: &View<'_>) -> Outcome {
    let (links, unseen) = links(view);
    let mut found: Vec<Finding> = Vec::new();
    for link in &links {
        found.extend(own(link));
        found.extend(credential(view, link));
        found.extend(file(view, link));
    }
    found.dedup_by(|a, b| a.objects.first() == b.objects.first() && a.title == b.title);
    outcome(found, &unseen)
}

/// The proxy's own identity.
fn own(link: &Link<'_>) -> Option<Finding> {
    let lacks = |secret: Option<&Secret>| secret.is_some_and(|s| !s.delivered());
    let identity = lacks(link.proxy.identity());
    if !identity && !lacks(link.proxy.roots()) {
        return None;
    }
    let what = if identity {
        "certificate of its own"
    } else {
        "root of the mesh"
    };
    let message = format!(
        "the proxy of {} has no {what} yet: istiod has not signed one, so it can neither start nor \
         end mutual TLS",
        link.name()
    );
    let finding = Finding::new(
        CODE,
        link.hop,
        format!("The proxy of {} has no {what}", link.name()),
        message,
    )
    .on([Place::from(link.pod.object()), workload_of(link.pod).into()])
    .fix(Fix::advice(
        "see what its agent logs about the certificate, and whether istiod runs",
    ));
    Some(finding)
}

/// What the cluster towards the host refers to, and the proxy did not get.
fn credential(view: &View<'_>, link: &Link<'_>) -> Option<Finding> {
    let host = view.path.target.host.text();
    let to_host = |c: &&Cluster| ClusterName::from(c.name.clone()).host() == Some(&host);
    let (cluster, name) = link
        .proxy
        .clusters
        .iter()
        .filter(to_host)
        .find_map(|c| Some((c, missing(link, c, "kubernetes://")?)))?;
    let namespace = link.pod.namespace();
    let bare = name
        .trim_start_matches("kubernetes://")
        .rsplit('/')
        .next()
        .unwrap_or_default();
    let secret = ObjectRef::new(Kind::Secret, namespace, bare);
    let rule = view
        .world
        .rules
        .all_for(&host)
        .into_iter()
        .map(|r| Place::from(r.reference(Kind::DestinationRule)));
    let message = format!(
        "the {} pod {} asked istiod for the Secret {namespace}/{bare} and did not get it: there is \
         no such Secret in namespace {namespace}, where the proxy runs, or it lacks the keys that \
         are needed, or its name ends in -cacert, or the proxy's service account may not read it; \
         cluster {} waits for it, and connections to the host fail with 503 (or go on with the \
         configuration from before, without TLS)",
        if link.hop == HopName::Gateway {
            "gateway"
        } else {
            "client"
        },
        link.name(),
        cluster.name
    );
    let finding = Finding::new(
        CODE,
        link.hop,
        format!("The credential {bare} was not delivered to the proxy"),
        message,
    )
    .on([secret.into()])
    .on(rule)
    .on([Place::from(link.pod.object())])
    .fix(Fix::advice(format!(
        "create the Secret {bare} in namespace {namespace} with tls.crt, tls.key and ca.crt (or \
             ca.crt alone for plain TLS)"
    )));
    Some(finding)
}

/// A file that the cluster towards the host is to be read from, and that the proxy does not have.
fn file(view: &View<'_>, link: &Link<'_>) -> Option<Finding> {
    let host = view.path.target.host.text();
    let step = match link.hop {
        HopName::Gateway => view.walk.trace.gateway.as_ref()?,
        _ => &view.walk.trace.sidecar,
    };
    let name = step.cluster.as_ref()?.value.to_string();
    let cluster = link.proxy.cluster(&name)?;
    let asked = missing(link, cluster, "file-root:").or_else(|| {
        // A certificate and its key are one secret of two files.
        missing(link, cluster, "file-cert:")
    })?;
    let (_, files) = asked.split_once(':')?;
    let files = files.replace('~', " and ");
    let rules = view.world.rules.all_for(&host).into_iter();
    let rules = rules.map(|r| r.reference(Kind::DestinationRule).at("spec.trafficPolicy"));
    let message = format!(
        "the proxy of {} is to read {files} for its TLS to {host} (caCertificates, \
         clientCertificate, privateKey), and has no such file: cluster {name} waits for it, and \
         connections to the host fail with 503",
        link.name()
    );
    let finding = Finding::new(
        CODE,
        link.hop,
        format!("The proxy of {} has no file {files}", link.name()),
        message,
    )
    .on(rules)
    .on([workload_of(link.pod).into()])
    .fix(Fix::advice(
        "correct the path, mount the file into the proxy, or name a Secret by credentialName \
         instead",
    ));
    Some(finding)
}

/// The first secret of a kind that a cluster names and that was not delivered.
fn missing(link: &Link<'_>, cluster: &Cluster, kind: &str) -> Option<String> {
    let tls = cluster
        .tls
        .iter()
        .chain(cluster.socket_matches.iter().filter_map(|m| m.tls.as_ref()));
    let mut names = tls
        .flat_map(|t| t.certificate.iter().chain(&t.roots))
        .filter(|n| n.starts_with(kind));
    let there = |name: &str| link.proxy.secret(name).is_some_and(Secret::delivered);
    names.find(|name| !there(name)).cloned()
}
