//! Who else uses a gateway that we installed: it stays as long as anybody does.

use crate::istio::VirtualService;
use crate::istio::virtual_service::HttpRoute;
use crate::kubernetes::gateway_api::{ApiGateway, ApiRoute, Reference};
use crate::kubernetes::pod::Labels;
use crate::kubernetes::{Kind, Meta, Object};
use crate::plan::GatewayName;
use crate::snapshot::Snapshot;

/// Objects of others that select its pods or send to its Service. `ours` tells those that a record
/// of ours names with their UID: labels alone say nothing, since objects that were rendered for
/// GitOps carry the same.
pub fn users(
    snapshot: &Snapshot,
    gateway: &GatewayName,
    ours: &dyn Fn(Kind, &Meta) -> bool,
) -> Vec<String> {
    let mut services = snapshot.objects.services.iter();
    let service =
        services.find(|s| s.namespace() == gateway.namespace && s.name() == gateway.service);
    let Some(service) = service else {
        return Vec::new();
    };
    let used = Used {
        gateway,
        domain: &snapshot.mesh.domain,
        pods: snapshot
            .objects
            .pods
            .iter()
            .filter(|p| service.selects(p.namespace(), &p.metadata.labels))
            .map(|p| &p.metadata.labels)
            .chain([&service.spec.selector])
            .collect(),
    };
    let objects = &snapshot.objects;
    let mut users = Users {
        names: Vec::new(),
        ours,
    };
    for object in &objects.gateways {
        users.add(
            Kind::Gateway,
            object,
            used.selected_by(&object.spec.selector),
        );
    }
    for object in &objects.destination_rules {
        let own = object.namespace();
        users.add(
            Kind::DestinationRule,
            object,
            used.is(&object.spec.host, own),
        );
    }
    for object in &objects.virtual_services {
        users.add(Kind::VirtualService, object, used.receives(object));
    }
    for object in &objects.service_entries {
        let own = object.namespace();
        let leads = object
            .spec
            .endpoints
            .iter()
            .any(|e| used.is(&e.address, own));
        users.add(Kind::ServiceEntry, object, leads);
    }
    for (kind, routes) in [
        (Kind::HTTPRoute, &objects.http_routes),
        (Kind::TLSRoute, &objects.tls_routes),
        (Kind::TCPRoute, &objects.tcp_routes),
    ] {
        for object in routes {
            users.add(kind, object, used.backs(object));
        }
    }
    for object in &objects.api_gateways {
        users.add(Kind::K8sGateway, object, used.serves(object));
    }
    users.names
}

/// The users that were found.
struct Users<'a> {
    names: Vec<String>,
    ours: &'a dyn Fn(Kind, &Meta) -> bool,
}

impl Users<'_> {
    fn add<S, T>(&mut self, kind: Kind, object: &Object<S, T>, uses: bool) {
        if uses && !(self.ours)(kind, &object.metadata) {
            self.names.push(object.reference(kind).to_string());
        }
    }
}

/// The gateway, and by what it can be used.
struct Used<'a> {
    gateway: &'a GatewayName,
    domain: &'a str,
    /// The labels of its pods, and those that its Service selects.
    pods: Vec<&'a Labels>,
}

impl Used<'_> {
    /// Whether a host that stands in an object of that namespace is the gateway's Service. Istio
    /// completes a name without a dot by the object's namespace; the forms between are resolved by
    /// DNS alone, and say what was meant all the same.
    fn is(&self, host: &str, namespace: &str) -> bool {
        let (own, service) = (&self.gateway.namespace, &self.gateway.service);
        let host = host.trim_end_matches('.');
        let Some(rest) = host.strip_prefix(service.as_str()) else {
            return false;
        };
        if rest.is_empty() {
            return namespace == own;
        }
        let forms = [
            format!(".{own}"),
            format!(".{own}.svc"),
            format!(".{own}.svc.{}", self.domain),
        ];
        forms.iter().any(|form| form == rest)
    }

    fn selected_by(&self, selector: &Labels) -> bool {
        let selects = |labels: &&Labels| selector.iter().all(|(k, v)| labels.get(k) == Some(v));
        !selector.is_empty() && self.pods.iter().any(selects)
    }

    fn receives(&self, route: &VirtualService) -> bool {
        let spec = &route.spec;
        let http = spec.http.iter().flat_map(|r| &r.route);
        let tls = spec.tls.iter().flat_map(|r| &r.route);
        let tcp = spec.tcp.iter().flat_map(|r| &r.route);
        let mirrors = spec.http.iter().flat_map(HttpRoute::mirrors_to);
        http.chain(tls)
            .chain(tcp)
            .map(|r| r.destination.host.as_str())
            .chain(mirrors)
            .any(|host| self.is(host, route.namespace()))
    }

    fn backs(&self, route: &ApiRoute) -> bool {
        let mut backends = route.spec.rules.iter().flat_map(|r| &r.backend_refs);
        backends.any(|r| self.referred(r, route.namespace()))
            || route.spec.parent_refs.iter().any(|r| {
                // A route that is attached to the Service itself, as for a mesh.
                self.referred(r, route.namespace())
                    && r.is(("", "Service"), ("gateway.networking.k8s.io", "Gateway"))
            })
    }

    fn referred(&self, reference: &Reference, namespace: &str) -> bool {
        reference.name == self.gateway.service
            && reference.namespace(namespace) == self.gateway.namespace
    }

    /// A Gateway of the Gateway API that is deployed by hand names the Service as its address.
    fn serves(&self, gateway: &ApiGateway) -> bool {
        let addresses = &gateway.spec.addresses;
        addresses
            .iter()
            .any(|a| self.is(&a.value, gateway.namespace()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn object(kind: &str, namespace: &str, name: &str, spec: &Value) -> Value {
        json!({"kind": kind, "metadata": {"namespace": namespace, "name": name, "uid": name}, "spec": spec})
    }

    /// A gateway `egress/gw`, and objects of one kind.
    fn users_among(kind: Kind, objects: &[Value]) -> Vec<String> {
        let mut snapshot = Snapshot::default();
        snapshot.mesh.domain = "cluster.local".into();
        let selector = json!({"selector": {"app": "gw"}});
        let mut pod = object("Pod", "egress", "gw-0", &json!({}));
        pod["metadata"]["labels"] = json!({"app": "gw", "tier": "edge"});
        let service = object("Service", "egress", "gw", &selector);
        snapshot.objects.put(Kind::Service, service).unwrap();
        snapshot.objects.put(Kind::Pod, pod).unwrap();
        for object in objects {
            snapshot.objects.put(kind, object.clone()).unwrap();
        }
        let gateway = "egress/gw".parse().unwrap();
        let ours = |_: Kind, meta: &Meta| meta.uid.starts_with("ours");
        let all = users(&snapshot, &gateway, &ours);
        all.iter()
            .filter_map(|name| name.split('/').nth(1))
            .map(str::to_owned)
            .collect()
    }

    #[test]
    fn every_name_of_the_service_is_a_use_and_one_alike_is_none() {
        let rule = |namespace: &str, name: &str, host: &str| {
            object("DestinationRule", namespace, name, &json!({"host": host}))
        };
        let rules = [
            rule("egress", "short", "gw"),
            rule("a", "two", "gw.egress"),
            rule("a", "svc", "gw.egress.svc"),
            rule("a", "full", "gw.egress.svc.cluster.local"),
            rule("a", "no-short-elsewhere", "gw"),
            rule("a", "no-longer", "gw-2.egress.svc.cluster.local"),
            rule("a", "no-other", "gw.other.svc.cluster.local"),
            rule("a", "ours", "gw.egress.svc.cluster.local"),
        ];
        let found = users_among(Kind::DestinationRule, &rules);
        assert_eq!(found, ["short", "two", "svc", "full"]);
    }

    #[test]
    fn routes_and_mirrors_are_uses_whatever_their_labels() {
        let to = |host: &str| json!({"destination": {"host": host}});
        let mut rendered = object(
            "VirtualService",
            "a",
            "rendered",
            &json!({"tcp": [{"route": [to("gw.egress.svc.cluster.local")]}]}),
        );
        rendered["metadata"]["labels"] = json!({"app.kubernetes.io/managed-by": "kubectl-egress"});
        let route = |name: &str, spec: &Value| object("VirtualService", "egress", name, spec);
        let routes = [
            rendered,
            route("mirror", &json!({"http": [{"mirror": {"host": "gw"}}]})),
            route(
                "mirrors",
                &json!({"http": [{"mirrors": [to("gw.egress")]}]}),
            ),
            route("no-other", &json!({"http": [{"route": [to("gw2")]}]})),
        ];
        let found = users_among(Kind::VirtualService, &routes);
        assert_eq!(found, ["rendered", "mirror", "mirrors"]);
    }

    #[test]
    fn a_gateway_uses_it_by_the_labels_of_its_pods() {
        let gateway = |name: &str, selector: &Value| {
            object("Gateway", "a", name, &json!({"selector": selector}))
        };
        let gateways = [
            gateway("by-service", &json!({"app": "gw"})),
            gateway("by-pod", &json!({"tier": "edge"})),
            gateway("no-other", &json!({"app": "gw", "tier": "inner"})),
        ];
        let found = users_among(Kind::Gateway, &gateways);
        assert_eq!(found, ["by-service", "by-pod"]);
    }

    #[test]
    fn the_gateway_api_and_entries_use_it_by_reference() {
        let backend = |name: &str, reference: &Value| {
            object(
                "HTTPRoute",
                "a",
                name,
                &json!({"rules": [{"backendRefs": [reference]}]}),
            )
        };
        let routes = [
            backend("there", &json!({"name": "gw", "namespace": "egress"})),
            backend("no-here", &json!({"name": "gw"})),
        ];
        assert_eq!(users_among(Kind::HTTPRoute, &routes), ["there"]);
        let parent = json!({"parentRefs": [{"group": "", "kind": "Service", "name": "gw", "namespace": "egress"}]});
        let attached = [object("TCPRoute", "a", "attached", &parent)];
        assert_eq!(users_among(Kind::TCPRoute, &attached), ["attached"]);
        let address = json!({"gatewayClassName": "istio", "addresses": [{"value": "gw.egress.svc.cluster.local"}]});
        let by_hand = [object("Gateway", "a", "by-hand", &address)];
        assert_eq!(users_among(Kind::K8sGateway, &by_hand), ["by-hand"]);
        let entry = json!({"hosts": ["x.example.com"], "endpoints": [{"address": "gw.egress.svc.cluster.local"}]});
        let entries = [object("ServiceEntry", "a", "entry", &entry)];
        assert_eq!(users_among(Kind::ServiceEntry, &entries), ["entry"]);
    }
}
