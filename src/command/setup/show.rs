//! What setup says: the plan before, the result after, and what a run that broke off left behind.

use super::perform::Outcome;
use super::wanted::{HostWish, Wanted};
use crate::cli::setup::SetupOutput;
use crate::cluster::Cluster;
use crate::command::{Io, escape};
use crate::confirm::say;
use crate::envoy::Moved;
use crate::error::Error;
use crate::flow::{Flow, Hop, Wire};
use crate::kubernetes::Kind;
use crate::model::target::Host;
use crate::plan::{Action, Step, diff};
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
                .filter_map(crate::plan::reference)
                .map(|o| o.to_string())
                .collect();
            io.result(&names.join("\n"))
        }
    }
}

/// So many paths, or objects, are shown one by one; of more only their number, unless `-v`.
const ONE_BY_ONE: usize = 40;

/// Where, what, and what is left out.
pub(super) fn plan(io: &Io, cluster: &Cluster, wanted: &Wanted, steps: &[Step]) {
    io.note(&format!(
        "context {}, server {}",
        cluster.context, cluster.server
    ));
    picture(io, wanted);
    unwired(io, &wanted.hosts);
    wanted.reasons.iter().for_each(|reason| io.note(reason));
    for caller in wanted
        .callers
        .iter()
        .filter(|c| !c.without_sidecar.is_empty())
    {
        let pods = caller.without_sidecar.join(", ");
        io.warn(&format!(
            "without a sidecar, so they leave directly: {pods} in {}",
            caller.client.namespace
        ));
    }
    if let Some(patch) = wanted.gateway.patch.as_ref().filter(|_| io.verbose > 0) {
        io.note(&diff::yaml(&patch.to_operator()).unwrap_or_default());
    }
    if let Some(work) = &wanted.gateway.work {
        io.note(work.describe().trim_end());
    }
    objects_of(io, steps);
}

/// The way of each port, from the caller to the host.
fn picture(io: &Io, wanted: &Wanted) {
    let place = &wanted.gateway.place;
    let way = |host: &HostWish, wire: &Wire| {
        let hop = if wire.hop == Hop::Mutual {
            " (mutual TLS)"
        } else {
            ""
        };
        let callers: Vec<&str> = host.record.clients().collect();
        let callers = callers.join(", ");
        let server = host.record.server();
        let by = if *server == host.record.host {
            String::new()
        } else {
            format!(" at {server}")
        };
        format!(
            "  {callers} \u{2192} {}/{}:{}{hop} \u{2192} {}:{} ({}){by}",
            place.namespace,
            place.service,
            wire.gateway_port,
            host.record.host,
            wire.port,
            wire.flow.name()
        )
    };
    let ways: Vec<String> = wanted
        .hosts
        .iter()
        .flat_map(|h| h.record.wires.iter().map(|w| way(h, w)).collect::<Vec<_>>())
        .collect();
    let shown = if io.verbose > 0 || ways.len() <= ONE_BY_ONE {
        ways.len()
    } else {
        ONE_BY_ONE / 4
    };
    ways[..shown].iter().for_each(|way| io.note(way));
    if shown < ways.len() {
        io.note(&format!("  and {} more (-v shows all)", ways.len() - shown));
    }
}

/// The two ports of the web are usually both called.
fn unwired(io: &Io, hosts: &[HostWish]) {
    for port in [80, 443] {
        let web = |h: &&HostWish| h.record.wires.iter().any(|w| w.flow != Flow::Tcp);
        let open = |h: &&HostWish| h.record.wires.iter().all(|w| w.port != port);
        let names: Vec<String> = hosts
            .iter()
            .filter(web)
            .filter(open)
            .map(|h| h.record.host.to_string())
            .collect();
        match names.as_slice() {
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
    for (host, callers) in stale {
        io.note(&format!("  prune     {host} for {}", callers.join(", ")));
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
            Some(fault) if proof.unasked() => {
                lines.push(format!("unproven  {}: {fault}", proof.target));
            }
            Some(fault) => lines.push(format!("FAILED    {seen}: {fault}")),
        }
    }
    lines.extend(outcome.left.iter().map(|left| format!("left      {left}")));
    lines.extend(
        outcome
            .unproven
            .iter()
            .map(|why| format!("unproven  {why}")),
    );
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

/// The plan in two: what the owners of the gateway's namespace have to write, and what the callers'
/// owners have to, afterwards.
pub(super) fn halves(io: &Io, wanted: &Wanted) -> Result<(), Error> {
    let calls = |o: &Value| {
        let namespace = o["metadata"]["namespace"].as_str().unwrap_or_default();
        wanted.hosts.iter().any(|h| h.calls(namespace))
    };
    let (theirs, platform): (Vec<Value>, Vec<Value>) = wanted
        .objects()
        .into_iter()
        .partition(|o| calls(o) && o["metadata"]["namespace"] != wanted.gateway.place.namespace);
    let place = &wanted.gateway.place.namespace;
    let mut text = format!(
        "# 1. For the owners of {place}: kubectl apply it first.\n{}",
        diff::yaml_stream(&platform)?
    );
    if !theirs.is_empty() {
        text.push_str(
            "---\n# 2. For the clients, when the first part is there: it sends them through the \
            gateway.\n",
        );
        text.push_str(&diff::yaml_stream(&theirs)?);
    }
    io.document(&text)
}
