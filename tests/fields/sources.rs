//! The lists that no cluster serves, from the Istio that the mesh is built of: settings of the mesh
//! config, istiod's switches, annotations, labels, the arguments of istio-init.

use crate::mesh::MESH;
use kubectl_egress::fields::{SETTINGS, Table};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Where a module of the mesh's Istio lies; Go brings it if it is not there.
fn module(name: &str) -> PathBuf {
    let parts = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/mesh/parts/istio");
    let go = |arguments: &[&str]| {
        let output = Command::new("go")
            .args(arguments)
            .current_dir(&parts)
            .output()
            .expect("go runs");
        let words = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "go {arguments:?}: {words}");
        String::from_utf8(output.stdout)
            .expect("text")
            .trim()
            .to_owned()
    };
    let place = go(&["list", "-m", "-f", "{{.Dir}}", name]);
    if place.is_empty() {
        go(&["mod", "download", name]);
        return go(&["list", "-m", "-f", "{{.Dir}}", name]).into();
    }
    place.into()
}

fn text(module_name: &str, file: &str) -> String {
    let path = module(module_name).join(file);
    std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

fn table(name: &str) -> &'static Table {
    &SETTINGS
        .iter()
        .find(|(n, _)| *n == name)
        .expect("a table")
        .1
}

/// Each name is in the table, and each line of the table is for a name; lines of older releases are
/// said to be so.
fn holds(name: &str, names: &[String], older: &[&str]) {
    assert!(names.len() > 5, "{name}: only {names:?}");
    let table = table(name);
    let missing: Vec<&String> = names
        .iter()
        .filter(|n| table.setting(n).is_none())
        .collect();
    assert!(missing.is_empty(), "{name}: in no line: {missing:?}");
    let lines = table.fields.iter();
    let strange: Vec<&str> = lines
        .filter(|l| !older.contains(&l.path) && !names.iter().any(|n| l.is_for_setting(n)))
        .map(|l| l.path)
        .collect();
    assert!(strange.is_empty(), "{name}: there is no {strange:?}");
}

#[test]
fn every_setting_of_the_mesh_config() {
    let proto = text("istio.io/api", "mesh/v1alpha1/config.proto");
    let message = proto
        .split("\nmessage MeshConfig {\n")
        .nth(1)
        .expect("MeshConfig");
    let message = message.split("\n}\n").next().expect("its end");
    let mut names = Vec::new();
    for line in message.lines() {
        let Some(line) = line
            .strip_prefix("  ")
            .filter(|l| l.starts_with(|c: char| c.is_ascii_alphabetic()))
        else {
            continue;
        };
        let words: Vec<&str> = line.split_whitespace().collect();
        let at = words.iter().position(|w| *w == "=");
        let Some(at) = at.filter(|at| *at >= 2) else {
            continue;
        };
        let starts = ["message", "enum", "option", "reserved", "oneof"];
        if !starts.contains(&words[0]) && words[at + 1].starts_with(|c: char| c.is_ascii_digit()) {
            names.push(camel(words[at - 1]));
        }
    }
    holds("MeshConfig", &names, &[]);
}

#[test]
fn every_switch_of_istiod() {
    let folder = module("istio.io/istio").join("pilot/pkg/features");
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder).expect("the features").flatten() {
        let code = std::fs::read_to_string(entry.path()).unwrap_or_default();
        for rest in code.split("Register").skip(1) {
            let Some((before, quoted)) = rest.split_once('"') else {
                continue;
            };
            let Some((name, _)) = quoted.split_once('"') else {
                continue;
            };
            let close = !before.contains('\n') || before.trim_end().ends_with('(');
            let upper = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
            if close && name.len() > 3 && name.chars().all(upper) {
                names.push(name.to_owned());
            }
        }
    }
    // The alpha kinds of the Gateway API had a switch up to 1.29.
    holds("istiod", &names, &["PILOT_ENABLE_ALPHA_GATEWAY_API"]);
}

#[test]
fn every_annotation_and_label() {
    let named = |file: &str| -> Vec<String> {
        let text = text("istio.io/api", file);
        let lines = text
            .lines()
            .filter_map(|l| l.trim_start().strip_prefix("- name: "));
        lines
            .map(|n| n.trim().trim_matches('"').to_owned())
            .collect()
    };
    holds("annotations", &named("annotation/annotations.yaml"), &[]);
    holds("labels", &named("label/labels.yaml"), &[]);
}

#[test]
fn every_argument_of_istio_init() {
    let code = text(
        "istio.io/istio",
        "tools/istio-iptables/pkg/constants/constants.go",
    );
    let block = code
        .split("Constants used in cobra/viper CLI")
        .nth(1)
        .expect("the arguments");
    let block = block.split("\n)").next().expect("their end");
    let names: Vec<String> = block
        .lines()
        .filter_map(|l| l.split_once("= \"")?.1.split('"').next())
        .map(str::to_owned)
        .collect();
    holds("istio-init", &names, &[]);
}

#[test]
fn every_field_of_kubernetes_own_kinds() {
    let mut names = Vec::new();
    let lists: [(&str, &[&str]); 3] = [
        (
            "/openapi/v3/api/v1",
            &[
                "ServiceSpec",
                "ServicePort",
                "PodSpec",
                "Container",
                "PodStatus",
            ],
        ),
        (
            "/openapi/v3/apis/networking.k8s.io/v1",
            &[
                "NetworkPolicySpec",
                "NetworkPolicyEgressRule",
                "NetworkPolicyIngressRule",
                "NetworkPolicyPeer",
                "NetworkPolicyPort",
                "IPBlock",
            ],
        ),
        (
            "/openapi/v3/apis/discovery.k8s.io/v1",
            &["EndpointSlice", "Endpoint", "EndpointPort"],
        ),
    ];
    for (path, kinds) in lists {
        let answer = MESH.kubectl(&["get", "--raw", path]);
        let answer: Value = serde_json::from_str(&answer).expect("JSON");
        let schemas = answer["components"]["schemas"]
            .as_object()
            .expect("schemas");
        for kind in kinds {
            let (_, schema) = schemas
                .iter()
                .find(|(name, _)| name.rsplit('.').next() == Some(*kind))
                .unwrap_or_else(|| panic!("{path} has no {kind}"));
            let fields = schema["properties"].as_object().expect("properties");
            names.extend(fields.keys().map(|f| format!("{kind}.{f}")));
        }
    }
    holds("Kubernetes", &names, &[]);
}

fn camel(name: &str) -> String {
    let mut parts = name.split('_');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |name, part| {
        let (head, tail) = part.split_at(1);
        format!("{name}{}{tail}", head.to_ascii_uppercase())
    })
}
