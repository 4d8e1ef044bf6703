//! Wrong usage of each verb: exit code 2, a sentence that says what is wrong, nothing on standard
//! output.

use super::run::{command, egress, run};
use std::os::unix::process::CommandExt;

#[test]
fn wrong_usage_is_refused_before_a_cluster_is_asked() {
    for (line, words) in [
        ("frobnicate", "unrecognized subcommand 'frobnicate'"),
        ("setup a..b", "is not a host name"),
        ("setup -n x edition.cnn.com:70000", "is not a port"),
        ("setup edition.cnn.com:0", "is not a port"),
        ("setup edition.cnn.com:443=smtp", "smtp"),
        (
            "setup https://a.com/x",
            "leave the scheme and the path away, and write a.com",
        ),
        ("setup a.com/x", "leave it away, and write a.com"),
        ("setup 0x7f.1", "neither a host name nor an address"),
        ("setup _", "underscore"),
        ("setup x.org --server a..b", "--server: "),
        (
            "doctor -o jsonpath={.verdict}",
            "use -o json and pipe it into jq",
        ),
        (
            "status -o custom-columns=A:.b",
            "use -o json and pipe it into jq",
        ),
        ("setup db.example.com=tcp", "needs a port"),
        (
            "setup db.example.com:5432",
            "what does db.example.com speak on port 5432",
        ),
        ("setup", "name the hosts"),
        ("setup x.org -f hosts.yaml", "cannot be used with"),
        ("setup --prune x.org", "--prune"),
        ("setup --prune", "--filename"),
        ("setup x.org --hop sideways", "sideways"),
        ("setup x.org --gateway nowhere", "is not a gateway"),
        ("setup x.org --client-cert secret", "--originate-tls"),
        ("setup x.org --replicas 0", "--replicas"),
        ("setup x.org --address 1.2.3", "--address"),
        ("setup x.org --timeout soon", "is not a duration"),
        ("setup x.org --dry-run=perhaps", "perhaps"),
        ("setup x.org -o sarif", "sarif"),
        ("setup x.org --from a/frob/b", "is not a kind of workload"),
        ("setup x.org --from A_B", "is not the name of a namespace"),
        ("setup x.org -v -q", "cannot be used with"),
        ("setup x.org --request-timeout=-1s", "is not a duration"),
        ("cleanup", "name the hosts to clean up, or say --all"),
        ("cleanup -A", "name the hosts to clean up, or say --all"),
        ("cleanup x.org --all", "cannot be used with"),
        ("cleanup a..b", "is not a host name"),
        ("doctor --host a..b", "is not a host name"),
        ("doctor --port 443", "--host"),
        ("doctor --host x.org --port 0", "--port"),
        ("doctor --only EG999", "there is no check EG999"),
        ("doctor --layers guessed", "guessed"),
        ("doctor -A --from x", "cannot be used with"),
        ("doctor --fail-on sometimes", "sometimes"),
        ("doctor -o docx", "docx"),
        ("explain EG999", "no check EG999"),
        ("status -o sarif", "sarif"),
        ("status --interval=soon", "is not a duration"),
        ("lockdown", "<NAMESPACE>"),
        ("lockdown A_B", "is not the name of a namespace"),
        ("lockdown team --in-cluster A_B", "A_B"),
        ("lockdown team --gateway nowhere", "is not a gateway"),
        ("unlock", "<NAMESPACE>"),
        ("version --output html", "html"),
        ("version extra", "extra"),
        ("completion", "<SHELL>"),
        ("completion tcsh", "tcsh"),
    ] {
        let words_of_line: Vec<&str> = line.split(' ').collect();
        egress(&words_of_line).assert_refused(line, 2, words);
    }
}

#[test]
fn a_file_that_cannot_be_read_is_wrong_usage_and_named() {
    let dir = tempfile::tempdir().expect("a folder");
    let file = |name: &str, text: &str| {
        let path = dir.path().join(name);
        std::fs::write(&path, text).expect("written");
        path.to_string_lossy().into_owned()
    };
    let missing = dir
        .path()
        .join("missing.yaml")
        .to_string_lossy()
        .into_owned();
    let (tabs, wrong) = (
        file("tabs.yaml", "hosts:\n\t- x"),
        file("wrong.yaml", "apiVersion: v1\nkind: Pod\n"),
    );
    for path in [&missing, &tabs, &wrong] {
        // A server that nobody will ask: the file is read first.
        let kubeconfig = super::server::kubeconfig("http://127.0.0.1:1");
        super::run::egress_on(kubeconfig.path(), &["setup", "-f", path, "-y"])
            .assert_refused(path, 2, path);
    }
}

#[test]
fn nothing_at_all_shows_the_help_and_is_wrong_usage() {
    let run = egress(&[]);
    assert_eq!((run.code, run.stdout.as_str()), (2, ""));
    assert!(
        run.stderr
            .contains("Usage: kubectl egress [OPTIONS] <COMMAND>"),
        "{}",
        run.stderr
    );
}

#[test]
fn usage_lines_say_how_the_program_was_called() {
    for (name, usage) in [
        ("kubectl-egress", "Usage: kubectl egress setup "),
        (
            "/opt/krew/kubectl-istio_egress",
            "Usage: kubectl istio-egress setup ",
        ),
        ("egress", "Usage: egress setup "),
    ] {
        let run = run(command().arg0(name).args(["setup", "--help"]));
        assert!(run.stdout.contains(usage), "{name}: {}", run.stdout);
    }
}

#[test]
fn help_is_a_result_for_every_verb() {
    let all = egress(&["--help"]);
    let verbs = all
        .stdout
        .lines()
        .skip_while(|l| *l != "Commands:")
        .skip(1)
        .take_while(|l| !l.is_empty());
    let verbs: Vec<&str> = verbs
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    assert!(
        verbs.contains(&"setup") && verbs.contains(&"cleanup"),
        "{verbs:?}"
    );
    for verb in verbs.iter().filter(|v| **v != "help") {
        let run = egress(&[verb, "--help"]);
        assert_eq!((run.code, run.stderr.as_str()), (0, ""), "{verb}");
        assert!(
            run.stdout
                .contains(&format!("Usage: kubectl egress {verb}")),
            "{verb}: {}",
            run.stdout
        );
    }
}

#[test]
fn what_was_typed_cannot_steer_the_terminal() {
    let run = egress(&["setup", "\u{1b}[31mred.example.com\u{202e}"]);
    assert_eq!(run.code, 2);
    assert!(
        !run.stderr.contains(['\u{1b}', '\u{202e}']),
        "{:?}",
        run.stderr
    );
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let shell = format!(
        "{} completion bash 2>&1 >&- | head -c0; {0} completion bash | head -1 >/dev/null; echo \
         ${{PIPESTATUS[0]}}",
        env!("CARGO_BIN_EXE_kubectl-egress")
    );
    let run = run(std::process::Command::new("bash").args(["-c", &shell]));
    assert_eq!((run.stdout.trim(), run.stderr.as_str()), ("0", ""));
}
