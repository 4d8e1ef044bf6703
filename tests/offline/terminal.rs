//! On a real terminal: whatever names say, nothing of it is obeyed. `script` of util-linux makes
//! the terminal.

use std::process::{Command, Stdio};

/// A title for the window, a reversal of the line, and the one-byte form of CSI.
const HOSTILE: &[&str] = &["\u{1b}]0;pwned", "\u{202e}", "\u{9b}31m", "\u{7}"];

/// The same, as YAML writes it.
const NAME: &str = r#""x\e]0;pwned\a\u202e\u009b31m""#;

/// What a terminal gets of a run.
fn on_a_terminal(arguments: &str) -> String {
    let program = env!("CARGO_BIN_EXE_kubectl-egress");
    let command = format!("stty cols 100; exec {program} {arguments}");
    let output = Command::new("script")
        .args(["--quiet", "--return", "--command", &command, "/dev/null"])
        .env("KUBECONFIG", "/nonexistent/kubeconfig")
        .env_remove("NO_COLOR")
        .stdin(Stdio::null())
        .output()
        .expect("script runs");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn nothing_that_a_manifest_says_steers_the_terminal() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("hostile.yaml");
    // The subset is in no rule: the finding names the route, and all of its words.
    let manifest = format!(
        "apiVersion: networking.istio.io/v1\nkind: ServiceEntry\nmetadata: {{name: {NAME}, \
         namespace: default}}\n\
         spec: {{hosts: [x.example], ports: [{{number: 443, name: tls, protocol: TLS}}], \
         resolution: DNS}}\n---\n\
         apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {{name: {NAME}, \
         namespace: default}}\n\
         spec: {{hosts: [x.example], tls: [{{match: [{{port: 443, sniHosts: [x.example]}}], \
         route: [{{destination: {{host: {NAME}, subset: {NAME}}}}}]}}]}}\n"
    );
    std::fs::write(&path, manifest).expect("written");
    let path = path.display();
    for format in [
        "text", "wide", "json", "yaml", "name", "sarif", "junit", "html",
    ] {
        let seen = on_a_terminal(&format!(
            "doctor --offline -f {path} --host x.example -o {format}"
        ));
        assert!(
            seen.contains("pwned"),
            "{format} does not name it: {seen:?}"
        );
        for sequence in HOSTILE {
            assert!(
                !seen.contains(sequence),
                "{format}: {sequence:?} in {seen:?}"
            );
        }
    }
    for arguments in [
        "setup $(printf 'x\\033]0;pwned\\007.example')",
        "explain $(printf 'x\\033]0;pwned\\007')",
        "doctor --only $(printf 'x\\033]0;pwned\\007')",
        "doctor --offline -f $(printf '/x\\033]0;pwned\\007')",
        "doctor --kubeconfig $(printf '/x\\033]0;pwned\\007')",
    ] {
        let seen = on_a_terminal(arguments);
        assert!(seen.contains("pwned"), "{arguments}: {seen:?}");
        for sequence in HOSTILE {
            assert!(
                !seen.contains(sequence),
                "{arguments}: {sequence:?} in {seen:?}"
            );
        }
    }
}
