//! What is linked into the program, and how it is released. deny.toml says what may be; cargo-deny
//! holds it with its own means where it is there (`make deny`), these tests hold it everywhere.

use serde_json::Value;
use std::path::Path;
use std::process::Command;

fn file(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// The crates that a build for this platform takes, by `cargo metadata`.
fn packages() -> Vec<Value> {
    let mut metadata = Command::new(env!("CARGO"));
    metadata.args(["metadata", "--locked", "--offline", "--format-version", "1"]);
    metadata.args(["--filter-platform", "x86_64-unknown-linux-gnu"]);
    let output = metadata
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let packages = metadata["packages"].as_array().expect("packages");
    assert!(packages.len() > 50, "only {} crates", packages.len());
    packages.clone()
}

/// The strings between quotes from `begin` up to `end`, in deny.toml.
fn listed(begin: &str, end: &str) -> Vec<String> {
    let text = file("deny.toml");
    let (_, list) = text.split_once(begin).unwrap_or_else(|| panic!("{begin}"));
    let (list, _) = list.split_once(end).expect("an end");
    list.split('"')
        .skip(1)
        .step_by(2)
        .map(str::to_owned)
        .collect()
}

#[test]
fn every_crate_has_a_licence_that_is_allowed() {
    let allowed = listed("allow = [", "]");
    assert!(allowed.len() > 3, "{allowed:?}");
    for package in packages() {
        let name = &package["name"];
        let licence = package["license"].as_str().unwrap_or_default();
        let parsed = spdx::Expression::parse_mode(licence, spdx::ParseMode::LAX);
        let parsed = parsed.unwrap_or_else(|e| panic!("{name}: {licence:?}: {e}"));
        let fits = parsed.evaluate(|requirement| allowed.contains(&requirement.to_string()));
        assert!(fits, "{name}: {licence}");
    }
}

#[test]
fn no_crate_is_banned_and_all_come_from_the_registry() {
    let banned = listed("deny = [", "\n]");
    assert!(
        banned.iter().any(|name| name == "openssl-sys"),
        "{banned:?}"
    );
    for package in packages() {
        let name = package["name"].as_str().unwrap_or_default();
        assert!(
            !banned.iter().any(|b| b == name),
            "{name} is banned by deny.toml"
        );
        if let Some(source) = package["source"].as_str() {
            let registry = "registry+https://github.com/rust-lang/crates.io-index";
            assert_eq!(source, registry, "{name}");
        }
    }
}

/// The jobs of the release, each with its text.
fn jobs(workflow: &str) -> Vec<(&str, &str)> {
    let (_, jobs) = workflow.split_once("\njobs:\n").expect("jobs");
    let is_head = |line: &&str| {
        line.starts_with("  ") && !line.starts_with("   ") && line.trim_end().ends_with(':')
    };
    let heads: Vec<&str> = jobs.lines().filter(is_head).collect();
    let place = |head: &str| jobs.find(&format!("{head}\n")).expect("there");
    let ends = heads.iter().skip(1).map(|head| place(head));
    let ends = ends.chain([jobs.len()]);
    heads
        .iter()
        .zip(ends)
        .map(|(head, end)| (head.trim().trim_end_matches(':'), &jobs[place(head)..end]))
        .collect()
}

#[test]
fn what_builds_a_release_cannot_publish_it() {
    let workflow = file(".github/workflows/release.yml");
    assert!(
        workflow.contains("\npermissions: {}\n"),
        "nothing is granted to all jobs"
    );
    let jobs = jobs(&workflow);
    assert!(jobs.len() >= 4, "{jobs:?}");
    for (name, job) in &jobs {
        let may_write = job.contains(": write");
        assert_eq!(may_write, *name == "publish", "{name}");
        assert!(job.contains("timeout-minutes:"), "{name} may run for ever");
        let runs_ours = job.contains("cargo ") || job.contains(".ci/");
        assert!(
            !(may_write && runs_ours),
            "{name} runs build scripts with the right to write"
        );
        let checkouts = job.matches("actions/checkout@").count();
        assert_eq!(
            checkouts,
            job.matches("persist-credentials: false").count(),
            "{name}"
        );
    }
    for needed in [
        "SHA256SUMS",
        "attest-build-provenance",
        "cyclonedx",
        "cmp first/",
    ] {
        assert!(workflow.contains(needed), "{needed}");
    }
    let build = file(".ci/release-build");
    for needed in ["--locked", "--remap-path-prefix", "SOURCE_DATE_EPOCH"] {
        assert!(build.contains(needed), "{needed}");
    }
}

#[test]
fn actions_are_named_by_commit() {
    let workflow = file(".github/workflows/release.yml");
    let uses = workflow
        .lines()
        .filter_map(|line| line.trim().trim_start_matches("- ").strip_prefix("uses: "));
    let mut seen = 0;
    for action in uses {
        seen += 1;
        let (_, version) = action.split_once('@').expect("a version");
        let (commit, release) = version.split_once(" # ").unwrap_or((version, ""));
        let is_commit = commit.len() == 40 && commit.bytes().all(|b| b.is_ascii_hexdigit());
        assert!(is_commit && release.starts_with('v'), "{action}");
    }
    assert!(seen > 4, "{seen}");
}
