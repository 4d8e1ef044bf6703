//! Somebody else's traffic to the same host through the same gateway moves the same counters. It
//! must not make a client look healthy that goes past the gateway.

use crate::mesh::{MESH, Team, text};
use crate::site::Site;
use std::time::{Duration, Instant};

/// Fifty requests a second, for two minutes.
const CROWD: &str = "end=$(($(date +%s) + 120)); while [ $(date +%s) -lt $end ]; do \
     curl -s -o /dev/null -m 5 \"http://$1/crowd?[1-50]\"; sleep 0.7; done";

#[test]
fn a_crowd_through_the_gateway_does_not_cover_a_client_that_goes_past_it() {
    let site = Site::new("f-crowd");
    let other = Team::new("f-crowd-other");
    let to_other = "{\"spec\": {\"exportTo\": [\"*\"]}}";
    site.kubectl(&[
        "patch",
        "virtualservice/host",
        "--type=merge",
        "-p",
        to_other,
    ]);
    let ports = "traffic.sidecar.istio.io/excludeOutboundPorts";
    let patch = format!(
        r#"{{"spec": {{"template": {{"metadata": {{"annotations": {{"{ports}": "80"}}}}}}}}}}"#
    );
    site.kubectl(&["patch", "deploy/client", "-p", &patch]);
    site.roll("client");
    let mut crowd = crowd(&other, &site.host);
    let before = through(&site);
    let began = Instant::now();
    while through(&site) < before + 100 {
        assert!(
            began.elapsed() < Duration::from_secs(90),
            "the crowd does not come through the gateway"
        );
        std::thread::sleep(Duration::from_millis(200));
    }
    let (code, report) = site.doctor();
    crowd.kill().expect("the crowd ends");
    let _ = crowd.wait();
    assert_eq!(
        (code, report["verdict"].as_str()),
        (Some(1), Some("broken")),
        "{report:#}"
    );
    let only_observed = MESH.egress(&[
        "doctor",
        "--host",
        &site.host,
        "--port",
        "80",
        "--from",
        &format!("{}/deploy/client", site.namespace()),
        "--only",
        "EG502",
        "-o",
        "json",
    ]);
    let report: serde_json::Value =
        serde_json::from_slice(&only_observed.stdout).expect("a report");
    assert_eq!(report["findings"][0]["code"], "EG502", "{report:#}");
}

fn crowd(team: &Team, host: &str) -> std::process::Child {
    let mut command = std::process::Command::new("kubectl");
    command.env("KUBECONFIG", &MESH.kubeconfig).args([
        "-n",
        &team.namespace,
        "exec",
        &team.pod,
        "-c",
        "client",
        "--",
    ]);
    command
        .args(["sh", "-c", CROWD, "sh", host])
        .stdout(std::process::Stdio::null())
        .spawn()
        .expect("kubectl runs")
}

/// Requests from the gateway to the host.
fn through(site: &Site) -> u64 {
    let pods = MESH.gateway_pods(&format!("{}/egress", site.namespace()));
    let name = text(pods.first().expect("a gateway"), "/metadata/name");
    MESH.counter(
        site.namespace(),
        &name,
        &format!("outbound|80||{}", site.host),
    )
}
