//! What the new objects would break: doctor's own model, run on the cluster as it would be. Only
//! what is certainly an error there and was none before is a reason to refuse; what is likely one
//! is said before the question. Findings about a gateway that is not there yet are neither.

use super::reference;
use crate::checks::engine::{Choice, examine, follow};
use crate::checks::finding::{Confidence, Finding, Severity};
use crate::checks::registry::CHECKS;
use crate::checks::{Check, Layer};
use crate::error::Error;
use crate::kubernetes::Kind;
use crate::model::paths::{Asked, namespaces_with_sidecars, to, wired};
use crate::model::target::{Client, Target};
use crate::model::{EgressPath, World};
use crate::snapshot::{Change, Snapshot};
use serde_json::Value;
use std::collections::BTreeSet;

/// Refuse what would certainly not work, with the codes and the objects; gives what is likely not
/// to work, a line each. `ours` are the paths that are to come; `former` are namespaces and hosts
/// whose route is ours and about to go, as a cleanup beside this run has it.
///
/// # Errors
/// [`Error::Refused`] where one of them, or a path of somebody else, would certainly break.
pub fn refuse_breaks(
    snapshot: &Snapshot,
    wanted: &[Value],
    ours: &[(Client, Target)],
    former: &BTreeSet<(String, String)>,
) -> Result<Vec<String>, Error> {
    let change = |body: &Value| {
        Some(Change {
            object: reference(body)?,
            before: None,
            after: Some(body.clone()),
        })
    };
    let changes: Vec<Change> = wanted.iter().filter_map(change).collect();
    let failed = |e: serde_json::Error| {
        Error::Failed(format!("the plan cannot be laid over the cluster: {e}"))
    };
    let next = snapshot.with(&changes).map_err(failed)?;
    let (before, after) = (World::new(snapshot), World::new(&next));
    let layers = [Layer::Intended].into();
    let checks = Choice {
        layers,
        only: Vec::new(),
    }
    .of(CHECKS);
    let everybody: Vec<Client> = namespaces_with_sidecars(&snapshot.objects)
        .into_iter()
        .map(Client::namespace)
        .collect();
    let mut theirs = wired(&before, &everybody, &[]);
    theirs.retain(|path| {
        let route = (path.client.namespace.clone(), path.target.host.text());
        !former.contains(&route)
    });
    // A path that does not work as it is, as that of a client who is leaving, is not ours to break.
    let known = errors(&before, theirs.clone(), &checks);
    let broken: BTreeSet<usize> = known.iter().flat_map(|f| f.paths.clone()).collect();
    let new = |f: &Finding| f.paths.iter().any(|path| !broken.contains(path));
    let own: Vec<EgressPath> = ours
        .iter()
        .flat_map(|(client, target)| path(&after, client, target))
        .collect();
    let of_others = errors(&after, theirs, &checks).into_iter().filter(new);
    let of_ours = errors(&after, own, &checks)
        .into_iter()
        .filter(|f| !meant(f, &changes));
    let (certain, likely): (Vec<Finding>, Vec<Finding>) = of_others
        .chain(of_ours)
        .partition(|f| f.confidence == Confidence::Certain);
    let lines = |found: &[Finding]| found.iter().map(say).collect::<BTreeSet<String>>();
    if certain.is_empty() {
        return Ok(lines(&likely).into_iter().collect());
    }
    let why: Vec<String> = lines(&certain).into_iter().collect();
    Err(Error::Refused {
        why: format!("it would not work as the cluster is: {}", why.join("; ")),
        hint: Some(
            "resolve this with the owners of these objects: kubectl egress explain CODE says more"
                .into(),
        ),
    })
}

fn path(world: &World<'_>, client: &Client, target: &Target) -> Vec<EgressPath> {
    let asked = Asked {
        host: target.host.clone(),
        port: Some(target.port),
        protocol: Some(target.protocol),
    };
    to(world, std::slice::from_ref(client), &asked)
}

fn errors(world: &World<'_>, paths: Vec<EgressPath>, checks: &[&Check]) -> Vec<Finding> {
    let found = examine(world, &follow(world, paths, false), checks).findings;
    found
        .into_iter()
        .filter(|f| f.severity == Severity::Error && f.confidence > Confidence::Possible)
        .collect()
}

/// Whom `--allow` leaves out is denied on purpose, and Secrets were looked at themselves: a
/// snapshot has none.
fn meant(finding: &Finding, changes: &[Change]) -> bool {
    let Some(object) = finding.culprit().map(|place| &place.object) else {
        return false;
    };
    let ours = || changes.iter().any(|c| c.object == *object);
    object.kind == Kind::Secret || (object.kind == Kind::AuthorizationPolicy && ours())
}

fn say(finding: &Finding) -> String {
    let object = finding
        .culprit()
        .map(|place| format!(" ({})", place.object))
        .unwrap_or_default();
    format!(
        "{} {}{object}: {}",
        finding.code, finding.title, finding.message
    )
}
