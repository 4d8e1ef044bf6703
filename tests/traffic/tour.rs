//! The guided tour of the documentation, step by step: each command is run as it is printed, and
//! each line below it must come out, in that order.

use super::mesh::{CLUSTER, MESH};
use std::path::Path;
use std::process::Command;

const TOUR: &str = include_str!("../../docs/tour.md");

/// One command of a page, and the lines that the page shows below it.
struct Step<'a> {
    command: &'a str,
    shown: Vec<&'a str>,
}

#[test]
fn every_step_of_the_tour_prints_what_the_page_shows() {
    // The page names no gateway: there must be one.
    let _alone = CLUSTER
        .write()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    let steps = steps(TOUR);
    assert!(steps.len() >= 12, "the tour has lost its steps");
    MESH.kubectl(&["delete", "namespace", "shop", "--ignore-not-found"]);
    for step in steps {
        let output = shell(step.command);
        assert!(output.1, "$ {}\n{}", step.command, output.0);
        let mut lines = output.0.lines();
        for shown in &step.shown {
            assert!(
                lines.any(|line| matches(line, shown)),
                "$ {}\nthe page shows: {shown}\nit printed:\n{}",
                step.command,
                output.0
            );
        }
    }
}

/// Lines that are indented as code: `$` begins a command, the others are what it prints.
fn steps(page: &str) -> Vec<Step<'_>> {
    let mut steps: Vec<Step<'_>> = Vec::new();
    for line in page.lines().filter_map(|line| line.strip_prefix("    ")) {
        match line.strip_prefix("$ ") {
            Some(command) => steps.push(Step {
                command,
                shown: Vec::new(),
            }),
            None => {
                if let Some(step) = steps.last_mut() {
                    step.shown.push(line);
                }
            }
        }
    }
    steps
}

/// What a shell prints of a command on both streams, and whether it succeeded. `kubectl egress`
/// finds the program under test, as kubectl finds any plugin.
fn shell(command: &str) -> (String, bool) {
    let program = Path::new(env!("CARGO_BIN_EXE_kubectl-egress"));
    let folder = program.parent().expect("a folder").display();
    let output = Command::new("sh")
        .args(["-c", &format!("{{ {command}; }} 2>&1")])
        .env("KUBECONFIG", &MESH.kubeconfig)
        .env("PATH", format!("{folder}:{}", MESH.path))
        .output()
        .expect("sh runs");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    (text, output.status.success())
}

/// Whether a line is the one that the page shows; `…` stands for any text.
fn matches(line: &str, shown: &str) -> bool {
    let mut parts = shown.split('…').map(str::trim);
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = line.trim().strip_prefix(first) else {
        return false;
    };
    let mut open = false;
    for part in parts {
        open = true;
        let Some(at) = rest.find(part) else {
            return false;
        };
        rest = &rest[at + part.len()..];
    }
    open || rest.is_empty()
}
