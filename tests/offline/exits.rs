//! The exit codes are those of the table in the README.

use kubectl_egress::exit::Exit;

/// Every one, in words of the README.
const TABLE: &[(Exit, &str)] = &[
    (Exit::Done, "done"),
    (Exit::Problems, "problems"),
    (Exit::Usage, "wrong usage"),
    (Exit::Unproven, "could not be looked at"),
    (Exit::Unreachable, "could not be reached"),
    (Exit::Interrupted, "interrupted"),
];

#[test]
fn the_readme_has_every_exit_code_and_no_other() {
    let readme = include_str!("../../README.md");
    let rows = readme.lines().filter_map(|line| {
        let mut cells = line.strip_prefix('|')?.split('|').map(str::trim);
        Some((cells.next()?.trim_matches('`').parse::<u8>().ok()?, cells.next()?))
    });
    let rows: Vec<(u8, &str)> = rows.collect();
    assert_eq!(rows.len(), TABLE.len(), "{rows:?}");
    for ((code, text), (exit, words)) in rows.iter().zip(TABLE) {
        assert_eq!(*code, exit.code());
        assert!(text.to_lowercase().contains(words), "{code}: {text:?} has not {words:?}");
    }
}
