//! Real failures, taken as bundles from a live mesh in their broken and their fixed state
//! (`tests/fixtures/cases/take`), and looked at again without a cluster: the first finding names
//! the culprit, and the cure leaves nothing to say. Those that begin with `m-` are states in which
//! the mutation test (`tests/mutation`) once found doctor wrong.

use super::run::egress;
use serde_json::Value;
use std::path::{Path, PathBuf};

/// One state of one case.
struct State {
    name: String,
    expected: Value,
    report: Value,
    code: i32,
}

fn folders() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/cases");
    let entries = std::fs::read_dir(root)
        .expect("the cases")
        .map(|e| e.expect("an entry").path());
    let mut folders: Vec<PathBuf> = entries
        .filter(|p| p.join("expected.json").exists())
        .collect();
    folders.sort();
    folders
}

fn look(folder: &Path, state: &str) -> Option<State> {
    let bundle = folder.join(format!("{state}.json"));
    if !bundle.exists() {
        return None;
    }
    let text = std::fs::read_to_string(folder.join("expected.json")).expect("expected.json");
    let expected: Value = serde_json::from_str(&text).expect("JSON");
    let of = |key: &str| expected[key].as_str().unwrap_or_default().to_owned();
    let port = expected["port"].to_string();
    let bundle = bundle.display().to_string();
    let run = egress(&[
        "doctor",
        "--snapshot",
        &bundle,
        "--host",
        &of("host"),
        "--port",
        &port,
        "--from",
        &of("from"),
        "-o",
        "json",
    ]);
    let name = format!("{} {state}", folder.display());
    let report =
        serde_json::from_str(&run.stdout).unwrap_or_else(|e| panic!("{name}: {e}: {}", run.stderr));
    Some(State {
        name,
        expected,
        report,
        code: run.code,
    })
}

fn findings(report: &Value) -> &[Value] {
    report["findings"].as_array().map_or(&[], Vec::as_slice)
}

/// Whether one of the culprits is among the objects of a finding, or is its hop.
fn names(culprits: &Value, finding: &Value) -> bool {
    let same = |culprit: &Value, object: &Value| {
        ["kind", "namespace", "name"]
            .iter()
            .all(|key| culprit[key].is_null() || culprit[key] == object[key])
    };
    let objects = finding["objects"].as_array().map_or(&[][..], Vec::as_slice);
    let named = |culprit: &Value| match &culprit["hop"] {
        Value::Null => objects.iter().any(|object| same(culprit, object)),
        hop => *hop == finding["hop"],
    };
    culprits
        .as_array()
        .is_some_and(|culprits| culprits.iter().any(named))
}

#[test]
fn the_first_finding_on_a_broken_state_names_the_culprit() {
    let mut wrong = Vec::new();
    let states: Vec<State> = folders()
        .iter()
        .filter_map(|folder| look(folder, "broken"))
        .collect();
    assert!(states.len() > 30, "only {} cases", states.len());
    for State {
        name,
        expected,
        report,
        code,
    } in states
    {
        let first = findings(&report).first().cloned().unwrap_or_default();
        if !names(&expected["culprits"], &first) || code != 1 || report["verdict"] != "broken" {
            wrong.push(format!(
                "{name}: exit {code}, {}, first {} {}",
                report["verdict"], first["code"], first["title"]
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_fixed_state_has_no_error_and_nothing_on_the_culprit() {
    let mut wrong = Vec::new();
    let states: Vec<State> = folders()
        .iter()
        .filter_map(|folder| look(folder, "fixed"))
        .collect();
    assert!(states.len() > 30, "only {} cases", states.len());
    for State {
        name,
        expected,
        report,
        code,
    } in states
    {
        // Where too much was open, the cure closes the path, and doctor may say so.
        if expected["fixedBlocks"] == true {
            continue;
        }
        let noise = |f: &&Value| {
            f["severity"] == "error"
                || (f["severity"] == "warning" && names(&expected["culprits"], f))
        };
        let noise: Vec<&Value> = findings(&report)
            .iter()
            .filter(noise)
            .map(|f| &f["title"])
            .collect();
        if !noise.is_empty() || code != 0 {
            wrong.push(format!(
                "{name}: exit {code} {noise:?} {}",
                report["incomplete"]
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
