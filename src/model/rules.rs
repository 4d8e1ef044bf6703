//! DestinationRules: which one a proxy finds for a host, and what it says about a port. The lookup
//! goes through the client's namespace, the host's and the root namespace; the first that has any
//! rule for the host ends it.
//!
//! Source: pilot/pkg/model/push_context.go (`destinationRule`, `setDestinationRules`),
//! destination_rule.go (`mergeDestinationRule`), sidecar.go (`DestinationRule`).

use super::discovery::is_read;
use super::host_index::HostIndex;
use super::hosts::{complete, overlap};
use super::rule_policy::{lay, lay_subset};
use super::visibility::Exports;
use crate::istio::destination_rule::{DestinationRule, Subset};
use crate::kubernetes::pod::Labels;
use crate::kubernetes::{Kind, ObjectRef};
use crate::snapshot::Snapshot;
use std::collections::HashMap;
use std::rc::Rc;

pub use super::rule_policy::Policy;

/// Rules of one namespace for one host, put together as istiod does.
#[derive(Clone, Debug)]
pub struct Merged<'a> {
    /// Their host, completed.
    pub host: String,
    /// The rules it is made of, oldest first.
    pub from: Vec<&'a DestinationRule>,
    exports: Vec<String>,
    /// Where each subset is first defined: the rule's position in `from`, and the subset's in it.
    subsets: HashMap<&'a str, (usize, usize)>,
    /// The first of the rules that has a `trafficPolicy` for the whole host.
    top: Option<usize>,
}

/// Where a lookup ended, and what it found there.
#[derive(Clone, Debug)]
pub struct Lookup<'a> {
    /// The namespace that ended it.
    pub namespace: String,
    /// The rules for the host in that namespace.
    all: Rc<[Merged<'a>]>,
    /// Those of them that the proxy sees.
    seen: Vec<usize>,
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

/// All rules of a snapshot, merged once: a client's sidecar looks each of its hosts up, and all
/// routes to one gateway look up the same host.
#[derive(Clone, Debug, Default)]
pub struct Rules<'a> {
    ordered: Vec<(String, &'a DestinationRule)>,
    by_host: HostIndex,
    /// Positions in `ordered`, by the name of a subset.
    by_subset: HashMap<&'a str, Vec<usize>>,
    namespaces: HashMap<&'a str, OfNamespace<'a>>,
    root: String,
}

/// The merged rules of a namespace.
#[derive(Clone, Debug, Default)]
struct OfNamespace<'a> {
    /// As its own proxies find them.
    own: MergedRules<'a>,
    /// As the others' do, each as far as it is exported to them.
    exported: MergedRules<'a>,
}

/// Merged rules, by host.
#[derive(Clone, Debug, Default)]
struct MergedRules<'a> {
    by_host: HostIndex,
    all: Vec<Rc<[Merged<'a>]>>,
}

impl<'a> MergedRules<'a> {
    /// `rules` are in istiod's order.
    fn new<'r>(
        rules: impl Iterator<Item = &'r (String, &'a DestinationRule)>,
        by_export: bool,
    ) -> Self
    where
        'a: 'r,
    {
        let mut places: HashMap<&str, usize> = HashMap::new();
        let mut all: Vec<(&str, Vec<Merged<'a>>)> = Vec::new();
        for (host, rule) in rules {
            let at = *places.entry(host).or_insert(all.len());
            if at == all.len() {
                all.push((host, Vec::new()));
            }
            lay_in(&mut all[at].1, host, rule, by_export);
        }
        Self {
            by_host: all.iter().map(|(host, _)| *host).zip(0..).collect(),
            all: all.into_iter().map(|(_, merged)| merged.into()).collect(),
        }
    }

    /// Those whose host fits best.
    fn closest(&self, host: &str) -> Option<Rc<[Merged<'a>]>> {
        let at = self.by_host.closest(host).first()?;
        self.all.get(*at).cloned()
    }
}

impl<'a> Rules<'a> {
    /// Index a snapshot.
    pub fn new(snapshot: &'a Snapshot) -> Self {
        let mesh = &snapshot.mesh;
        let mut ordered: Vec<(String, &DestinationRule)> = snapshot
            .objects
            .destination_rules
            .iter()
            .filter(|r| is_read(snapshot, &r.metadata))
            .map(|r| (complete(&r.spec.host, r.namespace(), &mesh.domain), r))
            .collect();
        ordered.sort_by(|(_, a), (_, b)| {
            let key =
                |r: &'a DestinationRule| (r.spec.workload_selector.is_none(), r.metadata.age_key());
            key(a).cmp(&key(b))
        });
        let mut namespaces: HashMap<&str, Vec<&(String, &DestinationRule)>> = HashMap::new();
        for rule in &ordered {
            namespaces.entry(rule.1.namespace()).or_default().push(rule);
        }
        let root = &mesh.config.root_namespace;
        let default = &mesh.config.default_destination_rule_export_to;
        let private_by_default = default.iter().any(|to| to == ".");
        let by_export = mesh.release().merges_rules_by_export()
            && mesh.feature("ENABLE_ENHANCED_DESTINATIONRULE_MERGE", true);
        let mut merged = HashMap::new();
        for (namespace, rules) in namespaces {
            let own = rules.iter().copied().filter(|(_, rule)| {
                (namespace != root || is_private(rule, private_by_default)) && seen_at_home(rule)
            });
            let exported = rules.iter().copied();
            let exported = exported.filter(|(_, rule)| !is_private(rule, private_by_default));
            let of = OfNamespace {
                own: MergedRules::new(own, by_export),
                exported: MergedRules::new(exported, by_export),
            };
            merged.insert(namespace, of);
        }
        Self {
            by_host: ordered.iter().map(|(h, _)| h.as_str()).zip(0..).collect(),
            by_subset: by_subset(&ordered),
            namespaces: merged,
            root: root.clone(),
            ordered,
        }
    }

    /// The rule for a host of `owner`'s namespace, as `seeker` finds it.
    pub fn lookup(&self, seeker: Seeker<'_>, host: &str, owner: &str) -> Option<Lookup<'a>> {
        self.lookup_own(seeker, host)
            .or_else(|| self.lookup_exported(seeker, host, owner))
            .or_else(|| self.lookup_exported(seeker, host, &self.root))
    }

    /// Every rule for the host, wherever it lies and whoever sees it.
    pub fn all_for(&self, host: &str) -> Vec<&'a DestinationRule> {
        let found = self.by_host.overlapping(host).into_iter();
        found.map(|at| self.ordered[at].1).collect()
    }

    /// Every rule for the host that defines the subset, wherever it lies and whoever sees it.
    pub fn all_defining(&self, host: &str, subset: &str) -> Vec<&'a DestinationRule> {
        let defining = self.by_subset.get(subset).into_iter().flatten();
        let all = defining.map(|at| &self.ordered[*at]);
        all.filter(|(of, _)| overlap(of, host))
            .map(|(_, rule)| *rule)
            .collect()
    }

    fn lookup_own(&self, seeker: Seeker<'_>, host: &str) -> Option<Lookup<'a>> {
        let own = &self.namespaces.get(seeker.namespace)?.own;
        let all = own.closest(host)?;
        let seen = (0..all.len()).collect();
        Some(Lookup::new(seeker.namespace, all, seen).choose(seeker))
    }

    fn lookup_exported(
        &self,
        seeker: Seeker<'_>,
        host: &str,
        namespace: &str,
    ) -> Option<Lookup<'a>> {
        let exported = &self.namespaces.get(namespace)?.exported;
        let all = exported.closest(host)?;
        let seen: Vec<usize> = (0..all.len())
            .filter(|at| all[*at].is_exported_to(seeker.namespace))
            .collect();
        (!seen.is_empty()).then(|| Lookup::new(namespace, all, seen).choose(seeker))
    }
}

fn by_subset<'a>(ordered: &[(String, &'a DestinationRule)]) -> HashMap<&'a str, Vec<usize>> {
    let mut all: HashMap<&str, Vec<usize>> = HashMap::new();
    for (at, (_, rule)) in ordered.iter().enumerate() {
        for subset in &rule.spec.subsets {
            let known = all.entry(&subset.name).or_default();
            // A rule may define a subset twice.
            if known.last() != Some(&at) {
                known.push(at);
            }
        }
    }
    all
}

/// Only for its own namespace.
fn is_private(rule: &DestinationRule, by_default: bool) -> bool {
    match exports_of(rule).as_slice() {
        [] => by_default,
        [only] => only == "." || only == rule.namespace(),
        _ => false,
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
        merged.join(rule);
    }
    if apart {
        let mut merged = Merged {
            host: host.to_owned(),
            from: Vec::new(),
            exports,
            subsets: HashMap::new(),
            top: None,
        };
        merged.join(rule);
        all.push(merged);
    }
}

impl<'a> Lookup<'a> {
    fn new(namespace: &str, all: Rc<[Merged<'a>]>, seen: Vec<usize>) -> Self {
        Self {
            namespace: namespace.to_owned(),
            all,
            seen,
            chosen: None,
        }
    }

    /// A rule for these workloads comes before one for all; a rule for others only ends the lookup.
    fn choose(mut self, seeker: Seeker<'_>) -> Self {
        let selects = |m: &Merged<'_>| {
            let selector = m.from[0].spec.workload_selector.as_ref();
            m.from[0].namespace() == seeker.namespace
                && selector.is_some_and(|s| s.matches(seeker.labels))
        };
        let for_all = |m: &Merged<'_>| m.from[0].spec.workload_selector.is_none();
        let chosen = self.seen.iter().find(|at| selects(&self.all[**at]));
        let last = || self.seen.iter().rfind(|at| for_all(&self.all[**at]));
        self.chosen = chosen.or_else(last).copied();
        self
    }

    /// The rules for the host that the proxy sees in that namespace.
    pub fn found(&self) -> impl Iterator<Item = &Merged<'a>> {
        self.seen.iter().map(|at| &self.all[*at])
    }

    /// The rule that counts.
    pub fn rule(&self) -> Option<&Merged<'a>> {
        self.chosen.map(|at| &self.all[at])
    }

    /// Every object that took part in ending the lookup.
    pub fn objects(&self) -> impl Iterator<Item = ObjectRef> {
        let rules = self.found().flat_map(|m| &m.from);
        rules.map(|r| r.reference(Kind::DestinationRule))
    }
}

impl<'a> Merged<'a> {
    /// Put the next younger rule in.
    fn join(&mut self, rule: &'a DestinationRule) {
        let at = self.from.len();
        for (place, subset) in rule.spec.subsets.iter().enumerate() {
            let known = self.subsets.entry(subset.name.as_str());
            known.or_insert((at, place));
        }
        if rule.spec.traffic_policy.is_some() {
            self.top.get_or_insert(at);
        }
        self.from.push(rule);
    }

    /// No `exportTo` is everybody.
    fn is_exported_to(&self, namespace: &str) -> bool {
        let named = |to: &String| to == "*" || to == namespace;
        self.exports.is_empty() || self.exports.iter().any(named)
    }

    /// The subset of that name, in the first rule that has it.
    pub fn subset(&self, name: &str) -> Option<(&'a DestinationRule, usize, &'a Subset)> {
        let (rule, at) = *self.subsets.get(name)?;
        let rule = self.from[rule];
        Some((rule, at, &rule.spec.subsets[at]))
    }

    /// The rules that say something about the host as a whole or about a subset of it; where none
    /// does, the oldest.
    pub fn deciding(&self, subset: &str) -> Vec<&'a DestinationRule> {
        let top = self.top.map(|at| self.from[at]);
        let of_subset = self.subset(subset).map(|(rule, _, _)| rule);
        let mut rules: Vec<&DestinationRule> = top.into_iter().chain(of_subset).collect();
        rules.dedup_by(|a, b| std::ptr::eq(*a, *b));
        if rules.is_empty() {
            rules.extend(self.from.first());
        }
        rules
    }

    /// All subsets' names.
    pub fn subset_names(&self) -> impl Iterator<Item = &'a str> {
        let subsets = self.from.iter().flat_map(|r| &r.spec.subsets);
        subsets.map(|s| s.name.as_str())
    }

    /// What counts for a port of the host, or of a subset of it.
    pub fn policy(&self, subset: &str, port: u16) -> Policy {
        let mut policy = Policy {
            selected: self.from[0].spec.workload_selector.is_some(),
            ..Policy::default()
        };
        let top = self.top.map(|at| self.from[at]);
        let top = top.and_then(|rule| Some((rule, rule.spec.traffic_policy.as_ref()?)));
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
            lay_subset(
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
