#![doc = include_str!("unjudged.md")]

use super::finding;
use crate::checks::finding::{Code, Confidence, Finding, Fix, Severity};
use crate::checks::{Check, Layer, Outcome, View};
use crate::envoy::Role;
use crate::fields;
use crate::kubernetes::{Kind, ObjectRef, Place};
use crate::model::trace::{ClusterName, HopName, Step};
use crate::model::{Lookup, Node, foreign, policies_for, rule, sidecar_of};
use serde_json::Value;
use std::collections::BTreeSet;

/// A path with such a finding is healthy only as far as a connection showed it.
pub(crate) const CODE: Code = Code("EG292");

pub(in crate::checks) const CHECK: Check = Check {
    code: CODE,
    title: "A setting on the path is not judged from the objects",
    layer: Layer::Intended,
    page: include_str!("unjudged.md"),
    look,
};

fn look(view: &View<'_>) -> Outcome {
    let mut found: Vec<Finding> = settings_of_all(view)
        .into_iter()
        .map(|(place, words)| explain(HopName::Sidecar, "every proxy", &place, words))
        .collect();
    found.extend(proxies(view).iter().flat_map(|at| at.findings(view)));
    if found.is_empty() {
        Outcome::Pass
    } else {
        Outcome::Found(found)
    }
}

/// The proxies on the path.
fn proxies<'v>(view: &View<'v>) -> Vec<At<'v>> {
    let walk = view.walk;
    let sidecar = walk.sidecar.as_ref().map(|hop| At {
        hop: HopName::Sidecar,
        role: Role::Sidecar,
        step: &walk.trace.sidecar,
        node: &hop.node,
    });
    let gateway = walk.exit.as_ref().zip(walk.trace.gateway.as_ref());
    let gateway = gateway.map(|(exit, step)| At {
        hop: HopName::Gateway,
        role: Role::Gateway,
        step,
        node: &exit.hop.node,
    });
    sidecar.into_iter().chain(gateway).collect()
}

/// A setting that counts for a proxy on the path and is not judged, and what it does.
pub(crate) struct Unjudged {
    pub(crate) place: Place,
    pub(crate) words: &'static str,
}

/// What of that counts up to a hop, and the limits there: the nearest to the hop first. Where a
/// call fails and nothing else explains it, one of these may.
pub(crate) fn unjudged(view: &View<'_>, hop: HopName) -> Vec<Unjudged> {
    let mut found: Vec<Unjudged> = Vec::new();
    for at in proxies(view).iter().rev().filter(|at| at.hop <= hop) {
        for (place, words) in at.all(view) {
            if found.iter().all(|f| f.place != place) {
                found.push(Unjudged { place, words });
            }
        }
    }
    found
}

/// The limits and noted fields that count for the proxies on the path, each with what it is set to.
pub(super) fn limits(view: &View<'_>) -> Vec<(HopName, Place, Value)> {
    let mut found = Vec::new();
    for at in proxies(view) {
        for limits in [true, false] {
            for (place, _) in at.settings(view, limits) {
                let spec = &view.world.noted(&place.object).spec;
                let pointer = place
                    .path
                    .trim_start_matches("spec")
                    .replace(['.', '['], "/");
                if let Some(value) = spec.pointer(&pointer.replace(']', "")) {
                    found.push((at.hop, place, value.clone()));
                }
            }
        }
    }
    found
}

/// A proxy on the path.
struct At<'v> {
    hop: HopName,
    role: Role,
    step: &'v Step,
    node: &'v Node,
}

impl At<'_> {
    fn findings(&self, view: &View<'_>) -> Vec<Finding> {
        let settings = self.settings(view, false).into_iter();
        settings
            .chain(self.others(view))
            .map(|(place, words)| explain(self.hop, self.who(), &place, words))
            .collect()
    }

    /// Programs and filters first, limits last.
    fn all(&self, view: &View<'_>) -> Vec<(Place, &'static str)> {
        let others = self.others(view).into_iter();
        let settings = others.chain(self.settings(view, false));
        settings.chain(self.settings(view, true)).collect()
    }

    /// What is put into the proxy, and what its pod is marked with.
    fn others(&self, view: &View<'_>) -> Vec<(Place, &'static str)> {
        let foreign = foreign(view.world, self.node, self.role).into_iter();
        let foreign = foreign.map(|f| (f.place, f.words));
        foreign.chain(self.marks(view)).collect()
    }

    /// The noted fields of the objects that decide here, or their limits.
    fn settings(&self, view: &View<'_>, limits: bool) -> Vec<(Place, &'static str)> {
        let objects = self.objects(view).into_iter();
        let each = objects.flat_map(|object| self.settings_of(view, &object, limits));
        each.collect()
    }

    /// The objects that decide here.
    fn objects(&self, view: &View<'_>) -> BTreeSet<ObjectRef> {
        let step = self.step;
        let mut objects: BTreeSet<ObjectRef> = [&step.listener, &step.chain, &step.route]
            .into_iter()
            .flatten()
            .flat_map(|decision| &decision.because)
            .map(|place| place.object.clone())
            .collect();
        if let Some(ClusterName::Outbound { host, subset, .. }) =
            step.cluster.as_ref().map(|c| &c.value)
        {
            let scope = view.world.scope(self.node);
            if let Some(service) = scope.owner(host) {
                objects.insert(service.object());
                let lookup = rule(view.world, self.node, service);
                let merged = lookup.as_ref().and_then(Lookup::rule);
                let rules = merged.map(|m| m.deciding(subset)).unwrap_or_default();
                objects.extend(rules.iter().map(|r| r.reference(Kind::DestinationRule)));
            }
        }
        match self.role {
            Role::Sidecar => {
                let sidecar = sidecar_of(view.world, self.node);
                objects.extend(sidecar.map(|s| s.reference(Kind::Sidecar)));
            }
            Role::Gateway => {
                let policies = policies_for(view.world, self.node).into_iter();
                objects.extend(policies.map(|p| p.reference(Kind::AuthorizationPolicy)));
            }
        }
        objects
    }

    /// Those of one of them, as far as they concern this path.
    fn settings_of(
        &self,
        view: &View<'_>,
        object: &ObjectRef,
        limits: bool,
    ) -> Vec<(Place, &'static str)> {
        let noted = view.world.noted(object);
        let concerning = noted.fields.iter().filter(|n| n.is_limit == limits);
        concerning
            .filter(|n| self.concerns(object, &noted.spec, &n.path))
            .map(|n| (object.at(n.path.as_str()), n.words))
            .collect()
    }

    /// Another route, server or subset of the same object does not concern the path. The conditions
    /// of an earlier route do: by them the request came here.
    fn concerns(&self, object: &ObjectRef, spec: &Value, path: &str) -> bool {
        let part = part(path);
        match (object.kind, &part) {
            (Kind::VirtualService, Some((list, at))) => {
                let decided = self.decided(object).filter(|(l, _)| l == list);
                decided.is_some_and(|(_, here)| {
                    here == *at || (at < &here && path.contains(".match["))
                })
            }
            (Kind::Gateway, Some(part)) => self.decided(object).is_none_or(|d| d == *part),
            (Kind::DestinationRule, Some((list, at))) if list == "subsets" => {
                let name = &spec["subsets"][at]["name"];
                let cluster = self.step.cluster.as_ref().map(|c| &c.value);
                matches!(cluster, Some(ClusterName::Outbound { subset, .. }) if name == subset)
            }
            _ => true,
        }
    }

    /// The part of an object that decided.
    fn decided(&self, object: &ObjectRef) -> Option<(String, usize)> {
        let step = self.step;
        [&step.route, &step.chain, &step.listener]
            .into_iter()
            .flatten()
            .flat_map(|decision| &decision.because)
            .filter(|place| place.object == *object)
            .find_map(|place| part(&place.path))
    }

    /// Noted annotations and labels of the client's pod.
    fn marks(&self, view: &View<'_>) -> Vec<(Place, &'static str)> {
        let pod = view
            .world
            .pod(view.path)
            .filter(|_| self.role == Role::Sidecar);
        let Some(pod) = pod else { return Vec::new() };
        let object = pod.object();
        let lists = [
            ("annotations", &pod.metadata.annotations),
            ("labels", &pod.metadata.labels),
        ];
        let mut noted = Vec::new();
        for (list, marks) in lists {
            for (name, value) in marks {
                if let Some(words) = fields::noted_setting(list, name, value) {
                    noted.push((object.at(format!("metadata.{list}[{name}]")), words));
                }
            }
        }
        noted
    }

    fn who(&self) -> &'static str {
        match self.role {
            Role::Sidecar => "the client's sidecar",
            Role::Gateway => "the gateway",
        }
    }
}

/// Noted settings of the mesh config and of istiod.
fn settings_of_all(view: &View<'_>) -> Vec<(Place, &'static str)> {
    let mesh = &view.world.snapshot.mesh;
    let suffix = match mesh.revision.as_str() {
        "default" | "" => String::new(),
        revision => format!("-{revision}"),
    };
    let config = ObjectRef::new(Kind::ConfigMap, &mesh.namespace, format!("istio{suffix}"));
    let istiod = ObjectRef::new(Kind::Deployment, &mesh.namespace, format!("istiod{suffix}"));
    let written = serde_json::to_value(&mesh.config).unwrap_or_default();
    let mut noted = Vec::new();
    for (name, value) in written.as_object().into_iter().flatten() {
        let value = value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned);
        if let Some(words) = fields::noted_setting("MeshConfig", name, &value) {
            noted.push((config.at(format!("data.mesh.{name}")), words));
        }
    }
    for (name, value) in &mesh.features {
        if let Some(words) = fields::noted_setting("istiod", name, value) {
            noted.push((istiod.at(format!("env[{name}]")), words));
        }
    }
    noted
}

fn explain(hop: HopName, who: &str, place: &Place, words: &str) -> Finding {
    let Place { object, path } = place;
    let field = if path.is_empty() {
        String::new()
    } else {
        format!(" ({path})")
    };
    let message = format!(
        "{object}{field} counts for {who}: {words}. What that means for this path is not worked \
         out from the objects; the proxy's own configuration and connections show it"
    );
    finding(
        CODE,
        hop,
        format!("{object} has a setting that is not judged"),
        message,
    )
    .on([place.clone()])
    .severity(Severity::Info)
    .sure(Confidence::Possible)
    .fix(Fix::advice(
        "run doctor against the cluster, with connections, to see what it does",
    ))
}

/// The list and number that a field is in: `http` and 1 of `spec.http[1].fault`.
fn part(path: &str) -> Option<(String, usize)> {
    let (list, rest) = path.strip_prefix("spec.")?.split_once('[')?;
    let number = rest.split(']').next()?.parse().ok()?;
    (!list.contains('.')).then(|| (list.to_owned(), number))
}
