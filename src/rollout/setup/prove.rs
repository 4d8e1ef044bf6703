//! The proof: what the hosts answered before the first write, and what a call of each client does
//! afterwards.

use super::plan::HostPlan;
use super::run::{Baseline, Outcome, Run, SIDE_BY_SIDE};
use crate::confirm::{Asker, Call, Proof, Site, prove};
use crate::error::Error;
use crate::flow::Wire;
use crate::kubernetes::pod::Pod;
use crate::model::target::Target;
use crate::probe::Request;
use futures::stream::{self, StreamExt, TryStreamExt};
use std::sync::PoisonError;
use std::sync::atomic::{AtomicUsize, Ordering};

/// One client, and one port of a host that it calls.
struct Question<'a> {
    asker: &'a Asker,
    host: &'a HostPlan,
    wire: &'a Wire,
}

impl Run<'_> {
    /// The answers before the first write; those of the first try, where this is another.
    pub(super) async fn before(&self, askers: &[Asker], changed: bool) -> Result<Baseline, Error> {
        let known = self.known_baseline();
        match known {
            Some(known) => Ok(known),
            None if changed => {
                let asked = self.ask_all(askers).await?;
                let mut baseline = self.baseline.lock().unwrap_or_else(PoisonError::into_inner);
                *baseline = Some(asked.clone());
                Ok(asked)
            }
            None => Ok(Baseline::new()),
        }
    }

    fn known_baseline(&self) -> Option<Baseline> {
        self.baseline
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// One ready pod of each caller asks.
    pub(super) async fn askers(&self) -> Result<Vec<Asker>, Error> {
        if self.args.no_probe {
            return Ok(Vec::new());
        }
        let pods = self
            .plan
            .callers
            .iter()
            .filter_map(|c| c.with_sidecar.iter().find(|p| p.is_ready()));
        let askers = pods.map(|pod| Asker::of(self.cluster, pod, self.deadline));
        Ok(futures::future::try_join_all(askers)
            .await?
            .into_iter()
            .flatten()
            .collect())
    }

    fn request(&self, question: &Question<'_>) -> Request {
        let target = Target {
            host: question.host.asked.clone(),
            port: question.wire.port,
            protocol: question.wire.protocol,
        };
        Request {
            target,
            path: self.args.probe_path.clone(),
        }
    }

    /// What the hosts answer now.
    async fn ask_all(&self, askers: &[Asker]) -> Result<Baseline, Error> {
        let _progress = self.io.progress("asking the hosts what they answer now");
        let asks = self.questions(askers).map(|question| async move {
            let request = self.request(&question);
            let asker = question.asker;
            let answer = asker.ask(self.cluster, &request, self.deadline).await?;
            Ok(((asker.name(), request.target), answer))
        });
        stream::iter(asks)
            .buffer_unordered(SIDE_BY_SIDE)
            .try_collect()
            .await
    }

    /// Each client asks for each port of each host that it calls.
    fn questions<'q>(&'q self, askers: &'q [Asker]) -> impl Iterator<Item = Question<'q>> {
        askers.iter().flat_map(|asker| {
            let hosts = self.plan.hosts.iter();
            let called = hosts.filter(|host| host.calls(asker.namespace()));
            called.flat_map(move |host| {
                let wires = host.record.wires.iter();
                wires.map(move |wire| Question { asker, host, wire })
            })
        })
    }

    /// A call of each client to each host, with the counters of its sidecar and of the gateway.
    pub(super) async fn prove(
        &self,
        pods: &[Pod],
        askers: &[Asker],
        before: &Baseline,
        outcome: &mut Outcome,
    ) -> Result<(), Error> {
        if self.args.no_probe {
            outcome
                .unproven
                .push("no request was sent (--no-probe)".into());
            return Ok(());
        }
        for caller in self
            .plan
            .callers
            .iter()
            .filter(|c| c.with_sidecar.is_empty())
        {
            outcome.unproven.push(format!(
                "no pod runs in {} to send a request",
                caller.client
            ));
        }
        let progress = self.io.progress("proving");
        let sites = self.sites(pods);
        let questions: Vec<_> = self.questions(askers).collect();
        let (total, done) = (questions.len(), AtomicUsize::new(0));
        let proofs = questions.iter().map(|question| async {
            let proof = self.prove_one(question, &sites, before).await;
            let done = done.fetch_add(1, Ordering::Relaxed) + 1;
            progress.count("proven", done, total);
            proof
        });
        let mut proofs: Vec<Proof> = stream::iter(proofs)
            .buffered(SIDE_BY_SIDE)
            .try_collect()
            .await?;
        // What went past the gateway is counted for all hosts together: whoever is under suspicion
        // asks again, alone.
        for (proof, question) in proofs.iter_mut().zip(&questions) {
            if total > 1 && proof.fault().is_some() && !proof.unasked() {
                *proof = self.prove_one(question, &sites, before).await?;
            }
        }
        outcome.proofs = proofs;
        Ok(())
    }

    async fn prove_one(
        &self,
        question: &Question<'_>,
        sites: &[Site<'_>],
        before: &Baseline,
    ) -> Result<Proof, Error> {
        let Question { asker, host, wire } = question;
        let request = self.request(question);
        let site = sites.iter().find(|site| *site.host == host.record.host);
        let site = site
            .ok_or_else(|| Error::Failed(format!("{} is not part of the plan", request.target)))?;
        let key = (asker.name(), request.target.clone());
        let call = Call {
            site,
            wire,
            request: &request,
            before: before.get(&key).cloned(),
            denied: !asker.is_allowed(&host.record.allow),
        };
        prove(self.cluster, asker, call, self.deadline).await
    }
}
