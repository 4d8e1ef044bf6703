//! The role that `explain rights VERB` prints is what the verb needs: with it the verb works, and
//! with one right less it says which and does nothing.

use super::mesh::{CLUSTER, FOUND, MESH, Team};
use super::run::{Run, egress};
use std::sync::PoisonError;

/// A user with the printed role of a verb, less one right.
struct User {
    name: String,
}

impl User {
    /// `without` is a resource and a verb.
    fn new(name: &str, verb: &str, without: Option<(&str, &str)>) -> Self {
        let role = egress(&["explain", "rights", verb]);
        assert_eq!(role.code, 0, "{}", role.stderr);
        let mut role: serde_json::Value =
            serde_saphyr::from_str(&role.stdout).expect("a ClusterRole");
        role["metadata"]["name"] = name.into();
        if let Some((resource, verb)) = without {
            role["rules"] = less(&role["rules"], resource, verb);
        }
        MESH.apply(&role.to_string());
        let user = Self { name: name.into() };
        let (role, who) = (format!("--clusterrole={name}"), format!("--user={name}"));
        MESH.kubectl(&["create", "clusterrolebinding", name, &role, &who]);
        user
    }

    fn run(&self, arguments: &[&str]) -> Run {
        egress(&[arguments, &["--as", &self.name]].concat())
    }
}

impl Drop for User {
    fn drop(&mut self) {
        for kind in ["clusterrolebinding", "clusterrole"] {
            let _ = MESH.command(&["delete", kind, &self.name]).output();
        }
    }
}

/// The rules without one verb for one resource.
fn less(rules: &serde_json::Value, resource: &str, verb: &str) -> serde_json::Value {
    let mut left = Vec::new();
    for rule in rules.as_array().expect("rules") {
        for name in rule["resources"].as_array().expect("resources") {
            let verbs = rule["verbs"].as_array().expect("verbs").iter();
            let kept: Vec<_> = verbs
                .filter(|v| *name != *resource || **v != *verb)
                .collect();
            left.push(
                serde_json::json!({"apiGroups": rule["apiGroups"], "resources": [name],
                "verbs": kept}),
            );
        }
    }
    assert_ne!(left.len(), 0);
    serde_json::Value::Array(left)
}

#[test]
fn with_the_printed_roles_each_verb_works() {
    let _shared = CLUSTER.read().unwrap_or_else(PoisonError::into_inner);
    let team = Team::new("rights");
    let host = "rights.example.com:443";
    let work = ["-n", "rights", "--gateway", FOUND, "-y"];
    let setup = User::new("rights-setup", "setup", None);
    let run = setup.run(&[&["setup", host][..], &work[..]].concat());
    assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
    assert_eq!(team.curl("https://rights.example.com"), "200 2");
    let doctor = User::new("rights-doctor", "doctor", None);
    let run = doctor.run(&["doctor", "-n", "rights", "--host", "rights.example.com"]);
    assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
    let status = User::new("rights-status", "status", None);
    let run = status.run(&["status", "-n", "rights"]);
    assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
    let version = User::new("rights-version", "version", None);
    let run = version.run(&["version"]);
    assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
    let cleanup = User::new("rights-cleanup", "cleanup", None);
    let run = cleanup.run(&["cleanup", "rights.example.com", "-n", "rights", "-y"]);
    assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
    assert_eq!(team.curl("https://rights.example.com"), "200 2");
}

#[test]
fn a_right_that_is_missing_is_named_and_nothing_is_written() {
    let _shared = CLUSTER.read().unwrap_or_else(PoisonError::into_inner);
    let _team = Team::new("rights-less");
    for (at, (resource, verb)) in [
        ("virtualservices", "create"),
        ("virtualservices", "delete"),
        ("serviceentries", "patch"),
        ("destinationrules", "create"),
        ("configmaps", "create"),
    ]
    .into_iter()
    .enumerate()
    {
        let user = User::new(
            &format!("rights-less-{at}"),
            "setup",
            Some((resource, verb)),
        );
        let host = "rightsless.example.com";
        let work = ["-n", "rights-less", "--gateway", FOUND, "-y"];
        let run = user.run(&[&["setup", host][..], &work[..]].concat());
        assert_eq!(
            run.code, 1,
            "{verb} {resource}: {}{}",
            run.stdout, run.stderr
        );
        let named = format!("{verb} {resource}");
        assert!(run.stderr.contains(&named), "{named}: {}", run.stderr);
        assert!(run.stderr.contains("kind: Role"), "{named}: {}", run.stderr);
        let kinds = "virtualservices,serviceentries,destinationrules,configmaps";
        let left = MESH.kubectl(&["get", kinds, "-A", "-o", "name"]);
        assert!(!left.contains("rightsless"), "{named}: {left}");
    }
}
