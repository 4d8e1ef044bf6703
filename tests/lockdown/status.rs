//! Each column of `status` against traffic that was really sent: two gateways, three namespaces.

use super::mesh::{FOUND, MESH, Team, text};
use super::network::Network;
use super::run::{done, egress};
use serde_json::Value;

const OWN: &str = "status-gw/own-egress";

fn status(arguments: &[&str]) -> Value {
    let run = egress(&[&["status", "-A", "-o", "json"], arguments].concat());
    serde_json::from_str(&run.stdout)
        .unwrap_or_else(|e| panic!("{e}\n{}\n{}", run.stdout, run.stderr))
}

fn row<'v>(status: &'v Value, host: &str, port: u16) -> &'v Value {
    let rows = status["hosts"].as_array().expect("hosts");
    rows.iter()
        .find(|r| r["host"] == host && r["port"] == port)
        .unwrap_or_else(|| panic!("{host}: {status:#}"))
}

fn count(status: &Value, host: &str, port: u16, what: &str) -> u64 {
    row(status, host, port)["traffic"][what]
        .as_u64()
        .expect("a number")
}

#[test]
#[allow(clippy::too_many_lines)] // one table, read column by column
fn every_column_is_what_was_sent() {
    let _network = Network::that("none");
    let (a, b, c) = (
        Team::new("status-a"),
        Team::new("status-b"),
        Team::new("status-c"),
    );
    done(&[
        "setup",
        "edition.cnn.com",
        "--from",
        "status-a,status-b",
        "--gateway",
        FOUND,
        "--hop",
        "mtls",
        "-y",
    ]);
    done(&[
        "setup",
        "www.wikipedia.org:80",
        "-n",
        "status-c",
        "--gateway",
        OWN,
        "--hop",
        "plain",
        "-y",
        "--timeout",
        "90s",
    ]);
    let before = status(&[]);
    for _ in 0..3 {
        assert_eq!(a.curl("https://edition.cnn.com"), "200 2");
    }
    for _ in 0..2 {
        assert_eq!(b.curl("https://edition.cnn.com"), "200 2");
    }
    for _ in 0..4 {
        assert_eq!(c.curl("http://www.wikipedia.org"), "301 1.1");
    }
    let after = status(&[]);

    let tls = row(&after, "edition.cnn.com", 443);
    assert_eq!(
        (
            tls["gateway"].as_str(),
            tls["hop"].as_str(),
            tls["protocol"].as_str()
        ),
        (Some(FOUND), Some("mtls"), Some("tls"))
    );
    assert_eq!(tls["callers"], serde_json::json!(["status-a", "status-b"]));
    assert_eq!(tls["path"], "gateway");
    assert_eq!(
        tls["direct"],
        serde_json::json!([80]),
        "port 80 is not wired"
    );
    assert_eq!(
        count(&after, "edition.cnn.com", 443, "connections")
            - count(&before, "edition.cnn.com", 443, "connections"),
        5
    );
    let http = row(&after, "www.wikipedia.org", 80);
    assert_eq!(
        (
            http["gateway"].as_str(),
            http["hop"].as_str(),
            http["protocol"].as_str()
        ),
        (Some(OWN), Some("plain"), Some("http"))
    );
    assert_eq!(http["callers"], serde_json::json!(["status-c"]));
    assert_eq!(
        count(&after, "www.wikipedia.org", 80, "requests")
            - count(&before, "www.wikipedia.org", 80, "requests"),
        4
    );

    let gateways = after["gateways"].as_array().expect("gateways");
    for gateway in [FOUND, OWN] {
        let said = gateways
            .iter()
            .find(|g| g["gateway"] == gateway)
            .expect("the gateway");
        let pod = &MESH.gateway_pods(gateway)[0];
        assert_eq!(said["pods"][0]["pod"], text(pod, "/metadata/name"));
        assert_eq!(said["pods"][0]["node"], text(pod, "/spec/nodeName"));
        assert_eq!(said["pods"][0]["ready"], true);
    }
    rates(&c);
    formats();
    drift();
    rights();
    for namespace in ["status-a", "status-b", "status-c"] {
        done(&[
            "cleanup",
            "--all",
            "-n",
            namespace,
            "-y",
            "--timeout",
            "90s",
        ]);
    }
    done(&[
        "cleanup",
        "--all",
        "-n",
        "status-gw",
        "-y",
        "--timeout",
        "90s",
    ]);
}

/// Ten requests while it looks.
fn rates(team: &Team) {
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for _ in 0..10 {
                team.curl("http://www.wikipedia.org");
            }
        });
        let status = status(&["--interval=4s"]);
        let rate = row(&status, "www.wikipedia.org", 80)["traffic"]["requestsPerSecond"]
            .as_f64()
            .expect("a rate");
        assert!(rate > 0.2 && rate < 11.0, "{rate}");
    });
}

fn formats() {
    let names = egress(&["status", "-A", "-o", "name"]).stdout;
    assert!(names.lines().any(|l| l == "edition.cnn.com:443"), "{names}");
    let own = egress(&["status", "-n", "status-c", "-o", "name"]).stdout;
    assert_eq!(own, "www.wikipedia.org:80\n", "only the namespace's own");
    let wide = egress(&["status", "-A", "-o", "wide"]).stdout;
    let header: Vec<&str> = wide
        .lines()
        .next()
        .expect("a header")
        .split_whitespace()
        .collect();
    for column in [
        "HOST",
        "PORT",
        "PROTOCOL",
        "GATEWAY",
        "HOP",
        "CLIENTS",
        "CONNECTIONS",
        "REQUESTS",
        "LOCKED",
        "NODES",
        "DIRECT",
    ] {
        assert!(header.contains(&column), "{wide}");
    }
    assert!(
        egress(&["status", "-A", "-o", "yaml"])
            .stdout
            .contains("kind: Status")
    );
}

fn drift() {
    let patch = r#"{"spec": {"exportTo": ["*"]}}"#;
    let name = "virtualservice/egress-edition-cnn-com";
    MESH.kubectl(&["-n", "status-a", "patch", name, "--type=merge", "-p", patch]);
    let run = egress(&["status", "-n", "status-a"]);
    assert_eq!(run.code, 1, "{}", run.stdout);
    assert!(
        run.stdout
            .contains("DRIFT     VirtualService status-a/egress-edition-cnn-com: spec.exportTo"),
        "{}",
        run.stdout
    );
    done(&[
        "setup",
        "edition.cnn.com",
        "-n",
        "status-a",
        "--gateway",
        FOUND,
        "--hop",
        "mtls",
        "-y",
        "--force-conflicts",
    ]);
    assert_eq!(egress(&["status", "-n", "status-a"]).code, 0);
}

/// Who may only read objects gets all but the counters, and is told so. Each kind is named: `*`
/// means the subresources too, and a port-forward over a WebSocket is a GET.
fn rights() {
    let kinds = "pods, nodes, namespaces, services, configmaps, serviceaccounts, deployments, \
        replicasets, daemonsets, \
                 statefulsets, jobs, cronjobs, networkpolicies, endpointslices, serviceentries, \
                 virtualservices, \
                 destinationrules, gateways, sidecars, envoyfilters, workloadentries, \
                 workloadgroups, proxyconfigs, \
                 authorizationpolicies, peerauthentications, telemetries, roles, rolebindings, \
                 istiooperators, \
                 customresourcedefinitions, mutatingwebhookconfigurations, \
                 horizontalpodautoscalers, \
                 poddisruptionbudgets";
    let role = format!(
        "{{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRole, metadata: {{name: \
         status-reader}}, \
         rules: [{{apiGroups: ['*'], resources: [{kinds}], verbs: [get, list]}}]}}\n---\n\
         {{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRoleBinding, metadata: {{name: \
         status-reader}}, \
         roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: status-reader}}, \
         subjects: [{{apiGroup: rbac.authorization.k8s.io, kind: User, name: reader}}]}}"
    );
    MESH.apply(&role);
    let run = egress(&["status", "-A", "--as", "reader"]);
    MESH.kubectl(&["delete", "clusterrole,clusterrolebinding", "status-reader"]);
    assert_eq!(run.code, 3, "{}\n{}", run.stdout, run.stderr);
    assert!(
        run.stdout.contains("edition.cnn.com") && run.stdout.contains("not read  the counters of"),
        "{}",
        run.stdout
    );
}

#[test]
fn a_lockdown_goes_with_its_namespace() {
    let _network = Network::that("none");
    let team = Team::labelled("lock-gone", "team: bare");
    assert_eq!(
        egress(&["lockdown", "lock-gone", "--no-probe", "-y"]).code,
        3,
        "nothing was tried"
    );
    assert!(
        egress(&["status", "-A"]).stdout.contains("lock-gone"),
        "the lockdown is told"
    );
    drop(team);
    MESH.kubectl(&[
        "wait",
        "--for=delete",
        "namespace/lock-gone",
        "--timeout=60s",
    ]);
    let said = egress(&["status", "-A"]).stdout;
    assert!(!said.contains("DRIFT"), "{said}");
    done(&["unlock", "lock-gone", "-y"]);
    assert!(!egress(&["status", "-A"]).stdout.contains("lock-gone"));
}
