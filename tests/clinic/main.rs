//! The clinic: failures from public reports, made for real on a mesh, with the smallest cure. Each
//! case shows its symptom by traffic, then doctor must name the cause first; cured, doctor has
//! nothing to say. One after the other, since many of them are about the gateway that all share.
//! Nothing here is ever skipped: without a mesh the tests fail and say why.

mod case;
#[path = "../traffic/mesh.rs"]
#[allow(dead_code, reason = "the traffic tests use more of it")]
mod mesh;
mod patient;

use case::Case;
use patient::Patient;
use serde_json::Value;

macro_rules! cases {
    ($($test:ident = $folder:literal;)*) => {
        const ALL: &[&str] = &[$($folder),*];
        $(#[test] fn $test() { treat($folder); })*
    };
}

cases! {
    c01_lookup = "c01-limits-hide-the-shared-subset";
    c02_visibility = "c02-entry-hidden-from-the-gateway";
    c03_owner = "c03-test-entry-exported-to-the-gateway";
    c04_hop = "c04-mutual-server-plain-hop";
    c05_sni = "c05-no-sni-for-the-mutual-hop";
    c06_capture = "c06-http-rules-for-https";
    c07_resolution = "c07-none-behind-the-gateway";
    c08_servers = "c08-second-gateway-for-the-host";
    c09_credential = "c09-secret-beside-the-client";
    c10_authorization = "c10-allow-policy-of-others";
    c11_outbound_policy = "c11-other-name-is-declared";
    c12_dns = "c12-name-without-an-address";
    c13_network_policy = "c13-policy-for-the-service-port";
    c14_ambient = "c14-ambient-namespace-sidecar-objects";
    c15_gateway_api = "c15-tlsroute-crd-too-old";
    c16_http2 = "c16-h2-towards-the-outside";
}

#[test]
fn every_folder_is_a_case() {
    let mut folders = Case::folders();
    folders.sort();
    assert_eq!(folders, ALL);
}

/// Broken, then cured.
fn treat(folder: &str) {
    let case = Case::read(folder);
    let _alone = patient::alone();
    {
        let patient = Patient::with(&case, "broken.yaml");
        patient.shows(&case.broken);
        let (code, report) = patient.doctor();
        assert_eq!(
            (code, report["verdict"].as_str()),
            (1, Some("broken")),
            "{folder}: {}",
            told(&report)
        );
        let first = &report["findings"][0];
        assert_eq!(
            first["code"].as_str(),
            Some(case.finding.as_str()),
            "{folder}: {}",
            told(&report)
        );
        let objects = first["objects"].as_array().expect("a list");
        let named = objects
            .iter()
            .any(|object| case.culprit.iter().any(|c| c.is(object)));
        assert!(named, "{folder}: {objects:?}");
    }
    let patient = Patient::with(&case, "fixed.yaml");
    patient.shows(&case.healthy);
    let (code, report) = patient.doctor();
    let errors = report["findings"]
        .as_array()
        .expect("a list")
        .iter()
        .filter(|f| f["severity"] == "error")
        .count();
    assert_eq!((code, errors), (0, 0), "{folder}, cured: {}", told(&report));
}

/// The findings of a report in short.
fn told(report: &Value) -> String {
    let findings = report["findings"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default();
    let line = |f: &Value| {
        format!(
            "\n  {} {}: {} {}",
            f["code"],
            f["severity"],
            f["message"],
            f["evidence"].as_array().map_or(0, Vec::len)
        )
    };
    format!(
        "{} {}{}",
        report["verdict"],
        report["incomplete"],
        findings.iter().map(line).collect::<Vec<_>>().join("")
    )
}
