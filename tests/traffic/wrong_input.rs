//! What cannot work is refused in one sentence, with the right exit code, and changes nothing.

use super::mesh::{CLUSTER, FOUND, MESH, Team};
use super::run::egress;
use std::io::Write;

#[test]
#[allow(clippy::too_many_lines)] // one table of inputs
fn each_gets_one_sentence_and_its_exit_code() {
    let _shared = CLUSTER
        .read()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    let team = Team::new("wrong-input");
    let bare = Team::labelled("wrong-bare", "team: bare");
    let unreachable = unreachable();
    let (unreachable, gateway) = (
        unreachable.path().to_str().expect("a path"),
        ["--gateway", FOUND],
    );
    let setup = |more: &[&str]| {
        let arguments = [&["setup"][..], more, &gateway[..], &["-y"][..]].concat();
        let run = egress(&arguments);
        (run.code, run.stderr)
    };
    let us = ["-n", team.namespace.as_str()];
    for (more, code, words) in [
        (vec!["a..b", us[0], us[1]], 2, "is not a host name"),
        (
            vec!["wrong-input.example.com:70000", us[0], us[1]],
            2,
            "is not a port",
        ),
        (
            vec!["wrong-input.example.com", "-n", "no-such-namespace"],
            1,
            "namespace no-such-namespace not found",
        ),
        (
            vec!["wrong-input.example.com", "-n", bare.namespace.as_str()],
            1,
            "has a sidecar",
        ),
        (
            vec![
                "wrong-input.example.com",
                us[0],
                us[1],
                "--istio-namespace",
                "kube-system",
            ],
            1,
            "istiod",
        ),
        (
            vec!["wrong-input.example.com", us[0], us[1], "--as", "nobody"],
            1,
            "not allowed to",
        ),
        (
            vec![
                "wrong-input.example.com",
                us[0],
                us[1],
                "--kubeconfig",
                unreachable,
            ],
            4,
            "cannot reach the cluster",
        ),
        (
            vec!["wrong-input.example.com", us[0], us[1], "--context", "none"],
            4,
            "kubeconfig",
        ),
    ] {
        let (got, said) = setup(&more);
        assert_eq!(got, code, "{more:?}: {said}");
        assert!(said.contains(words), "{more:?}: {said}");
        assert!(
            said.lines().filter(|l| l.starts_with("error: ")).count() == 1,
            "{more:?}: {said}"
        );
    }
    let unasked = egress(&[
        "setup",
        "wrong-input.example.com",
        us[0],
        us[1],
        "--gateway",
        FOUND,
    ]);
    assert_eq!(unasked.code, 2, "{}", unasked.stderr);
    assert_eq!(egress(&["cleanup", "-y"]).code, 2);
    for kind in [
        "virtualservices",
        "destinationrules",
        "serviceentries",
        "gateways.networking.istio.io",
        "configmaps",
    ] {
        let ours = MESH.kubectl(&[
            "-n",
            &team.namespace,
            "get",
            kind,
            "-l",
            "app.kubernetes.io/managed-by=kubectl-egress",
            "-o",
            "name",
        ]);
        assert_eq!(ours, "", "{kind}");
    }
}

/// A kubeconfig whose server is nobody.
fn unreachable() -> tempfile::NamedTempFile {
    let mut file = tempfile::NamedTempFile::new().expect("a temporary file");
    let text = "apiVersion: v1\nkind: Config\ncurrent-context: x\n\
                contexts: [{name: x, context: {cluster: x, user: x}}]\nusers: [{name: x, user: \
                {}}]\n\
                clusters: [{name: x, cluster: {server: 'https://127.0.0.1:1'}}]\n";
    file.write_all(text.as_bytes()).expect("written");
    file
}
