//! Every object of the cluster with its content and the owners of its fields, to compare before and
//! after. Left out are what changes by itself (events, leases, status, times), the namespaces of
//! other tests, and their hosts' objects in a gateway's namespace that tests share.

use super::mesh::{MESH, text};
use serde_json::Value;
use std::collections::BTreeMap;

pub(crate) struct Fingerprint(BTreeMap<String, Value>);

/// Kinds that the cluster itself writes all the time, or that are views of others.
const RESTLESS: &[&str] = &[
    "events",
    "leases",
    "componentstatuses",
    "metrics",
    "endpoints",
    "nodes",
    "ipaddresses",
];

/// What belongs to the test that asks: a namespace, that of its own gateway, and a host.
pub(crate) struct Own<'a> {
    pub(crate) namespace: &'a str,
    pub(crate) host: &'a str,
}

impl Fingerprint {
    pub(crate) fn take(own: &Own) -> Self {
        // The bystander that other tests ask for is there before anybody compares.
        MESH.apply(include_str!("other_host.yaml"));
        let kinds = MESH.kubectl(&["api-resources", "--verbs=list,get", "-o", "name"]);
        let kinds: Vec<&str> = kinds
            .lines()
            .filter(|k| !RESTLESS.iter().any(|r| k.starts_with(r)))
            .collect();
        Self::of_kinds(own, &kinds)
    }

    /// The same, of some kinds.
    pub(crate) fn of_kinds(own: &Own, kinds: &[&str]) -> Self {
        let all = MESH.json(&[
            "get",
            &kinds.join(","),
            "-A",
            "--show-managed-fields",
            "--ignore-not-found",
        ]);
        let objects = all["items"]
            .as_array()
            .expect("a list")
            .iter()
            .filter(|o| !of_another_test(o, own));
        Self(objects.map(|o| (name(o), essence(o))).collect())
    }

    /// Whether there is no difference.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        self.0 == other.0
    }

    /// Fail with the differences.
    pub(crate) fn assert_same(&self, after: &Self, when: &str) {
        let mut wrong = Vec::new();
        for (name, object) in &self.0 {
            match after.0.get(name) {
                None => wrong.push(format!("- {name}")),
                Some(now) if now != object => {
                    wrong.push(format!("! {name}\n  was {object}\n  is  {now}"));
                }
                Some(_) => {}
            }
        }
        wrong.extend(
            after
                .0
                .keys()
                .filter(|n| !self.0.contains_key(*n))
                .map(|n| format!("+ {n}")),
        );
        assert!(
            wrong.is_empty(),
            "the cluster differs {when}:\n{}",
            wrong.join("\n")
        );
    }
}

fn name(object: &Value) -> String {
    format!(
        "{} {}/{}",
        text(object, "/kind"),
        text(object, "/metadata/namespace"),
        text(object, "/metadata/name")
    )
}

/// Tests and people beside us work in namespaces of their own; only those of the system and of this
/// test are ours. In a shared gateway's namespace each host has objects and a record of its own.
fn of_another_test(object: &Value, own: &Own) -> bool {
    let namespace = match text(object, "/kind").as_str() {
        "Namespace" => text(object, "/metadata/name"),
        _ => text(object, "/metadata/namespace"),
    };
    let system = ["", "default", "istio-system", "istio-egress"].contains(&namespace.as_str());
    let ours = namespace == own.namespace || namespace == format!("{}-gateway", own.namespace);
    if !system && !namespace.starts_with("kube-") && !ours {
        return true;
    }
    // The roles of the tests of rights are of no namespace, and come and go.
    let kind = text(object, "/kind");
    if kind.starts_with("ClusterRole") && text(object, "/metadata/name").starts_with("rights-") {
        return true;
    }
    let (name, slug) = (text(object, "/metadata/name"), own.host.replace('.', "-"));
    let record = name.starts_with("kubectl-egress-") || name.starts_with("egress-");
    !ours && record && !name.contains(&slug)
}

fn essence(object: &Value) -> Value {
    let mut object = object.clone();
    if let Some(fields) = object.as_object_mut() {
        fields.remove("status");
    }
    if let Some(meta) = object.get_mut("metadata").and_then(Value::as_object_mut) {
        meta.remove("resourceVersion");
        meta.remove("generation");
        // istiod and the controllers write here who leads, every few seconds.
        if let Some(annotations) = meta.get_mut("annotations").and_then(Value::as_object_mut) {
            annotations.remove("control-plane.alpha.kubernetes.io/leader");
            // The deployment controller counts restarts, also those that were taken back.
            annotations.remove("deployment.kubernetes.io/revision");
        }
    }
    // Their order is that of their times; owners of the status alone come and go with it.
    if let Some(managed) = object
        .pointer_mut("/metadata/managedFields")
        .and_then(Value::as_array_mut)
    {
        managed.retain(|field| field["subresource"] != "status");
        for field in managed.iter_mut().filter_map(Value::as_object_mut) {
            field.remove("time");
        }
        managed.sort_by_key(ToString::to_string);
    }
    object
}
