//! The same flags do the same and say the same for every verb that writes: a table of verb and
//! flag, with the exit code, the words, and whether anything is other than before.

use super::run::run;
use super::story::{History, Step};
use super::world::World;
use std::sync::Arc;

const QUICK: &str = "--wait=false --timeout 30s";

/// What comes of a flag.
struct Row {
    flag: &'static str,
    codes: &'static [i32],
    says: &'static str,
    writes: bool,
}

const fn row(flag: &'static str, codes: &'static [i32], says: &'static str) -> Row {
    Row {
        flag,
        codes,
        says,
        writes: false,
    }
}

/// Nobody can answer, so nobody is asked.
const UNASKED: Row = row("", &[2], "not a terminal, so cannot ask for confirmation");
/// The cluster is named before anybody could be asked.
const NAMED: Row = row("", &[2], "context x, server ");
const SERVER: Row = row(
    "--dry-run=server",
    &[0],
    "the server would take all of it; nothing was written",
);
const DONE: Row = Row {
    flag: "-y",
    codes: &[0, 3],
    says: "",
    writes: true,
};

/// For what is to be there.
const WRITING: &[Row] = &[
    row("--diff", &[1], "+++ "),
    row("--dry-run=client", &[0], "apiVersion: networking"),
    row("--diff -y", &[1], "+++ "),
    SERVER,
    UNASKED,
    NAMED,
    DONE,
    // It is as it should be, so there is nothing to ask.
    row("--diff", &[0], ""),
    row("", &[0, 3], "unchanged"),
];

/// For what is to go.
const REMOVING: &[Row] = &[
    row("--diff", &[1], "  delete    "),
    row("--dry-run=client", &[0], "  delete    "),
    row("--diff -y", &[1], "  delete    "),
    SERVER,
    UNASKED,
    NAMED,
    DONE,
];

/// Play the rows of one verb; the answer says what is wrong.
fn play(world: &Arc<World>, words: &str, rows: &[Row]) -> Vec<String> {
    let mut wrong = Vec::new();
    for row in rows {
        let before = world.api.state();
        let step = Step::new("team-a", &format!("{words} {} {QUICK}", row.flag));
        let outcome = run(world, &step).pop().expect("it ended");
        let what = format!("{words} {}", row.flag);
        let code = outcome.code.unwrap_or(-1);
        if !row.codes.contains(&code) || !outcome.said.contains(row.says) {
            wrong.push(format!(
                "{what}: {code}, not {:?} and {:?}: {}",
                row.codes, row.says, outcome.said
            ));
        }
        let differences = before.differences(&world.api.state());
        if row.writes == differences.is_empty() {
            wrong.push(format!("{what}: changed {differences:?}"));
        }
    }
    wrong
}

#[test]
fn a_flag_does_and_says_the_same_for_every_verb() {
    let world = World::shared();
    let history = History {
        others: Vec::new(),
        steps: Vec::new(),
        teams_leave: false,
    };
    world.begin(&history.objects());
    let setup = "setup a.example.com --gateway istio-system/istio-egressgateway --no-probe";
    let again = |words: &str, says: &'static str| play(&world, words, &[row("-y", &[0], says)]);
    // In this order: each finds what the one before it left.
    let mut wrong = play(&world, setup, WRITING);
    wrong.extend(play(&world, "lockdown team-a --no-probe", WRITING));
    wrong.extend(play(&world, "unlock team-a", REMOVING));
    wrong.extend(again("unlock team-a", "unchanged"));
    wrong.extend(play(&world, "cleanup a.example.com", REMOVING));
    wrong.extend(again("cleanup a.example.com", "nothing to clean up"));
    let after = world.api.state();
    world.end(&after);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
