//! Two teams at once: one runs its command from its first request to its last before each write of
//! the other, one write after the other.

use super::judge::judge;
use super::proxy::{At, Event, Fault};
use super::story::{History, Step};
use super::world::World;

/// No command has more writes than that.
const MOST: usize = 40;

const QUICK: &str = "--wait=false -y --timeout 30s";

fn step(namespace: &str, words: &str) -> Step {
    let probe = if words.starts_with("cleanup") || words.starts_with("unlock") {
        ""
    } else {
        "--no-probe"
    };
    Step::new(namespace, &format!("{words} {probe} {QUICK}"))
}

/// Play `first`, then `one` with `other` before its n-th write, for every n; each must end as a
/// history must. The answer is how many writes `one` had.
fn sweep(first: &[Step], one: &Step, other: &Step) -> usize {
    let mut world = World::shared();
    let (mut wrong, mut told) = (Vec::new(), Vec::new());
    let mut writes = 0;
    for n in 0..MOST {
        let mut steps = first.to_vec();
        steps.push(one.clone().with(At::Write(n), other.clone()));
        let history = History {
            others: Vec::new(),
            steps,
            teams_leave: true,
        };
        let verdict = judge(&world, &history);
        let times = verdict.outcomes.iter().filter(|o| o.step == *other).count();
        if times == first.iter().filter(|step| *step == other).count() {
            break;
        }
        writes = n + 1;
        if !verdict.wrong.is_empty() {
            told.push(verdict.story(&history));
            wrong.push(n);
        }
        world.renew();
    }
    assert!(writes > 0, "{one} writes nothing");
    assert!(
        wrong.is_empty(),
        "{}\nbefore the writes {wrong:?} of {writes}",
        told.join("\n")
    );
    writes
}

const FOUND: &str = "--gateway istio-system/istio-egressgateway";
const NEW: &str = "--gateway egress-one/gateway";

#[test]
fn two_teams_route_one_host_at_once() {
    for gateway in [FOUND, NEW] {
        let setup = |team: &str| step(team, &format!("setup a.example.com {gateway}"));
        sweep(&[], &setup("team-a"), &setup("team-b"));
    }
}

#[test]
fn one_team_routes_a_host_while_the_other_lets_go_of_it() {
    let setup = |team: &str| step(team, &format!("setup a.example.com {NEW}"));
    let cleanup = step("team-a", "cleanup a.example.com");
    sweep(&[setup("team-a")], &cleanup, &setup("team-b"));
    sweep(&[setup("team-a")], &setup("team-b"), &cleanup);
}

/// The other run breaks off in the middle: its record stays, and some of the objects are gone that
/// the first one is about to write.
#[test]
fn a_host_is_routed_while_a_cleanup_of_it_breaks_off() {
    let setup = |team: &str| step(team, &format!("setup a.example.com {FOUND}"));
    for write in [2, 4, 6] {
        let cleanup = step("default", "cleanup a.example.com -A");
        let cut = cleanup.at(At::Write(write), Fault::After(Event::Kill));
        sweep(&[setup("team-a")], &setup("team-b"), &cut);
    }
}

#[test]
fn a_third_caller_comes_while_the_first_of_two_leaves() {
    let setup = |team: &str| step(team, &format!("setup a.example.com {FOUND}"));
    let first = [setup("team-a"), setup("team-b")];
    let cleanup = step("team-a", "cleanup a.example.com");
    sweep(&first, &cleanup, &setup("team-d"));
    sweep(&first, &setup("team-d"), &cleanup);
}

#[test]
fn a_gateway_is_removed_while_another_team_begins_to_use_it() {
    let setup = |team: &str, host: &str| step(team, &format!("setup {host} {NEW}"));
    let cleanup = step("team-a", "cleanup a.example.com");
    let other = setup("team-b", "b.example.com");
    sweep(&[setup("team-a", "a.example.com")], &cleanup, &other);
    sweep(&[setup("team-a", "a.example.com")], &other, &cleanup);
}

#[test]
fn a_namespace_is_locked_and_unlocked_at_once() {
    let first = [
        step("team-a", &format!("setup a.example.com {FOUND}")),
        step("team-a", "lockdown team-a"),
    ];
    let (lock, unlock) = (
        step("team-a", "lockdown team-a"),
        step("team-a", "unlock team-a"),
    );
    sweep(&first, &unlock, &lock);
    sweep(&first[..1], &lock, &lock);
    sweep(&first[..1], &lock, &unlock);
}

/// Whoever gives a namespace sidecars while another run takes them away wants them.
#[test]
fn sidecars_are_given_while_another_run_takes_them_away() {
    let setup = step("team-c", &format!("setup a.example.com {FOUND} --inject"));
    let cleanup = step("team-c", "cleanup --all");
    sweep(std::slice::from_ref(&setup), &cleanup, &setup);
}
