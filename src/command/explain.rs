//! `explain`: the page of a check, or the list of all.

use super::Io;
use crate::checks::Layer;
use crate::checks::registry::{CHECKS, find};
use crate::cli::explain::ExplainArgs;
use crate::error::Error;
use crate::exit::Exit;
use crate::report::markdown;
use std::fmt::Write;

/// Run the verb.
pub fn run(args: &ExplainArgs, io: &Io) -> Result<Exit, Error> {
    let text = match &args.topic {
        None => list(),
        Some(topic) => match find(topic) {
            Some(check) => markdown(check.page),
            None => return Err(Error::Usage(format!("there is no check {topic}; `explain` without it lists them"))),
        },
    };
    io.result(&text)?;
    Ok(Exit::Done)
}

fn list() -> String {
    let mut text = String::new();
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
