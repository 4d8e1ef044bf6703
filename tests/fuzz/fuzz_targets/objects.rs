//! Bundles of real failures with some of their values exchanged, taken away or doubled, and
//! doctor's judgement of them: the shapes stay those of objects, so that what is fuzzed is the
//! model and the checks.
#![no_main]

use kubectl_egress::snapshot::Snapshot;
use kubectl_egress_fuzz::judge;
use libfuzzer_sys::arbitrary::{Result, Unstructured};
use libfuzzer_sys::fuzz_target;
use serde_json::{Value, json};
use std::sync::LazyLock;

/// The bundles, and the hosts that their cases ask for.
static BUNDLES: LazyLock<Vec<(Value, String)>> = LazyLock::new(|| {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../fixtures/cases");
    let read = |path: std::path::PathBuf| -> Option<Value> {
        serde_json::from_str(&std::fs::read_to_string(path).ok()?).ok()
    };
    let cases = std::fs::read_dir(root).expect("the \
        cases").filter_map(|entry| Some(entry.ok()?.path()));
    let bundles = cases.flat_map(|case| {
        let expected = read(case.join("expected.json")).unwrap_or_default();
        let host = format!("{}:{}", expected["host"].as_str().unwrap_or_default(), expected["port"]);
        let states = ["broken.json", "fixed.json"].into_iter().filter_map(move |state| read(case.join(state)));
        states.map(move |state| (state, host.clone()))
    });
    bundles.collect()
});

const WORDS: [&str; 36] = [
    "", "*", "*.", ".", "./*", "*/*", "~/*", "a.", "*.com", "*.*", "..", "[::1]", "::/0", "fd00::1", "0.0.0.0/0",
    "10.0.0.0/33", "10.96.0.1", "-1", "65536", "99999999999999999999", "é", "日本", "\u{0}", "a\nb", "DNS", "NONE",
    "STATIC", "mesh", "PASSTHROUGH", "ISTIO_MUTUAL", "SIMPLE", "AUTO_PASSTHROUGH", "edition.cnn.com", "HTTPS", "TCP",
    "istio-egressgateway.istio-system.svc.cluster.local",
];

fn value(u: &mut Unstructured<'_>) -> Result<Value> {
    Ok(match u.int_in_range(0..=8)? {
        0 => Value::Null,
        1 => json!(u.arbitrary::<bool>()?),
        2 => json!(u.arbitrary::<u16>()?),
        3 => json!(u.arbitrary::<i64>()?),
        4 => json!([]),
        5 => json!({}),
        6 => json!(u.arbitrary::<String>()?),
        _ => json!(*u.choose(&WORDS)?),
    })
}

/// Some value of a tree.
fn place<'v>(mut at: &'v mut Value, u: &mut Unstructured<'_>) -> Result<&'v mut Value> {
    loop {
        let size = match &*at {
            Value::Array(all) => all.len(),
            Value::Object(all) => all.len(),
            _ => 0,
        };
        if size == 0 || u.ratio(1, 12)? {
            return Ok(at);
        }
        let chosen = u.choose_index(size)?;
        at = match at {
            Value::Array(all) => &mut all[chosen],
            Value::Object(all) => all.values_mut().nth(chosen).expect("one of them"),
            _ => unreachable!("it has values"),
        };
    }
}

fn change(bundle: &mut Value, u: &mut Unstructured<'_>) -> Result<()> {
    let elsewhere = place(&mut bundle.clone(), u)?.clone();
    let whole = u.ratio(1, 8)? || bundle.get("objects").is_none();
    let top = if whole { bundle } else { &mut bundle["objects"] };
    let place = place(top, u)?;
    match (u.int_in_range(0..=3)?, &mut *place) {
        (0, Value::Array(all)) if !all.is_empty() => {
            let copy = u.choose(all)?.clone();
            all.push(copy);
        }
        (1, Value::Object(all)) if !all.is_empty() => {
            let key = u.choose(&all.keys().cloned().collect::<Vec<_>>())?.clone();
            all.remove(&key);
        }
        (2, place) => *place = elsewhere,
        (_, place) => *place = value(u)?,
    }
    Ok(())
}

fn changed(u: &mut Unstructured<'_>) -> Result<(String, String)> {
    let (mut bundle, host) = u.choose(&BUNDLES)?.clone();
    for _ in 0..u.int_in_range(1..=8)? {
        change(&mut bundle, u)?;
    }
    Ok((bundle.to_string(), host))
}

fuzz_target!(|data: &[u8]| {
    let Ok((text, host)) = changed(&mut Unstructured::new(data)) else { return };
    if let Ok(snapshot) = Snapshot::unbundle("bundle.json", &text) {
        judge(&snapshot, &[&host, "*.example.com:443", "10.96.0.1:5432=tcp"]);
    }
});
