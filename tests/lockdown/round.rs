//! The ways round the gateway that `doctor --bypass` tries, from every kind of pod that a namespace
//! can have.

use super::mesh::{FOUND, MESH, Team};
use super::network::Network;
use super::run::{Run, done, egress};

const NAMESPACE: &str = "lock-round";

const NO_SIDECAR: &str = ", labels: {sidecar.istio.io/inject: 'false'}";

#[test]
fn each_way_round_is_open_until_somebody_closes_it() {
    let _network = Network::that("none");
    let _team = Team::new(NAMESPACE);
    pod("bare", NO_SIDECAR, "");
    pod("proxy-user", "", "securityContext: {runAsUser: 1337}, ");
    pod("on-node", "", "hostNetwork: true, ");
    done(&[
        "setup",
        "edition.cnn.com",
        "-n",
        NAMESPACE,
        "--gateway",
        FOUND,
        "--hop",
        "plain",
        "-y",
    ]);

    let run = doctor(&["--bypass"]);
    assert_eq!(run.code, 0, "{}\n{}", run.stdout, run.stderr);
    assert!(run.stdout.contains("warning EG630"), "{}", run.stdout);
    for way in [
        "past its sidecar, to 203.0.113.10:443: ",
        "lock-round/proxy-user as the proxy's own user, to edition.cnn.com:443: HTTP 200",
        "lock-round/bare without a sidecar, to 203.0.113.10:80: HTTP 301",
        "lock-round/bare without a sidecar, to 203.0.113.10:443 by UDP: ",
        "with the server name edition.cnn.com: the gateway takes it from a pod without a sidecar",
        "lock-round/on-node on the node's network, to edition.cnn.com:443: HTTP 200",
    ] {
        let open = run
            .stdout
            .lines()
            .any(|l| l.contains("- open: ") && l.contains(way));
        assert!(open, "{way}: {}", run.stdout);
    }
    assert_eq!(
        doctor(&["--bypass", "--fail-on", "warning"]).code,
        1,
        "a way out is a reason to stop a pipeline"
    );
    assert!(!doctor(&[]).stdout.contains("EG630"), "nobody asked");

    let run = egress(&["lockdown", NAMESPACE, "--no-probe", "-y"]);
    assert_eq!(run.code, 3, "nothing was tried: {}", run.stderr);
    assert!(
        !run.stderr.contains("lock-round/bare ->"),
        "the gateway stays open to it: {}",
        run.stderr
    );
    let run = doctor(&["--bypass"]);
    assert_eq!(run.code, 1, "{}\n{}", run.stdout, run.stderr);
    let ignored = "although NetworkPolicy lock-round/egress-lockdown closes it";
    assert!(
        run.stdout.contains("EG630") && run.stdout.contains(ignored),
        "{}",
        run.stdout
    );
    done(&["cleanup", "--all", "-n", NAMESPACE, "-y"]);
}

#[test]
fn a_policy_that_holds_is_named_for_each_way_that_it_closes() {
    let _network = Network::that("enforce");
    let _team = Team::new(NAMESPACE);
    pod("bare", NO_SIDECAR, "");
    done(&[
        "setup",
        "edition.cnn.com",
        "-n",
        NAMESPACE,
        "--gateway",
        FOUND,
        "--hop",
        "plain",
        "-y",
    ]);
    assert_eq!(
        egress(&["lockdown", NAMESPACE, "--no-probe", "-y"]).code,
        3,
        "nothing was tried"
    );
    let run = doctor(&["--bypass"]);
    let closed = |way: &str| {
        let by = "by NetworkPolicy lock-round/egress-lockdown";
        run.stdout
            .lines()
            .any(|l| l.contains("- closed: ") && l.contains(way) && l.contains(by))
    };
    assert!(
        closed("lock-round/bare without a sidecar, to 203.0.113.10:443: "),
        "{}",
        run.stdout
    );
    assert!(closed("to 203.0.113.10:443 by UDP: "), "{}", run.stdout);
    // The policy lets pods go to the gateway, and a plain hop asks nobody who he is.
    let open: Vec<&str> = run
        .stdout
        .lines()
        .filter(|l| l.contains("- open: "))
        .collect();
    assert!(
        open.len() == 1 && open[0].contains("without a sidecar, to the gateway itself"),
        "{}",
        run.stdout
    );

    done(&["cleanup", "edition.cnn.com", "-n", NAMESPACE, "-y"]);
    done(&[
        "setup",
        "edition.cnn.com",
        "-n",
        NAMESPACE,
        "--gateway",
        FOUND,
        "--hop",
        "mtls",
        "-y",
    ]);
    let run = doctor(&["--bypass"]);
    assert_eq!(run.code, 0, "{}\n{}", run.stdout, run.stderr);
    assert!(
        run.stdout
            .contains("pods of lock-round cannot bypass the gateway"),
        "{}",
        run.stdout
    );
    assert!(!run.stdout.contains("- open: "), "{}", run.stdout);
    done(&["cleanup", "--all", "-n", NAMESPACE, "-y"]);
}

fn doctor(more: &[&str]) -> Run {
    let asked = [
        "doctor",
        "--host",
        "edition.cnn.com",
        "--from",
        NAMESPACE,
        "--port",
        "443",
    ];
    egress(&[&asked, more].concat())
}

/// Another pod beside the client, with something to connect with.
fn pod(name: &str, metadata: &str, spec: &str) {
    MESH.apply(&format!(
        "{{apiVersion: v1, kind: Pod, metadata: {{name: {name}, namespace: \
         {NAMESPACE}{metadata}}}, spec: \
         {{{spec}terminationGracePeriodSeconds: 0, containers: [{{name: app, image: {}, command: \
         [sleep, infinity]}}]}}}}",
        MESH.image
    ));
    MESH.kubectl(&[
        "-n",
        NAMESPACE,
        "wait",
        "--for=condition=Ready",
        &format!("pod/{name}"),
        "--timeout=60s",
    ]);
}
