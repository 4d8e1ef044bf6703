//! For code scanning: SARIF 2.1.0 (OASIS), one result for each finding, located at the object to
//! change.

use super::Report;
use super::json::pretty;
use crate::checks::finding::{Finding, Severity};
use crate::checks::registry;
use crate::error::Error;
use crate::kubernetes::Place;
use serde_json::{Value, json};
use std::collections::BTreeMap;

const SCHEMA: &str = "https://json.schemastore.org/sarif-2.1.0.json";

/// The report as a SARIF log.
pub(super) fn sarif(report: &Report) -> Result<String, Error> {
    let codes: BTreeMap<&str, &Finding> = report
        .findings
        .iter()
        .rev()
        .map(|f| (f.code.0, f))
        .collect();
    let rules: Vec<Value> = codes.values().map(|finding| rule(finding)).collect();
    let order: Vec<&str> = codes.keys().copied().collect();
    let results: Vec<Value> = report
        .findings
        .iter()
        .map(|finding| result(finding, &order))
        .collect();
    let notices: Vec<Value> = report
        .incomplete
        .iter()
        .map(|line| json!({"level": "warning", "message": {"text": line}}))
        .collect();
    pretty(&json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {
                "name": "kubectl-egress", "semanticVersion": env!("CARGO_PKG_VERSION"), "rules": rules,
            }},
            "invocations": [{
                "executionSuccessful": report.incomplete.is_empty(),
                "toolExecutionNotifications": notices,
            }],
            "results": results,
        }],
    }))
}

fn rule(finding: &Finding) -> Value {
    let check = registry::find(finding.code.0);
    let title = check.map_or(finding.title.as_str(), |check| check.title);
    let page = check.map_or("", |check| check.page);
    json!({
        "id": finding.code,
        "shortDescription": {"text": title},
        "help": {"text": title, "markdown": page},
        "defaultConfiguration": {"level": level(finding.severity)},
    })
}

fn result(finding: &Finding, order: &[&str]) -> Value {
    let fix = finding
        .fix
        .as_ref()
        .map(|fix| format!(" To do: {}.", fix.summary.trim_end_matches('.')));
    let mut result = json!({
        "ruleId": finding.code,
        "ruleIndex": order.iter().position(|code| *code == finding.code.0),
        "level": level(finding.severity),
        "message": {"text": format!("{}: \
            {}.{}", finding.title, finding.message.trim_end_matches('.'), fix.unwrap_or_default())},
        "partialFingerprints": {"finding/v1": fingerprint(finding)},
        "properties": {"hop": finding.hop, "confidence": finding.confidence, "evidence": finding.evidence},
    });
    if let Some((first, others)) = finding.objects.split_first() {
        result["locations"] = json!([location(first)]);
        result["relatedLocations"] = others.iter().map(location).collect();
    }
    result
}

/// An object of a cluster has no file; its place stands for one, since viewers demand it.
fn location(place: &Place) -> Value {
    let object = &place.object;
    let parts = [
        object.namespace.as_str(),
        object.kind.name(),
        object.name.as_str(),
    ];
    let path = parts
        .into_iter()
        .filter(|p| !p.is_empty())
        .collect::<Vec<_>>()
        .join("/");
    json!({
        "physicalLocation": {"artifactLocation": {"uri": format!("{path}.yaml")}, "region": {"startLine": 1}},
        "logicalLocations": [{"kind": "resource", "fullyQualifiedName": path, "name": place.path}],
    })
}

fn fingerprint(finding: &Finding) -> String {
    let object = finding
        .culprit()
        .map(|place| place.object.to_string())
        .unwrap_or_default();
    format!("{} {object}", finding.code)
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Info => "note",
    }
}
