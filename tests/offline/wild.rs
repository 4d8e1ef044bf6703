//! Shapes that people write and faults that they report, as objects alone (`tests/fixtures/wild`,
//! each beside `mesh.yaml`). The first lines of a file say who calls what, and what is to be said
//! of it: the object that the first finding names, or nothing.

use super::run::egress;
use serde_json::Value;
use std::path::{Path, PathBuf};

/// What is to be said of a file.
struct Expected {
    client: String,
    host: String,
    port: String,
    /// `Kind/namespace/name` of those of which the first finding must name one; none for silence.
    names: Vec<String>,
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/wild")
}

fn expected(text: &str) -> Expected {
    let said = |key: &str| {
        text.lines().find_map(|line| {
            line.strip_prefix("# ")?
                .strip_prefix(key)?
                .strip_prefix(": ")
        })
    };
    let target = said("target").expect("a target");
    let (host, port) = target.rsplit_once(':').expect("a port");
    let names = said("names").map(|all| all.split(' ').map(str::to_owned).collect());
    assert!(names.is_some() != text.lines().any(|line| line == "# silent"));
    Expected {
        client: said("client").expect("a client").to_owned(),
        host: host.to_owned(),
        port: port.to_owned(),
        names: names.unwrap_or_default(),
    }
}

/// What is wrong with what doctor says of a file.
fn judge(file: &Path) -> Option<String> {
    let expected = expected(&std::fs::read_to_string(file).expect("a case"));
    let run = egress(&[
        "doctor",
        "--offline",
        "-f",
        &root().join("mesh.yaml").to_string_lossy(),
        "-f",
        &file.to_string_lossy(),
        "--host",
        &expected.host,
        "--port",
        &expected.port,
        "--from",
        &expected.client,
        "-o",
        "json",
    ]);
    let name = file.file_stem().unwrap_or_default().to_string_lossy();
    let Ok(report) = serde_json::from_str::<Value>(&run.stdout) else {
        return Some(format!("{name}: {}{}", run.stdout, run.stderr));
    };
    let findings = report["findings"].as_array().map_or(&[][..], Vec::as_slice);
    let first = findings.first().unwrap_or(&Value::Null);
    let of = |object: &Value, key: &str| object[key].as_str().unwrap_or_default().to_owned();
    let objects = first["objects"].as_array().map_or(&[][..], Vec::as_slice);
    let named = objects.iter().any(|object| {
        let text = ["kind", "namespace", "name"].map(|key| of(object, key));
        expected.names.contains(&text.join("/"))
    });
    let right = if expected.names.is_empty() {
        !findings.iter().any(|found| found["severity"] == "error") && run.code != 1
    } else {
        named && first["severity"] == "error" && run.code == 1
    };
    (!right).then(|| {
        format!(
            "{name}: exit {}, first {} {}",
            run.code, first["code"], first["message"]
        )
    })
}

#[test]
fn faults_are_named_and_right_shapes_are_not() {
    let mut files: Vec<PathBuf> = std::fs::read_dir(root())
        .expect("the cases")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.file_stem().is_some_and(|name| name != "mesh"))
        .collect();
    files.sort();
    assert!(files.len() > 80, "only {} cases", files.len());
    let wrong: Vec<String> = files.iter().filter_map(|file| judge(file)).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
