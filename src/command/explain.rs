//! `explain`: the page of a flow or of a check, or the list of all.

use super::Io;
use crate::checks::Layer;
use crate::checks::registry::{CHECKS, find};
use crate::cli::explain::ExplainArgs;
use crate::error::Error;
use crate::exit::Exit;
use crate::flow::Flow;
use crate::report::markdown;
use std::fmt::Write;

/// Run the verb.
pub fn run(args: &ExplainArgs, io: &Io) -> Result<Exit, Error> {
    let text = match &args.topic {
        None => list(),
        Some(topic) => {
            let page = Flow::named(topic)
                .map(Flow::page)
                .or_else(|| find(topic).map(|check| check.page));
            let unknown = || {
                format!("there is no flow and no check {topic}; `explain` without it lists them")
            };
            markdown(page.ok_or_else(|| Error::Usage(unknown()))?)
        }
    };
    io.styled(&text)?;
    Ok(Exit::Done)
}

fn list() -> String {
    let mut text = String::from("How a host is carried\n");
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
