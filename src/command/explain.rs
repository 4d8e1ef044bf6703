//! `explain`: the page of a flow or of a check, or the list of all.

use super::Io;
use crate::checks::Layer;
use crate::checks::registry::{CHECKS, find};
use crate::cli::explain::ExplainArgs;
use crate::error::Error;
use crate::exit::Exit;
use crate::flow::Flow;
use crate::kubernetes::roles;
use crate::report::markdown;
use crate::rights::Task;
use std::fmt::Write;

/// Run the verb.
pub fn run(args: &ExplainArgs, io: &Io) -> Result<Exit, Error> {
    let text = match (&args.topic, &args.verb) {
        (None, _) => list(),
        (Some(topic), verb) if topic == "rights" => {
            io.document(&rights(verb.as_deref())?)?;
            return Ok(Exit::Done);
        }
        (Some(topic), None) => {
            let page = Flow::named(topic)
                .map(Flow::page)
                .or_else(|| find(topic).map(|check| check.page));
            markdown(page.ok_or_else(|| Error::Usage(unknown(topic)))?)
        }
        (Some(topic), Some(verb)) => {
            return Err(Error::Usage(format!(
                "{topic} takes no {verb}: only rights takes a verb"
            )));
        }
    };
    io.styled(&text)?;
    Ok(Exit::Done)
}

/// The ClusterRole of a verb, or one for each.
fn rights(verb: Option<&str>) -> Result<String, Error> {
    let tasks = match verb {
        None => Task::ALL.to_vec(),
        Some(verb) => {
            let known: Vec<&str> = Task::ALL.iter().map(|task| task.name()).collect();
            let task = Task::named(verb).ok_or_else(|| {
                let near = nearest(verb, known.iter().copied());
                Error::Usage(format!("{verb} needs no rights, or is no verb{near}"))
            })?;
            vec![task]
        }
    };
    let role = |task: Task| roles(&format!("kubectl-egress-{}", task.name()), &task.rights());
    Ok(tasks
        .into_iter()
        .map(role)
        .collect::<Vec<_>>()
        .join("---\n"))
}

/// What is said of a topic that is not there.
fn unknown(topic: &str) -> String {
    let codes: Vec<String> = CHECKS.iter().map(|check| check.code.to_string()).collect();
    let flows = Flow::ALL.iter().map(|flow| flow.name());
    let near = nearest(topic, codes.iter().map(String::as_str).chain(flows));
    format!("there is no flow and no check {topic}{near}; `kubectl egress explain` lists them")
}

/// `: did you mean X?`, where something is spelt nearly so.
fn nearest<'w>(word: &str, known: impl Iterator<Item = &'w str>) -> String {
    let near = known
        .map(|known| {
            (
                strsim::osa_distance(&known.to_lowercase(), &word.to_lowercase()),
                known,
            )
        })
        .filter(|(distance, _)| *distance <= 1)
        .min();
    near.map_or(String::new(), |(_, known)| {
        format!(": did you mean {known}?")
    })
}

fn list() -> String {
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
