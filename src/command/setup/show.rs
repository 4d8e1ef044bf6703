//! What setup says: the plan before, the result after, and what a run that broke off left behind.

use crate::cli::setup::SetupOutput;
use crate::console::Io;
use crate::error::Error;
use crate::kubernetes::Kind;
use crate::model::target::Host;
use crate::plan::{Action, Joined, Step, diff, reference};
use crate::rollout::setup::{Outcome, SetupPlan};
use crate::terminal::escape;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The objects as they would be applied by hand, or in a repository.
pub(in crate::command) fn objects(
    io: &Io,
    output: SetupOutput,
    objects: &[Value],
) -> Result<(), Error> {
    match output {
        SetupOutput::Text | SetupOutput::Yaml => io.document(&diff::yaml_stream(objects)?),
        SetupOutput::Json => {
            let list = json!({"apiVersion": "v1", "kind": "List", "items": objects});
            let text =
                serde_json::to_string_pretty(&list).map_err(|e| Error::Failed(e.to_string()))?;
            io.document(&text)
        }
        SetupOutput::Name => {
            let names: Vec<String> = objects
                .iter()
                .filter_map(reference)
                .map(|o| o.to_string())
                .collect();
            io.result(&names.join("\n"))
        }
    }
}

/// So many paths, or objects, are shown one by one; of more only their number, unless `-v`.
const ONE_BY_ONE: usize = 40;

/// Where, what, and what is left out.
pub(super) fn plan(io: &Io, plan: &SetupPlan, steps: &[Step]) {
    picture(io, plan);
    not_routed(io, plan);
    plan.reasons.iter().for_each(|reason| io.note(reason));
    for client in plan
        .clients
        .iter()
        .filter(|c| !c.without_sidecar.is_empty())
    {
        let pods = client.without_sidecar.join(", ");
        io.warn(&format!(
            "no sidecar, so these bypass the gateway: {pods} in {}",
            client.client.namespace
        ));
    }
    for client in plan.clients.iter().filter(|c| !c.ambient.is_empty()) {
        io.warn(&format!(
            "of the ambient mesh, so they are not routed: {} in {}",
            client.ambient.join(", "),
            client.client.namespace
        ));
    }
    if let Some(patch) = plan.gateway.patch.as_ref().filter(|_| io.verbose > 0) {
        io.note(&diff::yaml(&patch.to_operator()).unwrap_or_default());
    }
    if let Some(work) = &plan.gateway.work {
        io.note(work.describe().trim_end());
    }
    objects_of(io, steps);
}

/// The path of each port, from the client to the host.
fn picture(io: &Io, plan: &SetupPlan) {
    let paths = plan.paths();
    let shown = if io.verbose > 0 || paths.len() <= ONE_BY_ONE {
        paths.len()
    } else {
        ONE_BY_ONE / 4
    };
    paths[..shown].iter().for_each(|path| io.note(path));
    if shown < paths.len() {
        io.note(&format!(
            "  and {} more (-v shows all)",
            paths.len() - shown
        ));
    }
}

/// The two ports of the web are usually both called.
fn not_routed(io: &Io, plan: &SetupPlan) {
    for port in [80, 443] {
        match plan.hosts_without(port).as_slice() {
            [] => {}
            [one] => io.warn(&format!(
                "port {port} of {one} is not routed: it leaves directly"
            )),
            few if few.len() <= ONE_BY_ONE / 4 => {
                io.warn(&format!(
                    "port {port} of these is not routed, it leaves directly: {}",
                    few.join(", ")
                ));
            }
            many => io.warn(&format!(
                "port {port} of {} hosts is not routed: it leaves directly",
                many.len()
            )),
        }
    }
}

fn objects_of(io: &Io, steps: &[Step]) {
    let changes = steps
        .iter()
        .filter(|s| s.action != Action::Unchanged)
        .count();
    if changes == 0 {
        return io.note(&format!(
            "unchanged: all {} objects are as they should be",
            steps.len()
        ));
    }
    if io.verbose > 0 || steps.len() <= ONE_BY_ONE {
        return io.note(diff::summary(steps).trim_end());
    }
    let mut counts: BTreeMap<(&str, Kind, &str), usize> = BTreeMap::new();
    for step in steps {
        *counts
            .entry((step.action.name(), step.object.kind, &step.object.namespace))
            .or_default() += 1;
    }
    for ((action, kind, namespace), count) in counts {
        io.note(&format!(
            "  {action:<9} {count} of kind {kind} in {namespace}"
        ));
    }
}

/// What goes because the file no longer has it.
pub(super) fn pruned(io: &Io, stale: &[(Host, Vec<String>)]) {
    for (host, clients) in stale {
        io.note(&format!("  prune     {host} for {}", clients.join(", ")));
    }
}

/// What somebody else has routed: there is nothing to write for it.
pub(super) fn joined(io: &Io, joined: &[Joined]) {
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

/// The proofs, and what was not proven.
pub(super) fn result(
    io: &Io,
    output: SetupOutput,
    outcome: &Outcome,
    steps: &[Step],
) -> Result<(), Error> {
    if output != SetupOutput::Text {
        let bodies: Vec<Value> = steps.iter().filter_map(|s| s.body.clone()).collect();
        objects(io, output, &bodies)?;
    }
    let mut said: Vec<String> = outcome.proofs.iter().map(ToString::to_string).collect();
    said.extend(outcome.left.iter().map(|left| format!("left      {left}")));
    let unproven = outcome.unproven.iter();
    said.extend(unproven.map(|why| format!("unproven  {why}")));
    if !outcome.changed {
        said.push("unchanged".into());
    }
    lines(io, output, &said)
}

/// What people read: the result, where nothing else was asked for.
pub(super) fn lines(io: &Io, output: SetupOutput, lines: &[String]) -> Result<(), Error> {
    let text = escape(&lines.join("\n"));
    if output == SetupOutput::Text {
        return io.result(&text);
    }
    io.note(&text);
    Ok(())
}

/// The plan in two: what the owners of the gateway's namespace have to write, and what the clients'
/// owners have to, afterwards.
pub(super) fn halves(io: &Io, plan: &SetupPlan) -> Result<(), Error> {
    let (platform, clients) = plan.halves();
    let place = &plan.gateway.place.namespace;
    let mut text = format!(
        "# 1. For the owners of {place}: kubectl apply it first.\n{}",
        diff::yaml_stream(&platform)?
    );
    if !clients.is_empty() {
        text.push_str(
            "---\n# 2. For the clients, when the first part is there: it sends them through the \
            gateway.\n",
        );
        text.push_str(&diff::yaml_stream(&clients)?);
    }
    io.document(&text)
}
