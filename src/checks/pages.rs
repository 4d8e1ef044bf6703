//! The pages of the checks on the objects held to what they say: their heads, and their YAML, which
//! is laid over a small mesh and judged by all of these checks. *Wrong* must make the page's own
//! check speak first; under *Right* neither it nor any error may be left. What both have in common
//! stands once, under *Scenario*.

use super::engine::{Choice, examine, follow};
use super::finding::{Finding, Severity};
use super::fold::{Looked, fold};
use super::registry::CHECKS;
use super::{Check, Layer};
use crate::kubernetes::Kind;
use crate::model::target::{Client, Target};
use crate::model::{World, paths};
use crate::snapshot::Snapshot;
use serde_json::{Value, json};

const HEADS: [&str; 6] = [
    "What it looks for",
    "Why",
    "How to fix",
    "Wrong",
    "Right",
    "Source",
];

/// The objects that all examples of a page share; a page may have none.
const SCENARIO: &str = "Scenario";

#[test]
fn a_page_has_its_checks_title_and_the_usual_heads() {
    for check in on_objects() {
        let title = format!("# {} {}", check.code.0, check.title);
        assert_eq!(check.page.lines().next(), Some(title.as_str()));
        let heads: Vec<&str> = check
            .page
            .lines()
            .filter_map(|line| line.strip_prefix("## "))
            .filter(|head| *head != SCENARIO)
            .collect();
        assert_eq!(heads, HEADS, "{}", check.code.0);
        let empty = HEADS
            .iter()
            .find(|head| part(check, head).trim().is_empty());
        assert_eq!(empty, None, "{}", check.code.0);
    }
}

#[test]
fn wrong_on_a_page_makes_its_check_speak_first() {
    for (check, at, block) in blocks("Wrong") {
        let found = judge(&block);
        let first = found.first().map(|f| f.code);
        assert_eq!(
            first,
            Some(check.code),
            "{} Wrong {at}: {}",
            check.code.0,
            told(&found)
        );
        assert!(
            found[0].culprit().is_some(),
            "{} Wrong {at} names no object",
            check.code.0
        );
    }
}

#[test]
fn right_on_a_page_leaves_no_error() {
    for (check, at, block) in blocks("Right") {
        let found = judge(&block);
        let left = found
            .iter()
            .any(|f| f.code == check.code || f.severity == Severity::Error);
        assert!(!left, "{} Right {at}: {}", check.code.0, told(&found));
    }
}

/// The text below a head.
fn part(check: &Check, head: &str) -> &'static str {
    let after = check
        .page
        .split_once(&format!("\n## {head}\n"))
        .map_or("", |(_, rest)| rest);
    after.split("\n## ").next().unwrap_or_default()
}

fn on_objects() -> impl Iterator<Item = &'static Check> {
    CHECKS.iter().filter(|check| check.layer == Layer::Intended)
}

/// The examples below a head, for each check on the objects, each with the page's scenario before
/// it; a page without any has no fixture.
fn blocks(head: &str) -> Vec<(&'static Check, usize, String)> {
    let mut all = Vec::new();
    for check in on_objects() {
        let scenario = yaml(check, SCENARIO);
        let found = yaml(check, head);
        assert!(
            !found.is_empty(),
            "{} has no YAML under {head}",
            check.code.0
        );
        for (at, block) in found.into_iter().enumerate() {
            let documents: Vec<&str> = scenario.iter().copied().chain([block]).collect();
            all.push((check, at + 1, documents.join("\n---\n")));
        }
    }
    all
}

fn yaml(check: &Check, head: &str) -> Vec<&'static str> {
    part(check, head)
        .split("```yaml\n")
        .skip(1)
        .filter_map(|rest| rest.split("\n```").next())
        .collect()
}

fn told(found: &[Finding]) -> String {
    let lines: Vec<String> = found
        .iter()
        .map(|f| format!("{} {}: {}", f.code.0, f.title, f.message))
        .collect();
    lines.join("\n")
}

/// What the checks on the objects say about the path of a block.
pub(super) fn judge(block: &str) -> Vec<Finding> {
    let said = |key: &str| {
        block
            .lines()
            .find_map(|line| line.strip_prefix(&format!("# {key}: ")))
    };
    let client: Client = said("client")
        .unwrap_or("default/deploy/sleep")
        .parse()
        .unwrap();
    let target: Target = said("target")
        .unwrap_or("edition.cnn.com:443")
        .parse()
        .unwrap();
    let mut snapshot = mesh();
    for (at, document) in block.split("\n---\n").enumerate() {
        let only_comments = document.lines().all(|line| line.starts_with('#'));
        if !only_comments {
            put(&mut snapshot, at, serde_saphyr::from_str(document).unwrap());
        }
    }
    snapshot
        .objects
        .pods
        .extend(paths::would_be(&snapshot, &client));
    let world = World::new(&snapshot);
    let asked = paths::Asked {
        host: target.host,
        port: Some(target.port),
        protocol: Some(target.protocol),
    };
    let cases = follow(&world, paths::to(&world, &[client], &asked), false);
    let checks = Choice {
        layers: [Layer::Intended].into(),
        ..Choice::default()
    }
    .of(CHECKS);
    let findings = examine(&world, &cases, &checks).findings;
    fold(
        &Looked {
            snapshot: &snapshot,
            cases: &cases,
            checks: &checks,
        },
        findings,
    )
}

/// The documents of a block are of ages in their order.
fn put(snapshot: &mut Snapshot, at: usize, mut document: Value) {
    if document["kind"] == "MeshConfig" {
        snapshot.mesh.config = serde_json::from_value(document).unwrap();
        return;
    }
    let (group, _) = document["apiVersion"]
        .as_str()
        .unwrap()
        .split_once('/')
        .unwrap_or_default();
    let kind = Kind::find(group, document["kind"].as_str().unwrap()).unwrap();
    document["metadata"]["creationTimestamp"] = json!(format!("2026-01-01T00:00:{at:02}Z"));
    snapshot.objects.put(kind, document).unwrap();
}

/// Four namespaces with a client in each, and the egress gateway that istioctl installs.
fn mesh() -> Snapshot {
    let mut snapshot = Snapshot::default();
    snapshot.mesh.namespace = "istio-system".into();
    snapshot.mesh.revision = "default".into();
    snapshot.mesh.domain = "cluster.local".into();
    let mut put = |kind, object| snapshot.objects.put(kind, object).unwrap();
    put(
        Kind::Namespace,
        json!({"metadata": {"name": "istio-system"}}),
    );
    for (at, namespace) in ["default", "team-a", "team-b", "payments"]
        .into_iter()
        .enumerate()
    {
        let labels = json!({"istio-injection": "enabled"});
        put(
            Kind::Namespace,
            json!({"metadata": {"name": namespace, "labels": labels}}),
        );
        let containers =
            json!([{"name": "sleep"}, {"name": "istio-proxy", "args": ["proxy", "sidecar"]}]);
        put(
            Kind::Pod,
            pod(
                (namespace, "sleep"),
                json!({"app": "sleep"}),
                &containers,
                at + 2,
            ),
        );
    }
    let labels = json!({"app": "istio-egressgateway", "istio": "egressgateway"});
    let containers = json!([{"name": "istio-proxy", "args": ["proxy", "router"]}]);
    put(
        Kind::Pod,
        pod(
            ("istio-system", "istio-egressgateway"),
            labels,
            &containers,
            9,
        ),
    );
    put(
        Kind::Service,
        json!({
            "metadata": {"name": "istio-egressgateway", "namespace": "istio-system",
                "labels": {"istio": "egressgateway"}, "creationTimestamp": "2025-01-01T00:00:00Z"},
            "spec": {"clusterIP": "10.96.0.9", "selector": {"istio": "egressgateway"}, "ports": [
                {"name": "http2", "port": 80, "targetPort": 8080}, {"name": "https", "port": 443, "targetPort": 8443}]},
        }),
    );
    snapshot
}

fn pod(
    (namespace, workload): (&str, &str),
    mut labels: Value,
    containers: &Value,
    address: usize,
) -> Value {
    labels["pod-template-hash"] = json!("1");
    json!({
        "metadata": {"name": format!("{workload}-1-a"), "namespace": namespace, "labels": labels,
            "ownerReferences": [{"kind": "ReplicaSet", "name": format!("{workload}-1")}]},
        "spec": {"serviceAccountName": workload, "containers": containers},
        "status": {"phase": "Running", "podIP": format!("10.244.0.{address}"),
            "conditions": [{"type": "Ready", "status": "True"}]},
    })
}
