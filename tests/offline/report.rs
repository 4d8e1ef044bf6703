//! Doctor's report: the same exit code in every form, forms that their readers take, suppression,
//! and refusals of files that cannot be read.

use super::run::{Run, egress};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

const FORMATS: [&str; 8] = [
    "text", "wide", "json", "yaml", "name", "sarif", "junit", "html",
];

fn bundle(state: &str) -> PathBuf {
    let case = "tests/fixtures/cases/c01-dr-in-one-team-client-in-another";
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join(case)
        .join(format!("{state}.json"))
}

fn doctor(bundle: &Path, more: &[&str]) -> Run {
    let path = bundle.display().to_string();
    let mut all = vec![
        "doctor",
        "--snapshot",
        &path,
        "--from",
        "team-b/deploy/sleep",
        "--host",
        "edition.cnn.com",
    ];
    all.extend(["--port", "80"]);
    all.extend(more);
    egress(&all)
}

/// A bundle with something about it changed.
fn changed(state: &str, change: impl Fn(&mut Value)) -> (TempDir, PathBuf) {
    let text = std::fs::read_to_string(bundle(state)).expect("the bundle");
    let mut value = serde_json::from_str(&text).expect("JSON");
    change(&mut value);
    let folder = TempDir::new().expect("a folder");
    let path = folder.path().join("bundle.json");
    std::fs::write(&path, value.to_string()).expect("written");
    (folder, path)
}

#[test]
fn the_exit_code_is_the_same_in_every_form() {
    let unseen = |snapshot: &mut Value| {
        snapshot["unseen"] = json!([{"what": "telemetries", "why": "no right"}]);
    };
    let (_kept, unproven) = changed("fixed", unseen);
    let (_also, both) = changed("broken", unseen);
    for (path, more, code) in [
        (bundle("fixed"), &[][..], 0),
        (bundle("broken"), &[], 1),
        (unproven, &[], 3),
        (both.clone(), &[], 1),
        (bundle("broken"), &["--fail-on", "never"], 0),
        (bundle("fixed"), &["--fail-on", "warning"], 0),
    ] {
        for format in FORMATS {
            let run = doctor(&path, &[more, &["-o", format]].concat());
            assert_eq!(
                run.code,
                code,
                "{format} {}: {}",
                path.display(),
                run.stderr
            );
        }
    }
}

#[test]
fn people_see_the_path_the_change_and_the_reason() {
    insta::assert_snapshot!("broken_text", doctor(&bundle("broken"), &[]).stdout);
    insta::assert_snapshot!(
        "broken_wide",
        doctor(&bundle("broken"), &["-o", "wide"]).stdout
    );
    insta::assert_snapshot!(
        "broken_name",
        doctor(&bundle("broken"), &["-o", "name"]).stdout
    );
    let healthy = doctor(&bundle("fixed"), &[]).stdout;
    assert_eq!(healthy.lines().count(), 3, "{healthy}");
    insta::assert_snapshot!("healthy_text", healthy);
}

#[test]
fn junit_is_xml_and_its_counts_are_those_of_its_cases() {
    for name in ["broken", "fixed"] {
        let text = doctor(&bundle(name), &["-o", "junit"]).stdout;
        let document = roxmltree::Document::parse(&text).unwrap_or_else(|e| panic!("{e}: {text}"));
        let root = document.root_element();
        assert_eq!(root.tag_name().name(), "testsuites");
        let count = |node: roxmltree::Node<'_, '_>, tag: &str| {
            node.descendants().filter(|n| n.has_tag_name(tag)).count()
        };
        let suites = root.children().filter(|n| n.has_tag_name("testsuite"));
        for node in std::iter::once(root).chain(suites) {
            for (attribute, tag) in [
                ("tests", "testcase"),
                ("failures", "failure"),
                ("skipped", "skipped"),
            ] {
                let said = node.attribute(attribute).and_then(|n| n.parse().ok());
                assert_eq!(said, Some(count(node, tag)), "{name}: {attribute}: {text}");
            }
        }
        assert_eq!(count(root, "failure") > 0, name == "broken", "{text}");
        assert!(count(root, "testcase") > 5, "{text}");
    }
}

/// What SARIF 2.1.0 (OASIS) requires of the parts that are used.
#[test]
fn sarif_has_what_the_standard_requires() {
    for name in ["broken", "fixed"] {
        let text = doctor(&bundle(name), &["-o", "sarif"]).stdout;
        let sarif: Value = serde_json::from_str(&text).expect("JSON");
        assert_eq!(sarif["version"], "2.1.0");
        let schema = sarif["$schema"].as_str().unwrap_or_default();
        assert!(
            schema.contains("sarif") && schema.contains("2.1.0"),
            "{schema}"
        );
        let runs = sarif["runs"].as_array().expect("runs");
        assert_eq!(runs.len(), 1);
        let driver = &runs[0]["tool"]["driver"];
        assert!(
            driver["name"].as_str().is_some_and(|n| !n.is_empty()),
            "{driver}"
        );
        let rules = driver["rules"].as_array().expect("rules");
        let ids: Vec<&Value> = rules.iter().map(|rule| &rule["id"]).collect();
        let distinct: std::collections::BTreeSet<String> =
            ids.iter().map(ToString::to_string).collect();
        assert_eq!(distinct.len(), ids.len(), "each rule once: {ids:?}");
        for rule in rules {
            assert!(rule["shortDescription"]["text"].is_string(), "{rule}");
        }
        let results = runs[0]["results"].as_array().expect("results");
        assert!(name == "fixed" || !results.is_empty(), "{text}");
        for result in results {
            assert!(result["message"]["text"].is_string(), "{result}");
            assert!(ids.contains(&&result["ruleId"]), "{result}");
            if let Some(index) = result["ruleIndex"].as_u64() {
                let index = usize::try_from(index).expect("small");
                assert_eq!(rules[index]["id"], result["ruleId"], "{result}");
            }
            let level = result["level"].as_str().unwrap_or("warning");
            assert!(
                ["none", "note", "warning", "error"].contains(&level),
                "{result}"
            );
            for location in result["locations"].as_array().expect("locations") {
                let physical = &location["physicalLocation"]["artifactLocation"]["uri"];
                let logical = &location["logicalLocations"];
                assert!(physical.is_string() || logical.is_array(), "{location}");
            }
        }
    }
}

#[test]
fn programs_get_what_they_can_read() {
    let json: Value =
        serde_json::from_str(&doctor(&bundle("broken"), &["-o", "json"]).stdout).expect("JSON");
    assert_eq!(json["apiVersion"], "egress.report/v1");
    let keys: Vec<&String> = json
        .as_object()
        .expect("an object")
        .keys()
        .take(7)
        .collect();
    assert_eq!(
        keys,
        [
            "apiVersion",
            "kind",
            "verdict",
            "paths",
            "findings",
            "checks",
            "incomplete"
        ]
    );
    let sarif: Value =
        serde_json::from_str(&doctor(&bundle("broken"), &["-o", "sarif"]).stdout).expect("JSON");
    let result = &sarif["runs"][0]["results"][0];
    assert_eq!(
        (&sarif["version"], &result["level"]),
        (&json!("2.1.0"), &json!("error"))
    );
    assert_eq!(result["ruleId"], json["findings"][0]["code"]);
    assert_eq!(
        sarif["runs"][0]["tool"]["driver"]["rules"][0]["id"],
        result["ruleId"]
    );
    let junit = doctor(&bundle("broken"), &["-o", "junit"]).stdout;
    assert!(
        junit.starts_with("<?xml")
            && junit.contains("failures=\"1\"")
            && junit.ends_with("</testsuites>\n")
    );
    let html = doctor(&bundle("broken"), &["-o", "html"]).stdout;
    for outside in ["http://", "https://", "<script", "src="] {
        assert!(
            !html.contains(outside),
            "the page loads something: {outside}"
        );
    }
}

#[test]
fn what_a_cluster_says_cannot_steer_a_terminal_or_a_page() {
    let evil = "\u{1b}[31m<script>\u{202e}";
    let (_kept, path) = changed("fixed", |s| {
        s["unseen"] = json!([{"what": evil, "why": "&\"'"}]);
    });
    for format in FORMATS {
        let out = doctor(&path, &["-o", format]).stdout;
        assert!(
            !out.contains('\u{1b}') && !out.contains('\u{202e}'),
            "{format}: {out}"
        );
    }
    assert!(!doctor(&path, &["-o", "html"]).stdout.contains("<script"));
}

#[test]
fn findings_can_be_suppressed_and_a_suppression_without_a_match_is_told() {
    let first = |run: &Run| {
        serde_json::from_str::<Value>(&run.stdout).expect("JSON")["findings"][0].clone()
    };
    let found = first(&doctor(&bundle("broken"), &["-o", "json"]));
    let code = found["code"].as_str().expect("a code");
    let skipped = doctor(&bundle("broken"), &["--skip", code, "-o", "json"]);
    let report: Value = serde_json::from_str(&skipped.stdout).expect("JSON");
    assert_eq!(report["suppressed"], 1, "{}", skipped.stdout);
    let (_kept, path) = changed("broken", |snapshot| {
        let rules = snapshot["objects"]["destinationRules"]
            .as_array_mut()
            .expect("rules");
        for rule in rules {
            rule["metadata"]["annotations"] =
                json!({"egress.kubectl.io/ignore": format!("{code}, EG999")});
        }
    });
    let report: Value = serde_json::from_str(&doctor(&path, &["-o", "json"]).stdout).expect("JSON");
    assert_eq!(report["suppressed"], 1, "{report}");
    assert!(report["notes"].to_string().contains("EG999"), "{report}");
    let unused = doctor(&bundle("fixed"), &["--skip", code]);
    assert!(
        unused.code == 0 && unused.stdout.contains("suppressed nothing"),
        "{}",
        unused.stdout
    );
}

#[test]
fn files_that_cannot_be_read_are_wrong_usage_with_their_line() {
    let folder = TempDir::new().expect("a folder");
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).expect("written");
        path.display().to_string()
    };
    let broken = write(
        "broken.yaml",
        "apiVersion: v1\nkind: Service\nmetadata: {name: a\n",
    );
    let typed = write(
        "typed.yaml",
        "# x\n---\napiVersion: networking.istio.io/v1\nkind: Gateway\nmetadata: {name: g}\nspec: \
         5\n",
    );
    let other = write("other.json", "{\"apiVersion\": \"v1\"}");
    for (arguments, words) in [
        (
            vec!["doctor", "--offline", "-f", &broken, "--host", "x.org"],
            "broken.yaml:3: this is not YAML",
        ),
        (
            vec!["doctor", "--offline", "-f", &typed, "--host", "x.org"],
            "typed.yaml:3: Gateway default/g",
        ),
        (
            vec![
                "doctor",
                "--offline",
                "-f",
                "/nonexistent/x.yaml",
                "--host",
                "x.org",
            ],
            "/nonexistent/x.yaml",
        ),
        (
            vec!["doctor", "--snapshot", &other, "--host", "x.org"],
            "doctor --bundle",
        ),
        (
            vec!["doctor", "--snapshot", &other, "--only", "EG999"],
            "no check EG999",
        ),
    ] {
        egress(&arguments).assert_refused(&arguments.join(" "), 2, words);
    }
}

#[test]
fn explain_lists_the_checks_and_prints_a_page() {
    let list = egress(&["explain"]);
    assert!(
        list.code == 0 && list.stdout.contains("EG201"),
        "{}",
        list.stdout
    );
    let page = egress(&["explain", "eg201"]);
    assert!(
        page.code == 0 && page.stdout.starts_with("EG201 ") && page.stdout.contains("How to fix")
    );
    egress(&["explain", "EG999"]).assert_refused("explain EG999", 2, "no check EG999");
}
