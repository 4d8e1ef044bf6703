//! The proof: what the hosts answered before the first write, and what a call of each client does
//! afterwards.

use super::plan::HostPlan;
use super::run::{Baseline, Outcome, Run, SIDE_BY_SIDE};
use crate::confirm::{Call, Proof, Prover, Site, prove};
use crate::error::Error;
use crate::flow::RoutedPort;
use crate::kubernetes::pod::Pod;
use crate::model::target::Target;
use crate::probe::Request;
use futures::stream::{self, StreamExt, TryStreamExt};
use std::sync::PoisonError;
use std::sync::atomic::{AtomicUsize, Ordering};

/// One client, and one port of a host that it calls.
struct Question<'a> {
    prover: &'a Prover,
    host: &'a HostPlan,
    routed: &'a RoutedPort,
}

impl Run<'_> {
    /// The answers before the first write; those of the first try, where this is another.
    pub(super) async fn before(
        &self,
        provers: &[Prover],
        changed: bool,
    ) -> Result<Baseline, Error> {
        let known = self.known_baseline();
        match known {
            Some(known) => Ok(known),
            None if changed => {
                let asked = self.ask_all(provers).await?;
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

    /// One ready pod of each client asks.
    pub(super) async fn provers(&self) -> Result<Vec<Prover>, Error> {
        if self.args.no_probe {
            return Ok(Vec::new());
        }
        let pods = self
            .plan
            .clients
            .iter()
            .filter_map(|c| c.with_sidecar.iter().find(|p| p.is_ready()));
        let provers = pods.map(|pod| Prover::of(self.cluster, pod, self.deadline));
        Ok(futures::future::try_join_all(provers)
            .await?
            .into_iter()
            .flatten()
            .collect())
    }

    fn request(&self, question: &Question<'_>) -> Request {
        let target = Target {
            host: question.host.asked.clone(),
            port: question.routed.port,
            protocol: question.routed.protocol,
        };
        Request {
            target,
            path: self.args.probe_path.clone(),
        }
    }

    /// What the hosts answer now.
    async fn ask_all(&self, provers: &[Prover]) -> Result<Baseline, Error> {
        let _progress = self.io.progress("recording what the hosts answer now");
        let asks = self.questions(provers).map(|question| async move {
            let request = self.request(&question);
            let prover = question.prover;
            let answer = prover.ask(self.cluster, &request, self.deadline).await?;
            Ok(((prover.name(), request.target), answer))
        });
        stream::iter(asks)
            .buffer_unordered(SIDE_BY_SIDE)
            .try_collect()
            .await
    }

    /// Each client asks for each port of each host that it calls.
    fn questions<'q>(&'q self, provers: &'q [Prover]) -> impl Iterator<Item = Question<'q>> {
        provers.iter().flat_map(|prover| {
            let hosts = self.plan.hosts.iter();
            let called = hosts.filter(|host| host.calls(prover.namespace()));
            called.flat_map(move |host| {
                let ports = host.record.ports.iter();
                ports.map(move |routed| Question {
                    prover,
                    host,
                    routed,
                })
            })
        })
    }

    /// A call of each client to each host, with the counters of its sidecar and of the gateway.
    pub(super) async fn prove(
        &self,
        pods: &[Pod],
        provers: &[Prover],
        before: &Baseline,
        outcome: &mut Outcome,
    ) -> Result<(), Error> {
        if self.args.no_probe {
            outcome
                .unproven
                .push("no request was sent (--no-probe)".into());
            return Ok(());
        }
        for client in self
            .plan
            .clients
            .iter()
            .filter(|c| c.with_sidecar.is_empty())
        {
            outcome.unproven.push(format!(
                "no pod runs in {} to send a request",
                client.client
            ));
        }
        let progress = self.io.progress("proving");
        let sites = self.sites(pods);
        let questions: Vec<_> = self.questions(provers).collect();
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
        let Question {
            prover,
            host,
            routed,
        } = question;
        let request = self.request(question);
        let site = sites.iter().find(|site| *site.host == host.record.host);
        let site = site
            .ok_or_else(|| Error::Failed(format!("{} is not part of the plan", request.target)))?;
        let key = (prover.name(), request.target.clone());
        let call = Call {
            site,
            routed,
            request: &request,
            before: before.get(&key).cloned(),
            denied: !prover.is_allowed(&host.record.allow),
        };
        prove(self.cluster, prover, call, self.deadline).await
    }
}
