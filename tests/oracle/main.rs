//! Random configurations against traffic: a right one gets several changes at once, out of those of
//! the mutation test (rewrites, conditions, redirects, faults, copies, subsets, objects of other
//! teams, exports, Sidecars, policies, scripts, limits, and any field that the mesh serves), and is
//! driven with requests. No path is
//! healthy whose requests fail or leave past the gateway, and none broken whose requests all arrive
//! through it. What disagrees is made smaller before it is printed.
//!
//! `EGRESS_TEST_SEED` draws others, `EGRESS_TEST_CONFIGURATIONS` more of them.

#[path = "../mutation/common.rs"]
mod common;
#[path = "../mutation/draft.rs"]
#[allow(dead_code, reason = "the mutation test asks for more")]
mod draft;
#[path = "../mutation/kinds/mod.rs"]
mod kinds;
#[path = "../traffic/mesh.rs"]
#[allow(dead_code, reason = "the traffic tests use more of it")]
mod mesh;
#[path = "../mutation/origins.rs"]
mod origins;
#[path = "../mutation/plot.rs"]
mod plot;
#[path = "../fields/schema.rs"]
#[allow(dead_code, reason = "the test of the fields uses more of it")]
mod schema;

use common::{AGAIN, is_refusal, kept, restore, setting, shuffled, told};
use draft::Draft;
use kinds::Kind;
use origins::{ORIGINS, Origin};
use plot::{Plot, Traffic, name};
use serde_json::Value;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

const PLOTS: usize = 4;

/// How many configurations are drawn, unless somebody says otherwise.
const CONFIGURATIONS: usize = 40;

/// Looks of a path, each of several requests: together more than twenty.
const LOOKS: usize = 3;

/// Kinds that withdraw the wish itself: whether a host is still wanted through the gateway cannot
/// be told from traffic then.
const WITHDRAW: &[&str] = &[
    "no VirtualService of the client's hop",
    "client's hop: all goes straight out",
    "VirtualService of the client's hop in another namespace",
];

/// Words in the names of kinds that by themselves leave most paths as they were.
const MILD: &[&str] = &[
    "renamed",
    "retries",
    "a copy to nobody",
    "headers are added",
    "one connection",
    "outlier detection",
    "another port name",
    "HTTPS for TLS",
    "another team's ServiceEntry, the same",
    "older, private",
    "younger",
    "another team's DestinationRule",
    "with limits",
    "Gateway for another host",
    "a Sidecar that imports all",
    "a Sidecar without the gateway's namespace",
    "a Sidecar that closes",
    "ALLOW for this port",
    "DENY for another host",
    "only a trial",
    "AUDIT",
    "DENY beside the client",
    "STRICT",
    "DISABLE at",
    "only what comes in",
    "may reach everything",
    "in another namespace",
    "no certificate is checked",
    "only where it lies",
];

#[derive(Default)]
struct Tally {
    judged: usize,
    fine: usize,
    wrong: Vec<String>,
}

#[test]
fn no_verdict_is_against_what_requests_do() {
    let seed = setting("EGRESS_TEST_SEED", 1);
    let number = setting("EGRESS_TEST_CONFIGURATIONS", CONFIGURATIONS);
    let (next, tally) = (AtomicUsize::new(0), Mutex::new(Tally::default()));
    std::thread::scope(|scope| {
        for plot in 0..PLOTS {
            let (next, tally) = (&next, &tally);
            scope.spawn(move || {
                let mut plot = Plot::prepare("oracle", plot);
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    if at >= number {
                        return;
                    }
                    judge(&mut plot, seed * 100_000 + at, tally);
                }
            });
        }
    });
    let tally = tally.into_inner().unwrap_or_else(PoisonError::into_inner);
    println!(
        "seed {seed}: {} configurations judged, {} of them work",
        tally.judged, tally.fine
    );
    for words in &tally.wrong {
        println!("{words}");
    }
    assert!(
        tally.judged * 2 > number && tally.fine * 8 > tally.judged,
        "too few configurations are judged, or work, for this to prove anything"
    );
    assert!(
        tally.wrong.is_empty(),
        "{} of {} verdicts are against traffic:\n{}",
        tally.wrong.len(),
        tally.judged,
        tally.wrong.join("\n")
    );
}

fn judge(plot: &mut Plot, seed: usize, tally: &Mutex<Tally>) {
    let lock = || tally.lock().unwrap_or_else(PoisonError::into_inner);
    let origin = &ORIGINS[seed % ORIGINS.len()];
    if let Err(why) = plot.have(plot.ground()) {
        lock()
            .wrong
            .push(format!("seed {seed}: the ground is refused: {why}"));
        return;
    }
    let mut right = plot.ground();
    right.extend((origin.objects)(plot));
    let (mut changes, objects) = drawn(plot, origin, &right, seed);
    plot.keep_in(kept(&format!("oracle {seed}"), "bundle"));
    let drawn = outcome(plot, origin, objects);
    plot.keep_in(None);
    let Some((traffic, mut fault)) = drawn else {
        return;
    };
    {
        let mut tally = lock();
        tally.judged += 1;
        tally.fine += usize::from(traffic == Traffic::Fine);
    }
    if fault.is_none() {
        return;
    }
    // Fewer changes that show the same are easier to read.
    let mut at = 0;
    while at < changes.len() && changes.len() > 1 {
        let mut fewer = changes.clone();
        fewer.remove(at);
        let objects = edited(plot, origin, &right, &fewer).0;
        let shown = restore(plot, origin, &right)
            .ok()
            .and_then(|()| outcome(plot, origin, objects));
        match shown {
            Some((_, Some(words))) => (changes, fault) = (fewer, Some(words)),
            _ => at += 1,
        }
    }
    let names: Vec<&str> = changes.iter().map(|c| c.name.as_ref()).collect();
    let words = fault.unwrap_or_default();
    lock().wrong.push(format!(
        "seed {seed}: {} with {names:?}: {words}",
        origin.name
    ));
}

/// Two to four changes that a configuration takes.
fn drawn(
    plot: &Plot,
    origin: &'static Origin,
    right: &[Value],
    seed: usize,
) -> (Vec<&'static Kind>, Vec<Value>) {
    let kinds = kinds::at_once();
    let (mild, harsh): (Vec<&Kind>, Vec<&Kind>) = kinds
        .into_iter()
        .filter(|k| !WITHDRAW.contains(&k.name.as_ref()))
        .partition(|k| MILD.iter().any(|words| k.name.contains(words)));
    let wanted = 2 + seed % 3;
    // Most changes break a path: half of the configurations have none of those, the others one or
    // two.
    let harsh = shuffled(&harsh, seed);
    let harsh = harsh.into_iter().take((seed / ORIGINS.len()) % 3 * 4);
    let chosen = interleaved(harsh.collect(), shuffled(&mild, seed));
    let fields = kinds::of_fields(origin, seed).into_iter();
    // Most values of fields are refused, or change nothing: some of them are enough.
    let fields = fields.take(seed % 3 * 3).collect();
    let mut changes: Vec<&'static Kind> = Vec::new();
    for kind in interleaved(fields, chosen) {
        let more = [changes.clone(), vec![kind]].concat();
        if edited(plot, origin, right, &more).1 {
            changes = more;
        }
        if changes.len() == wanted {
            break;
        }
    }
    let objects = edited(plot, origin, right, &changes).0;
    (changes, objects)
}

/// One of each list in turn, while there are some.
fn interleaved(one: Vec<&'static Kind>, other: Vec<&'static Kind>) -> Vec<&'static Kind> {
    let longest = one.len().max(other.len());
    let turns = 0..longest;
    turns
        .flat_map(|at| [one.get(at), other.get(at)])
        .flatten()
        .copied()
        .collect()
}

/// The configuration with some changes, and whether each found something to change.
fn edited(
    plot: &Plot,
    origin: &'static Origin,
    right: &[Value],
    changes: &[&'static Kind],
) -> (Vec<Value>, bool) {
    let mut draft = Draft::new(plot, origin, right);
    let all = changes.iter().all(|kind| kind.edit(&mut draft));
    let mut names: Vec<_> = draft.objects.iter().map(name).collect();
    names.sort();
    names.dedup();
    let distinct = names.len() == draft.objects.len();
    (draft.objects, all && distinct)
}

/// What requests do, and what is wrong with the verdict; nothing where the API server refuses.
fn outcome(
    plot: &mut Plot,
    origin: &'static Origin,
    objects: Vec<Value>,
) -> Option<(Traffic, Option<String>)> {
    if let Err(words) = plot.have(objects) {
        let refused = is_refusal(&words);
        return (!refused).then_some((Traffic::Fine, Some(words)));
    }
    let mut judged = compared(plot, origin);
    for pause in AGAIN {
        if judged.1.is_none() {
            break;
        }
        std::thread::sleep(pause);
        judged = compared(plot, origin);
    }
    Some(judged)
}

fn compared(plot: &mut Plot, origin: &'static Origin) -> (Traffic, Option<String>) {
    let mut traffic = plot.after_change(origin.port, origin.answer);
    for _ in 1..LOOKS {
        if traffic == Traffic::Fine {
            traffic = plot.look(origin.port, origin.answer);
        }
    }
    let fault = match plot.doctor(origin.port, &[]) {
        Err(words) => Some(format!("no report: {words}")),
        Ok(report) => {
            let against = match traffic {
                Traffic::Fine => "broken",
                _ => "healthy",
            };
            (report["verdict"] == against)
                .then(|| format!("traffic {traffic:?}; doctor: {}", told(&report)))
        }
    };
    (traffic, fault)
}
