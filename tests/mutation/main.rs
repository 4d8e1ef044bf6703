//! The judge is traffic: right configurations get one change, real requests say whether it matters,
//! and doctor must agree. Where requests fail or go past the gateway its first finding names what
//! was changed; where they do not, it may not say "broken". And each right configuration is
//! healthy, by all three truths and by its objects alone.
//!
//! Some changes are of kinds that people make, some set one field, drawn from all that the mesh
//! serves, to another value.
//!
//! `EGRESS_TEST_SEED` draws others, `EGRESS_TEST_MUTATIONS` more of the first and
//! `EGRESS_TEST_FIELDS` of the second; `EGRESS_TEST_KIND` takes only kinds with that in their name,
//! on every origin.

mod common;
mod draft;
mod kinds;
mod known;
#[path = "../traffic/mesh.rs"]
#[allow(dead_code, reason = "the traffic tests use more of it")]
mod mesh;
mod origins;
mod plot;
#[path = "../fields/schema.rs"]
#[allow(dead_code, reason = "the test of the fields uses more of it")]
mod schema;

use common::{AGAIN, is_refusal, kept, restore, setting, shuffled, told};
use draft::Draft;
use kinds::Kind;
use origins::{ORIGINS, Origin};
use plot::{Name, Plot, Traffic};
use serde_json::Value;
use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

/// Plots that are worked side by side: they mostly wait.
const PLOTS: usize = 4;

/// How many changes of written kinds are tried, unless somebody says otherwise.
const MUTATIONS: usize = 48;

/// How many changes of a field are tried, unless somebody says otherwise.
const FIELDS: usize = 12;

/// Of a hundred judged, so many may be known to disagree.
const KNOWN_AT_MOST: usize = 5;

#[test]
fn one_change_that_breaks_a_path_is_the_first_that_doctor_names() {
    let seed = setting("EGRESS_TEST_SEED", 1);
    let work = drawn(
        seed,
        setting("EGRESS_TEST_MUTATIONS", MUTATIONS),
        setting("EGRESS_TEST_FIELDS", FIELDS),
    );
    let (work, tally) = (Mutex::new(work), Mutex::new(Tally::default()));
    std::thread::scope(|scope| {
        for number in 0..PLOTS {
            let (work, tally) = (&work, &tally);
            scope.spawn(move || work_off(number, work, tally));
        }
    });
    let tally = tally.into_inner().unwrap_or_else(PoisonError::into_inner);
    println!(
        "seed {seed}: {} changes judged ({} break the path, {} do not, {} refused by the API \
         server), {} known to disagree",
        tally.judged(),
        tally.broke,
        tally.harmless,
        tally.refused,
        tally.known.len()
    );
    for line in &tally.known {
        println!("known: {line}");
    }
    assert!(
        tally.broke * 3 > tally.judged(),
        "too few changes break a path for this to prove anything"
    );
    assert!(
        tally.wrong.is_empty(),
        "{} of {} changes are judged wrong:\n{}",
        tally.wrong.len(),
        tally.judged(),
        tally.wrong.join("\n")
    );
    assert!(
        tally.known.len() * 100 <= tally.judged() * KNOWN_AT_MOST,
        "more than {KNOWN_AT_MOST} in 100 are only known to disagree"
    );
}

/// The changes for each origin: of the written kinds, and of fields.
fn drawn(
    seed: usize,
    number: usize,
    fields: usize,
) -> VecDeque<(&'static Origin, Vec<&'static Kind>)> {
    let mut work = drawn_kinds(seed, number);
    let only = std::env::var("EGRESS_TEST_KIND").unwrap_or_default();
    let origins = work.len();
    for (at, (origin, kinds)) in work.iter_mut().enumerate() {
        let share = (fields + at) / origins;
        let all = kinds::of_fields(origin, seed + at).into_iter();
        kinds.extend(all.filter(|k| k.name.contains(&only)).take(share));
    }
    work
}

/// Each kind comes once before any comes twice.
fn drawn_kinds(seed: usize, number: usize) -> VecDeque<(&'static Origin, Vec<&'static Kind>)> {
    let only = std::env::var("EGRESS_TEST_KIND").ok();
    let kinds: Vec<&Kind> = kinds::all()
        .into_iter()
        .filter(|k| only.as_ref().is_none_or(|o| k.name.contains(o.as_str())))
        .collect();
    let rounds = if only.is_some() {
        ORIGINS.len()
    } else {
        number.div_ceil(kinds.len())
    };
    let mut by_origin: Vec<Vec<&Kind>> = vec![Vec::new(); ORIGINS.len()];
    let mut left = if only.is_some() { usize::MAX } else { number };
    for round in 0..rounds {
        for (at, kind) in shuffled(&kinds, seed + round).into_iter().enumerate() {
            if left == 0 {
                break;
            }
            let origin = if only.is_some() {
                round
            } else {
                at + seed + round * 7
            };
            by_origin[origin % ORIGINS.len()].push(kind);
            left -= 1;
        }
    }
    ORIGINS.iter().zip(by_origin).collect()
}

#[derive(Default)]
struct Tally {
    broke: usize,
    harmless: usize,
    refused: usize,
    wrong: Vec<String>,
    known: Vec<String>,
}

impl Tally {
    fn judged(&self) -> usize {
        self.broke + self.harmless
    }
}

type Work = Mutex<VecDeque<(&'static Origin, Vec<&'static Kind>)>>;

fn work_off(number: usize, work: &Work, tally: &Mutex<Tally>) {
    let mut plot = Plot::prepare("mutation", number);
    let lock = || tally.lock().unwrap_or_else(PoisonError::into_inner);
    loop {
        let next = work
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop_front();
        let Some((origin, kinds)) = next else { return };
        if kinds.is_empty() {
            continue;
        }
        // Each origin begins with nothing of another one.
        let mut right = plot.ground();
        if let Err(why) = plot.have(right.clone()) {
            lock()
                .wrong
                .push(format!("{}: the ground is refused: {why}", origin.name));
            return;
        }
        right.extend((origin.objects)(&plot));
        if let Err(why) = restore(&mut plot, origin, &right) {
            lock()
                .wrong
                .push(format!("{}: is not right: {why}", origin.name));
            continue;
        }
        lock().wrong.extend(not_healthy(&plot, origin));
        for kind in kinds {
            let Some(case) = Case::draft(&plot, origin, kind, &right) else {
                continue;
            };
            case.judge(&mut plot, &right, tally);
            if let Err(why) = restore(&mut plot, origin, &right) {
                let words = format!("{} after {:?}: {why}", origin.name, kind.name);
                lock().wrong.push(words);
                break;
            }
        }
    }
}

/// A right configuration is healthy by all three truths, and by its objects alone.
fn not_healthy(plot: &Plot, origin: &Origin) -> Vec<String> {
    let objects = ["--layers", "intended"];
    let looks: [&[&str]; 2] = [&[], &objects];
    let mut wrong = Vec::new();
    for more in looks {
        match plot.doctor(origin.port, more) {
            Ok(report) if report["verdict"] == "healthy" => {}
            Ok(report) => wrong.push(format!(
                "{} {more:?} is right, and {}",
                origin.name,
                told(&report)
            )),
            Err(words) => wrong.push(format!("{} {more:?}: no report: {words}", origin.name)),
        }
    }
    wrong
}

/// One change of one origin.
struct Case {
    origin: &'static Origin,
    kind: &'static Kind,
    objects: Vec<Value>,
    younger: Vec<Name>,
    named: Vec<Name>,
    /// Objects that are there no more.
    gone: Vec<Name>,
}

impl Case {
    fn draft(
        plot: &Plot,
        origin: &'static Origin,
        kind: &'static Kind,
        right: &[Value],
    ) -> Option<Self> {
        let mut draft = Draft::new(plot, origin, right);
        let changed = kind.edit(&mut draft);
        let named = draft.named(right);
        let left: Vec<Name> = draft.objects.iter().map(plot::name).collect();
        let gone = right.iter().map(plot::name).filter(|n| !left.contains(n));
        let gone = gone.collect();
        changed.then(|| Case {
            origin,
            kind,
            named,
            gone,
            objects: draft.objects,
            younger: draft.younger,
        })
    }

    fn judge(&self, plot: &mut Plot, right: &[Value], tally: &Mutex<Tally>) {
        let lock = || tally.lock().unwrap_or_else(PoisonError::into_inner);
        if let Err(words) = self.apply(plot) {
            if is_refusal(&words) {
                lock().refused += 1;
            } else {
                lock().wrong.push(format!("{}: {words}", self.title()));
            }
            return;
        }
        plot.keep_in(kept(&self.title(), "bundle"));
        let mut verdict = self.compare(plot);
        for pause in AGAIN {
            if verdict.fault.is_none() {
                break;
            }
            std::thread::sleep(pause);
            verdict = self.compare(plot);
        }
        plot.keep_in(None);
        self.keep(&verdict, plot);
        println!("{}: {:?} {}", self.title(), verdict.traffic, verdict.first);
        let mut tally = lock();
        match verdict.traffic {
            Traffic::Fine => tally.harmless += 1,
            _ => tally.broke += 1,
        }
        let Some(fault) = verdict.fault else { return };
        let words = format!("{}: {fault}\n{}", self.title(), self.difference(right));
        match known::why(self.origin.name, &self.kind.name) {
            Some(why) => tally.known.push(format!("{} ({why})", self.title())),
            None => tally.wrong.push(words),
        }
    }

    /// What a later look at the kept state has to know.
    fn keep(&self, verdict: &Verdict, plot: &Plot) {
        let Some(file) = kept(&self.title(), "case") else {
            return;
        };
        let case = serde_json::json!({
            "title": self.title(), "host": plot.host, "port": self.origin.port,
            "from": format!("{}/deploy/client", plot.team), "traffic": format!("{:?}", verdict.traffic),
            "named": self.named, "gone": self.gone, "objects": self.objects, "fault": verdict.fault,
        });
        std::fs::write(file, case.to_string()).expect("the folder can be written");
    }

    fn title(&self) -> String {
        format!("{} with {:?}", self.origin.name, self.kind.name)
    }

    fn apply(&self, plot: &mut Plot) -> Result<(), String> {
        if self.younger.is_empty() {
            return plot.have(self.objects.clone());
        }
        let older = |o: &&Value| !self.younger.contains(&plot::name(o));
        plot.have(self.objects.iter().filter(older).cloned().collect())?;
        // Kubernetes counts ages in seconds.
        std::thread::sleep(std::time::Duration::from_millis(1100));
        plot.have(self.objects.clone())
    }

    fn compare(&self, plot: &mut Plot) -> Verdict {
        let traffic = plot.after_change(self.origin.port, self.origin.answer);
        let (first, fault) = match plot.doctor(self.origin.port, &[]) {
            Err(words) => (
                String::new(),
                Some(format!("traffic {traffic:?}; no report: {words}")),
            ),
            Ok(report) => {
                let fault = self.fault(&traffic, &report);
                let words = |f| format!("traffic {traffic:?}; {f}; doctor: {}", told(&report));
                let first = &report["findings"][0]["code"];
                (format!("{} {first}", report["verdict"]), fault.map(words))
            }
        };
        Verdict {
            traffic,
            first,
            fault,
        }
    }

    fn fault(&self, traffic: &Traffic, report: &Value) -> Option<String> {
        let broken = report["verdict"] == "broken";
        match traffic {
            Traffic::Fine if broken => Some("the path works and is called broken".into()),
            Traffic::Fine => None,
            _ if !broken => Some("the path does not work and is not called broken".into()),
            _ if self.is_named(&report["findings"][0]) => None,
            _ => Some(format!("the first finding names none of {:?}", self.named)),
        }
    }

    fn is_named(&self, finding: &Value) -> bool {
        let objects = finding["objects"].as_array().into_iter().flatten();
        objects.into_iter().any(|o| {
            let has = |key: &str| o[key].as_str().unwrap_or_default();
            let pod_of = |(kind, namespace, name): &Name| {
                kind == "Deployment"
                    && has("kind") == "Pod"
                    && has("namespace") == namespace
                    && has("name").starts_with(&format!("{name}-"))
            };
            let same = |(kind, namespace, name): &Name| {
                (has("kind"), has("namespace"), has("name")) == (kind, namespace, name)
            };
            let (kind, namespace) = (has("kind"), has("namespace"));
            let there =
                |o: &Value| plot::name(o) == (kind.into(), namespace.into(), has("name").into());
            // Nobody knows the name of an object that is gone: one of its kind is missing.
            let missing =
                self.gone.iter().any(|(k, ..)| k == kind) && !self.objects.iter().any(there);
            missing || self.named.iter().any(|n| same(n) || pod_of(n))
        })
    }

    fn difference(&self, right: &[Value]) -> String {
        let new = self.objects.iter().filter(|o| !right.contains(o));
        let lines: Vec<String> = new.map(|o| format!("    now {o}")).collect();
        let gone = right
            .iter()
            .filter(|o| !self.objects.iter().any(|n| plot::name(n) == plot::name(o)));
        let gone: Vec<String> = gone
            .map(|o| format!("    gone {:?}", plot::name(o)))
            .collect();
        [lines, gone].concat().join("\n")
    }
}

/// What was seen of a change, and what is wrong with the report of it.
struct Verdict {
    traffic: Traffic,
    /// The verdict and the first finding's code.
    first: String,
    fault: Option<String>,
}
