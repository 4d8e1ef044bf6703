//! The edit of a user's `IstioOperator` file: a component is added under
//! `spec.components.egressGateways`, and taken out again, with every other byte left as it is:
//! comments, order, quotes.
//!
//! A general YAML editor would bring a parser in C for this one place. What keeps the small one
//! honest is that the text is parsed before and after, and the difference must be exactly the
//! component; a file that is written in a way that it does not handle is refused with the lines to
//! add by hand.

use crate::plan::diff::yaml;
use serde_json::{Value, json};

const PATH: [&str; 3] = ["spec", "components", "egressGateways"];

/// A change of a text: what stood there, and what stands there now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Edit {
    /// The whole text after.
    pub(super) text: String,
    /// What was put in.
    pub(super) added: String,
    /// What it took the place of.
    pub(super) replaced: String,
}

/// Add the component.
pub(super) fn add(text: &str, component: &Value) -> Result<Edit, String> {
    let before = parse(text)?;
    let (at, replaced, added) = place(text, component)?;
    let mut after = text.to_owned();
    after.replace_range(at..at + replaced.len(), &added);
    let mut wanted = before;
    push(&mut wanted, component)?;
    if parse(&after)? != wanted {
        return Err("it is written in a way that cannot be edited with its comments kept".into());
    }
    Ok(Edit {
        text: after,
        added,
        replaced,
    })
}

/// Take out what was added; it must still be there as it was written.
pub(super) fn take_out(text: &str, added: &str, replaced: &str) -> Result<String, String> {
    if text.matches(added).count() != 1 {
        return Err("the lines that setup added are no longer in it as they were".into());
    }
    let after = text.replacen(added, replaced, 1);
    parse(&after)?;
    Ok(after)
}

/// The egress gateways that the text has.
pub(super) fn components(text: &str) -> Result<Vec<Value>, String> {
    let operator = parse(text)?;
    Ok(operator
        .pointer("/spec/components/egressGateways")
        .and_then(Value::as_array)
        .cloned()
        .unwrap_or_default())
}

fn parse(text: &str) -> Result<Value, String> {
    serde_saphyr::from_str(text).map_err(|e| crate::yaml::words(&e))
}

fn push(operator: &mut Value, component: &Value) -> Result<(), String> {
    let mut at = operator;
    for key in &PATH[..2] {
        let fields = at
            .as_object_mut()
            .ok_or("spec.components is not a mapping")?;
        at = fields.entry(*key).or_insert_with(|| json!({}));
    }
    let fields = at
        .as_object_mut()
        .ok_or("spec.components is not a mapping")?;
    match fields.entry(PATH[2]).or_insert_with(|| json!([])) {
        Value::Array(list) => list.push(component.clone()),
        _ => return Err("spec.components.egressGateways is not a list".into()),
    }
    Ok(())
}

/// One line of the text.
struct Line<'a> {
    start: usize,
    text: &'a str,
}

impl Line<'_> {
    fn indent(&self) -> usize {
        self.text.len() - self.text.trim_start_matches(' ').len()
    }

    /// Neither blank nor a comment.
    fn speaks(&self) -> bool {
        let text = self.text.trim();
        !(text.is_empty() || text.starts_with('#'))
    }

    fn dashed(&self) -> bool {
        self.text.trim_start().starts_with("- ")
    }

    /// What stands after `key:`, without a comment; none where it is another line.
    fn value_of(&self, key: &str) -> Option<&str> {
        let rest = self
            .text
            .trim_start()
            .strip_prefix(key)?
            .strip_prefix(':')?;
        Some(rest.split(" #").next().unwrap_or_default().trim())
    }

    fn end(&self) -> usize {
        self.start + self.text.len()
    }
}

/// Where to put it, what stands there, and what is to stand there.
fn place(text: &str, component: &Value) -> Result<(usize, String, String), String> {
    let mut start = 0;
    let lines: Vec<Line<'_>> = text
        .split_inclusive('\n')
        .map(|text| {
            let line = Line { start, text };
            start += text.len();
            line
        })
        .collect();
    let (mut from, mut to, mut indent) = (0, lines.len(), 0);
    for (depth, key) in PATH.iter().enumerate() {
        let found = (from..to)
            .find(|at| lines[*at].indent() == indent && lines[*at].value_of(key).is_some());
        let Some(at) = found else {
            let last = (from..to)
                .rev()
                .find(|at| lines[*at].speaks())
                .map_or(0, |at| lines[at].end());
            return Ok((
                last,
                String::new(),
                with_line_feed(&text[..last], &block(&PATH[depth..], indent, component)?),
            ));
        };
        match lines[at].value_of(key) {
            Some("") => {}
            Some("[]") if depth == 2 => {
                let item = format!("{:indent$}{key}:\n{}", "", item(component, indent)?);
                return Ok((lines[at].start, lines[at].text.to_owned(), item));
            }
            _ => return Err(format!("{key} is written on one line")),
        }
        let inside = |line: &Line<'_>| {
            line.indent() > indent || (depth == 2 && line.indent() == indent && line.dashed())
        };
        let end = (at + 1..to)
            .find(|at| lines[*at].speaks() && !inside(&lines[*at]))
            .unwrap_or(to);
        (from, to) = (at + 1, end);
        let first = (from..to)
            .find(|at| lines[*at].speaks())
            .map(|at| lines[at].indent());
        indent = first.unwrap_or(if depth == 2 { indent } else { indent + 2 });
    }
    let last = (from..to)
        .rev()
        .find(|at| lines[*at].speaks())
        .map_or(lines[from - 1].end(), |at| lines[at].end());
    Ok((
        last,
        String::new(),
        with_line_feed(&text[..last], &item(component, indent)?),
    ))
}

fn with_line_feed(before: &str, added: &str) -> String {
    let missing = !before.is_empty() && !before.ends_with('\n');
    if missing {
        format!("\n{added}")
    } else {
        added.to_owned()
    }
}

/// The keys that are missing, and the component below them.
fn block(keys: &[&str], mut indent: usize, component: &Value) -> Result<String, String> {
    let mut lines = Vec::new();
    for key in keys {
        lines.push(format!("{:indent$}{key}:\n", ""));
        indent += 2;
    }
    lines.push(item(component, indent - 2)?);
    Ok(lines.concat())
}

/// The component as an item of a list whose dashes have that indent.
fn item(component: &Value, indent: usize) -> Result<String, String> {
    let text = yaml(component).map_err(|e| e.to_string())?;
    let line = |(at, line): (usize, &str)| {
        format!(
            "{:indent$}{}{line}\n",
            "",
            if at == 0 { "- " } else { "  " }
        )
    };
    Ok(text.lines().enumerate().map(line).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gateway() -> Value {
        json!({"name": "gw", "namespace": "egress", "enabled": true, "k8s": {"replicaCount": 2}})
    }

    #[test]
    fn every_other_byte_stays_and_the_way_back_is_exact() {
        for text in [
            "spec: # mine\n  profile: minimal # small\n\n# the end\n",
            "# top\nspec:\n  components:\n    # pilot\n    pilot: {enabled: true}\n  values: {a: \
             'b'}\n",
            "spec:\n    components:\n        egressGateways:\n        - name: other # \
             theirs\n          enabled: true\n        pilot:\n            enabled: true\n",
            "spec:\n  components:\n    egressGateways: [] # none yet\n    pilot: {}\n",
            "kind: IstioOperator\n",
            "spec:\n  profile: minimal",
            "spec:\n  components:\n    egressGateways:\n      - {name: a}\n\n  values: {}\n",
        ] {
            let edit = add(text, &gateway()).unwrap_or_else(|e| panic!("{text}: {e}"));
            assert!(
                components(&edit.text).unwrap().contains(&gateway()),
                "{}",
                edit.text
            );
            for comment in text
                .lines()
                .filter_map(|l| l.split_once('#'))
                .map(|(_, c)| c)
            {
                assert!(
                    edit.text.contains(comment) || edit.replaced.contains(comment),
                    "{}",
                    edit.text
                );
            }
            assert_eq!(
                take_out(&edit.text, &edit.added, &edit.replaced).unwrap(),
                text
            );
        }
    }

    #[test]
    fn what_it_cannot_edit_is_refused() {
        for (text, reason) in [
            ("spec: {profile: minimal}\n", "on one line"),
            (
                "spec:\n  components:\n    egressGateways: [{name: a}]\n",
                "on one line",
            ),
            ("spec:\n  \"components\":\n    pilot: {}\n", ""),
            ("spec: [", ""),
        ] {
            let error = add(text, &gateway()).unwrap_err();
            assert!(error.contains(reason), "{text}: {error}");
        }
        let edit = add("spec:\n  profile: minimal\n", &gateway()).unwrap();
        let changed = edit.text.replace("replicaCount: 2", "replicaCount: 3");
        assert!(take_out(&changed, &edit.added, &edit.replaced).is_err());
    }
}
