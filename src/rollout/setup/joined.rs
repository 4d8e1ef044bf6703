//! Joining what somebody else has routed: it is proven as our own would be; nothing is written.

use crate::cluster::Cluster;
use crate::confirm::say;
use crate::console::Io;
use crate::deadline::Deadline;
use crate::exit::Exit;
use crate::gather;
use crate::model::EgressPath;
use crate::plan::Joined;
use crate::probe::{Observation, Observed};
use crate::snapshot::Snapshot;

/// What the proof works with.
pub(crate) struct Joining<'a> {
    pub(crate) cluster: &'a Cluster,
    pub(crate) io: &'a Io,
    pub(crate) snapshot: &'a Snapshot,
    pub(crate) deadline: Deadline,
}

/// How it ended.
pub(crate) struct Proven {
    pub(crate) exit: Exit,
    /// A line for each path.
    pub(crate) lines: Vec<String>,
}

impl Joining<'_> {
    /// A request from each client, with the counters of its sidecar and of the gateway before and
    /// after.
    pub(crate) async fn prove(&self, joined: &[Joined], probe: bool) -> Proven {
        let paths: Vec<EgressPath> = joined.iter().map(|one| one.path.clone()).collect();
        let (cluster, deadline) = (self.cluster, self.deadline);
        let mut seen = self.snapshot.clone();
        if probe {
            let _progress = self.io.progress("proving what is routed already");
            seen.proxies = gather::proxies(cluster, &seen, &paths, deadline).await;
            seen.observations = gather::observe(cluster, &seen, &paths, deadline).await;
        }
        let (exits, lines): (Vec<Exit>, Vec<String>) = paths
            .iter()
            .map(|path| told(path, &seen.observations))
            .unzip();
        let worst = [Exit::Problems, Exit::Unproven]
            .into_iter()
            .find(|exit| exits.contains(exit));
        Proven {
            exit: worst.unwrap_or(Exit::Done),
            lines,
        }
    }
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
                "joined    {what}: {}; confirmed through the gateway",
                say(&passage.answer)
            ),
        ),
        Some(Observed::Passage(passage)) => {
            let advice = format!("kubectl egress doctor --host {} says why", path.target.host);
            (
                Exit::Problems,
                format!(
                    "FAILED    {what}: {}; not confirmed through the gateway: {advice}",
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
