//! A healthy mesh, with three gateway pods and two client namespaces: nothing found, and
//! nothing left behind.

use crate::mesh::{MESH, Team};
use crate::site::Site;
use serde_json::Value;

#[test]
fn a_healthy_mesh_is_healthy_and_stays_as_it_is() {
    let site = Site::alone("f-well");
    let other = Team::new("f-well-other");
    site.kubectl(&["scale", "deploy/egress", "--replicas=3"]);
    site.roll("egress");
    site.healthy();
    let before = everything(&[site.namespace(), &other.namespace]);
    let report = report(&site, &other);
    assert_eq!(report["verdict"], "healthy", "{report:#}");
    assert_eq!(report["findings"], Value::Array(Vec::new()), "{report:#}");
    assert_eq!(
        report["paths"].as_array().map(Vec::len),
        Some(2),
        "{report:#}"
    );
    assert_eq!(everything(&[site.namespace(), &other.namespace]), before);
}

/// What doctor says of one host for two clients.
fn report(site: &Site, other: &Team) -> Value {
    let from = format!(
        "{}/deploy/client,{}/deploy/client",
        site.namespace(),
        other.namespace
    );
    let output = MESH.egress(&[
        "doctor", "--host", &site.host, "--port", "80", "--from", &from, "-o", "json",
    ]);
    serde_json::from_slice(&output.stdout).expect("a report")
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
