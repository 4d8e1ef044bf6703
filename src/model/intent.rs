//! Routes that somebody wrote and that take no effect for this client: a VirtualService that istiod
//! does not read, that is not bound to `mesh` or not exported, a misspelt host, a Gateway that
//! nothing leads to, a record of `setup` whose objects are gone. That is the finding, not a reason
//! for silence. What is expressly for others is no intent.

use super::asking::{Asking, through};
use super::discovery::not_read;
use super::hosts::{is_typo, is_wild, overlap, within};
use super::meant::{Lack, Wanted};
use super::routes::{Routes, of_mesh, resolve};
use super::scope::{Node, bound_to_mesh};
use super::servers::selects;
use super::target::Target;
use super::world::World;
use crate::istio::gateway::Gateway;
use crate::istio::virtual_service::{MESH, RouteDestination, TlsMatch};
use crate::kubernetes::{Kind, Object, ObjectRef, Place};
use std::collections::BTreeSet;

/// A route to a gateway that somebody meant for this client, and that is not in force.
pub(super) fn out_of_force(
    world: &World<'_>,
    node: &Node,
    target: &Target,
    hosts: &[String],
) -> Option<Wanted> {
    hosts.iter().find_map(|host| {
        let asked = Asked {
            world,
            node,
            host,
            port: target.port,
        };
        asked
            .unread()
            .or_else(|| asked.ineffective())
            .or_else(|| asked.recorded(target))
            .or_else(|| asked.misspelt())
            .or_else(|| asked.without_route())
    })
}

struct Asked<'w, 'n> {
    world: &'w World<'w>,
    node: &'n Node,
    host: &'n str,
    port: u16,
}

impl Asked<'_, '_> {
    fn rule(&self, routes: &Routes<'_>) -> Option<Wanted> {
        let asking = Asking {
            world: self.world,
            node: Some(self.node),
            port: self.port,
            unbound: true,
            stray_ports: false,
        };
        asking.rule(routes, self.host)
    }

    /// A VirtualService that istiod does not read.
    fn unread(&self) -> Option<Wanted> {
        let snapshot = self.world.snapshot;
        snapshot.objects.virtual_services.iter().find_map(|object| {
            let why = not_read(snapshot, &object.metadata)?;
            let found = self.rule(&resolve(object, snapshot))?;
            Some(Wanted {
                lacks: Some(Lack::NotRead(why)),
                ..found
            })
        })
    }

    /// A VirtualService that is not bound to `mesh`, or not exported.
    fn ineffective(&self) -> Option<Wanted> {
        self.world.routes.iter().find_map(|routes| {
            let found = self.rule(routes)?;
            let why = if routes.exports.reach(&self.node.namespace) {
                Lack::NotForMesh
            } else if self.is_mine(routes) {
                Lack::NotExported
            } else {
                return None;
            };
            Some(Wanted {
                lacks: Some(why),
                ..found
            })
        })
    }

    /// Not exported to this client, and to nobody else who calls either; or it lies beside it.
    fn is_mine(&self, routes: &Routes<'_>) -> bool {
        let own = routes.namespace() == self.node.namespace;
        own || !callers(self.world)
            .iter()
            .any(|namespace| routes.exports.reach(namespace))
    }

    /// What `setup` wrote down.
    fn recorded(&self, target: &Target) -> Option<Wanted> {
        let snapshot = self.world.snapshot;
        let mut records = snapshot.recorded_for(&self.node.namespace);
        let record = records.find(|r| {
            r.targets
                .iter()
                .any(|t| t.host == target.host && t.port == target.port)
        })?;
        let domain = &snapshot.mesh.domain;
        let (service, namespace) = (&record.gateway_service, &record.gateway_namespace);
        let name = format!("egress-{}", target.host.slug(50));
        Some(Wanted {
            route: ObjectRef::new(Kind::VirtualService, &self.node.namespace, name).into(),
            host: self.host.to_owned(),
            gateway: format!("{service}.{namespace}.svc.{domain}"),
            lacks: Some(Lack::Recorded),
        })
    }

    /// A VirtualService for a name that is a slip away, and that nobody declares.
    fn misspelt(&self) -> Option<Wanted> {
        for routes in self.world.routes_spelt_nearly(self.host) {
            let near = routes.hosts.iter().find(|name| {
                !is_wild(name)
                    && is_typo(name, self.host)
                    && self.world.services_containing(name).next().is_none()
            });
            let Some(near) = near else { continue };
            let found =
                through(self.world, routes, near, self.port).or_else(|| self.by_tls(routes, near));
            if let Some(found) = found {
                return Some(Wanted {
                    route: routes.reference().at("spec.hosts"),
                    lacks: Some(Lack::Misspelt(near.clone())),
                    ..found
                });
            }
        }
        None
    }

    /// A tls rule whose `sniHosts` name the host, in a VirtualService that does not.
    fn by_tls(&self, routes: &Routes<'_>, near: &str) -> Option<Wanted> {
        let rules = routes.tls.iter().filter(|rule| {
            rule.matches
                .iter()
                .any(|m| m.sni_hosts.iter().any(|sni| within(self.host, sni)))
        });
        let destinations = rules.flat_map(|rule| &rule.route);
        let gateway = destinations
            .map(|r| r.destination.host.as_str())
            .find(|host| self.world.is_gateway(host))?;
        Some(Wanted {
            route: routes.reference().at("spec.hosts"),
            host: near.to_owned(),
            gateway: gateway.to_owned(),
            lacks: None,
        })
    }

    /// A gateway has the host's second half, and no VirtualService leads the host to any gateway.
    fn without_route(&self) -> Option<Wanted> {
        let external = self
            .world
            .services_containing(self.host)
            .any(|s| s.is_external() && !is_all(&s.host));
        if !external || self.is_led_anywhere() {
            return None;
        }
        let objects = &self.world.snapshot.objects;
        let mut gateways = objects.gateways.iter().filter_map(|gateway| {
            let service = self.service_of(gateway)?;
            let name = format!("{}/{}", gateway.namespace(), gateway.name());
            let bound: Vec<&Routes> = self
                .world
                .routes
                .iter()
                .filter(|r| r.gateways.contains(&name))
                .collect();
            let half = bound.iter().find(|r| self.leads_on(r));
            let place = match half {
                Some(_) => gateway.reference(Kind::Gateway).at("spec.servers"),
                None if !bound.iter().any(|r| self.routes_this(r)) && self.is_served(gateway) => {
                    gateway.reference(Kind::Gateway).at("spec.servers")
                }
                None => return None,
            };
            Some((place, service))
        });
        let (place, gateway) = gateways.next()?;
        let (route, lack) = self.why_not(place);
        Some(Wanted {
            route,
            host: self.host.to_owned(),
            gateway,
            lacks: Some(lack),
        })
    }

    /// What stands in the place of the rule to the gateway, and why it is none.
    fn why_not(&self, gateway: Place) -> (Place, Lack) {
        if let Some((rule, delegate)) = self.without_delegate() {
            return (rule, Lack::NoDelegate(delegate));
        }
        if let Some((rule, names)) = self.of_other_names() {
            return (rule, Lack::OtherNames(names));
        }
        match self.straight().or_else(|| self.of_other_kind(&gateway)) {
            Some(rule) => (rule, Lack::NotSent(gateway)),
            None => (gateway, Lack::NoRoute),
        }
    }

    /// The rule for sidecars whose delegate istiod does not find: it is left out.
    fn without_delegate(&self) -> Option<(Place, String)> {
        let seen = bound_to_mesh(self.world, &self.node.namespace, self.host);
        let mut lost = seen
            .into_iter()
            .flat_map(|routes| routes.without_delegate(self.world.snapshot));
        let rule = lost.find(|rule| rule.is_for_mesh(self.port))?;
        Some((rule.place, rule.delegate))
    }

    /// The tls rule for sidecars that sends other names of its VirtualService to a gateway.
    fn of_other_names(&self) -> Option<(Place, Vec<String>)> {
        let seen = bound_to_mesh(self.world, &self.node.namespace, self.host);
        seen.into_iter().find_map(|routes| {
            let rules = routes.tls.iter().enumerate();
            let mut to_gateway = rules.filter(|(_, rule)| {
                let mut to = rule.route.iter().map(|r| r.destination.host.as_str());
                to.any(|host| self.world.is_gateway(host))
            });
            to_gateway.find_map(|(at, rule)| {
                let mut matches = rule.matches.iter().enumerate();
                let (which, other) = matches.find(|(_, m)| {
                    let here = m.port.is_none_or(|p| p == 0 || p == self.port);
                    here && of_mesh(&m.gateways)
                        && !m.sni_hosts.iter().any(|sni| overlap(sni, self.host))
                })?;
                let field = format!("spec.tls[{at}].match[{which}].sniHosts");
                Some((routes.reference().at(field), other.sni_hosts.clone()))
            })
        })
    }

    /// The rule for sidecars that decides about the host's port.
    fn straight(&self) -> Option<Place> {
        let seen = bound_to_mesh(self.world, &self.node.namespace, self.host);
        let mut seen = seen.into_iter();
        seen.find_map(|routes| routes.rule_for_mesh(self.port))
    }

    /// The VirtualService that is bound to that Gateway for the host, with rules of another kind
    /// only.
    fn of_other_kind(&self, gateway: &Place) -> Option<Place> {
        let name = format!("{}/{}", gateway.object.namespace, gateway.object.name);
        let field = if self.speaks_tls() {
            "spec.tls"
        } else {
            "spec.http"
        };
        let mut routes = self.world.routes.iter();
        let found = routes
            .find(|r| r.gateways.contains(&name) && r.hosts.iter().any(|h| within(self.host, h)))?;
        Some(found.reference().at(field))
    }

    /// Whether any VirtualService leads the host to a gateway for whomever, by rules of the kind
    /// that the port takes.
    fn is_led_anywhere(&self) -> bool {
        let world = self.world;
        let to_gateway = |route: &[RouteDestination]| {
            route.iter().any(|r| world.is_gateway(&r.destination.host))
        };
        let named = |r: &&Routes<'_>| r.hosts.iter().any(|h| within(self.host, h));
        let matches_host = |m: &TlsMatch| m.sni_hosts.iter().any(|sni| overlap(sni, self.host));
        let speaks_tls = self.speaks_tls();
        world.routes.iter().filter(named).any(|r| {
            (!speaks_tls && r.http.iter().any(|(_, rule)| to_gateway(&rule.route)))
                || (speaks_tls
                    && r.tls.iter().any(|rule| {
                        rule.matches.iter().any(&matches_host) && to_gateway(&rule.route)
                    }))
                || r.tcp.iter().any(|rule| to_gateway(&rule.route))
        })
    }

    /// Whether the port is declared as TLS.
    fn speaks_tls(&self) -> bool {
        let declared = self.world.services_containing(self.host);
        let mut ports = declared.flat_map(|s| &s.ports);
        ports.any(|p| p.number == self.port && p.protocol.is_tls())
    }

    /// Whether a VirtualService has rules of the kind that the port takes.
    fn routes_this(&self, routes: &Routes<'_>) -> bool {
        let own = if self.speaks_tls() {
            !routes.tls.is_empty()
        } else {
            !routes.http.is_empty()
        };
        own || !routes.tcp.is_empty()
    }

    /// Whether a VirtualService leads the host on to the outside, on the port that is asked about,
    /// by a rule that is for gateways only.
    fn leads_on(&self, routes: &Routes<'_>) -> bool {
        let out = |route: &[RouteDestination]| {
            route.iter().map(|r| &r.destination).any(|d| {
                d.host == self.host && d.port.as_ref().is_none_or(|p| p.number == self.port)
            })
        };
        let for_gateways = |said: &[String]| {
            let said = if said.is_empty() {
                &routes.gateways
            } else {
                said
            };
            !said.iter().any(|g| g == MESH)
        };
        let http = routes.http.iter().any(|(_, rule)| {
            let mut matches = rule.matches.iter();
            let bare = rule.matches.is_empty() && for_gateways(&[]);
            (bare || matches.any(|m| for_gateways(&m.gateways))) && out(&rule.route)
        });
        let tls = routes
            .tls
            .iter()
            .any(|rule| rule.matches.iter().any(|m| for_gateways(&m.gateways)) && out(&rule.route));
        let tcp = routes.tcp.iter().any(|rule| {
            let mut matches = rule.matches.iter();
            let bare = rule.matches.is_empty() && for_gateways(&[]);
            (bare || matches.any(|m| for_gateways(&m.gateways))) && out(&rule.route)
        });
        http || tls || tcp
    }

    /// Whether a server of the Gateway names the host, one of the kind that the port takes.
    fn is_served(&self, gateway: &Gateway) -> bool {
        let speaks_tls = self.speaks_tls();
        let servers = gateway.spec.servers.iter();
        let hosts = servers
            .filter(|server| server.passes_through() == speaks_tls)
            .flat_map(|s| &s.hosts);
        let mut names = hosts.map(|h| h.rsplit_once('/').map_or(h.as_str(), |(_, name)| name));
        names.any(|name| !is_all(name) && within(self.host, &name.to_ascii_lowercase()))
    }

    /// The Service of the pods that a Gateway selects.
    fn service_of(&self, gateway: &Gateway) -> Option<String> {
        let snapshot = self.world.snapshot;
        let mut services = snapshot.objects.services.iter().filter(|service| {
            self.world
                .gateway_pods(service)
                .is_some_and(|pods| selects(snapshot, gateway, service.namespace(), &pods.labels))
        });
        services.next().map(|s| s.hostname(&snapshot.mesh.domain))
    }
}

fn is_all(host: &str) -> bool {
    host == "*"
}

/// The namespaces with a pod that calls through a sidecar.
fn callers<'w>(world: &'w World<'_>) -> BTreeSet<&'w str> {
    let pods = world.snapshot.objects.pods.iter();
    pods.filter(|p| p.spec.proxy().is_some() && !p.spec.is_proxy_alone())
        .map(Object::namespace)
        .collect()
}

impl Wanted {
    /// What is not there: the rule itself, or the part of it that would put it in force.
    pub fn culprit(&self) -> Place {
        match &self.lacks {
            Some(Lack::NotForMesh) => self.route.object.at("spec.gateways"),
            Some(Lack::NotExported) => self.route.object.at("spec.exportTo"),
            Some(Lack::NotRead(why)) => self.route.object.at(why.field()),
            _ => self.route.clone(),
        }
    }
}
