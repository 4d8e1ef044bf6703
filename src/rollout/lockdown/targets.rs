//! The hosts that a lockdown is tried with, and their addresses.

use super::{LockdownPlan, Run};
use crate::envoy::read_tally;
use crate::error::Error;
use crate::model::target::{AppProtocol, Host, Target};
use crate::probe::addresses;
use crate::probe::bypass::Runaway;
use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};

impl Run<'_> {
    /// The hosts to try with, and whether the namespace calls them through its gateway.
    pub(super) fn targets(&self, namespace: &str) -> (Vec<Target>, bool) {
        let records = || self.inventory.hosts.iter();
        let target = |host: &Host, port, protocol| Target {
            host: host.clone(),
            port,
            protocol,
        };
        let wired = |calls: bool| {
            let fits = records().filter(move |r| !calls || r.is_called_from(namespace));
            let named = fits.filter(|r| !matches!(r.host, Host::Wildcard(_)));
            let mut all = named.flat_map(|r| {
                r.ports
                    .iter()
                    .map(move |w| target(&r.host, w.port, w.protocol))
            });
            all.next()
        };
        let own = wired(true);
        if !self.args.probe.is_empty() {
            let calls = self
                .args
                .probe
                .iter()
                .all(|t| records().any(|r| r.host == t.host && r.is_called_from(namespace)));
            return (self.args.probe.clone(), calls);
        }
        let calls = own.is_some();
        let declared = || {
            let outside = self
                .snapshot
                .objects
                .service_entries
                .iter()
                .filter(|e| e.spec.location != "MESH_INTERNAL");
            let hosts = outside.flat_map(|e| e.spec.hosts.iter().map(move |h| (h, e)));
            let mut named = hosts.filter_map(|(h, e)| {
                let host: Host = h.parse().ok().filter(|h| !matches!(h, Host::Wildcard(_)))?;
                let port = e
                    .spec
                    .ports
                    .iter()
                    .map(|p| p.number)
                    .find(|p| [443, 80].contains(p))?;
                Some(target(
                    &host,
                    port,
                    if port == 443 {
                        AppProtocol::Tls
                    } else {
                        AppProtocol::Http
                    },
                ))
            });
            named.next()
        };
        (
            own.or_else(|| wired(false))
                .or_else(declared)
                .into_iter()
                .collect(),
            calls,
        )
    }

    /// As the pod resolves the host, else as the gateway did.
    pub(super) async fn addresses_of(
        &self,
        runaway: &Runaway,
        plan: &LockdownPlan,
        target: &Target,
    ) -> Result<Vec<IpAddr>, Error> {
        if let Host::Address(ip) = target.host {
            return Ok(vec![ip]);
        }
        let host = target.host.text();
        let found = addresses(self.cluster, &runaway.at, &host, self.deadline).await?;
        if !found.is_empty() {
            return Ok(found);
        }
        let mut known = BTreeSet::new();
        for gateway in &plan.gateways {
            for pod in &gateway.pods {
                let Ok(tally) = read_tally(self.cluster, &gateway.place.namespace, pod).await
                else {
                    continue;
                };
                let clusters = tally
                    .clusters
                    .iter()
                    .filter(|(name, _)| name.ends_with(&format!("|{host}")));
                let addresses = clusters.flat_map(|(_, addresses)| addresses.keys());
                known.extend(addresses.filter_map(|a| Some(a.parse::<SocketAddr>().ok()?.ip())));
            }
        }
        Ok(known.into_iter().collect())
    }
}
