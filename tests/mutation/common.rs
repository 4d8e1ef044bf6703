//! What both tests that draw changes share: settings, an order from a seed, and words about a
//! report.

use crate::origins::Origin;
use crate::plot::Plot;
use serde_json::Value;
use std::path::PathBuf;
use std::time::Duration;

/// Pauses before a look that disagrees is repeated: what a proxy or a pod still has of the state
/// before is no fault, and on a busy machine it has it for long.
pub(crate) const AGAIN: [Duration; 3] = [
    Duration::from_secs(4),
    Duration::from_secs(8),
    Duration::from_secs(16),
];

/// Whether the API server, or kubectl by its schema, does not take an object.
pub(crate) fn is_refusal(words: &str) -> bool {
    let refusals = ["denied the request", "is invalid", "error validating data"];
    refusals.iter().any(|refusal| words.contains(refusal))
}

/// A number from the environment.
pub(crate) fn setting(name: &str, default: usize) -> usize {
    let said = std::env::var(name).ok();
    said.map_or(default, |v| v.parse().expect("a number"))
}

/// The same order for the same seed.
pub(crate) fn shuffled<T: Copy>(of: &[T], seed: usize) -> Vec<T> {
    let mut state = (seed as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut order = of.to_vec();
    for last in (1..order.len()).rev() {
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        let bits = state.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33;
        order.swap(last, usize::try_from(bits).expect("31 bits") % (last + 1));
    }
    order
}

/// Have a right configuration, and wait until it works.
pub(crate) fn restore(plot: &mut Plot, origin: &Origin, right: &[Value]) -> Result<(), String> {
    plot.have(right.to_vec())?;
    plot.until_fine(origin.port, origin.answer)
        .map_err(|seen| format!("{seen:?}"))
}

/// The findings of a report in short.
pub(crate) fn told(report: &Value) -> String {
    let findings = report["findings"].as_array().into_iter().flatten();
    let line = |f: &Value| {
        let objects = f["objects"].as_array().into_iter().flatten();
        let objects: Vec<String> = objects
            .map(|o| {
                format!(
                    "{} {}/{}",
                    text(o, "kind"),
                    text(o, "namespace"),
                    text(o, "name")
                )
            })
            .collect();
        format!(
            "\n    {} {} {} on {}",
            text(f, "code"),
            text(f, "severity"),
            text(f, "message"),
            objects.join(", ")
        )
    };
    let lines: String = findings.map(line).collect();
    format!(
        "{} {}{lines}",
        text(report, "verdict"),
        report["incomplete"]
    )
}

pub(crate) fn text<'v>(value: &'v Value, key: &str) -> &'v str {
    value[key].as_str().unwrap_or_default()
}

/// The file for what is kept of a case, where `EGRESS_TEST_KEEP` names a folder: a bundle shows the
/// same to a doctor that is built later.
pub(crate) fn kept(title: &str, what: &str) -> Option<PathBuf> {
    let folder = std::env::var_os("EGRESS_TEST_KEEP")?;
    let name: String = title
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
        .collect();
    Some(PathBuf::from(folder).join(format!("{name}.{what}.json")))
}
