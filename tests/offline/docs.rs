//! The documentation holds to the program: its commands are understood, its links lead somewhere,
//! and the list of checks is complete. `make docs` writes the list.

use kubectl_egress::cli::App;
use std::path::{Path, PathBuf};

const HEAD: &str = "# Checks

Every check of `doctor`. `kubectl egress explain CODE` prints the page. Numbers are never reused.

| code | what is wrong | page |
|---|---|---|
";

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The pages for readers, by path.
fn pages() -> Vec<(PathBuf, String)> {
    let docs = std::fs::read_dir(root().join("docs")).expect("docs/");
    let mut paths: Vec<PathBuf> = docs.map(|entry| entry.expect("an entry").path()).collect();
    paths.push(root().join("README.md"));
    paths.sort();
    let text = |path: PathBuf| {
        let text = std::fs::read_to_string(&path).expect("text");
        (path, text)
    };
    paths.into_iter().map(text).collect()
}

#[test]
fn every_command_of_the_documentation_is_understood() {
    let mut seen = 0;
    for (path, page) in pages() {
        for line in page.lines() {
            let Some(command) = command(line) else {
                continue;
            };
            seen += 1;
            let words = command
                .split_whitespace()
                .map(|w| w.trim_matches('\'').into());
            let arguments = std::iter::once("kubectl-egress".into()).chain(words);
            let read = App::read(arguments.collect());
            let help = read.as_ref().is_err_and(|e| e.exit_code() == 0);
            assert!(
                read.is_ok() || help,
                "{}: {line}: {}",
                path.display(),
                read.expect_err("an error")
            );
        }
    }
    assert!(seen > 20, "only {seen} commands were found");
}

/// What follows `kubectl egress` in a line of code, up to the next command of a shell.
fn command(line: &str) -> Option<&str> {
    let code = line
        .strip_prefix("    ")
        .or_else(|| line.trim_start().strip_prefix("- run: "))?;
    let after = code.split_once("kubectl egress ")?.1;
    let end = after.find(['|', '>', ';', '#']).unwrap_or(after.len());
    Some(after[..end].trim())
}

#[test]
fn every_link_of_the_documentation_leads_somewhere() {
    for (path, page) in pages() {
        let folder = path.parent().expect("a folder");
        for link in page.split("](").skip(1).filter_map(|l| l.split(')').next()) {
            let file = link.split('#').next().unwrap_or_default();
            let local = !link.starts_with("http") && !file.is_empty();
            assert!(
                !local || folder.join(file).exists(),
                "{}: {link} does not exist",
                path.display()
            );
        }
    }
}

#[test]
fn the_list_of_checks_is_complete() {
    let path = root().join("docs/checks.md");
    let list = list_of_checks();
    if std::env::var_os("EGRESS_WRITE_DOCS").is_some() {
        std::fs::write(&path, &list).expect("written");
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        written == list,
        "docs/checks.md is not the list of today's checks: make docs"
    );
}

fn list_of_checks() -> String {
    let mut rows = Vec::new();
    let mut folders = vec![root().join("src/checks")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let Ok(text) = std::fs::read_to_string(&path) else {
                continue;
            };
            let title = text.lines().next().and_then(|l| l.strip_prefix("# EG"));
            let is_page = path.extension().is_some_and(|e| e == "md");
            if let Some((code, title)) = title.and_then(|t| t.split_once(' ')).filter(|_| is_page) {
                let place = path.strip_prefix(root()).expect("below the root").display();
                rows.push(format!("| EG{code} | {title} | [page](../{place}) |\n"));
            }
        }
    }
    rows.sort();
    HEAD.to_owned() + &rows.concat()
}
