//! What each verb says of itself, reviewed as a diff: `cargo insta review`.

use super::run::{command, egress, run};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;

const VERBS: &[&str] = &[
    "setup",
    "doctor",
    "explain",
    "cleanup",
    "status",
    "lockdown",
    "unlock",
    "version",
    "completion",
];

#[test]
fn the_help_of_each_verb_is_as_reviewed() {
    insta::assert_snapshot!("help", egress(&["--help"]).stdout);
    for verb in VERBS {
        insta::assert_snapshot!(format!("help-{verb}"), egress(&[verb, "--help"]).stdout);
    }
}

#[test]
fn each_help_says_what_the_verb_does_and_shows_it() {
    for verb in VERBS {
        let help = egress(&[verb, "--help"]).stdout;
        let first = help.lines().next().unwrap_or_default();
        assert!(
            !first.is_empty() && !first.starts_with("Usage"),
            "{verb}: {first}"
        );
        let examples = help.split("Examples:").nth(1).unwrap_or_default();
        assert!(
            examples.contains(&format!("kubectl egress {verb}")),
            "{verb}: {help}"
        );
        assert!(
            help.lines().all(|line| line.chars().count() <= 110),
            "{verb}: {help}"
        );
    }
}

#[test]
fn under_another_name_every_text_says_that_name() {
    for arguments in [
        &["--help"][..],
        &["setup", "--help"],
        &["doctor", "--help"],
        &["explain", "EG201"],
        &["explain", "rights"],
        &["doctor", "--only", "EG999"],
        &["completion", "kubectl"],
        &["setup", "a.com"],
    ] {
        let mut command = command();
        command.env("KUBECONFIG", "/nonexistent");
        let run = run(command
            .arg0("/opt/krew/kubectl-istio_egress")
            .args(arguments));
        let said = format!("{}{}", run.stdout, run.stderr);
        assert!(!said.contains("kubectl egress"), "{arguments:?}: {said}");
    }
}

#[test]
fn man_pages_and_scripts_are_written_to_where_they_are_looked_for() {
    let home = tempfile::tempdir().expect("a folder");
    for (shell, file) in [
        (
            "bash",
            ".local/share/bash-completion/completions/kubectl-egress",
        ),
        ("zsh", ".local/share/zsh/site-functions/_kubectl-egress"),
        ("fish", ".config/fish/completions/kubectl-egress.fish"),
        ("kubectl", ".local/bin/kubectl_complete-egress"),
        ("man", ".local/share/man/man1/kubectl-egress-setup.1"),
    ] {
        let mut command = command();
        command
            .env("HOME", home.path())
            .args(["completion", shell, "--install"]);
        let run = run(&mut command);
        assert_eq!(run.code, 0, "{shell}: {}", run.stderr);
        let path = home.path().join(file);
        assert!(
            run.stdout.contains(&path.display().to_string()),
            "{}",
            run.stdout
        );
        let text = std::fs::read_to_string(&path).expect("written");
        if shell == "man" {
            assert!(
                text.contains("originate") && text.contains("EXAMPLES")
                    || text.contains("Examples"),
                "{text}"
            );
        }
    }
    let shim = home.path().join(".local/bin/kubectl_complete-egress");
    let mode = std::fs::metadata(shim).expect("there").permissions().mode();
    assert_eq!(mode & 0o111, 0o111);
    let nowhere = egress(&["completion", "powershell", "--install"]);
    nowhere.assert_refused("powershell", 2, "--dir");
}
