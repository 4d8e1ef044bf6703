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
        format!("-n {} ", scriptable(&object.namespace))
    };
    format!("{namespace}{kind}{group}/{}", scriptable(&object.name))
}

/// A name as a script may use it. The API server takes no others than these letters (RFC 1123), but
/// a manifest can say anything.
fn scriptable(name: &str) -> String {
    let shown = |c: char| {
        if c.is_ascii_alphanumeric() || "-._:".contains(c) {
            vec![c]
        } else {
            c.escape_unicode().collect()
        }
    };
    name.chars().flat_map(shown).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_steer_a_terminal_or_a_shell() {
        assert_eq!(scriptable("api-v1.example:x"), "api-v1.example:x");
        let hostile = "x\u{1b}[31mRED\u{202e}\u{9b}; rm -rf /\n$(id)";
        let shown = scriptable(hostile);
        assert!(
            !shown.contains(['\u{1b}', '\u{202e}', '\u{9b}', ';', ' ', '\n', '$']),
            "{shown}"
        );
    }
}
