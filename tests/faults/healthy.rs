//! A healthy mesh, with three gateway pods and two client namespaces: nothing found, quickly, and
//! nothing left behind.

use crate::mesh::{MESH, Team};
use crate::site::Site;
use serde_json::Value;
use std::time::{Duration, Instant};

#[test]
fn a_healthy_mesh_is_healthy_within_two_seconds() {
    let site = Site::alone("f-well");
    let other = Team::new("f-well-other");
    site.kubectl(&["scale", "deploy/egress", "--replicas=3"]);
    site.roll("egress");
    site.healthy();
    let before = everything(&[site.namespace(), &other.namespace]);
    let (took, report) = quickest(&site, &other);
    assert_eq!(report["verdict"], "healthy", "{report:#}");
    assert_eq!(report["findings"], Value::Array(Vec::new()), "{report:#}");
    assert_eq!(
        report["paths"].as_array().map(Vec::len),
        Some(2),
        "{report:#}"
    );
    assert!(took < Duration::from_secs(2), "{took:?}");
    assert_eq!(everything(&[site.namespace(), &other.namespace]), before);
}

/// Three runs, of which the quickest counts: this machine does other things as well.
fn quickest(site: &Site, other: &Team) -> (Duration, Value) {
    let from = format!(
        "{}/deploy/client,{}/deploy/client",
        site.namespace(),
        other.namespace
    );
    let run = || {
        let began = Instant::now();
        let output = MESH.egress(&[
            "doctor", "--host", &site.host, "--port", "80", "--from", &from, "-o", "json",
        ]);
        let took = began.elapsed();
        (
            took,
            serde_json::from_slice::<Value>(&output.stdout).expect("a report"),
        )
    };
    let runs = [run(), run(), run()];
    runs.into_iter()
        .min_by_key(|(took, _)| *took)
        .expect("three runs")
}

/// Names and versions of what doctor could have touched.
fn everything(namespaces: &[&str]) -> String {
    let kinds = "pods,services,configmaps,secrets,serviceentries,virtualservices,destinationrules,gateways,networkpolicies";
    let columns = "custom-columns=K:.kind,N:.metadata.name,G:.metadata.generation,E:.spec.ephemeralContainers";
    namespaces
        .iter()
        .map(|ns| MESH.kubectl(&["-n", ns, "get", kinds, "-o", columns]))
        .collect()
}
