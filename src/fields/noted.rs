//! The noted fields and the limits that an object has set.

use super::table::{Field, Standing, Table};
use serde_json::Value;

/// A noted field, or a limit, that is set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Noted {
    /// Where, as `spec.http[0].fault`.
    pub path: String,
    /// What it does.
    pub words: &'static str,
    /// It is a limit, which a call stays below or not.
    pub is_limit: bool,
}

/// The noted fields and the limits of an object's spec, each once.
pub fn noted(table: &Table, spec: &Value) -> Vec<Noted> {
    let mut found = Vec::new();
    look(table, spec, &At::spec(), &mut found);
    found
}

/// A place in an object.
#[derive(Clone)]
struct At {
    /// Its names, as the table has them: `http[]`.
    names: Vec<String>,
    /// The same with numbers: `http[0]`.
    shown: Vec<String>,
}

impl At {
    fn spec() -> Self {
        let names = vec!["spec".to_owned()];
        Self {
            shown: names.clone(),
            names,
        }
    }

    fn field(&self, name: &str) -> Self {
        let mut at = self.clone();
        at.names.push(name.into());
        at.shown.push(name.into());
        at
    }

    fn item(&self, number: usize) -> Self {
        let mut at = self.clone();
        if let (Some(name), Some(shown)) = (at.names.last_mut(), at.shown.last_mut()) {
            name.push_str("[]");
            *shown = format!("{shown}[{number}]");
        }
        at
    }
}

fn look(table: &Table, value: &Value, at: &At, found: &mut Vec<Noted>) {
    let names: Vec<&str> = at.names.iter().map(String::as_str).collect();
    let keys: Vec<Option<&str>> = match value {
        Value::Null => return,
        Value::Object(fields) => fields.keys().map(|k| Some(k.as_str())).collect(),
        other => vec![other.as_str()],
    };
    let lines: Vec<&Field> = keys.iter().filter_map(|k| table.find(&names, *k)).collect();
    // A line for all that is left does not stand before lines for what is below.
    let parted = value.is_array() || (value.is_object() && table.has_below(&names));
    if lines.is_empty() || parted {
        return descend(table, value, at, found);
    }
    for line in lines {
        let (words, is_limit) = match line.standing {
            Standing::Noted(words) => (words, false),
            Standing::Limits(words) => (words, true),
            _ => continue,
        };
        let depth = line.depth().min(at.shown.len());
        let path = if line.is_whole() {
            at.shown[..depth].join(".")
        } else {
            at.shown.join(".")
        };
        let note = Noted {
            path,
            words,
            is_limit,
        };
        if !found.contains(&note) {
            found.push(note);
        }
    }
}

fn descend(table: &Table, value: &Value, at: &At, found: &mut Vec<Noted>) {
    match value {
        Value::Object(fields) => {
            for (name, field) in fields {
                look(table, field, &at.field(name), found);
            }
        }
        Value::Array(items) => {
            for (number, item) in items.iter().enumerate() {
                look(table, item, &at.item(number), found);
            }
        }
        _ => {}
    }
}
