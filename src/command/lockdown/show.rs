//! What lockdown says: what stays open, what would be cut, and how the ways round it ended.

use crate::cli::setup::SetupOutput;
use crate::console::Io;
use crate::error::Error;
use crate::exit::Exit;
use crate::lockdown::{Connection, Opening, Verdict};
use crate::plan::{Enforcement, InCluster, LockdownSpec};
use crate::rollout::lockdown::{Outcome, Sight};
use crate::terminal::escape;

/// The worst of all.
pub(super) fn exit(ends: &[Outcome]) -> Exit {
    let all: Vec<Exit> = ends.iter().map(Outcome::exit).collect();
    let worst = [Exit::Problems, Exit::Unproven]
        .into_iter()
        .find(|e| all.contains(e));
    worst.unwrap_or(Exit::Done)
}

/// What stays open.
pub(super) fn plan(io: &Io, spec: &LockdownSpec, openings: &[Opening]) {
    let gateways: Vec<String> = spec.gateways.iter().map(ToString::to_string).collect();
    let inside = match &spec.in_cluster {
        InCluster::All => "every pod of the cluster".into(),
        InCluster::None => "no other pod of the cluster".into(),
        InCluster::Namespaces(names) => format!("the pods of {}", names.join(", ")),
    };
    let server = if spec.apiserver {
        ", the API server"
    } else {
        ""
    };
    io.note(&format!(
        "{} may then only send to DNS, istiod, the gateway {}{server}, and {inside}",
        spec.namespace,
        gateways.join(", ")
    ));
    for opening in openings {
        io.warn(&format!(
            "policies add up: {} lets {} of {} out to {}",
            opening.rule, opening.pods, spec.namespace, opening.to
        ));
    }
}

/// What would be cut, and what cannot be known.
pub(super) fn sight(io: &Io, spec: &LockdownSpec, sight: &Sight) {
    if sight.cut.is_empty() {
        io.note(&format!(
            "none of the connections that {} has now would be cut",
            spec.namespace
        ));
    } else {
        io.say(&format!(
            "these connections of {} would be cut:",
            spec.namespace
        ));
        sight
            .cut
            .iter()
            .for_each(|c| io.say(&format!("  {}", line(c))));
    }
    if !sight.blind.uncounted.is_empty() {
        io.note(&format!(
            "no sidecar, so only currently open connections are visible: {}",
            sight.blind.uncounted.join(", ")
        ));
    }
    if !sight.blind.later.is_empty() {
        io.note(&format!(
            "creates pods later, so their traffic is unknown: {}",
            sight.blind.later.join(", ")
        ));
    }
    if !sight.blind.unlockable.is_empty() {
        io.warn(&format!(
            "on the node's own network, where no policy applies: {}",
            sight.blind.unlockable.join(", ")
        ));
    }
    for unread in &sight.unread {
        io.warn(&format!("not looked at: {unread}"));
    }
}

fn line(connection: &Connection) -> String {
    let Connection {
        from,
        host,
        to,
        transport,
        open,
        total,
    } = connection;
    let name = if host.is_empty() {
        String::new()
    } else {
        format!(" ({host})")
    };
    format!("{from} -> {to}{name} by {transport}: {open} open, {total} so far")
}

/// The verdict of each namespace, with what it rests on.
pub(super) fn result(io: &Io, output: SetupOutput, ends: &[Outcome]) -> Result<(), Error> {
    let mut lines = Vec::new();
    for end in ends {
        lines.push(headline(end));
        lines.extend(end.trials.iter().map(|trial| format!("  {trial}")));
        lines.extend(end.controls.iter().map(|control| format!("  {control}")));
        lines.extend(end.notes.iter().map(|note| format!("  note      {note}")));
        if !end.changed {
            lines.push("  unchanged".into());
        }
    }
    let text = escape(&lines.join("\n"));
    if output == SetupOutput::Text {
        return io.result(&text);
    }
    io.note(&text);
    Ok(())
}

fn headline(end: &Outcome) -> String {
    let namespace = &end.spec.namespace;
    let (word, why) = match end.verdict {
        None => ("unproven", "nothing was tried (--no-probe or --wait=false)"),
        Some(Verdict::Enforced) => (
            "enforced",
            "what bypassed the gateway before no longer does, while the same hosts answer pods \
             outside the policy",
        ),
        Some(Verdict::Unwitnessed) => (
            "unproven",
            "what bypassed the gateway before no longer does, but no pod outside the policy \
             reaches the hosts either: they may be down",
        ),
        Some(Verdict::NothingEnforces) => (
            "OPEN",
            "nothing in this cluster enforces the policy: its network plugin ignores \
             NetworkPolicies for egress",
        ),
        Some(Verdict::Allowed) => (
            "OPEN",
            "what another policy allows still bypasses the gateway: policies add up",
        ),
        Some(Verdict::Partly) => ("OPEN", "the gateway can still be bypassed"),
        Some(Verdict::ClosedBefore) => (
            "unproven",
            "nothing bypassed the gateway before the policy either: something else blocks it, a \
             firewall perhaps",
        ),
        Some(Verdict::ClosedNow) if end.seen == Enforcement::Enforced => (
            "enforced",
            "nothing bypasses the gateway, and the policy was seen to be enforced when it was new",
        ),
        Some(Verdict::ClosedNow) => (
            "unproven",
            "nothing bypasses the gateway, and the policy was there before, so what stops it is \
             not known",
        ),
        Some(Verdict::Untried) => ("unproven", "no bypass could be tried"),
    };
    format!("{word:<11} {namespace}: {why}")
}
