//! What the tables say of this program is true: a field that is called modelled is read where the
//! table says, and what is noted is found.

use super::{KINDS, SETTINGS, Standing, noted, of};
use crate::kubernetes::Kind;
use serde_json::json;
use std::path::{Path, PathBuf};

#[test]
fn every_line_of_a_table_has_a_standing() {
    for (kind, table) in KINDS.iter() {
        let name = snake(kind.name());
        let text = std::fs::read_to_string(source().join(format!("fields/tables/{name}.txt")))
            .expect("a table");
        let lines = text
            .lines()
            .filter(|l| !l.is_empty() && !l.starts_with('#'));
        let paths: Vec<&str> = lines
            .map(|l| l.split_whitespace().next().unwrap())
            .collect();
        assert_eq!(
            paths.len(),
            table.fields.len(),
            "{kind}: a line is not read"
        );
        for field in &table.fields {
            let (Standing::Modelled(words)
            | Standing::Noted(words)
            | Standing::Limits(words)
            | Standing::Irrelevant(words)
            | Standing::Like(words)) = field.standing;
            assert!(!words.is_empty(), "{kind} {}", field.path);
        }
    }
}

#[test]
fn a_field_called_modelled_is_read_in_the_module_that_is_named() {
    for (kind, table) in KINDS.iter() {
        for field in &table.fields {
            let Standing::Modelled(module) = field.standing else {
                continue;
            };
            let code = code_of(module);
            assert!(
                !code.is_empty(),
                "{kind} {}: no module {module}",
                field.path
            );
            let names: Vec<String> = field
                .path
                .split('.')
                .filter(|n| !n.starts_with('*'))
                .map(|n| snake(n.trim_end_matches("[]")))
                .collect();
            // A list or a name below it: `match[].uri.exact` is read as `uri`.
            let read = names.iter().rev().take(2).any(|name| {
                code.iter()
                    .any(|text| text.contains(&format!(".{name}")) || names_in(text, name))
            });
            assert!(read, "{kind} {}: {module} does not read it", field.path);
        }
    }
}

#[test]
fn a_setting_called_modelled_is_named_in_its_module() {
    for (list, table) in SETTINGS.iter() {
        for field in &table.fields {
            let Standing::Modelled(module) = field.standing else {
                continue;
            };
            let last = field.path.rsplit(['.', '/']).next().unwrap_or_default();
            // A switch and an annotation are named as they are, a field by its name in the struct.
            let names = [field.path.to_owned(), last.to_owned(), snake(last)];
            let code = code_of(module);
            let read = names
                .iter()
                .any(|name| code.iter().any(|text| text.contains(name.as_str())));
            assert!(read, "{list} {}: {module} does not read it", field.path);
        }
    }
}

#[test]
fn what_is_noted_is_found_with_its_place() {
    let table = of(Kind::VirtualService).expect("a table");
    let spec = json!({
        "hosts": ["a"],
        "http": [
            {"route": [{"destination": {"host": "a"}, "headers": {"request": {"set": {"x-a.b": "1"}}}}]},
            {"fault": {"abort": {"httpStatus": 503}, "delay": {"fixedDelay": "1s"}},
             "route": [{"destination": {"host": "a"}, "headers": {"request": {"set": {"Host": "b"}}}}]},
        ],
    });
    let paths: Vec<String> = noted(table, &spec).into_iter().map(|n| n.path).collect();
    assert_eq!(
        paths,
        [
            "spec.http[1].fault",
            "spec.http[1].route[0].headers.request.set"
        ]
    );
    let spec =
        json!({"http": [{"timeout": "1s", "retries": {"attempts": 1, "perTryTimeout": "1s"}}]});
    let limits = noted(table, &spec).into_iter().filter(|n| n.is_limit);
    let mut paths: Vec<String> = limits.map(|n| n.path).collect();
    paths.sort();
    assert_eq!(
        paths,
        ["spec.http[0].retries.perTryTimeout", "spec.http[0].timeout"]
    );
    // A line for all the rest does not hide one for a list.
    let table = of(Kind::WasmPlugin).expect("a table");
    let spec = json!({"phase": "AUTHN", "match": [{"mode": "CLIENT"}]});
    assert_eq!(noted(table, &spec)[0].path, "spec.match[0]");
    let table = of(Kind::DestinationRule).expect("a table");
    let policy = json!({"loadBalancer": {"simple": "PASSTHROUGH"}, "connectionPool": {"tcp": {"maxConnections": 1}}});
    let spec = json!({"subsets": [{"trafficPolicy": {"portLevelSettings": [policy]}}]});
    let paths: Vec<String> = noted(table, &spec).into_iter().map(|n| n.path).collect();
    assert_eq!(
        paths,
        ["spec.subsets[0].trafficPolicy.portLevelSettings[0].connectionPool.tcp.maxConnections"]
    );
}

fn source() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

/// The text of a module: its file, and those below it.
fn code_of(module: &str) -> Vec<String> {
    let path = source().join(module.replace("::", "/"));
    let mut files = vec![path.with_extension("rs")];
    if let Ok(below) = std::fs::read_dir(&path) {
        files.extend(below.flatten().map(|entry| entry.path()));
    }
    files
        .iter()
        .filter(|f| f.extension().is_some_and(|e| e == "rs"))
        .filter_map(|f| std::fs::read_to_string(f).ok())
        .collect()
}

/// Whether a struct is taken apart by that name, as in `Server { port, .. }`.
fn names_in(text: &str, name: &str) -> bool {
    [format!("{name},"), format!("{name}:")]
        .iter()
        .any(|n| text.contains(&format!(" {n}")))
}

/// As a field of a struct is written; `IP` is a word.
fn snake(name: &str) -> String {
    let name = name.replace("IPs", "Ips").replace("IP", "Ip");
    let mut out = String::new();
    for c in name.chars() {
        if c.is_ascii_uppercase() && !out.is_empty() {
            out.push('_');
        }
        out.push(c.to_ascii_lowercase());
    }
    out
}
