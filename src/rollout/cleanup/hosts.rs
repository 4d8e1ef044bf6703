//! Hosts lose clients, or go: the clients' routes first, and when their sidecars have let go, the
//! rest.

use super::{IN_FLIGHT, Run, SIDE_BY_SIDE};
use crate::apply::{Guard, refuse_too_large};
use crate::confirm::{Site, left_goals, wait_for};
use crate::error::Error;
use crate::flow::GatewayPlace;
use crate::install::find_gateways;
use crate::kubernetes::pod::Pod;
use crate::model::target::Client;
use crate::plan::{HostRecord, HostRemoval, Phase, Record, Wait, client_pods, host_leaves};
use futures::stream::{self, StreamExt, TryStreamExt};

impl Run<'_> {
    /// Remove them, or their clients; the answer names what is left.
    pub(super) async fn remove_hosts(&self, hosts: &[HostRemoval]) -> Result<Vec<String>, Error> {
        if hosts.is_empty() {
            return Ok(Vec::new());
        }
        let guard = Guard::default();
        let leaving = self.leaving(hosts);
        leaving.iter().try_for_each(refuse_too_large)?;
        let announced = leaving.into_iter().map(|mut record| {
            let guard = &guard;
            async move {
                self.announce(guard, &mut record).await?;
                self.note_leaving(&record);
                Ok::<_, Error>(record)
            }
        });
        let records: Vec<HostRecord> = stream::iter(announced)
            .buffered(SIDE_BY_SIDE)
            .try_collect()
            .await?;
        let executor = self.executor(&guard, records.iter().map(Record::owner).collect());
        let left = self
            .stages(&executor, &host_leaves(hosts), |wait| {
                self.wait_for_hosts(wait, hosts)
            })
            .await?;
        if self.dry() {
            return Ok(left);
        }
        let settled = hosts.iter().zip(records).map(|(host, record)| {
            let guard = &guard;
            async move {
                let Some(next) = &host.next else {
                    return guard.forget(self.cluster, &record).await;
                };
                let mut next = HostRecord {
                    version: record.version.clone(),
                    by: self.stamp.clone(),
                    ..next.clone()
                };
                guard.write(self.cluster, &mut next).await
            }
        });
        stream::iter(settled)
            .buffer_unordered(SIDE_BY_SIDE)
            .try_collect::<Vec<()>>()
            .await?;
        Ok(left)
    }

    fn note_leaving(&self, record: &HostRecord) {
        for (client, phase) in &record.clients {
            if *phase == Phase::Leaving {
                self.note_announced(record.name(), client);
            }
        }
    }

    /// The records as they say that these clients leave.
    fn leaving(&self, hosts: &[HostRemoval]) -> Vec<HostRecord> {
        let guard = Guard::default();
        let owners = hosts.iter().map(|host| host.record.owner()).collect();
        let executor = self.executor(&guard, owners);
        let leave = |host: &HostRemoval| {
            let mut record = host.record.clone();
            for client in &host.clients {
                record.clients.insert(client.clone(), Phase::Leaving);
            }
            executor.fill_in_owned(&mut record.objects);
            record.by = self.stamp.clone();
            record
        };
        hosts.iter().map(leave).collect()
    }

    async fn wait_for_hosts(&self, wait: Wait, hosts: &[HostRemoval]) -> Result<(), Error> {
        if self.dry() || !self.write.wait {
            return Ok(());
        }
        match wait {
            Wait::Released => self.wait_until_left(hosts).await,
            Wait::InFlight => {
                tokio::time::sleep(IN_FLIGHT).await;
                Ok(())
            }
            _ => Ok(()),
        }
    }

    async fn wait_until_left(&self, hosts: &[HostRemoval]) -> Result<(), Error> {
        let _progress = self
            .io
            .progress("waiting until the clients' sidecars no longer send to the gateway");
        let places: Vec<GatewayPlace> = find_gateways(self.snapshot)
            .into_iter()
            .map(|found| found.place)
            .collect();
        let mut goals = Vec::new();
        for host in hosts {
            let pods: Vec<Pod> = host.clients.iter().flat_map(|c| self.pods_of(c)).collect();
            let place = self.place_of(&host.record, &places);
            goals.extend(left_goals(&Site {
                host: &host.record.host,
                asked: &host.record.asked(),
                server: host.record.server(),
                ports: &host.record.ports,
                addresses: &host.record.addresses,
                gateway: &place,
                gateway_pods: &[],
                client_pods: pods.iter().collect(),
            }));
        }
        wait_for(self.cluster, &goals, self.deadline).await
    }

    /// The gateway of a host; where it is gone, the name that sidecars knew it by.
    fn place_of(&self, record: &HostRecord, found: &[GatewayPlace]) -> GatewayPlace {
        let is = |place: &&GatewayPlace| {
            place.namespace == record.namespace && place.service == record.service
        };
        let domain = match self.snapshot.mesh.domain.as_str() {
            "" => "cluster.local",
            domain => domain,
        };
        found
            .iter()
            .find(is)
            .cloned()
            .unwrap_or_else(|| GatewayPlace {
                namespace: record.namespace.clone(),
                service: record.service.clone(),
                hostname: format!("{}.{}.svc.{domain}", record.service, record.namespace),
                selector: [].into(),
            })
    }

    /// A namespace that is gone, or lost its sidecars, has nothing to let go of.
    fn pods_of(&self, namespace: &str) -> Vec<Pod> {
        client_pods(self.snapshot, &Client::namespace(namespace))
            .map(|c| c.with_sidecar)
            .unwrap_or_default()
    }
}
