//! Random histories: `EGRESS_HISTORIES` of them (300 where nothing is said), or the one of
//! `EGRESS_SEED`.

use super::judge::{Verdict, judge};
use super::story::{History, any_history};
use super::world::World;
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

/// API servers at a time: a run of the program waits for its server most of the time.
const WORKERS: usize = 2;

/// How often a failing history is tried in a smaller form.
const TRIES: usize = 40;

/// So many failing ones are enough to read.
const ENOUGH: usize = 3;

fn number(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    Some(
        text.parse()
            .unwrap_or_else(|_| panic!("{variable}={text} is not a number")),
    )
}

fn runner(seed: u64) -> TestRunner {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    TestRunner::new_with_rng(
        Config::default(),
        TestRng::from_seed(RngAlgorithm::ChaCha, &bytes),
    )
}

/// The smallest form of the history that still fails, and how.
fn smallest(world: &mut Arc<World>, seed: u64) -> Option<(History, Verdict)> {
    let mut tree = any_history()
        .new_tree(&mut runner(seed))
        .expect("a history");
    let first = judge(world, &tree.current());
    if first.wrong.is_empty() {
        return None;
    }
    let mut found = (tree.current(), first);
    let mut smaller = tree.simplify();
    for _ in 0..TRIES {
        if !smaller {
            break;
        }
        if !world.sound() {
            *world = World::new();
        }
        let verdict = judge(world, &tree.current());
        smaller = if verdict.wrong.is_empty() {
            tree.complicate()
        } else {
            found = (tree.current(), verdict);
            tree.simplify()
        };
    }
    Some(found)
}

#[test]
fn nothing_is_lost_and_nothing_is_left() {
    let (from, until) = match number("EGRESS_SEED") {
        Some(seed) => (seed, seed + 1),
        None => (0, number("EGRESS_HISTORIES").unwrap_or(300)),
    };
    let next = AtomicU64::new(from);
    let named = AtomicUsize::new(0);
    let failed: Mutex<Vec<u64>> = Mutex::default();
    std::thread::scope(|scope| {
        for _ in 0..WORKERS {
            scope.spawn(|| {
                let mut world = World::new();
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    let enough = failed.lock().expect("no panic").len() >= ENOUGH;
                    if seed >= until || enough {
                        return;
                    }
                    if let Some((history, verdict)) = smallest(&mut world, seed) {
                        println!("=== EGRESS_SEED={seed}\n{}", verdict.story(&history));
                        failed.lock().expect("no panic").push(seed);
                        named.fetch_add(verdict.named, Ordering::Relaxed);
                    }
                    if !world.sound() {
                        world = World::new();
                    }
                }
            });
        }
    });
    let failed = failed.into_inner().expect("no panic");
    assert!(failed.is_empty(), "the histories {failed:?} are told above");
}
