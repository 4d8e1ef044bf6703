//! DestinationRules: which one a proxy finds for a host, and what it says about a port. The lookup
//! goes through the client's namespace, the host's and the root namespace; the first that has any
//! rule for the host ends it.
//!
//! Source: pilot/pkg/model/push_context.go (`destinationRule`, `setDestinationRules`),
//! destination_rule.go (`mergeDestinationRule`), sidecar.go (`DestinationRule`), networking/util
//! (`MergeSubsetTrafficPolicy`).

use super::discovery::is_read;
use super::host_index::HostIndex;
use super::hosts::{complete, most_specific};
use super::visibility::Exports;
use crate::istio::destination_rule::{ClientTls, DestinationRule, Subset, TrafficPolicy};
use crate::kubernetes::pod::Labels;
use crate::kubernetes::{Kind, ObjectRef, Place};
use crate::snapshot::Snapshot;
use std::collections::HashMap;

/// Rules of one namespace for one host, put together as istiod does.
#[derive(Clone, Debug)]
pub struct Merged<'a> {
    /// Their host, completed.
    pub host: String,
    /// The rules it is made of, oldest first.
    pub from: Vec<&'a DestinationRule>,
    exports: Vec<String>,
}

/// Where a lookup ended, and what it found there.
#[derive(Clone, Debug)]
pub struct Lookup<'a> {
    /// The namespace that ended it.
    pub namespace: String,
    /// All rules for the host in that namespace.
    pub found: Vec<Merged<'a>>,
    /// The one that counts for this proxy; none where each is for other workloads.
    pub chosen: Option<usize>,
}

/// Who looks a rule up.
#[derive(Clone, Copy, Debug)]
pub struct Seeker<'s> {
    /// Its namespace.
    pub namespace: &'s str,
    /// Its labels.
    pub labels: &'s Labels,
}

/// What a rule says about one port of its host or subset.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Policy {
    /// TLS to it, and the field that says so.
    pub tls: Option<(ClientTls, Place)>,
    /// `h2UpgradePolicy`, and the field that says so.
    pub h2_upgrade: Option<(String, Place)>,
    /// A tunnel by CONNECT.
    pub tunnel: bool,
    /// The field that sends connections to the address that they were going to anyway
    /// (`loadBalancer.simple: PASSTHROUGH`).
    pub passthrough: Option<Place>,
    /// The field that puts a PROXY header before each connection.
    pub proxy_protocol: Option<Place>,
    /// Whether the rule is for chosen workloads: only then a sidecar takes its credentialName.
    pub selected: bool,
}

/// All rules of a snapshot.
#[derive(Clone, Debug, Default)]
pub struct Rules<'a> {
    ordered: Vec<(String, &'a DestinationRule)>,
    by_host: HostIndex,
    /// Positions in `ordered`, by the rule's namespace and host.
    by_namespace: HashMap<String, HostIndex>,
    root: String,
    private_by_default: bool,
    /// Whether rules are kept apart by their `exportTo`.
    by_export: bool,
}

impl<'a> Rules<'a> {
    /// Index a snapshot.
    pub fn new(snapshot: &'a Snapshot) -> Self {
        let domain = &snapshot.mesh.domain;
        let mut ordered: Vec<(String, &DestinationRule)> = snapshot
            .objects
            .destination_rules
            .iter()
            .filter(|r| is_read(snapshot, &r.metadata))
            .map(|r| (complete(&r.spec.host, r.namespace(), domain), r))
            .collect();
        ordered.sort_by(|(_, a), (_, b)| {
            let key =
                |r: &'a DestinationRule| (r.spec.workload_selector.is_none(), r.metadata.age_key());
            key(a).cmp(&key(b))
        });
        let default = &snapshot.mesh.config.default_destination_rule_export_to;
        let mut by_namespace: HashMap<&str, Vec<(&str, usize)>> = HashMap::new();
        for (at, (host, rule)) in ordered.iter().enumerate() {
            let of = by_namespace.entry(rule.namespace()).or_default();
            of.push((host, at));
        }
        let by_namespace = by_namespace.into_iter();
        Self {
            by_host: ordered.iter().map(|(h, _)| h.as_str()).zip(0..).collect(),
            by_namespace: by_namespace
                .map(|(namespace, of)| (namespace.to_owned(), of.into_iter().collect()))
                .collect(),
            ordered,
            root: snapshot.mesh.config.root_namespace.clone(),
            private_by_default: default.iter().any(|to| to == "."),
            by_export: snapshot.mesh.release().merges_rules_by_export()
                && snapshot
                    .mesh
                    .feature("ENABLE_ENHANCED_DESTINATIONRULE_MERGE", true),
        }
    }

    /// The rule for a host of `owner`'s namespace, as `seeker` finds it.
    pub fn lookup(&self, seeker: Seeker<'_>, host: &str, owner: &str) -> Option<Lookup<'a>> {
        let mine = seeker.namespace;
        let at_home = |rule: &DestinationRule| {
            (mine != self.root || self.is_private(rule)) && seen_at_home(rule)
        };
        let end = |namespace: &str, found: Vec<Merged<'a>>| {
            let chosen = choose(&found, seeker);
            (!found.is_empty()).then(|| Lookup {
                namespace: namespace.to_owned(),
                found,
                chosen,
            })
        };
        let exported = |namespace: &str| {
            let mut found = self.merged(namespace, host, |r| !self.is_private(r));
            found.retain(|m| {
                m.exports.is_empty() || m.exports.iter().any(|to| to == "*" || to == mine)
            });
            end(namespace, found)
        };
        end(mine, self.merged(mine, host, at_home))
            .or_else(|| exported(owner))
            .or_else(|| exported(&self.root))
    }

    /// Every rule for the host, wherever it lies and whoever sees it.
    pub fn all_for(&self, host: &str) -> Vec<&'a DestinationRule> {
        let found = self.by_host.overlapping(host).into_iter();
        found.map(|at| self.ordered[at].1).collect()
    }

    fn merged(
        &self,
        namespace: &str,
        host: &str,
        among: impl Fn(&DestinationRule) -> bool,
    ) -> Vec<Merged<'a>> {
        let of = self.by_namespace.get(namespace);
        let rules: Vec<&(String, &DestinationRule)> = of
            .map(|of| of.containing(host))
            .unwrap_or_default()
            .into_iter()
            .map(|at| &self.ordered[at])
            .filter(|(_, r)| among(r))
            .collect();
        let Some(best) = most_specific(host, rules.iter().map(|(h, _)| h.as_str())) else {
            return Vec::new();
        };
        let mut all: Vec<Merged> = Vec::new();
        for (host, rule) in rules.iter().filter(|(h, _)| h == best) {
            lay_in(&mut all, host, rule, self.by_export);
        }
        all
    }

    /// Only for its own namespace.
    fn is_private(&self, rule: &DestinationRule) -> bool {
        match exports_of(rule).as_slice() {
            [] => self.private_by_default,
            [only] => only == "." || only == rule.namespace(),
            _ => false,
        }
    }
}

/// As it is written, in order: istiod compares the words, so `.` and the namespace's own name are
/// two.
fn exports_of(rule: &DestinationRule) -> Vec<String> {
    if rule.spec.workload_selector.is_some() {
        return vec![".".to_owned()];
    }
    let mut all = rule.spec.export_to.clone();
    all.sort();
    all.dedup();
    all
}

fn seen_at_home(rule: &DestinationRule) -> bool {
    Exports::of(&exports_of(rule), &[], rule.namespace()).reach(rule.namespace())
}

fn selector_of(rule: &DestinationRule) -> Option<&Labels> {
    rule.spec.workload_selector.as_ref().map(|s| &s.labels)
}

/// `mergeDestinationRule`: a rule joins those that are exported alike or to fewer, and also stands
/// for itself where the last one that it was held against was another kind. Of several that stand,
/// the last counts, so that matters.
fn lay_in<'a>(all: &mut Vec<Merged<'a>>, host: &str, rule: &'a DestinationRule, by_export: bool) {
    let exports = exports_of(rule);
    let selector = selector_of(rule);
    let mut apart = true;
    for merged in all.iter_mut() {
        let wider =
            !merged.exports.is_empty() && merged.exports.iter().all(|to| exports.contains(to));
        let alike = !by_export || merged.exports == exports;
        let held = selector_of(merged.from[0]);
        let other_workloads = selector.is_some() && held.is_some() && selector != held;
        if !(alike || wider) || other_workloads {
            apart = true;
            continue;
        }
        apart = !alike;
        if selector == held {
            apart = false;
        }
        merged.from.push(rule);
    }
    if apart {
        all.push(Merged {
            host: host.to_owned(),
            from: vec![rule],
            exports,
        });
    }
}

/// A rule for these workloads comes before one for all; a rule for others only ends the lookup.
fn choose(found: &[Merged<'_>], seeker: Seeker<'_>) -> Option<usize> {
    let fits = |m: &Merged<'_>| {
        m.from[0].namespace() == seeker.namespace
            && m.from[0]
                .spec
                .workload_selector
                .as_ref()
                .is_some_and(|s| s.matches(seeker.labels))
    };
    let for_all = || {
        found
            .iter()
            .rposition(|m| m.from[0].spec.workload_selector.is_none())
    };
    found.iter().position(fits).or_else(for_all)
}

impl<'a> Lookup<'a> {
    /// The rule that counts.
    pub fn rule(&self) -> Option<&Merged<'a>> {
        self.chosen.map(|at| &self.found[at])
    }

    /// Every object that took part in ending the lookup.
    pub fn objects(&self) -> Vec<ObjectRef> {
        self.found
            .iter()
            .flat_map(|m| &m.from)
            .map(|r| r.reference(Kind::DestinationRule))
            .collect()
    }
}

impl<'a> Merged<'a> {
    /// The subset of that name, in the first rule that has it.
    pub fn subset(&self, name: &str) -> Option<(&'a DestinationRule, usize, &'a Subset)> {
        self.from.iter().find_map(|rule| {
            let at = rule.spec.subsets.iter().position(|s| s.name == name)?;
            Some((*rule, at, &rule.spec.subsets[at]))
        })
    }

    /// All subsets' names.
    pub fn subset_names(&self) -> Vec<&'a str> {
        self.from
            .iter()
            .flat_map(|r| r.spec.subsets.iter().map(|s| s.name.as_str()))
            .collect()
    }

    /// What counts for a port of the host, or of a subset of it.
    pub fn policy(&self, subset: &str, port: u16) -> Policy {
        let mut policy = Policy {
            selected: self.from[0].spec.workload_selector.is_some(),
            ..Policy::default()
        };
        let top = self
            .from
            .iter()
            .find_map(|r| Some((*r, r.spec.traffic_policy.as_ref()?)));
        if let Some((rule, said)) = top {
            lay(
                &mut policy,
                said,
                port,
                &rule.reference(Kind::DestinationRule),
                "spec.trafficPolicy",
            );
        }
        if let Some((rule, at, found)) = self.subset(subset)
            && let Some(said) = &found.traffic_policy
        {
            let field = format!("spec.subsets[{at}].trafficPolicy");
            lay(
                &mut policy,
                said,
                port,
                &rule.reference(Kind::DestinationRule),
                &field,
            );
        }
        policy
    }
}

/// One policy over another: what it says for the port replaces all, what it says for all ports
/// replaces what it names.
fn lay(policy: &mut Policy, said: &TrafficPolicy, port: u16, object: &ObjectRef, field: &str) {
    let level = said
        .port_level_settings
        .iter()
        .position(|p| p.port.is_some_and(|s| s.number == port));
    policy.tunnel |= said.tunnel.is_some();
    if said.proxy_protocol.is_some() {
        policy.proxy_protocol = Some(object.at(format!("{field}.proxyProtocol")));
    }
    let (tls, pool, balancer, field, whole) = match level {
        Some(at) => {
            let settings = &said.port_level_settings[at];
            (
                &settings.tls,
                &settings.connection_pool,
                &settings.load_balancer,
                format!("{field}.portLevelSettings[{at}]"),
                true,
            )
        }
        None => (
            &said.tls,
            &said.connection_pool,
            &said.load_balancer,
            field.to_owned(),
            false,
        ),
    };
    if balancer.is_some() || whole {
        let simple = balancer.as_ref().and_then(|b| b.get("simple"));
        policy.passthrough = simple
            .filter(|kind| *kind == "PASSTHROUGH")
            .map(|_| object.at(format!("{field}.loadBalancer")));
    }
    if tls.is_some() || whole {
        policy.tls = tls
            .clone()
            .map(|tls| (tls, object.at(format!("{field}.tls"))));
    }
    if pool.is_some() || whole {
        let upgrade = pool
            .as_ref()
            .and_then(|p| p.http.as_ref())
            .and_then(|h| h.h2_upgrade_policy.clone());
        policy.h2_upgrade = upgrade.map(|u| {
            (
                u,
                object.at(format!("{field}.connectionPool.http.h2UpgradePolicy")),
            )
        });
    }
}
