//! `--fix`: each change is shown as a difference and asked for. What is not known to be safe, what
//! would delete, and what Helm, Argo CD or Flux keep is only shown.

use crate::checks::finding::{Finding, merge};
use crate::cluster::{Cluster, WriteOptions};
use crate::console::Io;
use crate::error::Error;
use crate::kubernetes::ObjectRef;
use crate::plan::diff::difference;
use crate::plan::{Action, kept_by};
use crate::report::Report;
use crate::snapshot::Change;
use serde_json::Value;

/// Offer the fixes of a report; how many were applied.
pub(super) async fn offer(
    cluster: &Cluster,
    io: &Io,
    (report, yes): (&Report, bool),
) -> Result<usize, Error> {
    let mut applied = 0;
    let fixable = |f: &&Finding| f.fix.as_ref().is_some_and(|fix| !fix.changes.is_empty());
    for finding in report.findings.iter().filter(fixable) {
        let Some(fix) = &finding.fix else { continue };
        io.say(&format!(
            "{} {}\n  {}",
            finding.code, finding.title, fix.summary
        ));
        let offers = offers(cluster, finding).await?;
        let mut text = String::new();
        for Offer { step, .. } in &offers {
            text.push_str(&difference(
                &step.object,
                step.live.as_ref(),
                step.merged.as_ref(),
            )?);
        }
        io.say(text.trim_end());
        if let Some(why) = refusal(finding, &offers) {
            io.say(&format!("not applied: {why}\n"));
            continue;
        }
        if !yes && !io.confirm("Apply this fix?").await? {
            io.note("left as it is\n");
            continue;
        }
        for offer in &offers {
            write(cluster, offer).await?;
            io.say(&format!("changed {}\n", offer.step.object));
        }
        applied += 1;
    }
    Ok(applied)
}

/// An object, as it is and as it would be.
struct Edit {
    object: ObjectRef,
    action: Action,
    live: Option<Value>,
    merged: Option<Value>,
}

/// One change, against the object as it is now.
struct Offer {
    step: Edit,
    /// The merge patch; nothing for a new object.
    patch: Option<Value>,
}

async fn offers(cluster: &Cluster, finding: &Finding) -> Result<Vec<Offer>, Error> {
    let mut offers = Vec::new();
    let Some(fix) = &finding.fix else {
        return Ok(offers);
    };
    for Change {
        object,
        before,
        after,
    } in &fix.changes
    {
        let live = cluster.get(object).await?;
        let patch = before.as_ref().and(fix.patch.clone());
        let (action, merged) = match (&live, after, &patch) {
            (_, None, _) => (Action::Delete, None),
            (Some(live), Some(_), Some(patch)) => {
                let mut merged = live.clone();
                merge(&mut merged, patch);
                (Action::Change, Some(merged))
            }
            (_, Some(after), _) => (Action::Create, Some(after.clone())),
        };
        let step = Edit {
            object: object.clone(),
            action,
            live,
            merged,
        };
        offers.push(Offer { step, patch });
    }
    Ok(offers)
}

/// Why the change is only shown.
fn refusal(finding: &Finding, offers: &[Offer]) -> Option<String> {
    for Offer { step, .. } in offers {
        if let Some(owner) = step.live.as_ref().and_then(kept_by) {
            return Some(format!(
                "{owner} keeps {}; make the change in its source",
                step.object
            ));
        }
        if step.action == Action::Delete {
            return Some("nothing is deleted that is not ours".into());
        }
        if step.action == Action::Create && step.live.is_some() {
            return Some(format!("{} is there already", step.object));
        }
    }
    let safe = finding.fix.as_ref().is_some_and(|fix| fix.safe);
    (!safe).then(|| "cannot confirm that this fix is safe for other paths; review it first".into())
}

async fn write(cluster: &Cluster, offer: &Offer) -> Result<(), Error> {
    let object = &offer.step.object;
    match (&offer.patch, &offer.step.merged) {
        (Some(patch), _) => {
            let version = offer
                .step
                .live
                .as_ref()
                .and_then(|l| l.pointer("/metadata/resourceVersion")?.as_str());
            cluster
                .merge_patch(object, patch, version, WriteOptions::default())
                .await?;
        }
        (None, Some(body)) => {
            let mut body = body.clone();
            body["apiVersion"] = object.kind.api_version().into();
            body["kind"] = object.kind.name().into();
            cluster.create(object, &body).await?;
        }
        (None, None) => {}
    }
    Ok(())
}
