//! What other people's policies leave open: policies add up, so nothing that ours does not allow is
//! closed where another one allows it.

use crate::flow::LOCKDOWN;
use crate::kubernetes::network_policy::{EgressRule, NetworkPolicy, Peer, PolicyPort};
use crate::kubernetes::service::TargetPort;
use crate::kubernetes::{Kind, Place, Selector};
use crate::snapshot::Snapshot;

/// One rule of somebody else's policy that leads out of the cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opening {
    /// The rule.
    pub rule: Place,
    /// Which pods, in words.
    pub pods: String,
    /// Where to, in words.
    pub to: String,
}

/// The rules of other policies of a namespace that lead to addresses.
pub fn openings(snapshot: &Snapshot, namespace: &str) -> Vec<Opening> {
    let policies = snapshot.objects.network_policies.iter();
    let foreign = policies
        .filter(|p| p.namespace() == namespace && p.name() != LOCKDOWN && p.spec.governs_egress());
    foreign.flat_map(of_policy).collect()
}

fn of_policy(policy: &NetworkPolicy) -> Vec<Opening> {
    let rules = policy.spec.egress.iter().enumerate();
    let opening = |(at, rule): (usize, &EgressRule)| {
        Some(Opening {
            rule: policy
                .reference(Kind::NetworkPolicy)
                .at(format!("spec.egress[{at}]")),
            pods: pods(&policy.spec.pod_selector),
            to: format!("{}{}", addresses(&rule.to)?, ports(&rule.ports)),
        })
    };
    rules.filter_map(opening).collect()
}

/// Nothing for a rule that leads to pods only.
fn addresses(peers: &[Peer]) -> Option<String> {
    if peers.is_empty() {
        return Some("everywhere".into());
    }
    let blocks = peers.iter().filter_map(|p| p.ip_block.as_ref());
    let words: Vec<String> = blocks
        .map(|b| {
            if b.except.is_empty() {
                b.cidr.clone()
            } else {
                format!("{} less {}", b.cidr, b.except.join(", "))
            }
        })
        .collect();
    (!words.is_empty()).then(|| words.join(", "))
}

fn ports(ports: &[PolicyPort]) -> String {
    let word = |p: &PolicyPort| {
        let protocol = if p.protocol.is_empty() {
            "TCP"
        } else {
            &p.protocol
        };
        let port = match &p.port {
            None => "all ports".into(),
            Some(TargetPort::Number(number)) => number.to_string(),
            Some(TargetPort::Name(name)) => name.clone(),
        };
        p.end_port.map_or_else(
            || format!("{protocol} {port}"),
            |end| format!("{protocol} {port}-{end}"),
        )
    };
    if ports.is_empty() {
        return " on all ports".into();
    }
    format!(
        " on {}",
        ports.iter().map(word).collect::<Vec<_>>().join(", ")
    )
}

fn pods(selector: &Selector) -> String {
    let equal = selector
        .match_labels
        .iter()
        .map(|(k, v)| format!("{k}={v}"));
    let words: Vec<String> = equal
        .chain(
            selector
                .match_expressions
                .iter()
                .map(|e| format!("{} {}", e.key, e.operator)),
        )
        .collect();
    if words.is_empty() {
        "all pods".into()
    } else {
        format!("pods with {}", words.join(", "))
    }
}
