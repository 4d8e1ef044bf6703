//! `explain`: the page of a flow or of a check, or the list of all.

use crate::cli::explain::ExplainArgs;
use crate::console::Io;
use crate::error::Error;
use crate::exit::Exit;
use crate::kubernetes::roles;
use crate::report::manual;
use crate::rights::Task;

/// Run the verb.
pub fn run(args: &ExplainArgs, io: &Io) -> Result<Exit, Error> {
    let text = match (&args.topic, &args.verb) {
        (None, _) => manual::contents(),
        (Some(topic), verb) if topic == "rights" => {
            io.document(&rights(verb.as_deref())?)?;
            return Ok(Exit::Done);
        }
        (Some(topic), None) => manual::page(topic).ok_or_else(|| Error::Usage(unknown(topic)))?,
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
    let known = manual::topics();
    let near = nearest(topic, known.iter().map(String::as_str));
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
