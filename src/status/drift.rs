//! What is no longer as it was written: every field that we would write must be in the object with
//! that value. What others added besides is their business.

use crate::kubernetes::ObjectRef;
use crate::plan::{Owner, reference};
use serde::Serialize;
use serde_json::Value;

/// One object that is not as it was written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Drift {
    /// The object.
    pub object: ObjectRef,
    /// What is different, in words.
    pub what: String,
}

/// Compare what would be written with what is there. `live` are the objects with our label.
pub fn drift(owner: &Owner, wanted: &[Value], live: &[Value]) -> Vec<Drift> {
    let mut all = Vec::new();
    for body in wanted {
        let Some(object) = reference(body) else {
            continue;
        };
        let found = live.iter().find(|l| reference(l).as_ref() == Some(&object));
        let what = match found {
            None => Some("it is gone".to_owned()),
            Some(found) if !owner.owns(found) => {
                Some("it is no longer ours: made again, or relabelled".into())
            }
            Some(found) => ["spec", "metadata"]
                .iter()
                .find_map(|part| part_of(body, found, part)),
        };
        all.extend(what.map(|what| Drift { object, what }));
    }
    all
}

fn part_of(body: &Value, live: &Value, part: &str) -> Option<String> {
    let path = difference(
        body.get(part)?,
        live.get(part).unwrap_or(&Value::Null),
        part,
    )?;
    Some(format!("{path} is not as it was written"))
}

/// The path of the first field that is not in `live` with that value.
fn difference(wanted: &Value, live: &Value, path: &str) -> Option<String> {
    match (wanted, live) {
        (Value::Object(fields), Value::Object(_)) => fields.iter().find_map(|(key, value)| {
            difference(
                value,
                live.get(key).unwrap_or(&Value::Null),
                &format!("{path}.{key}"),
            )
        }),
        (Value::Array(items), Value::Array(there)) if items.len() == there.len() => {
            let mut pairs = items.iter().zip(there).enumerate();
            pairs.find_map(|(at, (a, b))| difference(a, b, &format!("{path}[{at}]")))
        }
        // The API server leaves out what is empty.
        (Value::Object(fields), Value::Null) if fields.is_empty() => None,
        (Value::Array(items), Value::Null) if items.is_empty() => None,
        (a, b) if a == b => None,
        _ => Some(path.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_others_added_is_no_drift() {
        let wanted = json!({"a": 1, "list": [{"b": "x"}], "none": {}});
        let added = json!({"a": 1, "list": [{"b": "x", "default": true}], "more": 2});
        assert_eq!(difference(&wanted, &added, "spec"), None);
        let changed = json!({"a": 1, "list": [{"b": "y"}]});
        assert_eq!(
            difference(&wanted, &changed, "spec").as_deref(),
            Some("spec.list[0].b")
        );
        let longer = json!({"a": 1, "list": [{"b": "x"}, {"b": "z"}]});
        assert_eq!(
            difference(&wanted, &longer, "spec").as_deref(),
            Some("spec.list")
        );
        assert_eq!(
            difference(&wanted, &json!({"list": [{"b": "x"}]}), "spec").as_deref(),
            Some("spec.a")
        );
    }
}
