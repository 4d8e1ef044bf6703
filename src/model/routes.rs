//! VirtualServices as istiod has them: names completed, delegates put in, oldest first.
//!
//! Source: pilot/pkg/model/virtualservice.go (`resolveVirtualServiceShortnames`,
//! `mergeVirtualServicesIfNeeded`).

use super::discovery::is_read;
use super::hosts::complete;
use super::visibility::Exports;
use crate::istio::VirtualService;
use crate::istio::virtual_service::{HttpMatch, HttpRoute, MESH, StringMatch, TcpRoute, TlsRoute};
use crate::kubernetes::{Kind, ObjectRef, Place};
use crate::snapshot::Snapshot;
use serde_json::Value;
use std::collections::BTreeSet;

/// A VirtualService whose names are whole.
#[derive(Clone, Debug)]
pub struct Routes<'a> {
    /// The object.
    pub object: &'a VirtualService,
    /// Its hosts.
    pub hosts: Vec<String>,
    /// `mesh`, or `namespace/name` of Gateways.
    pub gateways: Vec<String>,
    /// Its HTTP rules, each with its field.
    pub http: Vec<(String, HttpRoute)>,
    /// Its TLS rules.
    pub tls: Vec<TlsRoute>,
    /// Its TCP rules.
    pub tcp: Vec<TcpRoute>,
    /// Who sees it.
    pub exports: Exports,
}

impl Routes<'_> {
    /// Its namespace.
    pub fn namespace(&self) -> &str {
        self.object.namespace()
    }

    /// Its reference.
    pub fn reference(&self) -> ObjectRef {
        self.object.reference(Kind::VirtualService)
    }

    /// When it was created, in words: the older one of two often decides.
    pub fn age(&self) -> &str {
        match self.object.metadata.creation_timestamp.as_str() {
            "" => "just now",
            when => when,
        }
    }

    /// Whether sidecars take it.
    pub fn is_for_mesh(&self) -> bool {
        self.gateways.iter().any(|g| g == MESH)
    }

    /// The ports that the rules for sidecars name, else those of their protocols.
    pub fn ports_for_mesh(&self) -> BTreeSet<u16> {
        let http = self.http.iter().flat_map(|(_, rule)| &rule.matches);
        let tls = self.tls.iter().flat_map(|rule| &rule.matches);
        let tcp = self.tcp.iter().flat_map(|rule| &rule.matches);
        let http = http
            .filter(|m| of_mesh(&m.gateways))
            .map(|m| m.port.unwrap_or(80));
        let tls = tls
            .filter(|m| of_mesh(&m.gateways))
            .map(|m| m.port.unwrap_or(443));
        let tcp = tcp.filter(|m| of_mesh(&m.gateways)).filter_map(|m| m.port);
        http.chain(tls).chain(tcp).collect()
    }

    /// The first rule for sidecars that is for a port.
    pub fn rule_for_mesh(&self, port: u16) -> Option<Place> {
        let here = |gateways: &[String], said: Option<u16>| {
            of_mesh(gateways) && said.is_none_or(|p| p == 0 || p == port)
        };
        let http = self.http.iter().find(|(_, rule)| {
            rule.matches.is_empty() || rule.matches.iter().any(|m| here(&m.gateways, m.port))
        });
        let tls = self
            .tls
            .iter()
            .position(|rule| rule.matches.iter().any(|m| here(&m.gateways, m.port)));
        let tcp = self.tcp.iter().position(|rule| {
            rule.matches.is_empty() || rule.matches.iter().any(|m| here(&m.gateways, m.port))
        });
        let field = http
            .map(|(field, _)| field.clone())
            .or(tls.map(|at| format!("spec.tls[{at}]")))
            .or(tcp.map(|at| format!("spec.tcp[{at}]")))?;
        Some(self.reference().at(field))
    }
}

/// A rule that is left out because istiod does not find its delegate.
pub struct Undelegated {
    /// Where it names the delegate.
    pub place: Place,
    /// `namespace/name` of the delegate.
    pub delegate: String,
    matches: Vec<HttpMatch>,
}

impl Undelegated {
    /// Whether it would decide about a port for sidecars.
    pub(super) fn is_for_mesh(&self, port: u16) -> bool {
        let here =
            |m: &HttpMatch| of_mesh(&m.gateways) && m.port.is_none_or(|p| p == 0 || p == port);
        self.matches.is_empty() || self.matches.iter().any(here)
    }

    /// Whether it would decide about a server's port for one of these Gateways.
    pub fn is_for_gateway(&self, names: &[&String], port: u16) -> bool {
        let is_theirs = |m: &HttpMatch| {
            m.gateways.is_empty() || m.gateways.iter().any(|gateway| names.contains(&gateway))
        };
        let here = |m: &HttpMatch| is_theirs(m) && m.port.is_none_or(|p| p == 0 || p == port);
        self.matches.is_empty() || self.matches.iter().any(here)
    }
}

impl Routes<'_> {
    /// The rules whose delegate istiod does not find.
    pub fn without_delegate(&self, snapshot: &Snapshot) -> Vec<Undelegated> {
        let rules = self.object.spec.http.iter().enumerate();
        let named = rules.filter_map(|(at, rule)| Some((at, rule, rule.delegate.as_ref()?)));
        let lost = named.filter(|(_, _, d)| find_delegate(d, self.object, snapshot).is_none());
        lost.map(|(at, rule, delegate)| {
            let field = |key: &str| delegate.get(key).and_then(Value::as_str);
            let namespace = field("namespace").unwrap_or(self.namespace());
            Undelegated {
                place: self.reference().at(format!("spec.http[{at}].delegate")),
                delegate: format!("{namespace}/{}", field("name").unwrap_or_default()),
                matches: self.resolved(&rule.matches),
            }
        })
        .collect()
    }
}

impl Routes<'_> {
    /// Conditions with the long names of their Gateways.
    fn resolved(&self, matches: &[HttpMatch]) -> Vec<HttpMatch> {
        let mut matches = matches.to_vec();
        for condition in &mut matches {
            let names = condition.gateways.iter();
            condition.gateways = names.map(|name| gateway(name, self.namespace())).collect();
        }
        matches
    }

    /// The first Gateway that a rule is for and that the list of all its Gateways lacks, and the
    /// rule.
    pub fn for_unlisted(&self) -> Option<(String, String)> {
        let http = self.http.iter().flat_map(|(field, rule)| {
            let matches = rule.matches.iter();
            matches.map(move |m| (field.clone(), &m.gateways))
        });
        let tls = self.tls.iter().enumerate().flat_map(|(at, rule)| {
            let matches = rule.matches.iter();
            matches.map(move |m| (format!("spec.tls[{at}]"), &m.gateways))
        });
        let tcp = self.tcp.iter().enumerate().flat_map(|(at, rule)| {
            let matches = rule.matches.iter();
            matches.map(move |m| (format!("spec.tcp[{at}]"), &m.gateways))
        });
        http.chain(tls).chain(tcp).find_map(|(field, gateways)| {
            let mut lacking = gateways.iter().filter(|g| !self.gateways.contains(g));
            Some((lacking.find(|gateway| *gateway != MESH)?.clone(), field))
        })
    }

    /// Whether it has any rule for a Gateway, were it one whose delegate is not there.
    pub fn has_gateways_half(&self) -> bool {
        let is_for_it = |gateways: &[String]| {
            gateways.is_empty() || gateways.iter().any(|gateway| gateway != MESH)
        };
        let mut http = self.object.spec.http.iter();
        let mut tls = self.tls.iter();
        let mut tcp = self.tcp.iter();
        http.any(|r| r.matches.is_empty() || r.matches.iter().any(|m| is_for_it(&m.gateways)))
            || tls.any(|r| r.matches.iter().any(|m| is_for_it(&m.gateways)))
            || tcp.any(|r| r.matches.is_empty() || r.matches.iter().any(|m| is_for_it(&m.gateways)))
    }
}

/// Whether a rule with these `gateways` is for sidecars, where its VirtualService is.
pub(super) fn of_mesh(gateways: &[String]) -> bool {
    gateways.is_empty() || gateways.iter().any(|g| g == MESH)
}

/// All VirtualServices that are not delegates, oldest first.
pub(super) fn routes(snapshot: &Snapshot) -> Vec<Routes<'_>> {
    let mut objects: Vec<&VirtualService> = snapshot
        .objects
        .virtual_services
        .iter()
        .filter(|v| !v.spec.hosts.is_empty() && is_read(snapshot, &v.metadata))
        .collect();
    objects.sort_by(|a, b| a.metadata.age_key().cmp(&b.metadata.age_key()));
    objects.into_iter().map(|v| resolve(v, snapshot)).collect()
}

pub(super) fn resolve<'a>(object: &'a VirtualService, snapshot: &Snapshot) -> Routes<'a> {
    let (namespace, domain) = (object.namespace(), snapshot.mesh.domain.as_str());
    let whole = |host: &str| complete(host, namespace, domain);
    let gateways = |list: &[String]| {
        list.iter()
            .map(|g| gateway(g, namespace))
            .collect::<Vec<_>>()
    };
    let mut http = delegated(object, snapshot);
    for (_, route) in &mut http {
        route
            .route
            .iter_mut()
            .for_each(|r| r.destination.host = whole(&r.destination.host));
        route
            .matches
            .iter_mut()
            .for_each(|m| m.gateways = gateways(&m.gateways));
    }
    let mut tls = object.spec.tls.clone();
    for route in &mut tls {
        route
            .route
            .iter_mut()
            .for_each(|r| r.destination.host = whole(&r.destination.host));
        route
            .matches
            .iter_mut()
            .for_each(|m| m.gateways = gateways(&m.gateways));
    }
    let mut tcp = object.spec.tcp.clone();
    for route in &mut tcp {
        route
            .route
            .iter_mut()
            .for_each(|r| r.destination.host = whole(&r.destination.host));
        route
            .matches
            .iter_mut()
            .for_each(|m| m.gateways = gateways(&m.gateways));
    }
    Routes {
        object,
        hosts: object.spec.hosts.iter().map(|h| whole(h)).collect(),
        gateways: object
            .spec
            .bound_to()
            .into_iter()
            .map(|name| gateway(name, namespace))
            .collect(),
        http,
        tls,
        tcp,
        exports: exports_of(object, snapshot),
    }
}

fn exports_of(object: &VirtualService, snapshot: &Snapshot) -> Exports {
    let default = &snapshot.mesh.config.default_virtual_service_export_to;
    Exports::of(&object.spec.export_to, default, object.namespace())
}

/// `namespace/name` of a Gateway that a VirtualService of `namespace` names; `mesh` stays.
///
/// Source: pilot/pkg/model/config.go (`resolveGatewayName`), which still takes the long names of
/// Istio's first releases: `name.namespace.svc.cluster.local`.
fn gateway(name: &str, namespace: &str) -> String {
    if name == MESH {
        return name.to_owned();
    }
    match name.split_once('/') {
        Some((".", own)) => return format!("{namespace}/{own}"),
        Some(_) => return name.to_owned(),
        None => {}
    }
    match name.split_once('.') {
        Some((short, rest)) => {
            let owner = rest.split('.').next().unwrap_or(rest);
            format!("{owner}/{short}")
        }
        None => format!("{namespace}/{name}"),
    }
}

/// HTTP rules, with those of a delegate in place of the rule that names it.
///
/// Source: pilot/pkg/model/virtualservice.go (`mergeHTTPRoutes`, `mergeHTTPRoute`).
fn delegated(object: &VirtualService, snapshot: &Snapshot) -> Vec<(String, HttpRoute)> {
    let mut all = Vec::new();
    for (at, route) in object.spec.http.iter().enumerate() {
        let field = format!("spec.http[{at}]");
        let Some(delegate) = &route.delegate else {
            all.push((field, route.clone()));
            continue;
        };
        // Without its delegate a rule is not there at all.
        let found = find_delegate(delegate, object, snapshot);
        let inner = found.into_iter().flat_map(|d| &d.spec.http);
        let merged = inner.filter_map(|inner| merge_route(route, inner));
        all.extend(merged.map(|rule| (field.clone(), rule)));
    }
    all
}

/// The rule of a delegate under the rule that names it; none where their conditions exclude each
/// other.
fn merge_route(root: &HttpRoute, delegate: &HttpRoute) -> Option<HttpRoute> {
    let matches = match (root.matches.as_slice(), delegate.matches.as_slice()) {
        ([], own) => own.to_vec(),
        (of_root, []) => of_root.to_vec(),
        (of_root, own) => merge_matches(of_root, own)?,
    };
    Some(HttpRoute {
        matches,
        name: delegate.name.clone().or_else(|| root.name.clone()),
        rewrite: delegate.rewrite.clone().or_else(|| root.rewrite.clone()),
        direct_response: delegate
            .direct_response
            .clone()
            .or_else(|| root.direct_response.clone()),
        fault: delegate.fault.clone().or_else(|| root.fault.clone()),
        headers: delegate.headers.clone().or_else(|| root.headers.clone()),
        timeout: delegate.timeout.clone().or_else(|| root.timeout.clone()),
        ..delegate.clone()
    })
}

/// Each condition of the delegate with each of the root that it does not contradict. One that
/// contradicts all of them takes the whole rule away.
fn merge_matches(root: &[HttpMatch], delegate: &[HttpMatch]) -> Option<Vec<HttpMatch>> {
    let mut merged = Vec::new();
    for own in delegate {
        let before = merged.len();
        for outer in root.iter().filter(|outer| !contradict(outer, own)) {
            merged.push(merge_match(outer, own));
        }
        if merged.len() == before {
            return None;
        }
    }
    Some(merged)
}

fn merge_match(root: &HttpMatch, own: &HttpMatch) -> HttpMatch {
    let mut source_labels = root.source_labels.clone();
    source_labels.extend(own.source_labels.clone());
    HttpMatch {
        gateways: if own.gateways.is_empty() {
            root.gateways.clone()
        } else {
            own.gateways.clone()
        },
        port: own.port.or(root.port),
        source_labels,
        source_namespace: own
            .source_namespace
            .clone()
            .or_else(|| root.source_namespace.clone()),
        authority: own.authority.clone().or_else(|| root.authority.clone()),
        uri: own.uri.clone().or_else(|| root.uri.clone()),
        method: own.method.clone().or_else(|| root.method.clone()),
        scheme: own.scheme.clone().or_else(|| root.scheme.clone()),
        headers: joined(root.headers.as_ref(), own.headers.as_ref()),
        without_headers: joined(root.without_headers.as_ref(), own.without_headers.as_ref()),
        query_params: joined(root.query_params.as_ref(), own.query_params.as_ref()),
        ..own.clone()
    }
}

/// Two maps in one; the delegate's own values stand.
fn joined(root: Option<&Value>, own: Option<&Value>) -> Option<Value> {
    match (root, own) {
        (Some(Value::Object(root)), Some(Value::Object(own))) => {
            let mut all = root.clone();
            all.extend(own.clone());
            Some(Value::Object(all))
        }
        (root, own) => own.or(root).cloned(),
    }
}

/// `hasConflict`: what no request can meet both of.
fn contradict(root: &HttpMatch, own: &HttpMatch) -> bool {
    let strings = [
        (&root.uri, &own.uri),
        (&root.scheme, &own.scheme),
        (&root.method, &own.method),
        (&root.authority, &own.authority),
    ];
    let ports = matches!((root.port, own.port), (Some(a), Some(b)) if a != b);
    let namespaces =
        root.source_namespace.is_some() && root.source_namespace != own.source_namespace;
    let labels = own
        .source_labels
        .iter()
        .any(|(key, value)| root.source_labels.get(key).is_some_and(|v| v != value));
    let gateways = !root.gateways.is_empty()
        && own
            .gateways
            .iter()
            .any(|name| !root.gateways.contains(name));
    ports
        || namespaces
        || labels
        || gateways
        || strings.iter().any(|(a, b)| exclude(a.as_ref(), b.as_ref()))
}

/// `stringMatchConflict`: an exact value must fit, a prefix must begin with the root's.
fn exclude(root: Option<&StringMatch>, own: Option<&StringMatch>) -> bool {
    let (Some(root), Some(own)) = (root, own) else {
        return false;
    };
    match (&root.exact, &root.prefix, &own.exact, &own.prefix) {
        (Some(_), _, Some(_), _) | (Some(_), _, _, Some(_)) => root != own,
        (_, Some(outer), Some(inner), _) | (_, Some(outer), _, Some(inner)) => {
            !inner.starts_with(outer.as_str())
        }
        _ => root.regex.is_some() || own.regex.is_some(),
    }
}

fn find_delegate<'a>(
    delegate: &Value,
    root: &VirtualService,
    snapshot: &'a Snapshot,
) -> Option<&'a VirtualService> {
    let name = delegate.get("name")?.as_str()?;
    let namespace = delegate
        .get("namespace")
        .and_then(Value::as_str)
        .unwrap_or(root.namespace());
    let mut all = snapshot.objects.virtual_services.iter();
    all.find(|v| {
        v.name() == name
            && v.namespace() == namespace
            && v.spec.hosts.is_empty()
            && is_read(snapshot, &v.metadata)
            && exports_of(v, snapshot).reach(root.namespace())
    })
}
