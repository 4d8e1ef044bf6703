//! The file of `setup -f`: its schema, and what it becomes without a cluster.

use super::run::egress;
use serde_json::Value;
use std::io::Write;

const FILE: &str = "
apiVersion: egress.report/v1
kind: Egress
metadata: {name: team-a}
spec:
  gateway: istio-system/istio-egressgateway
  gatewaySelector: {istio: egressgateway}
  from: [team-a]
  hosts:
  - {host: edition.cnn.com, ports: [80, 443]}
  - {host: '*.wikipedia.org', server: www.wikipedia.org}
  - {host: db.example.com, ports: [5432=tcp], addresses: [203.0.113.13, '2001:db8::13']}
  - {host: api.example.com, ports: [80], originateTls: true, hop: plain}
";

fn file(text: &str) -> tempfile::NamedTempFile {
    let mut file = tempfile::NamedTempFile::new().expect("a file");
    file.write_all(text.as_bytes()).expect("written");
    file
}

#[test]
fn a_file_that_says_enough_is_rendered_without_a_cluster_and_to_the_same_byte() {
    let file = file(FILE);
    let path = file.path().to_str().expect("a path");
    let arguments = [
        "setup",
        "-f",
        path,
        "--dry-run=client",
        "-o",
        "yaml",
        "--kubeconfig",
        "/nowhere",
    ];
    let run = egress(&arguments);
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert_eq!(egress(&arguments).stdout, run.stdout);
    for words in [
        "kind: VirtualService",
        "2001:db8::13",
        "resolution: NONE",
        "namespace: team-a",
    ] {
        assert!(run.stdout.contains(words), "{words}: {}", run.stdout);
    }
    assert!(
        !run.stdout.contains("applyset"),
        "what a repository holds is not of our set: {}",
        run.stdout
    );
    let without = FILE.replace("  gatewaySelector: {istio: egressgateway}\n", "");
    let less = self::file(&without);
    let path = less.path().to_str().expect("a path");
    let run = egress(&[
        "setup",
        "-f",
        path,
        "--dry-run=client",
        "-o",
        "yaml",
        "--kubeconfig",
        "/nowhere",
    ]);
    assert_eq!(
        run.code, 4,
        "a file that says less needs a cluster: {}",
        run.stderr
    );
}

#[test]
fn the_schema_is_of_the_file() {
    let run = egress(&["setup", "--print-schema"]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    let schema: Value = serde_json::from_str(&run.stdout).expect("JSON");
    assert_eq!(schema["title"], "Egress");
    let entry = &schema["$defs"]["HostEntry"]["properties"];
    for key in [
        "host",
        "ports",
        "from",
        "originateTls",
        "clientCert",
        "hop",
        "addresses",
        "allow",
        "server",
    ] {
        assert!(entry.get(key).is_some(), "{key}: {schema:#}");
    }
}
