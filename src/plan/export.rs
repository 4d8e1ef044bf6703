//! The one field by which a client's sidecar comes to know a host: `exportTo` of its
//! `ServiceEntry`.
//!
//! A sidecar that gets the entry before the route makes a direct cluster and sends to it while that
//! still asks DNS: requests fail. So a client's route is written first, where it does nothing yet,
//! and the entry is shown to it last; on the way back it is hidden first.

use serde_json::{Value, json};
use std::collections::BTreeSet;

/// The entry as it is wanted, but seen only by its own namespace and by those that see it now.
pub fn before_export(wanted: &Value, live: Option<&Value>) -> Value {
    let own = wanted
        .pointer("/metadata/namespace")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let now = live.map(seen_by).unwrap_or_default();
    let then = seen_by(wanted);
    let seen: BTreeSet<&str> = then
        .into_iter()
        .filter(|ns| *ns == own || now.contains(ns))
        .collect();
    with_export(wanted, &seen)
}

/// The entry as it is, no longer seen by these namespaces: what we would apply.
pub fn hidden_from(live: &Value, clients: &[String]) -> Value {
    let own = live
        .pointer("/metadata/namespace")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let hidden = |ns: &&str| *ns != own && clients.iter().any(|c| c == ns);
    let seen: BTreeSet<&str> = seen_by(live).into_iter().filter(|ns| !hidden(ns)).collect();
    let part = |pointer: &str| live.pointer(pointer).cloned().unwrap_or_default();
    let body = json!({
        "apiVersion": part("/apiVersion"),
        "kind": part("/kind"),
        "metadata": {
            "name": part("/metadata/name"), "namespace": part("/metadata/namespace"),
            "labels": part("/metadata/labels"), "annotations": part("/metadata/annotations"),
        },
        "spec": part("/spec"),
    });
    with_export(&body, &seen)
}

fn seen_by(entry: &Value) -> Vec<&str> {
    let list = entry.pointer("/spec/exportTo").and_then(Value::as_array);
    list.into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect()
}

fn with_export(entry: &Value, seen: &BTreeSet<&str>) -> Value {
    let mut entry = entry.clone();
    if let Some(spec) = entry.get_mut("spec").and_then(Value::as_object_mut) {
        spec.insert("exportTo".into(), json!(seen));
    }
    entry
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(seen: &[&str]) -> Value {
        json!({"metadata": {"namespace": "gw", "name": "x"}, "spec": {"hosts": ["h"], "exportTo": seen}})
    }

    #[test]
    fn a_new_caller_sees_the_entry_last_and_loses_it_first() {
        let seen = |value: &Value| value["spec"]["exportTo"].clone();
        assert_eq!(
            seen(&before_export(&entry(&["a", "b", "gw"]), None)),
            json!(["gw"])
        );
        assert_eq!(
            seen(&before_export(
                &entry(&["a", "b", "gw"]),
                Some(&entry(&["a", "gw"]))
            )),
            json!(["a", "gw"])
        );
        assert_eq!(
            seen(&hidden_from(&entry(&["a", "b", "gw"]), &["a".into()])),
            json!(["b", "gw"])
        );
        assert_eq!(
            seen(&hidden_from(&entry(&["gw"]), &["gw".into()])),
            json!(["gw"])
        );
    }
}
