#![doc = include_str!("subset.md")]

use super::{NAMED, decider, finding, list, list_some, missing_cluster};
use crate::checks::finding::{Code, Finding, Fix};
use crate::checks::{Check, Layer, Outcome, View};
use crate::istio::DestinationRule;
use crate::kubernetes::{Kind, ObjectRef, Place};
use crate::model::hosts::{complete, is_typo};
use crate::model::trace::{ClusterName, HopName};
use crate::model::{Lookup, Merged, Node, Registered, rule};
use serde_json::{Value, json};

const CODE: Code = Code("EG201");

pub(in crate::checks) const CHECK: Check = Check {
    code: CODE,
    title: "A route names a subset that the client's lookup does not find",
    layer: Layer::Intended,
    page: include_str!("subset.md"),
    look,
};

fn look(view: &View<'_>) -> Outcome {
    let Some((hop, ClusterName::Outbound { port, subset, host }, node)) = missing_cluster(view)
    else {
        return Outcome::Pass;
    };
    let scope = view.world.scope(node);
    let Some(service) = scope.owner(host).filter(|s| s.port(*port).is_some()) else {
        return Outcome::Pass;
    };
    if subset.is_empty() {
        return Outcome::Pass;
    }
    let step = if hop == HopName::Sidecar {
        Some(&view.walk.trace.sidecar)
    } else {
        view.walk.trace.gateway.as_ref()
    };
    let route = step.and_then(decider).cloned();
    // The subset is there, and its labels leave it without an endpoint: another check's matter.
    let lookup = rule(view.world, node, service);
    let found = lookup.as_ref().and_then(Lookup::rule);
    if found.is_some_and(|r| r.subset(subset).is_some()) {
        return Outcome::Pass;
    }
    let asked = Asked {
        view,
        hop,
        node,
        service,
        subset,
        route,
    };
    Outcome::Found(vec![asked.explain(lookup.as_ref())])
}

struct Asked<'v, 'w> {
    view: &'v View<'v>,
    hop: HopName,
    node: &'v Node,
    service: &'v Registered<'w>,
    subset: &'v str,
    route: Option<Place>,
}

impl Asked<'_, '_> {
    fn explain(&self, lookup: Option<&Lookup<'_>>) -> Finding {
        let host = &self.service.host;
        let defining = self.view.world.rules.all_defining(host, self.subset);
        let title = format!(
            "subset {} of {host} is not found in the lookup of namespace {}",
            self.subset, self.node.namespace
        );
        let (message, culprit) = match (defining.first(), lookup) {
            (Some(rule), Some(lookup)) if self.is_on_the_way(rule) => self.hidden(rule, lookup),
            (Some(rule), _) if self.is_on_the_way(rule) => self.private(rule),
            (Some(rule), _) => elsewhere(rule),
            (None, Some(lookup)) => not_in(lookup, self.subset),
            (None, None) => self.nowhere(),
        };
        let others = defining
            .iter()
            .map(|r| r.reference(Kind::DestinationRule).into());
        let found = lookup.into_iter().flat_map(first_objects).map(Place::from);
        let what = match self.hop {
            HopName::Sidecar => "the client gets 503 (NC), or a reset where it speaks TLS",
            _ => "the gateway answers 503 (NC), or resets TLS",
        };
        let fix = self.cure(lookup, defining.first().copied());
        finding(
            CODE,
            self.hop,
            title,
            format!("{message}; the cluster does not exist, and {what}"),
        )
        .on(culprit)
        .on(self.route.clone())
        .on(others)
        .on(found)
        .seen(format!(
            "cluster outbound|…|{}|{host} is named by the route and not made by istiod",
            self.subset
        ))
        .seen(self.order())
        .fix(fix)
    }

    /// Whether a rule lies in a namespace that the lookup goes through.
    fn is_on_the_way(&self, rule: &DestinationRule) -> bool {
        let root = &self.view.world.snapshot.mesh.config.root_namespace;
        [self.node.namespace.as_str(), self.service.namespace(), root].contains(&rule.namespace())
    }

    fn order(&self) -> String {
        format!(
            "a rule is looked up in the client's namespace {}, then in the Service's namespace {}, \
             then in the root namespace {}; the first that has any rule for the host ends the \
             lookup",
            self.node.namespace,
            self.service.namespace(),
            self.view.world.snapshot.mesh.config.root_namespace
        )
    }

    fn hidden(&self, rule: &DestinationRule, lookup: &Lookup<'_>) -> (String, Vec<Place>) {
        if lookup.namespace == rule.namespace() && rule.spec.workload_selector.is_none() {
            return self.private(rule);
        }
        let selected = lookup.chosen.is_none();
        let by = if selected {
            " although its workloadSelector does not select the client"
        } else {
            ""
        };
        let message = format!(
            "the lookup ends in namespace {} at {}{by}, which hides the rule with the subset in \
             namespace {}",
            lookup.namespace,
            list_some(lookup.objects()),
            rule.namespace()
        );
        (message, first_objects(lookup).map(Place::from).collect())
    }

    fn private(&self, rule: &DestinationRule) -> (String, Vec<Place>) {
        let object = rule.reference(Kind::DestinationRule);
        let exports = list(&rule.spec.export_to);
        let message = if rule.spec.workload_selector.is_some() {
            format!(
                "{object} defines it for the workloads of its workloadSelector only, which does \
                 not select the client"
            )
        } else if rule.namespace() == self.node.namespace {
            format!(
                "{object} defines it, but another rule of the namespace for the host counts: their \
                 exportTo differ ({exports} here), so istiod does not merge them, and takes the \
                 last one",
            )
        } else {
            format!(
                "{object} defines it, but its exportTo ({exports}) keeps it private: it is not \
                 visible in namespace {}",
                self.node.namespace
            )
        };
        (message, vec![object.at("spec.exportTo")])
    }

    fn nowhere(&self) -> (String, Vec<Place>) {
        if let Some(rule) = self.misspelt() {
            let object = rule.reference(Kind::DestinationRule);
            let message = format!(
                "{object} defines it, and is for {}, which nobody declares and which is spelt \
                 nearly like {}",
                rule.spec.host, self.service.host
            );
            return (message, vec![object.at("spec.host")]);
        }
        if let Some((rule, host)) = self.of_namesake() {
            let object = rule.reference(Kind::DestinationRule);
            let message = format!(
                "{object} defines it, and its host {} means {host}, which nobody declares; istiod \
                 completes a name without a dot with the rule's own namespace, and takes any other \
                 as it stands",
                rule.spec.host
            );
            return (message, vec![object.at("spec.host")]);
        }
        let missing = ObjectRef::new(Kind::DestinationRule, &self.node.namespace, self.name());
        let message = "no DestinationRule that the client sees defines this subset".to_owned();
        (
            message,
            self.route
                .clone()
                .into_iter()
                .chain([missing.into()])
                .collect(),
        )
    }

    /// A rule with the subset whose host is a slip away from the Service's.
    fn misspelt(&self) -> Option<&DestinationRule> {
        let world = self.view.world;
        let mut rules = world.snapshot.objects.destination_rules.iter();
        rules.find(|rule| {
            let host = complete(
                &rule.spec.host,
                rule.namespace(),
                &world.snapshot.mesh.domain,
            );
            let defines = rule.spec.subsets.iter().any(|s| s.name == *self.subset);
            defines
                && is_typo(&host, &self.service.host)
                && world.services_named(&host).next().is_none()
        })
    }

    /// A rule with the subset that names a Service as this one is named, where none is.
    fn of_namesake(&self) -> Option<(&DestinationRule, String)> {
        let world = self.view.world;
        let own_name = self.service.host.split('.').next();
        let mut rules = world.snapshot.objects.destination_rules.iter();
        rules.find_map(|rule| {
            let domain = &world.snapshot.mesh.domain;
            let host = complete(&rule.spec.host, rule.namespace(), domain);
            let defines = rule.spec.subsets.iter().any(|s| s.name == *self.subset);
            let is_namesake = defines
                && host.split('.').next() == own_name
                && world.services_named(&host).next().is_none();
            is_namesake.then_some((rule, host))
        })
    }

    /// What a rule for this subset would be called.
    fn name(&self) -> String {
        let service = self.service.host.split('.').next().unwrap_or_default();
        format!("{service}-for-{}", self.subset)
    }

    /// The rule that ends the lookup gets the subset; where none does, the client's namespace gets
    /// a rule.
    fn cure(&self, lookup: Option<&Lookup<'_>>, defining: Option<&DestinationRule>) -> Fix {
        let wanted = defining.and_then(|r| r.spec.subsets.iter().find(|s| s.name == *self.subset));
        let subset = wanted
            .and_then(|s| serde_json::to_value(s).ok())
            .unwrap_or_else(|| json!({"name": self.subset}));
        if let Some(lookup) = lookup
            && let Some(rule) = lookup.rule()
        {
            let first = rule.from[0];
            let mut subsets: Vec<Value> = first
                .spec
                .subsets
                .iter()
                .filter_map(|s| serde_json::to_value(s).ok())
                .collect();
            subsets.push(subset);
            let object = first.reference(Kind::DestinationRule);
            let summary = format!(
                "add subset {} to {object}, the rule that the lookup finds",
                self.subset
            );
            return Fix::patch(
                self.view.world,
                &object,
                json!({"spec": {"subsets": subsets}}),
                summary,
            );
        }
        let object = ObjectRef::new(Kind::DestinationRule, &self.node.namespace, self.name());
        let body = json!({
            "apiVersion": Kind::DestinationRule.api_version(), "kind": "DestinationRule",
            "metadata": {"name": object.name, "namespace": object.namespace},
            "spec": {"host": self.service.host, "exportTo": ["."], "subsets": [subset]},
        });
        let summary = format!(
            "create a DestinationRule with subset {} where the lookup begins, in the client's \
             namespace {}",
            self.subset, self.node.namespace
        );
        Fix::create(&object, body, summary)
    }
}

fn elsewhere(rule: &DestinationRule) -> (String, Vec<Place>) {
    let object = rule.reference(Kind::DestinationRule);
    let message = format!(
        "{object} defines it, but the proxy never looks in namespace {}: exportTo does not change \
         where a rule is looked up, only the client's, the Service's and the root namespace count",
        rule.namespace()
    );
    (message, vec![object.into()])
}

fn not_in(lookup: &Lookup<'_>, subset: &str) -> (String, Vec<Place>) {
    let names = list_some(lookup.found().flat_map(Merged::subset_names));
    let has = if names.is_empty() {
        "has no subset at all".to_owned()
    } else {
        format!("has only: {names}")
    };
    let message = format!(
        "no rule defines subset {subset}: {}, where the lookup ends, {has}",
        list_some(lookup.objects())
    );
    let places = first_objects(lookup).map(|rule| rule.at("spec.subsets"));
    (message, places.collect())
}

/// Those that a finding names of the objects that end a lookup.
fn first_objects<'l>(lookup: &'l Lookup<'_>) -> impl Iterator<Item = ObjectRef> + use<'l> {
    lookup.objects().take(NAMED)
}
