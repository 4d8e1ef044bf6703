//! What others have written that would break the new path, or that the new path would break: found
//! before the first write, and refused by name.
//!
//! A ServiceEntry of somebody else for the same host is usual in a mesh with `REGISTRY_ONLY` and
//! does no harm, unless it answers in our stead without the port.

use super::ports::{on_pod, selects};
use super::record::HostRecord;
use crate::error::Error;
use crate::flow::{Flow, GatewayPlace, Hop, MANAGED_BY, RoutedPort};
use crate::istio::service_entry::{EntryPort, Resolution};
use crate::istio::virtual_service::MESH;
use crate::istio::{Gateway, Protocol, ServiceEntry, Sidecar, VirtualService};
use crate::kubernetes::{Kind, Meta};
use crate::snapshot::Snapshot;

/// Refuse, with every reason, or pass.
pub fn refuse_collisions(
    snapshot: &Snapshot,
    gateway: &GatewayPlace,
    record: &HostRecord,
) -> Result<(), Error> {
    let case = Case {
        snapshot,
        gateway,
        record,
        host: record.host.text(),
    };
    let mut why = case.routes();
    why.extend(case.servers());
    why.extend(case.entries());
    why.extend(case.imports());
    if why.is_empty() {
        return Ok(());
    }
    why.dedup();
    Err(Error::Refused {
        why: format!("{} cannot be routed: {}", record.host, why.join("; ")),
        hint: Some("resolve this with the owners of these objects".into()),
    })
}

struct Case<'a> {
    snapshot: &'a Snapshot,
    gateway: &'a GatewayPlace,
    record: &'a HostRecord,
    host: String,
}

impl Case<'_> {
    /// Another `VirtualService` for the host in the clients' sidecars: which of the two wins is a
    /// matter of age.
    fn routes(&self) -> Vec<String> {
        let others = self
            .snapshot
            .objects
            .virtual_services
            .iter()
            .filter(|v| foreign(&v.metadata));
        others
            .filter(|v| self.routes_our_ports(v))
            .map(|v| named(Kind::VirtualService, &v.metadata, "routes it already"))
            .collect()
    }

    fn routes_our_ports(&self, other: &VirtualService) -> bool {
        let default = &self.snapshot.mesh.config.default_virtual_service_export_to;
        let seen = self
            .record
            .served_clients()
            .any(|c| exported(&other.spec.export_to, default, other.namespace(), c));
        let http =
            self.record.ports.iter().any(|w| w.flow.is_http()) && !other.spec.http.is_empty();
        let tls = self.record.ports.iter().any(|w| !w.flow.is_http())
            && !(other.spec.tls.is_empty() && other.spec.tcp.is_empty());
        seen && (http || tls)
            && other.spec.bound_to().contains(&MESH)
            && other.spec.hosts.contains(&self.host)
    }

    /// Servers of others on the gateway's ports: one port holds one kind, and a TLS host only one
    /// server.
    fn servers(&self) -> Vec<String> {
        let others = self.snapshot.objects.gateways.iter();
        let others = others.filter(|g| {
            foreign(&g.metadata) && selects(&g.spec.selector, self.snapshot, self.gateway)
        });
        others
            .flat_map(|g| {
                self.record
                    .ports
                    .iter()
                    .filter_map(|w| self.server_clash(g, w))
            })
            .collect()
    }

    fn server_clash(&self, other: &Gateway, routed: &RoutedPort) -> Option<String> {
        let plain = routed.hop == Hop::Plain && routed.flow != Flow::Passthrough;
        for server in other
            .spec
            .servers
            .iter()
            .filter(|s| self.pod_port(s.port.number) == self.pod_port(routed.gateway_port))
        {
            let theirs_plain =
                server.protocol() != Protocol::Https && server.protocol() != Protocol::Tls;
            let port = routed.gateway_port;
            if plain != theirs_plain {
                let kind = server.port.protocol.as_str();
                return Some(named(
                    Kind::Gateway,
                    &other.metadata,
                    &format!("has a {kind} server on port {port}"),
                ));
            }
            if server.hosts.iter().any(|h| {
                h.rsplit('/').next() == Some(routed.served_name(&self.record.host).as_str())
            }) {
                return Some(named(
                    Kind::Gateway,
                    &other.metadata,
                    &format!("serves it on port {port}"),
                ));
            }
        }
        None
    }

    fn pod_port(&self, port: u16) -> u16 {
        on_pod(self.snapshot, self.gateway, port)
    }

    /// A `ServiceEntry` that answers in our stead.
    fn entries(&self) -> Vec<String> {
        let others = self
            .snapshot
            .objects
            .service_entries
            .iter()
            .filter(|e| foreign(&e.metadata));
        let others = others.filter(|e| e.spec.hosts.contains(&self.host));
        others.filter_map(|e| self.entry_clash(e)).collect()
    }

    fn entry_clash(&self, other: &ServiceEntry) -> Option<String> {
        let default = &self.snapshot.mesh.config.default_service_export_to;
        let seen = |by: &str| exported(&other.spec.export_to, default, other.namespace(), by);
        if self.record.served_clients().any(seen) {
            let short = self
                .record
                .ports
                .iter()
                .find(|w| !other.spec.port(w.port).is_some_and(|p| same_kind(p, w)));
            if let Some(routed) = short {
                let what = format!(
                    "declares it without port {} as {}",
                    routed.port,
                    routed.protocol.name()
                );
                return Some(named(Kind::ServiceEntry, &other.metadata, &what));
            }
        }
        // Entries that are private to the gateway's namespace or exported to it come before public
        // ones; ours is younger.
        let closer =
            !other.spec.export_to.is_empty() && !other.spec.export_to.iter().any(|to| to == "*");
        if closer && seen(&self.gateway.namespace) && other.spec.resolution == Resolution::None {
            let what = "answers at the gateway, with resolution NONE";
            return Some(named(Kind::ServiceEntry, &other.metadata, what));
        }
        None
    }

    /// A Sidecar that does not import the gateway's namespace hides the `ServiceEntry`.
    fn imports(&self) -> Vec<String> {
        let sidecars = self
            .snapshot
            .objects
            .sidecars
            .iter()
            .filter(|s| self.record.is_called_from(s.namespace()));
        let what = format!("does not import {}/{}", self.gateway.namespace, self.host);
        sidecars
            .filter(|s| !self.imported(s))
            .map(|s| named(Kind::Sidecar, &s.metadata, &what))
            .collect()
    }

    fn imported(&self, sidecar: &Sidecar) -> bool {
        sidecar.spec.egress.is_empty()
            || sidecar
                .spec
                .egress
                .iter()
                .flat_map(|e| &e.hosts)
                .any(|import| {
                    let (namespace, host) = import.split_once('/').unwrap_or(("*", import));
                    let near = namespace == "." && sidecar.namespace() == self.gateway.namespace;
                    (namespace == "*" || namespace == self.gateway.namespace || near)
                        && covers(host, &self.host)
                })
    }
}

fn named(kind: Kind, meta: &Meta, what: &str) -> String {
    let owner = [
        "app.kubernetes.io/managed-by",
        "argocd.argoproj.io/instance",
        "kustomize.toolkit.fluxcd.io/name",
    ]
    .iter()
    .find_map(|key| meta.label(key));
    let owner = owner.map_or(String::new(), |owner| format!(" (managed by {owner})"));
    format!("{kind} {}/{}{owner} {what}", meta.namespace, meta.name)
}

fn foreign(meta: &Meta) -> bool {
    meta.label("app.kubernetes.io/managed-by") != Some(MANAGED_BY)
}

fn exported(export_to: &[String], default: &[String], own: &str, to: &str) -> bool {
    let list = if export_to.is_empty() {
        default
    } else {
        export_to
    };
    list.is_empty()
        || list
            .iter()
            .any(|e| e == "*" || e == to || (e == "." && own == to))
}

fn same_kind(port: &EntryPort, routed: &RoutedPort) -> bool {
    let protocol = Protocol::parse(&port.protocol);
    match routed.flow {
        Flow::Http | Flow::Originate => protocol.is_http(),
        Flow::Passthrough => protocol.is_tls(),
        Flow::Tcp => protocol.is_tcp(),
    }
}

fn covers(pattern: &str, host: &str) -> bool {
    pattern == "*"
        || pattern == host
        || pattern
            .strip_prefix('*')
            .is_some_and(|suffix| host.ends_with(suffix))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::target::AppProtocol;
    use crate::plan::{Members, Phase, Stamp};
    use serde_json::{Value, json};

    fn routed(port: u16, protocol: AppProtocol, flow: Flow) -> RoutedPort {
        RoutedPort {
            port,
            protocol,
            flow,
            gateway_port: port,
            hop: Hop::Plain,
            credential: None,
        }
    }

    fn refused(kind: Kind, namespace: &str, spec: &Value) -> Option<String> {
        let mut snapshot = Snapshot::default();
        let gateway = GatewayPlace {
            namespace: "egress".into(),
            service: "gw".into(),
            hostname: "gw.egress.svc.cluster.local".into(),
            selector: [("app".to_owned(), "gw".to_owned())].into(),
        };
        let record = HostRecord {
            namespace: "egress".into(),
            host: "a.example.com".parse().unwrap(),
            service: "gw".into(),
            ports: vec![
                routed(80, AppProtocol::Http, Flow::Http),
                routed(443, AppProtocol::Tls, Flow::Passthrough),
            ],
            clients: [("team".into(), Phase::Settled)].into(),
            addresses: vec![],
            allow: vec![],
            server: None,
            set: None,
            by: Stamp::default(),
            epoch: 0,
            objects: Members::default(),
            version: None,
        };
        snapshot
            .objects
            .put(
                kind,
                json!({"metadata": {"name": "x", "namespace": namespace}, "spec": spec}),
            )
            .unwrap();
        refuse_collisions(&snapshot, &gateway, &record)
            .err()
            .map(|e| e.to_string())
    }

    #[test]
    fn what_breaks_the_path_is_refused_by_name() {
        let route = json!({"hosts": ["a.example.com"], "tls": [{"match": [], "route": []}]});
        let port = |n: u16, p: &str| json!({"number": n, "protocol": p, "name": p});
        let entry = |ports: Value| json!({"hosts": ["a.example.com"], "ports": ports});
        let server = |port: Value, host: &str| json!({"selector": {"app": "gw"}, "servers": [{"port": port, "hosts": [host]}]});
        for (kind, namespace, spec, reason) in [
            (
                Kind::VirtualService,
                "other",
                route,
                "VirtualService other/x routes it already",
            ),
            (
                Kind::ServiceEntry,
                "team",
                entry(json!([port(443, "TLS")])),
                "without port 80",
            ),
            (
                Kind::ServiceEntry,
                "team",
                entry(json!([port(80, "HTTP"), port(443, "HTTP")])),
                "without port 443 as tls",
            ),
            (
                Kind::Gateway,
                "other",
                server(port(80, "HTTPS"), "b"),
                "has a HTTPS server on port 80",
            ),
            (
                Kind::Gateway,
                "other",
                server(port(443, "TLS"), "a.example.com"),
                "serves it on port 443",
            ),
            (
                Kind::Sidecar,
                "team",
                json!({"egress": [{"hosts": ["./*"]}]}),
                "does not import egress/a.example.com",
            ),
        ] {
            let error = refused(kind, namespace, &spec).unwrap_or_default();
            assert!(error.contains(reason), "{reason}: {error:?}");
        }
    }

    #[test]
    fn what_does_no_harm_is_not_refused() {
        let port = |n: u16, p: &str| json!({"number": n, "protocol": p, "name": p});
        let both = json!([port(80, "HTTP"), port(443, "HTTPS")]);
        for (kind, namespace, spec) in [
            (
                Kind::ServiceEntry,
                "istio-system",
                json!({"hosts": ["a.example.com"], "ports": both}),
            ),
            (
                Kind::ServiceEntry,
                "other",
                json!({"hosts": ["a.example.com"], "ports": [], "exportTo": ["."]}),
            ),
            (
                Kind::VirtualService,
                "other",
                json!({"hosts": ["b.example.com"], "tls": [{"match": [], "route": []}]}),
            ),
            (
                Kind::Gateway,
                "other",
                json!({"selector": {"app": "gw"}, "servers": [{"port": port(443, "TLS"), "hosts": ["b"]}]}),
            ),
            (
                Kind::Sidecar,
                "team",
                json!({"egress": [{"hosts": ["./*", "egress/*.example.com"]}]}),
            ),
            (
                Kind::Sidecar,
                "other",
                json!({"egress": [{"hosts": ["./*"]}]}),
            ),
        ] {
            assert_eq!(refused(kind, namespace, &spec), None, "{kind}");
        }
    }
}
