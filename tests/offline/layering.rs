//! The layers that a compiler does not hold: the one direction between rooms and between files, the
//! core without I/O, verbs that only parse, ask, print and call, and files that one can still take
//! in.

mod graph;
mod words;

use graph::{Graph, Module};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// The words of the model that all rooms share stand apart from it.
const SHARED: &[&str] = &[
    "bytes",
    "cluster_name",
    "end",
    "target",
    "trace",
    "uncaptured",
];

/// The rooms, each above all that it may import.
const STOREYS: &[&str] = &[
    "exit",
    "files",
    "deadline",
    "interrupt",
    "terminal",
    "kubernetes",
    "error",
    "yaml",
    "target",
    "bytes",
    "cluster_name",
    "uncaptured",
    "end",
    "trace",
    "istio",
    "fields",
    "cluster",
    "envoy",
    "identity",
    "probe",
    "rights",
    "snapshot",
    "model",
    "programmed",
    "gather",
    "flow",
    "checks",
    "report",
    "plan",
    "install",
    "lockdown",
    "status",
    "apply",
    "confirm",
    "cli",
    "console",
    "survey",
    "rollout",
    "command",
];

/// What verbs leave to the rooms below them: how a host is routed, what proxies say, and what
/// connections do.
const NOT_FOR_VERBS: &[&str] = &["flow", "envoy", "probe", "confirm"];

/// Rooms that are functions of values: no client, no runtime, and nothing that leads to either.
const PURE: &[&str] = &[
    "fields",
    "model",
    "programmed",
    "checks",
    "flow",
    "plan",
    "lockdown",
    "status",
    "report",
];
const IMPURE: &[&str] = &[
    "kube::",
    "tokio::",
    "crate::cluster",
    "crate::apply",
    "crate::confirm",
    "crate::command",
];

fn sources(folder: &str) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                // What cargo-fuzz builds is nobody's to read.
                folders.extend((!path.ends_with("target")).then_some(path));
            } else if path.extension().is_some_and(|e| e == "rs") {
                let text = std::fs::read_to_string(&path).expect("text");
                found.push((path, text));
            }
        }
    }
    found
}

/// The room of a file below src.
fn room(path: &Path) -> String {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let inner = path.strip_prefix(src).expect("below src");
    let mut parts = inner
        .iter()
        .map(|p| p.to_string_lossy().trim_end_matches(".rs").to_owned());
    let (first, second) = (
        parts.next().unwrap_or_default(),
        parts.next().unwrap_or_default(),
    );
    name(&first, &second)
}

fn name(first: &str, second: &str) -> String {
    if first == "model" && SHARED.contains(&second) {
        second.into()
    } else {
        first.into()
    }
}

/// The code of a file up to its tests, which may use anything.
fn code(text: &str) -> &str {
    text.split("#[cfg(test)]\nmod tests").next().unwrap_or(text)
}

/// Rooms that a file names by `crate::`.
fn imports(text: &str) -> Vec<String> {
    let mut rooms = Vec::new();
    for line in code(text)
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"))
    {
        for (at, _) in line.match_indices("crate::") {
            let mut words = line[at + "crate::".len()..]
                .split(|c: char| !c.is_alphanumeric() && c != '_' && c != ':');
            let mut path = words.next().unwrap_or_default().split("::");
            rooms.push(name(
                path.next().unwrap_or_default(),
                path.next().unwrap_or_default(),
            ));
        }
    }
    rooms
}

#[test]
fn rooms_import_downwards() {
    let height = |room: &str| STOREYS.iter().position(|s| *s == room);
    let mut wrong = Vec::new();
    for (path, text) in sources("src") {
        let here = room(&path);
        if ["lib", "main"].contains(&here.as_str()) || path.ends_with("tests.rs") {
            continue;
        }
        let own = height(&here).unwrap_or_else(|| panic!("{here} is in no storey"));
        for there in imports(&text) {
            let other = height(&there)
                .unwrap_or_else(|| panic!("{}: crate::{there} is in no storey", path.display()));
            if other > own {
                wrong.push(format!(
                    "{} imports {there}, which is above it",
                    path.display()
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_core_does_no_io() {
    let mut wrong = Vec::new();
    for (path, text) in sources("src")
        .into_iter()
        .filter(|(path, _)| PURE.contains(&room(path).as_str()))
    {
        for line in code(&text)
            .lines()
            .filter(|line| !line.trim_start().starts_with("//"))
        {
            let names = |what: &&&str| {
                line.match_indices(**what)
                    .any(|(at, _)| starts_a_path(line, at))
            };
            if let Some(what) = IMPURE.iter().find(names) {
                wrong.push(format!("{}: {what} in {line:?}", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn starts_a_path(line: &str, at: usize) -> bool {
    !line[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ':')
}

#[test]
fn no_file_names_one_that_names_it() {
    let path = |module: &Module| module.join("::");
    let circles = Graph::read().circles();
    let circles: Vec<String> = circles
        .iter()
        .map(|circle| circle.iter().map(path).collect::<Vec<_>>().join(", "))
        .collect();
    assert!(
        circles.is_empty(),
        "circles of files:\n{}",
        circles.join("\n")
    );
}

#[test]
fn verbs_leave_the_work_to_the_rooms_below() {
    let mut wrong = BTreeSet::new();
    for (path, text) in sources("src") {
        if room(&path) != "command" {
            continue;
        }
        for there in imports(&text) {
            if NOT_FOR_VERBS.contains(&there.as_str()) {
                wrong.insert(format!("{} imports {there}", path.display()));
            }
        }
    }
    let wrong: Vec<String> = wrong.into_iter().collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn texts_use_the_words_of_the_glossary() {
    let found = words::found();
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn files_can_be_taken_in() {
    let all = sources("src").into_iter().chain(sources("tests"));
    let long = all
        .filter(|(_, text)| text.lines().count() > 600)
        .map(|(path, _)| path.display().to_string());
    assert_eq!(
        long.collect::<Vec<_>>(),
        Vec::<String>::new(),
        "over 600 lines"
    );
}

#[test]
fn every_module_says_what_it_is_for() {
    let silent = sources("src")
        .into_iter()
        .filter(|(_, text)| !text.starts_with("//!") && !text.starts_with("#![doc"));
    assert_eq!(
        silent
            .map(|(path, _)| path.display().to_string())
            .collect::<Vec<_>>(),
        Vec::<String>::new()
    );
}

#[test]
fn the_map_for_newcomers_has_every_room() {
    let map = include_str!("../../CONTRIBUTING.md");
    for room in STOREYS.iter().filter(|room| {
        Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("src")
            .join(room)
            .is_dir()
    }) {
        assert!(
            map.contains(&format!("`src/{room}`")),
            "CONTRIBUTING.md does not say what src/{room} is for"
        );
    }
}
