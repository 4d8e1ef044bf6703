//! The manual: a page for each flow and each check, as `explain` prints them.

use super::markdown;
use crate::checks::Layer;
use crate::checks::registry::{CHECKS, find};
use crate::flow::Flow;
use std::fmt::Write;

/// The page of a flow, by its name, or of a check, by its code.
pub fn page(topic: &str) -> Option<String> {
    let page = match Flow::named(topic) {
        Some(flow) => flow.page(),
        None => find(topic)?.page,
    };
    Some(markdown(page))
}

/// The names of all pages.
pub fn topics() -> Vec<String> {
    let codes = CHECKS.iter().map(|check| check.code.to_string());
    let flows = Flow::ALL.iter().map(|flow| flow.name().to_owned());
    codes.chain(flows).collect()
}

/// A line for each page, under what they are about.
pub fn contents() -> String {
    let mut text = String::from("Flows\n");
    for flow in Flow::ALL {
        let _ = writeln!(text, "  {:<11}  {}", flow.name(), flow.summary());
    }
    let layers = [
        (Layer::Intended, "What the objects say"),
        (Layer::Programmed, "What the proxies were given"),
        (Layer::Observed, "What connections do"),
    ];
    for (layer, head) in layers {
        let mut checks: Vec<_> = CHECKS.iter().filter(|check| check.layer == layer).collect();
        checks.sort_by_key(|check| check.code);
        if !checks.is_empty() {
            let _ = writeln!(text, "{head}");
        }
        for check in checks {
            let _ = writeln!(text, "  {}  {}", check.code, check.title);
        }
    }
    text
}
