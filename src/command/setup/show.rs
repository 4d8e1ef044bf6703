//! What setup says: the plan before, the result after, and what a run that broke off left behind.

use super::perform::Outcome;
use super::wanted::Wanted;
use crate::cli::setup::SetupOutput;
use crate::cluster::Cluster;
use crate::command::{Io, escape};
use crate::confirm::say;
use crate::envoy::Moved;
use crate::error::Error;
use crate::flow::{Flow, Hop, Wire};
use crate::model::target::Host;
use crate::plan::{Action, Step, diff};
use serde_json::{Value, json};

/// The objects as they would be applied by hand, or in a repository.
pub(super) fn objects(io: &Io, output: SetupOutput, objects: &[Value]) -> Result<(), Error> {
    match output {
        SetupOutput::Text | SetupOutput::Yaml => io.result(&diff::yaml_stream(objects)?),
        SetupOutput::Json => {
            let list = json!({"apiVersion": "v1", "kind": "List", "items": objects});
            let text = serde_json::to_string_pretty(&list).map_err(|e| Error::Failed(e.to_string()))?;
            io.result(&text)
        }
        SetupOutput::Name => {
            let names: Vec<String> = objects.iter().filter_map(crate::plan::reference).map(|o| o.to_string()).collect();
            io.result(&names.join("\n"))
        }
    }
}

/// Where, what, and what is left out.
pub(super) fn plan(io: &Io, cluster: &Cluster, wanted: &Wanted, steps: &[Step]) {
    let place = &wanted.gateway.place;
    let changes = steps.iter().filter(|s| s.action != Action::Unchanged).count();
    io.note(&format!("context {}, server {}", cluster.context, cluster.server));
    for host in &wanted.hosts {
        let ports: Vec<String> = host.record.wires.iter().map(describe).collect();
        let callers = host.record.callers.join(", ");
        io.note(&format!(
            "{} port {}: {callers} -> {}/{} -> outside",
            host.record.host,
            ports.join(", "),
            place.namespace,
            place.service
        ));
        let web = host.record.wires.iter().any(|w| w.flow != Flow::Tcp);
        let unwired = |p: &u16| web && host.record.wires.iter().all(|w| w.port != *p);
        for port in [80, 443].into_iter().filter(unwired) {
            io.warn(&format!("port {port} of {} is not wired: it leaves directly", host.record.host));
        }
    }
    wanted.reasons.iter().for_each(|reason| io.note(reason));
    for caller in wanted.callers.iter().filter(|c| !c.without_sidecar.is_empty()) {
        let pods = caller.without_sidecar.join(", ");
        io.warn(&format!("without a sidecar, so they leave directly: {pods} in {}", caller.client.namespace));
    }
    if let Some(patch) = wanted.gateway.patch.as_ref().filter(|_| io.verbose > 0) {
        io.note(&diff::yaml(&patch.to_operator()).unwrap_or_default());
    }
    if let Some(work) = &wanted.gateway.work {
        io.note(work.describe().trim_end());
    }
    if changes == 0 {
        io.note(&format!("unchanged: all {} objects are as they should be", steps.len()));
    } else {
        io.note(diff::summary(steps).trim_end());
    }
}

/// What goes because the file no longer has it.
pub(super) fn pruned(io: &Io, stale: &[(Host, Vec<String>)]) {
    for (host, callers) in stale {
        io.note(&format!("  prune     {host} for {}", callers.join(", ")));
    }
}

fn describe(wire: &Wire) -> String {
    let hop = if wire.hop == Hop::Mutual { ", mutual TLS to the gateway" } else { "" };
    format!("{} ({}{hop})", wire.port, wire.flow.name())
}

/// The proofs, and what was not proven.
pub(super) fn result(io: &Io, output: SetupOutput, outcome: &Outcome, steps: &[Step]) -> Result<(), Error> {
    if output != SetupOutput::Text {
        let bodies: Vec<Value> = steps.iter().filter_map(|s| s.body.clone()).collect();
        objects(io, output, &bodies)?;
    }
    let mut lines = Vec::new();
    for proof in &outcome.proofs {
        let now = &proof.passage;
        let seen = format!(
            "{} from {}: {}; sidecar to gateway {}, gateway to host {}",
            proof.target,
            proof.from,
            say(&now.answer),
            count(now.sidecar_to_gateway),
            count(now.gateway_to_host)
        );
        match proof.fault() {
            None if proof.denied => lines.push(format!("denied    {seen}")),
            None => lines.push(format!("proven    {seen}")),
            Some(fault) if proof.unasked() => lines.push(format!("unproven  {}: {fault}", proof.target)),
            Some(fault) => lines.push(format!("FAILED    {seen}: {fault}")),
        }
    }
    lines.extend(outcome.left.iter().map(|left| format!("left      {left}")));
    lines.extend(outcome.unproven.iter().map(|why| format!("unproven  {why}")));
    if !outcome.changed {
        lines.push("unchanged".into());
    }
    let text = escape(&lines.join("\n"));
    if output == SetupOutput::Text {
        return io.result(&text);
    }
    io.note(&text);
    Ok(())
}

fn count(moved: Moved) -> u64 {
    moved.connections.max(moved.requests)
}

/// What exists after a run that broke off, and the two ways from there.
pub(super) fn half_way(io: &Io, written: &[String]) {
    if written.is_empty() {
        return;
    }
    io.say("this was done before it broke off:");
    for line in written {
        io.say(&format!("  {line}"));
    }
    io.say("to go on, run the same command again; to go back: kubectl egress cleanup with the same hosts");
}
