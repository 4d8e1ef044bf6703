//! Shapes of egress besides the plain ones: a client certificate, two flows to one host, a
//! wildcard, a hop that changes under traffic, a mesh that lets nothing out, and hosts that
//! somebody else has wired.

use super::fingerprint::{Fingerprint, Own};
use super::mesh::{CLUSTER, FOUND, MESH, Team};
use super::run::{Run, done, egress};
use serde_json::json;

fn through(team: &Team, url: &str, answer: &str) {
    let (got, seen) = team.seen_from(url);
    assert_eq!(got, answer, "{url}");
    let gateways = MESH.addresses(FOUND);
    assert!(
        !seen.is_empty() && seen.iter().all(|a| gateways.contains(a)),
        "{url}: {seen:?} is not {gateways:?}"
    );
}

fn setup(team: &Team, more: &[&str]) -> Run {
    egress(
        &[
            &["setup", "-n", &team.namespace, "--gateway", FOUND, "-y"],
            more,
        ]
        .concat(),
    )
}

/// It must end 0, with everything proven.
fn wired(team: &Team, more: &[&str]) -> Run {
    let run = setup(team, more);
    assert_eq!(run.code, 0, "{more:?}\n{}\n{}", run.stdout, run.stderr);
    assert!(run.stdout.contains("proven"), "{}", run.stdout);
    run
}

#[test]
fn a_client_certificate_is_checked_before_the_first_write() {
    let _shared = CLUSTER
        .read()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    let team = Team::new("client-cert");
    let how = [
        "clientcert.example.com:80",
        "--originate-tls",
        "--client-cert",
        "egress-test-client",
    ];
    let refused = |words: &str| {
        let run = setup(&team, &how);
        assert!(
            run.code == 1 && run.stderr.contains(words),
            "{words}: {} {}",
            run.code,
            run.stderr
        );
        let left = MESH.kubectl(&[
            "-n",
            "istio-system",
            "get",
            "gateways.networking.istio.io",
            "-o",
            "name",
        ]);
        assert!(
            !left.contains("clientcert"),
            "something was written: {left}"
        );
    };
    MESH.kubectl(&[
        "-n",
        "istio-system",
        "delete",
        "secret",
        "egress-test-client",
        "--ignore-not-found",
    ]);
    refused("Secret istio-system/egress-test-client not found");
    let key = rcgen::generate_simple_self_signed(["client".to_owned()]).expect("a certificate");
    let secret = |data: serde_json::Value| {
        let name = json!({"name": "egress-test-client", "namespace": "istio-system"});
        MESH.apply(
            &json!({"apiVersion": "v1", "kind": "Secret", "metadata": name, "stringData": data})
                .to_string(),
        );
    };
    secret(json!({"certificate": "no"}));
    refused("has no tls.crt and tls.key");
    let root = std::fs::read_to_string(MESH.outside.with_file_name("ca.crt"))
        .expect("the world's authority");
    secret(
        json!({"tls.crt": key.cert.pem(), "tls.key": key.signing_key.serialize_pem(), "ca.crt": root}),
    );
    wired(&team, &how);
    through(&team, "http://clientcert.example.com", "200 1.1");
    done(&[
        "cleanup",
        "clientcert.example.com",
        "-n",
        "client-cert",
        "-y",
    ]);
    MESH.kubectl(&[
        "-n",
        "istio-system",
        "delete",
        "secret",
        "egress-test-client",
    ]);
}

#[test]
fn the_gateway_starts_tls_beside_the_applications_own() {
    let _shared = CLUSTER
        .read()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    let team = Team::new("side-by-side");
    wired(&team, &["sidebyside.example.com:80", "--originate-tls"]);
    wired(&team, &["sidebyside.example.com:443"]);
    through(&team, "http://sidebyside.example.com", "200 1.1");
    through(&team, "https://sidebyside.example.com", "200 2");
    done(&[
        "cleanup",
        "sidebyside.example.com",
        "-n",
        "side-by-side",
        "-y",
    ]);
    let (answer, seen) = team.seen_from("http://sidebyside.example.com");
    assert_eq!(
        (answer.as_str(), seen),
        ("301 1.1", vec![team.address.clone()])
    );
}

#[test]
fn a_wildcard_that_one_server_answers() {
    let _shared = CLUSTER
        .read()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    let team = Team::new("wildcard");
    let own = Own {
        namespace: "wildcard",
        host: "wild.example.com",
    };
    let before = Fingerprint::take(&own);
    let without = setup(&team, &["*.wild.example.com"]);
    assert!(
        without.code == 1 && without.stderr.contains("--server"),
        "{}",
        without.stderr
    );
    for hop in ["plain", "mtls"] {
        let hosts = ["*.wild.example.com:443", "*.wild.example.com:80"];
        wired(
            &team,
            &[
                &hosts[..],
                &["--server", "one.wild.example.com", "--hop", hop],
            ]
            .concat(),
        );
        through(&team, "https://two.wild.example.com", "200 2");
        through(&team, "https://three.wild.example.com", "200 2");
        through(&team, "http://four.wild.example.com", "301 1.1");
        done(&["cleanup", "*.wild.example.com", "-n", "wildcard", "-y"]);
        before.assert_same(&Fingerprint::take(&own), "after cleanup");
    }
}

/// Requests without a pause until `stop` is there; it prints those that fail, and how many there
/// were.
const REQUESTS: &str = r#"n=0; while [ ! -e /tmp/stop ]; do
  r=$(curl -sk -m 5 -o /dev/null -w "%{http_code} %{errormsg}" $1); n=$((n+1)); case $r in 200*) ;; *) echo "FAILED $r";; esac
done; echo "requests $n""#;

#[test]
fn the_hop_of_a_live_host_changes_under_traffic() {
    let _shared = CLUSTER
        .read()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    let team = Team::new("hop");
    let url = "https://hop.example.com";
    wired(&team, &["hop.example.com", "--hop", "plain"]);
    let pod = ["-n", "hop", "exec", &team.pod, "-c", "client", "--"];
    let load = std::thread::scope(|scope| {
        let load = scope
            .spawn(|| MESH.kubectl(&[&pod[..], &["sh", "-c", REQUESTS, "load", url]].concat()));
        for hop in ["mtls", "plain", "mtls"] {
            let run = wired(&team, &["hop.example.com", "--hop", hop]);
            assert!(!run.stdout.contains("unchanged"), "{}", run.stdout);
        }
        MESH.kubectl(&[&pod[..], &["touch", "/tmp/stop"]].concat());
        load.join().expect("the load ends")
    });
    assert!(
        !load.contains("FAILED") && !load.contains("requests 0"),
        "{load}"
    );
    through(&team, url, "200 2");
    let gateway = MESH.json(&[
        "-n",
        "istio-system",
        "get",
        "gateways.networking.istio.io",
        "egress-hop-example-com",
    ]);
    assert_eq!(
        gateway["spec"]["servers"].as_array().map(Vec::len),
        Some(1),
        "only the new way is left: {gateway}"
    );
    let own = Own {
        namespace: "hop",
        host: "hop.example.com",
    };
    done(&["cleanup", "hop.example.com", "-n", "hop", "-y"]);
    let left = MESH.kubectl(&[
        "get",
        "virtualservices,destinationrules,serviceentries",
        "-A",
        "-o",
        "name",
    ]);
    assert!(!left.contains("hop-example-com"), "{left} of {}", own.host);
}

#[test]
fn a_namespace_that_lets_nothing_out_gets_just_the_host() {
    let _shared = CLUSTER
        .read()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    let team = Team::new("registry-only");
    MESH.apply(
        "{apiVersion: networking.istio.io/v1, kind: Sidecar, metadata: {name: default, namespace: \
         registry-only}, \
         spec: {outboundTrafficPolicy: {mode: REGISTRY_ONLY}, egress: [{hosts: ['*/*']}]}}",
    );
    let end = std::time::Instant::now() + std::time::Duration::from_secs(20);
    while team
        .curl("https://registryonly.example.com")
        .starts_with("200")
    {
        assert!(
            std::time::Instant::now() < end,
            "the Sidecar never took hold"
        );
    }
    wired(&team, &["registryonly.example.com"]);
    through(&team, "https://registryonly.example.com", "200 2");
    assert!(
        !team
            .curl("https://bystander.example.com")
            .starts_with("200"),
        "nothing else is open"
    );
    done(&[
        "cleanup",
        "registryonly.example.com",
        "-n",
        "registry-only",
        "-y",
    ]);
    assert!(
        !team
            .curl("https://registryonly.example.com")
            .starts_with("200"),
        "and closed again"
    );
}

#[test]
fn a_host_that_somebody_else_wired_is_not_wired_again_in_another_way() {
    let _shared = CLUSTER
        .write()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    MESH.apply(include_str!("other_host.yaml"));
    let team = Team::new("taken");
    let run = setup(&team, &["www.wikipedia.org", "--hop", "mtls"]);
    assert!(
        run.code == 1
            && run
                .stderr
                .contains("VirtualService istio-system/other-wikipedia"),
        "{}",
        run.stderr
    );
    assert_eq!(
        team.curl("https://www.wikipedia.org"),
        "200 2",
        "theirs still works"
    );
}

#[test]
fn each_half_of_a_split_plan_is_what_its_owner_can_apply() {
    let _shared = CLUSTER
        .read()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    let team = Team::new("split");
    let run = egress(&[
        "setup",
        "split.example.com",
        "-n",
        "split",
        "--gateway",
        FOUND,
        "--split",
    ]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    let (platform, callers) = run.stdout.split_once("# 2. ").expect("two halves");
    assert!(
        platform.contains("kind: Gateway") && !platform.contains("namespace: split\n"),
        "{platform}"
    );
    MESH.apply(platform);
    MESH.apply(&format!("# {callers}"));
    let end = std::time::Instant::now() + std::time::Duration::from_secs(15);
    let gateways = MESH.addresses(FOUND);
    while !team
        .seen_from("https://split.example.com")
        .1
        .iter()
        .any(|a| gateways.contains(a))
    {
        assert!(
            std::time::Instant::now() < end,
            "the halves do not carry the host"
        );
    }
    for kind in [
        "serviceentry",
        "gateways.networking.istio.io",
        "virtualservice",
    ] {
        let names = MESH.kubectl(&["-n", "istio-system", "get", kind, "-o", "name"]);
        for name in names.lines().filter(|n| n.contains("split-example-com")) {
            MESH.kubectl(&["-n", "istio-system", "delete", name]);
        }
    }
}
