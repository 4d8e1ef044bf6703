//! Joining what somebody else has wired: it is said, and proven as our own would be; nothing is
//! written.

use crate::cli::setup::{SetupArgs, SetupOutput};
use crate::cluster::Cluster;
use crate::command::{Io, escape};
use crate::confirm::say;
use crate::deadline::Deadline;
use crate::error::Error;
use crate::exit::Exit;
use crate::gather;
use crate::model::EgressPath;
use crate::plan::Joined;
use crate::probe::{Observation, Observed};
use crate::snapshot::Snapshot;

/// That there is nothing to write for them.
pub(super) fn announce(io: &Io, joined: &[Joined]) {
    for one in joined {
        let by: Vec<String> = one.by.iter().map(ToString::to_string).collect();
        io.note(&format!(
            "{} from {} goes through {}/{} already, by {}: nothing to write",
            one.path.target,
            one.path.client,
            one.gateway.namespace,
            one.gateway.name,
            by.join(", ")
        ));
    }
}

/// A request from each caller, with the counters of its sidecar and of the gateway before and
/// after.
pub(super) async fn prove(
    (cluster, io): (&Cluster, &Io),
    snapshot: &Snapshot,
    joined: &[Joined],
    (args, deadline): (&SetupArgs, Deadline),
) -> Result<Exit, Error> {
    let paths: Vec<EgressPath> = joined.iter().map(|one| one.path.clone()).collect();
    let mut seen = snapshot.clone();
    if !args.no_probe {
        let _progress = io.progress("proving what is routed already");
        seen.proxies = gather::proxies(cluster, &seen, &paths, deadline).await;
        seen.observations = gather::observe(cluster, &seen, &paths, deadline).await;
    }
    let (exits, lines): (Vec<Exit>, Vec<String>) = paths
        .iter()
        .map(|path| told(path, &seen.observations))
        .unzip();
    let text = escape(&lines.join("\n"));
    if args.output == SetupOutput::Text {
        io.result(&text)?;
    } else {
        io.note(&text);
    }
    let worst = |exit: Exit| exits.contains(&exit).then_some(exit);
    Ok(worst(Exit::Problems)
        .or_else(|| worst(Exit::Unproven))
        .unwrap_or(Exit::Done))
}

fn told(path: &EgressPath, observations: &[Observation]) -> (Exit, String) {
    let what = format!("{} from {}", path.target, path.client);
    let own = observations
        .iter()
        .filter(|o| o.target == path.target && o.from.as_ref() == Some(&path.client));
    let calls: Vec<&Observed> = own
        .map(|o| &o.observed)
        .filter(|o| matches!(o, Observed::Passage(_) | Observed::NotTried(_)))
        .collect();
    // Of several calls the first that proves nothing counts.
    let bad = |o: &&&Observed| !matches!(o, Observed::Passage(passage) if passage.proven());
    let said = calls.iter().find(bad).or(calls.first()).copied();
    match said {
        Some(Observed::Passage(passage)) if passage.proven() => (
            Exit::Done,
            format!(
                "joined    {what}: {}; seen on its way through the gateway",
                say(&passage.answer)
            ),
        ),
        Some(Observed::Passage(passage)) => {
            let advice = format!("kubectl egress doctor --host {} says why", path.target.host);
            (
                Exit::Problems,
                format!(
                    "FAILED    {what}: {}; not seen to pass the gateway: {advice}",
                    say(&passage.answer)
                ),
            )
        }
        Some(Observed::NotTried(why)) => (Exit::Unproven, format!("unproven  {what}: {why}")),
        _ => (
            Exit::Unproven,
            format!("unproven  {what}: no request was sent"),
        ),
    }
}
