//! A namespace that is in use: a database outside, a call to another namespace, a scrape from a
//! third, and a CronJob. What would be cut is said before, and what was to stay works after.

use super::mesh::{MESH, Team};
use super::network::{Network, inside};
use super::run::{done, egress};
use std::time::{Duration, Instant};

/// A server on port 8080 in the image that has perl and no more.
const SERVER: &str = r#"use IO::Socket::INET; my $s = IO::Socket::INET->new(LocalPort => 8080, Listen => 9, ReuseAddr => 1) or die; while (my $c = $s->accept) { sysread($c, my $r, 4096); print $c "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\nok\n"; close $c }"#;

fn serve(namespace: &str) {
    let command = serde_json::json!(["perl", "-e", SERVER]);
    let image = &MESH.image;
    MESH.apply(&format!(
        "{{apiVersion: apps/v1, kind: Deployment, metadata: {{name: server, namespace: \
         {namespace}}}, spec: {{\
         selector: {{matchLabels: {{app: server}}}}, template: {{metadata: {{labels: {{app: \
         server}}}}, spec: {{\
         terminationGracePeriodSeconds: 0, containers: [{{name: server, image: \"{image}\", \
         command: {command}}}]}}}}}}}}\n---\n\
         {{apiVersion: v1, kind: Service, metadata: {{name: server, namespace: {namespace}}}, \
         spec: {{\
         selector: {{app: server}}, ports: [{{name: http, port: 8080}}]}}}}"
    ));
    MESH.kubectl(&[
        "-n",
        namespace,
        "rollout",
        "status",
        "deploy/server",
        "--timeout=90s",
    ]);
}

#[test]
fn what_would_be_cut_is_said_before_and_what_was_to_stay_works_after() {
    let _network = Network::that("enforce");
    let shop = Team::new("lock-shop");
    let _stock = Team::new("lock-stock");
    let metrics = Team::labelled("lock-metrics", "team: bare");
    serve("lock-shop");
    serve("lock-stock");
    let image = &MESH.image;
    MESH.apply(&format!(
        "{{apiVersion: batch/v1, kind: CronJob, metadata: {{name: nightly, namespace: lock-shop}}, \
         spec: {{\
         schedule: \"0 0 1 1 *\", jobTemplate: {{spec: {{backoffLimit: 0, template: {{\
         metadata: {{labels: {{sidecar.istio.io/inject: \"false\"}}}}, spec: {{restartPolicy: \
         Never, \
         containers: [{{name: job, image: \"{image}\", command: [curl, -sSf, -m, \"5\", \
         \"http://server.lock-stock:8080\"]}}]}}}}}}}}}}}}"
    ));
    // It greets whoever connects.
    let database = || {
        inside(
            "lock-shop",
            "sleep 2 | timeout 5 nc -w 3 db.example.com 5432 || true",
        )
    };
    assert!(database().contains("ready"), "the database answers before");
    inside(
        "lock-shop",
        "(exec >/dev/null 2>&1 </dev/null; sleep 600 | nc db.example.com 5432) & sleep 1",
    );
    assert_eq!(shop.curl("http://server.lock-stock:8080"), "200 1.1");

    let plan = done(&["lockdown", "lock-shop", "--dry-run=server"]);
    let cut: Vec<&str> = plan.stderr.lines().filter(|l| l.contains(" -> ")).collect();
    assert_eq!(
        cut.len(),
        1,
        "only the database would be cut:\n{}",
        plan.stderr
    );
    assert!(
        cut[0].contains("lock-shop/client -> 203.0.113.13:5432") && cut[0].contains("1 open"),
        "{}",
        cut[0]
    );
    assert!(plan.stderr.contains("cronjob/nightly"), "{}", plan.stderr);
    let strict = done(&[
        "lockdown",
        "lock-shop",
        "--in-cluster",
        "none",
        "--dry-run=server",
    ]);
    assert!(
        strict
            .stderr
            .contains("server.lock-stock.svc.cluster.local"),
        "{}",
        strict.stderr
    );

    let run = egress(&["lockdown", "lock-shop", "--probe", "edition.cnn.com", "-y"]);
    assert_eq!(run.code, 0, "{}\n{}", run.stdout, run.stderr);
    assert_eq!(
        shop.curl("http://server.lock-stock:8080"),
        "200 1.1",
        "the call to another namespace"
    );
    assert_eq!(
        metrics.curl("http://server.lock-shop:8080"),
        "200 1.1",
        "the scrape"
    );
    MESH.kubectl(&[
        "-n",
        "lock-shop",
        "create",
        "job",
        "tonight",
        "--from=cronjob/nightly",
    ]);
    let end = Instant::now() + Duration::from_secs(60);
    loop {
        let job = MESH.json(&["-n", "lock-shop", "get", "job", "tonight"]);
        if job["status"]["succeeded"] == 1 {
            break;
        }
        assert!(
            job["status"]["failed"].is_null() && Instant::now() < end,
            "the job: {}",
            job["status"]
        );
        std::thread::sleep(Duration::from_millis(300));
    }
    assert_eq!(database(), "", "the database is cut");
    done(&["unlock", "lock-shop", "-y"]);
}
