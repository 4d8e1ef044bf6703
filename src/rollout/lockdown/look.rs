//! What a policy would cut: the counters of the namespace's sidecars, the sockets of its other
//! pods, and what nobody can see before it happens.

use super::Run;
use crate::envoy::read_tally;
use crate::error::Error;
use crate::kubernetes::Kind;
use crate::kubernetes::pod::Pod;
use crate::lockdown::{Blind, Connection, blind, cut, of_sockets, of_tally};
use crate::probe::{ClientPod, sockets};
use futures::stream::{self, StreamExt};
use serde_json::Value;

/// More port-forwards at a time gain nothing.
const SIDE_BY_SIDE: usize = 6;

/// What was seen of one namespace before it is locked down.
#[derive(Default)]
pub(crate) struct Sight {
    pub(crate) cut: Vec<Connection>,
    pub(crate) blind: Blind,
    /// Pods whose connections could not be read, and why.
    pub(crate) unread: Vec<String>,
}

impl Run<'_> {
    pub(crate) async fn look(&self, namespace: &str, policy: &Value) -> Result<Sight, Error> {
        let then = self.then(policy)?;
        let _progress = self
            .io
            .progress(&format!("looking at the connections of {namespace}"));
        let pods = self.snapshot.objects.pods.iter().filter(|p| {
            p.namespace() == namespace
                && p.is_running()
                && !p.spec.host_network
                && !p.spec.is_proxy_alone()
        });
        let looks = pods.map(|pod| async move { (pod, self.connections(pod).await) });
        let looks: Vec<(&Pod, Result<Vec<Connection>, String>)> = stream::iter(looks)
            .buffer_unordered(SIDE_BY_SIDE)
            .collect()
            .await;
        let mut seen = Vec::new();
        let mut unread = Vec::new();
        for (pod, look) in looks {
            match look {
                Ok(connections) => seen.extend(connections.into_iter().map(|c| (pod, c))),
                Err(why) => unread.push(format!("{}: {why}", pod.name())),
            }
        }
        unread.sort();
        let later = self.cron_jobs(namespace).await;
        if let Err(why) = &later {
            unread.push(format!("cronjobs: {why}"));
        }
        let blind = blind(self.snapshot, namespace, &later.unwrap_or_default());
        Ok(Sight {
            cut: cut(self.snapshot, &then, &seen),
            blind,
            unread,
        })
    }

    async fn connections(&self, pod: &Pod) -> Result<Vec<Connection>, String> {
        if pod.spec.proxy().is_some() {
            let tally = read_tally(self.cluster, pod.namespace(), pod.name()).await;
            return tally
                .map(|tally| of_tally(pod, &tally))
                .map_err(|e| e.to_string());
        }
        let Some(container) = pod.spec.application() else {
            return Ok(Vec::new());
        };
        let at = ClientPod {
            namespace: pod.namespace().into(),
            pod: pod.name().into(),
            container: container.name.clone(),
        };
        match sockets(self.cluster, &at, self.deadline).await {
            Ok(Some(open)) => Ok(of_sockets(pod, &open)),
            Ok(None) => Err("its container has no cat to list its sockets with".into()),
            Err(error) => Err(error.to_string()),
        }
    }

    async fn cron_jobs(&self, namespace: &str) -> Result<Vec<String>, String> {
        let list = self
            .cluster
            .list(Kind::CronJob, Some(namespace))
            .await
            .map_err(|e| e.to_string())?;
        let name = |job: &Value| {
            job.pointer("/metadata/name")
                .and_then(Value::as_str)
                .map(str::to_owned)
        };
        Ok(list.iter().filter_map(name).collect())
    }
}
