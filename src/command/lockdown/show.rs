//! What lockdown says: what stays open, what would be cut, and how the ways round it ended.

use super::look::Sight;
use super::trials::Control;
use crate::cli::setup::SetupOutput;
use crate::command::{Io, escape};
use crate::error::Error;
use crate::exit::Exit;
use crate::lockdown::{Connection, Opening, Trial, Verdict};
use crate::plan::{Enforcement, InCluster, LockdownSpec};
use crate::probe::bypass::{Outcome, RunawayKind};

/// How one namespace ended.
#[derive(Default)]
pub(super) struct End {
    pub(super) spec: LockdownSpec,
    pub(super) changed: bool,
    pub(super) verdict: Option<Verdict>,
    pub(super) seen: Enforcement,
    pub(super) trials: Vec<Trial>,
    pub(super) controls: Vec<Control>,
    pub(super) notes: Vec<String>,
}

impl End {
    fn exit(&self) -> Exit {
        if self.controls.iter().any(broken) {
            return Exit::Problems;
        }
        match self.verdict {
            Some(Verdict::NothingEnforces | Verdict::Partly | Verdict::Allowed) => Exit::Problems,
            Some(Verdict::Enforced) => Exit::Done,
            Some(Verdict::ClosedNow) if self.seen == Enforcement::Enforced => Exit::Done,
            _ => Exit::Unproven,
        }
    }
}

/// The worst of all.
pub(super) fn exit(ends: &[End]) -> Exit {
    let all: Vec<Exit> = ends.iter().map(End::exit).collect();
    let worst = [Exit::Problems, Exit::Unproven]
        .into_iter()
        .find(|e| all.contains(e));
    worst.unwrap_or(Exit::Done)
}

fn broken(control: &Control) -> bool {
    control.after.stopped() && control.before.as_ref().is_none_or(Outcome::through)
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
            "without a sidecar, so only what is open this moment is seen: {}",
            sight.blind.uncounted.join(", ")
        ));
    }
    if !sight.blind.later.is_empty() {
        io.note(&format!(
            "makes pods later, so nobody knows yet what they call: {}",
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
pub(super) fn result(io: &Io, output: SetupOutput, ends: &[End]) -> Result<(), Error> {
    let mut lines = Vec::new();
    for end in ends {
        lines.push(headline(end));
        lines.extend(end.trials.iter().map(trial));
        lines.extend(end.controls.iter().map(control));
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

fn headline(end: &End) -> String {
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

fn trial(trial: &Trial) -> String {
    let word = match &trial.after {
        Outcome::Through(_) if trial.kind == RunawayKind::HostNetwork => "free",
        Outcome::Through(_) => "open",
        Outcome::Stopped(_) => "closed",
        Outcome::Untried(_) => "not tried",
    };
    let now = trial.after.words();
    let seen = match &trial.before {
        Some(before) if before.words() == now => format!("{now}, before and now"),
        Some(before) => format!("{} before, {now} now", before.words()),
        None => now.to_owned(),
    };
    let by = trial
        .allowed
        .as_ref()
        .filter(|_| trial.is_open())
        .map_or(String::new(), |rule| format!(" ({rule} allows it)"));
    let witness = trial
        .witness
        .as_ref()
        .filter(|_| trial.seems_closed())
        .map_or(String::new(), |witness| {
            format!(
                "; {} at the same time: {}",
                witness.from,
                witness.outcome.words()
            )
        });
    format!(
        "  {word:<9} {} {}, to {}: {seen}{by}{witness}",
        trial.from,
        trial.kind.words(),
        trial.way
    )
}

fn control(control: &Control) -> String {
    let word = if broken(control) {
        "BROKEN"
    } else if control.after.through() {
        "works"
    } else {
        "no answer"
    };
    format!(
        "  {word:<9} {} through the gateway, to {}: {}",
        control.from,
        control.target,
        control.after.words()
    )
}
