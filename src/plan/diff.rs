//! The plan as text: one line an object, or a difference as `kubectl diff` shows it.

use super::step::{Action, Step, essence};
use crate::error::Error;
use crate::kubernetes::ObjectRef;
use serde_json::Value;
use similar::TextDiff;
use std::fmt::Write;

/// One line for each object: what happens to it.
pub fn summary(steps: &[Step]) -> String {
    steps.iter().fold(String::new(), |mut text, step| {
        let _ = writeln!(text, "  {:<9} {}", step.action.name(), step.object);
        text
    })
}

/// A unified difference of all objects that change.
pub fn unified(steps: &[Step]) -> Result<String, Error> {
    let mut text = String::new();
    for step in steps.iter().filter(|s| s.action != Action::Unchanged) {
        text.push_str(&difference(
            &step.object,
            step.live.as_ref(),
            step.merged.as_ref(),
        )?);
    }
    Ok(text)
}

/// A unified difference of one object.
pub fn difference(
    object: &ObjectRef,
    live: Option<&Value>,
    plan: Option<&Value>,
) -> Result<String, Error> {
    let (old, new) = (side(live)?, side(plan)?);
    let name = format!("{}/{}/{}", object.kind, object.namespace, object.name);
    let diff = TextDiff::from_lines(&old, &new);
    let mut unified = diff.unified_diff();
    let headed = unified.header(&format!("live/{name}"), &format!("plan/{name}"));
    Ok(headed.to_string())
}

fn side(object: Option<&Value>) -> Result<String, Error> {
    object.map_or(Ok(String::new()), |o| yaml(&essence(o)))
}

/// A value as YAML.
pub fn yaml(value: &Value) -> Result<String, Error> {
    serde_saphyr::to_string(value).map_err(|e| Error::Failed(format!("cannot write YAML: {e}")))
}

/// Objects as one YAML stream that `kubectl apply -f -` takes.
pub fn yaml_stream(objects: &[Value]) -> Result<String, Error> {
    let texts: Result<Vec<String>, Error> = objects.iter().map(yaml).collect();
    Ok(texts?.join("---\n"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flow::Part;
    use crate::kubernetes::{Kind, ObjectRef};
    use crate::plan::RecordName;
    use serde_json::json;

    #[test]
    fn a_difference_shows_only_what_somebody_wrote() {
        let live =
            json!({"metadata": {"name": "x", "resourceVersion": "1"}, "spec": {"hosts": ["a"]}});
        let merged = json!({"metadata": {"name": "x", "resourceVersion": "2"}, "spec": {"hosts": ["a", "b"]}});
        let step = Step {
            record: RecordName::Lockdown {
                namespace: "ns".into(),
            },
            part: Part::Entry,
            object: ObjectRef::new(Kind::ServiceEntry, "ns", "x"),
            action: Action::Change,
            body: None,
            live: Some(live),
            merged: Some(merged),
        };
        let text = unified(std::slice::from_ref(&step)).unwrap();
        assert!(
            text.contains("--- live/ServiceEntry/ns/x") && text.contains('+') && text.contains('b'),
            "{text}"
        );
        assert!(!text.contains("resourceVersion"), "{text}");
        assert_eq!(summary(&[step]), "  change    ServiceEntry ns/x\n");
    }

    #[test]
    fn a_stream_is_what_kubectl_takes() {
        let text = yaml_stream(&[
            json!({"a": "yes", "b": ["*.x", 1]}),
            json!({"c": {"d": "1"}}),
        ])
        .unwrap();
        insta::assert_snapshot!(text);
    }
}
