//! The fields of a definition's schema, and an object with one of them set.

use serde_json::{Map, Value, json};

/// A field that has no fields below it.
#[derive(Clone, Debug)]
pub(crate) struct Leaf {
    /// As the tables have it: `spec.http[].match[].port`.
    pub(crate) path: String,
    /// What the definition says of it.
    pub(crate) schema: Value,
}

/// All of a part of a schema.
pub(crate) fn leaves(schema: &Value) -> Vec<Leaf> {
    let mut found = Vec::new();
    walk(schema, "spec", &mut found);
    found
}

fn walk(schema: &Value, path: &str, found: &mut Vec<Leaf>) {
    let fields = schema["properties"].as_object();
    if let Some(fields) = fields.filter(|f| !f.is_empty()) {
        for (name, field) in fields {
            walk(field, &format!("{path}.{name}"), found);
        }
    } else if schema.get("items").is_some() {
        walk(&schema["items"], &format!("{path}[]"), found);
    } else if schema["additionalProperties"]["properties"].is_object() {
        walk(&schema["additionalProperties"], &format!("{path}.*"), found);
    } else {
        found.push(Leaf {
            path: path.to_owned(),
            schema: schema.clone(),
        });
    }
}

/// A value that is not the default.
fn sample(schema: &Value) -> Value {
    let listed = schema["enum"].as_array().and_then(|all| {
        let plain = |v: &&Value| {
            ![
                "UNSET",
                "DEFAULT",
                "DISABLE",
                "UNSPECIFIED",
                "PASSTHROUGH",
                "NONE",
                "ALLOW",
            ]
            .iter()
            .any(|d| **v == *d)
        };
        all.iter().find(plain).or(all.last())
    });
    if let Some(value) = listed {
        return value.clone();
    }
    let kind = schema["type"].as_str().unwrap_or_default();
    match kind {
        "boolean" => json!(true),
        "integer" => json!(7),
        "number" => json!(7.5),
        "object" => {
            let of = &schema["additionalProperties"]["type"];
            json!({"key": if of == "integer" { json!(7) } else { json!("value") }})
        }
        _ if schema["x-kubernetes-int-or-string"] == true => json!(7),
        _ => json!("7s"),
    }
}

impl Leaf {
    pub(crate) fn names(&self) -> Vec<&str> {
        self.path.split('.').collect()
    }

    /// The value, where a table may be for some values only.
    pub(crate) fn only(&self) -> Option<String> {
        match &sample(&self.schema) {
            Value::String(text) => Some(text.clone()),
            Value::Object(map) => map.keys().next().cloned(),
            _ => None,
        }
    }

    /// A spec with only that.
    pub(crate) fn object(&self) -> Value {
        let names = self.names();
        build(&names[1..], &sample(&self.schema))
    }
}

fn build(names: &[&str], value: &Value) -> Value {
    let Some((name, rest)) = names.split_first() else {
        return value.clone();
    };
    let inner = build(rest, value);
    let (name, inner) = match name.strip_suffix("[]") {
        Some(name) => (name, json!([inner])),
        None if *name == "*" => ("key", inner),
        None => (*name, inner),
    };
    Value::Object(Map::from_iter([(name.to_owned(), inner)]))
}

/// The same without its innermost field.
pub(crate) fn emptied(spec: &Value, names: &[&str]) -> Value {
    let mut spec = spec.clone();
    let mut at = &mut spec;
    for name in &names[1..names.len() - 1] {
        let key = if *name == "*" {
            "key"
        } else {
            name.trim_end_matches("[]")
        };
        at = &mut at[key];
        if name.ends_with("[]") {
            at = &mut at[0];
        }
    }
    let last = names[names.len() - 1];
    if let Some(object) = at.as_object_mut() {
        object.remove(last.trim_end_matches("[]"));
        object.remove("key");
    }
    spec
}

/// Whether a path is at or below another one.
pub(crate) fn is_below(above: &str, path: &[&str]) -> bool {
    let above: Vec<&str> = above.split('.').collect();
    path.starts_with(&above)
}
