//! Whom an object reaches that is for proxies and not for hosts: EnvoyFilters, policies, plugins.
//! Those of the root namespace reach every proxy, others those of their own namespace; a selector
//! narrows that to pods with its labels, and a target to the proxies of one object of the Gateway
//! API.
//!
//! Source: pilot/pkg/model/policyattachment.go (`shouldAttachPolicy`), envoyfilter.go,
//! extensions.go, authentication.go, proxy_config.go.

use super::scope::Node;
use super::world::World;
use crate::envoy::Role;
use crate::istio::authorization_policy::Action;
use crate::istio::{EnvoyFilter, TargetRef, WorkloadSelector};
use crate::kubernetes::{Kind, Place};
use serde_json::Value;

/// What says whom an object reaches.
#[derive(Clone, Copy, Debug)]
pub struct Reach<'a> {
    /// The object's namespace.
    pub namespace: &'a str,
    /// The pods' labels; none is all.
    pub selector: Option<&'a WorkloadSelector>,
    /// What it is attached to instead.
    pub targets: &'a [TargetRef],
    /// The same in its older form.
    pub target: Option<&'a TargetRef>,
}

impl Reach<'_> {
    /// Whether it reaches a proxy.
    pub fn takes(&self, world: &World<'_>, node: &Node) -> bool {
        let root = &world.snapshot.mesh.config.root_namespace;
        let gateway = node.labels.get("gateway.networking.k8s.io/gateway-name");
        let mut targets = self.targets.iter().chain(self.target).peekable();
        let attached = targets.peek().is_none()
            || (self.namespace == node.namespace
                && targets.any(|t| t.kind == "Gateway" && Some(&t.name) == gateway));
        let here = self.namespace == node.namespace || self.namespace == root;
        here && attached && self.selector.is_none_or(|s| s.matches(&node.labels))
    }
}

/// Something in a proxy that no model of Istio's own objects covers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Foreign {
    /// The object that puts it there.
    pub place: Place,
    /// What it does there, as the end of a sentence about the object.
    pub words: &'static str,
}

/// What reaches a proxy on the path of a call and may answer, refuse or divert it.
pub fn foreign(world: &World<'_>, node: &Node, role: Role) -> Vec<Foreign> {
    let mut found = filters(world, node, role);
    found.extend(programs(world, node, role));
    if role == Role::Gateway {
        found.extend(authorities(world, node));
    }
    found
}

fn filters(world: &World<'_>, node: &Node, role: Role) -> Vec<Foreign> {
    let reaches = |f: &&EnvoyFilter| {
        let reach = Reach {
            namespace: f.namespace(),
            selector: f.spec.workload_selector.as_ref(),
            targets: &f.spec.target_refs,
            target: None,
        };
        reach.takes(world, node)
            && f.spec
                .config_patches
                .iter()
                .any(|p| is_for(p.matches.as_ref(), role))
    };
    let filters = world.snapshot.objects.envoy_filters.iter();
    filters
        .filter(reaches)
        .map(|f| Foreign {
            place: f.reference(Kind::EnvoyFilter).at("spec.configPatches"),
            words: "changes the configuration of this proxy",
        })
        .collect()
}

/// A patch for what comes in to a pod does not concern what leaves it.
fn is_for(matches: Option<&Value>, role: Role) -> bool {
    let context = matches
        .and_then(|m| m.get("context"))
        .and_then(Value::as_str)
        .unwrap_or("ANY");
    match role {
        Role::Sidecar => ["ANY", "SIDECAR_OUTBOUND"].contains(&context),
        Role::Gateway => ["ANY", "GATEWAY"].contains(&context),
    }
}

/// What runs in a proxy, or what it runs with.
fn programs(world: &World<'_>, node: &Node, role: Role) -> Vec<Foreign> {
    let objects = &world.snapshot.objects;
    let mut found = Vec::new();
    for plugin in &objects.wasm_plugins {
        let reach = Reach {
            namespace: plugin.namespace(),
            selector: plugin.spec.selector.as_ref(),
            targets: &plugin.spec.target_refs,
            target: plugin.spec.target_ref.as_ref(),
        };
        if reach.takes(world, node) && sees(&plugin.spec.matches, role) {
            found.push(Foreign {
                place: plugin.reference(Kind::WasmPlugin).at("spec.url"),
                words: "runs a program in this proxy, which may answer or change requests",
            });
        }
    }
    for config in &objects.proxy_configs {
        let reach = Reach {
            namespace: config.namespace(),
            selector: config.spec.selector.as_ref(),
            targets: &[],
            target: None,
        };
        if !config.spec.environment_variables.is_empty() && reach.takes(world, node) {
            found.push(Foreign {
                place: config
                    .reference(Kind::ProxyConfig)
                    .at("spec.environmentVariables"),
                words: "sets the environment of this proxy, which may switch DNS capture and \
                    others",
            });
        }
    }
    for extension in &objects.traffic_extensions {
        let reach = Reach {
            namespace: extension.namespace(),
            selector: extension.spec.selector.as_ref(),
            targets: &extension.spec.target_refs,
            target: None,
        };
        if reach.takes(world, node) && sees(&extension.spec.matches, role) {
            found.push(Foreign {
                place: extension.reference(Kind::TrafficExtension).into(),
                words: "runs a script or a program in this proxy, which may answer or change \
                    requests",
            });
        }
    }
    found
}

/// A sidecar is the client of what leaves its pod; at a gateway both sides count.
fn sees(matches: &[Value], role: Role) -> bool {
    let mode = |m: &Value| {
        m.get("mode")
            .and_then(Value::as_str)
            .unwrap_or("CLIENT_AND_SERVER")
            .to_owned()
    };
    matches.is_empty() || role == Role::Gateway || matches.iter().any(|m| mode(m) != "SERVER")
}

/// Who else decides at a gateway: a token, an authorizer.
fn authorities(world: &World<'_>, node: &Node) -> Vec<Foreign> {
    let objects = &world.snapshot.objects;
    let mut found = Vec::new();
    for asks in &objects.request_authentications {
        let reach = Reach {
            namespace: asks.namespace(),
            selector: asks.spec.selector.as_ref(),
            targets: &asks.spec.target_refs,
            target: asks.spec.target_ref.as_ref(),
        };
        if !asks.spec.jwt_rules.is_empty() && reach.takes(world, node) {
            found.push(Foreign {
                place: asks
                    .reference(Kind::RequestAuthentication)
                    .at("spec.jwtRules"),
                words: "refuses requests with a token that is not valid (401)",
            });
        }
    }
    let custom = super::authorization::policies_for(world, node)
        .into_iter()
        .filter(|p| p.spec.action == Action::Custom);
    found.extend(custom.map(|policy| {
        Foreign {
            place: policy
                .reference(Kind::AuthorizationPolicy)
                .at("spec.provider"),
            words: "asks an authorizer of the mesh config, which may refuse",
        }
    }));
    found
}
