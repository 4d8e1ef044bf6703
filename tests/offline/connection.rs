//! The connection is made as kubectl makes it: `KUBECONFIG` lists, contexts, impersonation, the
//! credentials of the user.

use super::run::{command, egress, egress_on, run};
use super::server::{Answer, Server};

#[test]
fn a_list_of_kubeconfigs_is_one_kubeconfig() {
    let server = Server::start(Answer::Empty);
    let dir = tempfile::tempdir().expect("a folder");
    let write = |name: &str, text: &str| {
        let path = dir.path().join(name);
        std::fs::write(&path, format!("apiVersion: v1\nkind: Config\n{text}")).expect("written");
        path
    };
    let contexts = "current-context: b\ncontexts: [{name: a, context: {cluster: none, user: u}}, \
        {name: b, context: {cluster: c, user: u}}]\n";
    let first = write("first", contexts);
    let second = write(
        "second",
        &format!(
            "current-context: a\nclusters: [{{name: c, cluster: {{server: '{}'}}}}]\nusers: \
             [{{name: u, user: {{token: secret-token}}}}]\n",
            server.address
        ),
    );
    let list = std::env::join_paths([first, dir.path().join("missing"), second]).expect("a list");
    let version = run(command().env("KUBECONFIG", &list).arg("version"));
    assert!(
        version.stdout.contains("Kubernetes: v1.2.3"),
        "{}{}",
        version.stdout,
        version.stderr
    );
    assert!(
        server
            .requests()
            .iter()
            .all(|head| header(head, "authorization").as_deref() == Some("Bearer secret-token"))
    );
    let names = run(command()
        .env("KUBECONFIG", &list)
        .args(["__complete", "--context", ""]));
    assert_eq!(names.stdout, "a\nb\n:4\n");
}

#[test]
fn impersonation_is_in_every_request() {
    let server = Server::start(Answer::Empty);
    let kubeconfig = server.kubeconfig();
    egress_on(
        kubeconfig.path(),
        &[
            "version",
            "--as",
            "jane",
            "--as-group",
            "dev,ops",
            "--as-uid",
            "7",
        ],
    );
    let requests = server.requests();
    assert!(!requests.is_empty());
    for head in requests {
        assert_eq!(
            header(&head, "impersonate-user").as_deref(),
            Some("jane"),
            "{head}"
        );
        assert_eq!(
            header(&head, "impersonate-uid").as_deref(),
            Some("7"),
            "{head}"
        );
        let groups = head
            .lines()
            .filter(|l| l.to_lowercase().starts_with("impersonate-group:"))
            .count();
        assert_eq!(groups, 2, "{head}");
    }
}

#[test]
fn a_kubeconfig_that_leads_nowhere_is_exit_4_and_says_what_to_check() {
    let kubeconfig = super::server::kubeconfig("http://127.0.0.1:1");
    let path = kubeconfig.path();
    for arguments in [
        &["--context", "none"][..],
        &["--user", "none"],
        &["--cluster", "none"],
    ] {
        let run = egress_on(path, &[&["setup", "x.org", "-y"], arguments].concat());
        run.assert_refused(&format!("{arguments:?}"), 4, "none");
        assert!(run.stderr.contains("check KUBECONFIG"), "{}", run.stderr);
    }
    egress(&["setup", "x.org", "-y"]).assert_refused("no kubeconfig", 4, "kubeconfig");
}

#[test]
fn versions_are_told_as_far_as_they_are_known() {
    let ours = concat!("v", env!("CARGO_PKG_VERSION"));
    let client = egress(&["version", "--client", "-o", "json"]);
    let version: serde_json::Value = serde_json::from_str(&client.stdout).expect("JSON");
    assert_eq!((client.code, &version["clientVersion"]), (0, &ours.into()));
    let alone = egress(&["version"]);
    assert_eq!(
        (alone.code, alone.stdout.trim()),
        (4, &*format!("kubectl egress: {ours}"))
    );
    let server = Server::start(Answer::Empty);
    let no_mesh = egress_on(server.kubeconfig().path(), &["version"]);
    assert_eq!(no_mesh.code, 0);
    assert!(
        no_mesh.stdout.contains("Kubernetes: v1.2.3") && no_mesh.stderr.contains("warning: istiod")
    );
}

fn header(head: &str, name: &str) -> Option<String> {
    head.lines().find_map(|line| {
        let (key, value) = line.split_once(':')?;
        (key.eq_ignore_ascii_case(name)).then(|| value.trim().to_owned())
    })
}
