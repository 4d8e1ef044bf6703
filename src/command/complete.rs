//! `__complete`: the words that fit, within two seconds and without a sound. A shell waits for us,
//! and what we say on standard error would land in the middle of the line that is being typed.

use crate::apply::read_records;
use crate::checks::registry::CHECKS;
use crate::cli::complete::{Candidate, CompleteArgs, Completion, Live, Offer};
use crate::cli::connect::ConnectArgs;
use crate::cli::{App, Invocation};
use crate::cluster::{Cluster, Names};
use crate::console::Io;
use crate::error::Error;
use crate::exit::Exit;
use crate::kubernetes::Kind;
use crate::terminal::escape;
use serde_json::Value;
use std::time::Duration;

const PATIENCE: Duration = Duration::from_millis(1_800);

/// What the shell does when it has the candidates: nothing more, or complete the names of files.
const NO_FILES: &str = ":4";
const FILES: &str = ":0";

/// Run the verb.
pub(super) async fn run(args: &CompleteArgs, io: &Io) -> Result<Exit, Error> {
    let completion = Completion::of(App::named(&Invocation::of(None)), &args.words);
    let (candidates, then) = match completion.offer {
        Offer::Files => (Vec::new(), FILES),
        Offer::Fixed(candidates) => (candidates, NO_FILES),
        Offer::Live(live) => (patiently(live, completion.connect).await, NO_FILES),
    };
    let fitting = candidates
        .iter()
        .filter(|c| c.word.starts_with(&completion.start));
    let mut lines: Vec<String> = fitting.map(|c| line(&completion.before, c)).collect();
    lines.push(then.into());
    io.result(&lines.join("\n"))?;
    Ok(Exit::Done)
}

fn line(before: &str, candidate: &Candidate) -> String {
    let word = format!("{before}{}", escape(&candidate.word));
    if candidate.about.is_empty() {
        word
    } else {
        format!("{word}\t{}", escape(&candidate.about))
    }
}

/// In a task of its own: a credential plugin that hangs blocks the thread that it is run on.
async fn patiently(live: Live, connect: ConnectArgs) -> Vec<Candidate> {
    let found = tokio::spawn(async move { look_up(live, &connect).await.unwrap_or_default() });
    let found = tokio::time::timeout(PATIENCE, found).await;
    let mut words = found.map(Result::unwrap_or_default).unwrap_or_default();
    words.sort_by(|a, b| a.word.cmp(&b.word));
    words.dedup();
    words
}

async fn look_up(live: Live, connect: &ConnectArgs) -> Result<Vec<Candidate>, Error> {
    let options = connect.options();
    let words = match live {
        Live::Codes => return Ok(codes()),
        Live::Contexts => Names::read(&options)?.contexts,
        Live::Clusters => Names::read(&options)?.clusters,
        Live::Users => Names::read(&options)?.users,
        Live::Namespaces => {
            let namespaces = Cluster::connect(&options)
                .await?
                .list(Kind::Namespace, None)
                .await?;
            let name = |object: &Value| {
                object
                    .pointer("/metadata/name")
                    .and_then(Value::as_str)
                    .map(str::to_owned)
            };
            namespaces.iter().filter_map(name).collect()
        }
        Live::Hosts => {
            let inventory = read_records(&Cluster::connect(&options).await?).await?;
            let hosts = inventory.hosts.iter();
            hosts.map(|record| record.host.to_string()).collect()
        }
    };
    Ok(words
        .into_iter()
        .map(|word| Candidate {
            word,
            about: String::new(),
        })
        .collect())
}

fn codes() -> Vec<Candidate> {
    CHECKS
        .iter()
        .map(|c| Candidate {
            word: c.code.to_string(),
            about: c.title.into(),
        })
        .collect()
}
