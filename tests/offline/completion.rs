//! completions/ is current, and the words that kubectl asks for come in cobra's protocol.

use super::run::egress;
use std::path::Path;
use std::time::Duration;

/// The shell, and its file in completions/.
const FILES: &[(&str, &str)] = &[
    ("bash", "kubectl-egress.bash"),
    ("zsh", "_kubectl-egress"),
    ("fish", "kubectl-egress.fish"),
    ("powershell", "_kubectl-egress.ps1"),
    ("kubectl", "kubectl_complete-egress"),
];

#[test]
fn completions_are_those_of_the_command_line() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("completions");
    for (shell, file) in FILES {
        let made = egress(&["completion", shell]);
        assert_eq!((made.code, made.stderr.as_str()), (0, ""), "{shell}");
        if std::env::var_os("EGRESS_WRITE_COMPLETIONS").is_some() {
            std::fs::write(folder.join(file), &made.stdout).expect("written");
        }
        let kept = std::fs::read_to_string(folder.join(file)).unwrap_or_default();
        assert!(
            kept == made.stdout,
            "completions/{file} is not what the program prints: run `make completions`"
        );
    }
}

#[test]
fn bash_completes_verbs_and_their_flags() {
    let script = format!(
        "source {}/completions/kubectl-egress.bash
         COMP_WORDS=(kubectl-egress setup --ho) COMP_CWORD=2
         _kubectl__egress kubectl-egress --ho setup; echo \"${{COMPREPLY[*]}}\"
         COMP_WORDS=(kubectl-egress cle) COMP_CWORD=1
         _kubectl__egress kubectl-egress cle kubectl-egress; echo \"${{COMPREPLY[*]}}\"",
        env!("CARGO_MANIFEST_DIR")
    );
    let output = std::process::Command::new("bash")
        .args(["-c", &script])
        .output()
        .expect("bash runs");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "--hop\ncleanup\n");
}

fn complete(words: &[&str]) -> Vec<String> {
    let run = egress(&[&["__complete"], words].concat());
    assert_eq!((run.code, run.stderr.as_str()), (0, ""), "{words:?}");
    // A shell that waits is a shell that hangs; this is far above the deadline of one question.
    assert!(
        run.took < Duration::from_secs(20),
        "{words:?} took {:?}",
        run.took
    );
    run.stdout.lines().map(str::to_owned).collect()
}

#[test]
fn words_come_with_their_meaning_and_end_with_a_directive() {
    let verbs = complete(&["cle"]);
    assert_eq!(verbs.len(), 2, "{verbs:?}");
    assert!(verbs[0].starts_with("cleanup\t"), "{verbs:?}");
    assert_eq!(verbs[1], ":4");
    assert_eq!(
        complete(&["setup", "-f", ""]),
        [":0"],
        "the shell completes files"
    );
    let hops: Vec<String> = complete(&["setup", "--hop", ""])
        .iter()
        .map(|l| word(l))
        .collect();
    assert_eq!(hops, ["auto", "plain", "mtls", ":4"]);
    let flags = complete(&["--verb"]);
    assert!(flags.iter().any(|l| word(l) == "--verbose"), "{flags:?}");
    assert!(
        complete(&["setup", "--orig"])
            .iter()
            .any(|l| word(l) == "--originate-tls")
    );
}

#[test]
fn without_a_cluster_it_is_silent() {
    for words in [
        &["-n", ""][..],
        &["cleanup", ""],
        &["--context", ""],
        &["setup", "x.org", "--from", "a,"],
        &["--help"],
    ] {
        assert_eq!(
            complete(words).last().map(String::as_str),
            Some(":4"),
            "{words:?}"
        );
    }
}

fn word(line: &str) -> String {
    line.split('\t').next().unwrap_or_default().to_owned()
}
