//! Who may call, and a certificate of another name: what must not work does not.

use super::mesh::{CLUSTER, FOUND, MESH, Team};
use super::run::{done, egress};

#[test]
fn only_the_named_caller_gets_an_answer_and_other_hosts_are_untouched() {
    let _shared = CLUSTER
        .read()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    MESH.apply(include_str!("other_host.yaml"));
    let (a, b) = (Team::new("allow-a"), Team::new("allow-b"));
    let hosts = ["allow.example.com:80", "allow.example.com:443"];
    let who = [
        "--from",
        "allow-a,allow-b",
        "--allow",
        "allow-a/default",
        "--gateway",
        FOUND,
        "-y",
    ];
    let run = done(&[&["setup"][..], &hosts[..], &who[..]].concat());
    assert_eq!(
        (
            run.stdout.matches("proven").count(),
            run.stdout.matches("denied").count()
        ),
        (2, 2),
        "{}",
        run.stdout
    );
    assert_eq!(a.curl("https://allow.example.com"), "200 2");
    assert!(!b.curl("https://allow.example.com").starts_with("200"));
    assert_eq!(b.curl("http://allow.example.com"), "403 1.1");
    assert_eq!(b.curl("https://www.wikipedia.org"), "200 2");
    let plain = egress(&[
        "setup",
        "db.example.com",
        "-n",
        "allow-a",
        "--hop",
        "plain",
        "--allow",
        "allow-a/default",
        "-y",
    ]);
    assert_eq!(plain.code, 2, "{}", plain.stderr);
    done(&["cleanup", "allow.example.com", "-A", "-y"]);
    assert_eq!(b.curl("https://allow.example.com"), "200 2");
}

#[test]
fn a_certificate_of_another_name_is_not_taken() {
    let _shared = CLUSTER
        .read()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    let team = Team::new("wrong-name");
    // www.wikipedia.org answers on the address of another host's name, with its own certificate.
    let address = MESH.kubectl(&[
        "-n",
        "wrong-name",
        "exec",
        &team.pod,
        "-c",
        "client",
        "--",
        "getent",
        "ahostsv4",
        "www.wikipedia.org",
    ]);
    let address = address
        .split_whitespace()
        .next()
        .expect("an address")
        .to_owned();
    done(&[
        "setup",
        "wrongname.example.com:80",
        "--originate-tls",
        "-n",
        "wrong-name",
        "--gateway",
        FOUND,
        "-y",
    ]);
    assert_eq!(team.curl("http://wrongname.example.com"), "200 1.1");
    let endpoints = format!("{{\"spec\":{{\"endpoints\":[{{\"address\":\"{address}\"}}]}}}}");
    MESH.kubectl(&[
        "-n",
        "istio-system",
        "patch",
        "serviceentry",
        "egress-wrongname-example-com",
        "--type=merge",
        "-p",
        &endpoints,
    ]);
    let end = std::time::Instant::now() + std::time::Duration::from_secs(15);
    let mut answer = String::new();
    while !answer.starts_with("503") && std::time::Instant::now() < end {
        answer = team.curl("http://wrongname.example.com");
    }
    assert_eq!(answer, "503 1.1");
    done(&["cleanup", "wrongname.example.com", "-n", "wrong-name", "-y"]);
}
