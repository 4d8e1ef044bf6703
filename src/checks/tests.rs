//! Every check has a page, and the page is true: the YAML under *Wrong* fails the check, the YAML under *Right* passes
//! all of them, in the whole engine, over a mesh with Istio's defaults and a few namespaces with a client in each.

use super::engine::{Choice, examine, follow};
use super::finding::Finding;
use super::fold::{Looked, fold};
use super::registry::{CHECKS, RETIRED};
use super::{Check, Layer};
use crate::kubernetes::{Kind, ObjectRef};
use crate::model::World;
use crate::model::paths::{self, Asked};
use crate::model::target::{Client, Target};
use crate::snapshot::{Origin, Snapshot};
use serde_json::json;
use std::collections::BTreeSet;

const HEADS: [&str; 6] = ["What it looks for", "Why", "How to fix", "Wrong", "Right", "Source"];

/// One example of a page.
struct Example<'p> {
    client: Client,
    target: Target,
    yaml: &'p str,
}

/// The sections of a page, by their heads.
fn sections(page: &str) -> Vec<(&str, &str)> {
    let parts = page.split("\n## ").skip(1);
    parts.map(|part| part.split_once('\n').unwrap_or((part, ""))).collect()
}

fn examples(section: &str) -> Vec<Example<'_>> {
    let blocks = section.split("```yaml\n").skip(1).filter_map(|part| part.split_once("\n```").map(|(yaml, _)| yaml));
    let said = |yaml: &str, key: &str| {
        let line = yaml.lines().find_map(|line| line.strip_prefix(key));
        line.map(|rest| rest.split_whitespace().next().unwrap_or_default().to_owned())
    };
    let example = |yaml| Example {
        client: said(yaml, "# client:").unwrap_or("default/deploy/sleep".into()).parse().unwrap(),
        target: said(yaml, "# target:").unwrap_or("edition.cnn.com:443".into()).parse().unwrap(),
        yaml,
    };
    blocks.map(example).collect()
}

fn mesh() -> Snapshot {
    let mut snapshot = Snapshot::offline().unwrap();
    for (at, namespace) in ["default", "team-a", "team-b", "payments"].into_iter().enumerate() {
        let mut put = |kind, value| snapshot.objects.put(kind, value).unwrap();
        put(Kind::Namespace, json!({"metadata": {"name": namespace, "labels": {"istio-injection": "enabled"}}}));
        put(
            Kind::Pod,
            json!({"metadata": {"name": "sleep-1-a", "namespace": namespace,
                "labels": {"app": "sleep", "pod-template-hash": "1"},
                "ownerReferences": [{"kind": "ReplicaSet", "name": "sleep-1"}]},
                "spec": {"serviceAccountName": "sleep", "containers": [{"name": "sleep"}, {"name": "istio-proxy"}]},
                "status": {"phase": "Running", "podIP": format!("10.244.1.{at}"),
                    "conditions": [{"type": "Ready", "status": "True"}]}}),
        );
    }
    snapshot
}

/// Objects are as old as their place on the page says, unless they say more.
fn grow_old(snapshot: &mut Snapshot, objects: &[ObjectRef]) {
    for (at, object) in objects.iter().enumerate() {
        let mut value = snapshot.objects.get(object).unwrap();
        if value.pointer("/metadata/creationTimestamp").is_none() {
            value["metadata"]["creationTimestamp"] = json!(format!("2026-01-01T00:{at:02}:00Z"));
            snapshot.objects.put(object.kind, value).unwrap();
        }
    }
}

fn diagnose(code: &str, example: &Example<'_>) -> Vec<Finding> {
    let mut snapshot = mesh();
    let laid = snapshot.lay(example.yaml, Origin { path: code, namespace: "default" }).unwrap();
    grow_old(&mut snapshot, &laid);
    if paths::stand_in(&snapshot.objects, &example.client).is_none()
        && let (Some(workload), Some((kind, _))) =
            (paths::workload(&snapshot.objects, &example.client), &example.client.workload)
    {
        let pod = paths::would_be(&snapshot, *kind, workload);
        snapshot.objects.pods.push(pod);
    }
    let world = World::new(&snapshot);
    let Target { host, port, protocol } = example.target.clone();
    let asked = Asked { host, port: Some(port), protocol: Some(protocol) };
    let cases = follow(&world, paths::to(&world, std::slice::from_ref(&example.client), &asked), false);
    let choice = Choice { layers: BTreeSet::from([Layer::Intended]), only: Vec::new() };
    let checks = choice.of(CHECKS);
    let examined = examine(&world, &cases, &checks);
    fold(&Looked { snapshot: &snapshot, cases: &cases, checks: &checks }, examined.findings)
}

fn told(findings: &[Finding]) -> Vec<String> {
    findings.iter().map(|f| format!("{} {:?} {} explains {:?}", f.code, f.severity, f.title, f.explains)).collect()
}

/// What is wrong with a check's page.
fn faults(check: &Check) -> Vec<String> {
    let code = check.code.0;
    let mut faults = Vec::new();
    let first = check.page.lines().next().unwrap_or_default();
    if first != format!("# {code} {}", check.title) {
        faults.push(format!("{code}: the page begins with {first:?}, the check is called {:?}", check.title));
    }
    let sections = sections(check.page);
    let heads: Vec<&str> = sections.iter().map(|(head, _)| *head).collect();
    if heads != HEADS {
        faults.push(format!("{code}: the heads are {heads:?}"));
        return faults;
    }
    if check.layer != Layer::Intended {
        return faults;
    }
    let (wrong, right) = (examples(sections[3].1), examples(sections[4].1));
    if wrong.is_empty() || right.is_empty() {
        faults.push(format!("{code}: no YAML under Wrong or Right"));
    }
    for (at, example) in wrong.iter().enumerate() {
        let found = diagnose(code, example);
        if !found.iter().any(|f| f.code == check.code || f.explains.contains(&check.code)) {
            faults.push(format!("{code}: Wrong {} does not fail: {:?}", at + 1, told(&found)));
        }
    }
    for (at, example) in right.iter().enumerate() {
        let found = diagnose(code, example);
        if found.iter().any(|f| f.code == check.code || f.breaks()) {
            faults.push(format!("{code}: Right {} does not pass: {:?}", at + 1, told(&found)));
        }
    }
    faults
}

#[test]
fn every_page_is_whole_and_its_examples_are_true() {
    let faults: Vec<String> = CHECKS.iter().flat_map(faults).collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn numbers_are_unique_and_never_used_again() {
    let codes: BTreeSet<&str> = CHECKS.iter().map(|check| check.code.0).collect();
    assert_eq!(codes.len(), CHECKS.len());
    for code in codes {
        let digits = code.strip_prefix("EG").unwrap_or_default();
        assert!(digits.len() == 3 && digits.bytes().all(|b| b.is_ascii_digit()), "{code}");
        assert!(!RETIRED.contains(&code), "{code} has been given up");
    }
}
