//! For scripts: the objects to change, one a line, each as kubectl takes it.

use super::Report;
use crate::kubernetes::ObjectRef;
use std::collections::BTreeSet;

/// `-n team-a destinationrule.networking.istio.io/cnn`
pub(super) fn name(report: &Report) -> String {
    let mut seen = BTreeSet::new();
    let objects = report
        .findings
        .iter()
        .filter_map(|f| f.culprit())
        .map(|place| &place.object);
    let lines: Vec<String> = objects
        .filter(|object| seen.insert(*object))
        .map(one)
        .collect();
    lines.join("\n")
}

fn one(object: &ObjectRef) -> String {
    let kind = object.kind.name().to_lowercase();
    let group = match object.kind.group() {
        "" => String::new(),
        group => format!(".{group}"),
    };
    let namespace = if object.namespace.is_empty() {
        String::new()
    } else {
        format!("-n {} ", object.namespace)
    };
    format!("{namespace}{kind}{group}/{}", object.name)
}
