//! The ways round the gateway, tried before the policy and with it, and the way through the
//! gateway, which must stay.

use super::{LockdownPlan, Run, Tried};
use crate::error::Error;
use crate::flow::{GatewayPlace, LOCKDOWN};
use crate::gather::{gateway_pod, runaways, witnesses};
use crate::kubernetes::Place;
use crate::kubernetes::network_policy::Transport;
use crate::kubernetes::pod::Pod;
use crate::lockdown::{Control, Trial, Witness};
use crate::model::policy_network::{Permission, Side, leaves_to};
use crate::model::target::{AppProtocol, Target};
use crate::probe::bypass::{Outcome, Runaway, RunawayKind, Way};
use crate::probe::{SniAnswer, nobody, sni};
use crate::snapshot::Snapshot;
use futures::stream::{self, StreamExt, TryStreamExt};
use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

const SIDE_BY_SIDE: usize = 6;

/// A network plugin takes up a policy within this.
const TAKES_HOLD: Duration = Duration::from_secs(8);

const PAUSE: Duration = Duration::from_millis(400);

/// One way of one pod.
struct Try {
    who: usize,
    way: Way,
    /// A way through the gateway, not round it.
    control: bool,
    before: Option<Outcome>,
}

/// All that is tried of one namespace.
pub(super) struct Tries<'a> {
    run: &'a Run<'a>,
    plan: &'a LockdownPlan,
    targets: Vec<Target>,
    runaways: Vec<Runaway>,
    all: Vec<Try>,
    notes: Vec<String>,
}

impl<'a> Tries<'a> {
    pub(super) async fn prepare(run: &'a Run<'a>, plan: &'a LockdownPlan) -> Result<Self, Error> {
        let namespace = &plan.spec.namespace;
        let (targets, calls) = run.targets(namespace);
        let mut tries = Self {
            run,
            plan,
            targets,
            runaways: Vec::new(),
            all: Vec::new(),
            notes: Vec::new(),
        };
        if run.args.no_probe || !run.args.write.wait {
            return Ok(tries);
        }
        if tries.targets.is_empty() {
            tries
                .notes
                .push("no host outside is known to try with: name one with --probe HOST".into());
            return Ok(tries);
        }
        tries.runaways =
            runaways(run.cluster, run.snapshot, (namespace, None), run.deadline).await?;
        for (who, runaway) in tries.runaways.iter().enumerate() {
            for target in &tries.targets {
                let known = run.addresses_of(runaway, plan, target).await?;
                for way in runaway.kind.ways(target, &known) {
                    tries.all.push(Try {
                        who,
                        way,
                        control: false,
                        before: None,
                    });
                }
                if runaway.kind == RunawayKind::Sidecar && calls {
                    let way = Way::Name(target.clone());
                    tries.all.push(Try {
                        who,
                        way,
                        control: true,
                        before: None,
                    });
                }
            }
        }
        if tries.runaways.is_empty() {
            tries.notes.push(format!(
                "no running pod of {namespace} has anything to connect with"
            ));
        }
        Ok(tries)
    }

    /// How it is without the policy.
    pub(super) async fn before(&mut self) -> Result<(), Error> {
        let outcomes = self
            .attempt(&(0..self.all.len()).collect::<Vec<_>>())
            .await?;
        for (at, outcome) in outcomes {
            self.all[at].before = Some(outcome);
        }
        Ok(())
    }

    /// How it is with it. What is still open is tried again, since a plugin takes a moment.
    pub(super) async fn after(mut self, new: bool, then: &Snapshot) -> Result<Tried, Error> {
        let mut open: Vec<usize> = (0..self.all.len()).collect();
        let mut outcomes: Vec<Outcome> = vec![Outcome::Untried(String::new()); self.all.len()];
        let patience = if new { TAKES_HOLD } else { Duration::ZERO };
        let until = Instant::now() + patience;
        loop {
            for (at, outcome) in self.attempt(&open).await? {
                outcomes[at] = outcome;
            }
            open.retain(|at| {
                outcomes[*at].through() != self.all[*at].control
                    && !matches!(outcomes[*at], Outcome::Untried(_))
            });
            if open.is_empty() || Instant::now() > until || self.run.deadline.passed() {
                break;
            }
            tokio::time::sleep(PAUSE).await;
        }
        let seen = self.seen_from_outside(&mut outcomes).await?;
        self.straight_to_the_gateway().await;
        self.name_the_nodes();
        let mut rules: Vec<Option<Place>> = vec![None; self.all.len()];
        for at in open {
            rules[at] = self.rule_for(&self.all[at], then).await?;
        }
        let (mut trials, mut controls) = (Vec::new(), Vec::new());
        let looks = self.all.into_iter().zip(outcomes).zip(rules).zip(seen);
        for (((one, after), allowed), witness) in looks {
            let runaway = &self.runaways[one.who];
            let (from, before) = (runaway.name(), one.before);
            match (one.control, one.way) {
                (true, Way::Name(target)) => controls.push(Control {
                    from,
                    target,
                    before,
                    after,
                }),
                (_, way) => trials.push(Trial {
                    from,
                    kind: runaway.kind,
                    way,
                    before,
                    after,
                    allowed,
                    witness,
                }),
            }
        }
        Ok((trials, controls, self.notes))
    }

    /// What seems closed is tried a second time, and at the same moment from outside the policy: a
    /// host that went down, or an answer that got lost, closes nothing.
    async fn seen_from_outside(
        &self,
        outcomes: &mut [Outcome],
    ) -> Result<Vec<Option<Witness>>, Error> {
        let mut seen: Vec<Option<Witness>> = vec![None; self.all.len()];
        let closed: Vec<usize> = (0..self.all.len())
            .filter(|at| self.seems_closed(*at, &outcomes[*at]))
            .collect();
        if closed.is_empty() {
            return Ok(seen);
        }
        let witnesses = self.witnesses().await;
        for at in closed {
            for witness in &witnesses {
                let (again, other) = tokio::join!(
                    self.attempt(std::slice::from_ref(&at)),
                    witness.attempt(self.run.cluster, &self.all[at].way, self.run.deadline)
                );
                if let Some((_, outcome)) = again?.into_iter().next() {
                    outcomes[at] = outcome;
                }
                let outcome = other.unwrap_or_else(|error| Outcome::Untried(error.to_string()));
                let answered = outcome.through();
                seen[at] = Some(Witness {
                    from: witness.name(),
                    outcome,
                });
                if answered || !outcomes[at].stopped() {
                    break;
                }
            }
            let answered = |witness: &Witness| witness.outcome.through();
            if outcomes[at].stopped() && !seen[at].as_ref().is_some_and(answered) {
                self.ask_through_the_gateway(at, outcomes, &mut seen)
                    .await?;
            }
        }
        Ok(seen)
    }

    /// Where no pod outside can try, the gateway is outside too: what it still gets from the same
    /// port of the host is not down.
    async fn ask_through_the_gateway(
        &self,
        at: usize,
        outcomes: &mut [Outcome],
        seen: &mut [Option<Witness>],
    ) -> Result<(), Error> {
        let Some(control) = self
            .all
            .iter()
            .position(|one| one.control && self.same_port(at, one))
        else {
            return Ok(());
        };
        for (index, outcome) in self.attempt(&[at, control]).await? {
            if index == at {
                outcomes[at] = outcome;
            } else if outcome.through() {
                let name = self.runaways[self.all[control].who].name();
                seen[at] = Some(Witness {
                    from: format!("{name} through the gateway"),
                    outcome,
                });
            }
        }
        Ok(())
    }

    /// Whether a way through the gateway ends at the port of the host that another tries by TCP.
    fn same_port(&self, at: usize, control: &Try) -> bool {
        let Way::Name(through) = &control.way else {
            return false;
        };
        match &self.all[at].way {
            Way::Name(target) => target.host == through.host && target.port == through.port,
            Way::Address(to, _) => to.port() == through.port,
            Way::Datagram(_) | Way::Straight(..) => false,
        }
    }

    /// Whether a way round the gateway was open before and is not now.
    fn seems_closed(&self, at: usize, now: &Outcome) -> bool {
        let one = &self.all[at];
        let was_open = one.before.as_ref().is_some_and(Outcome::through);
        let bound = self.runaways[one.who].kind != RunawayKind::HostNetwork;
        !one.control && bound && was_open && now.stopped()
    }

    /// Pods that the policy is not about: of this namespace those on the node's own network, then
    /// those of the gateway and of other namespaces.
    async fn witnesses(&self) -> Vec<Runaway> {
        let run = self.run;
        let free = |runaway: &&Runaway| runaway.kind == RunawayKind::HostNetwork;
        let mut all: Vec<Runaway> = self.runaways.iter().filter(free).cloned().collect();
        let gateways: Vec<_> = self
            .plan
            .gateways
            .iter()
            .flat_map(|g| {
                g.pods
                    .iter()
                    .map(|pod| gateway_pod(&g.place.namespace, pod))
            })
            .collect();
        let namespace = &self.plan.spec.namespace;
        all.extend(
            witnesses(
                run.cluster,
                run.snapshot,
                namespace,
                &gateways,
                run.deadline,
            )
            .await,
        );
        all
    }

    /// A network plugin can be missing on one node: the nodes that nobody tried from are named.
    fn name_the_nodes(&mut self) {
        let namespace = &self.plan.spec.namespace;
        let pods = || {
            let pods = self.run.snapshot.objects.pods.iter();
            pods.filter(|p| p.namespace() == namespace && p.is_ready())
        };
        let tried = |pod: &Pod| self.runaways.iter().any(|r| r.at.pod == pod.name());
        let of = |wanted: bool| -> BTreeSet<&str> {
            pods()
                .filter(|pod| tried(pod) == wanted)
                .map(|pod| pod.spec.node_name.as_str())
                .filter(|node| !node.is_empty())
                .collect()
        };
        let (looked, rest) = (of(true), of(false));
        if looked.is_empty() {
            return;
        }
        let listed = |nodes: Vec<&str>| nodes.join(", ");
        let others: Vec<&str> = rest.difference(&looked).copied().collect();
        let mut note = format!(
            "tried from pods on {}",
            listed(looked.into_iter().collect())
        );
        if !others.is_empty() {
            note.extend([
                "; on ",
                &listed(others),
                " nothing was tried, and a network plugin works on each node by itself",
            ]);
        }
        self.notes.push(note);
    }

    /// Somebody else's rule that lets a way pass. Asked last: whatever kept names from being
    /// resolved before, the policy lets DNS through.
    async fn rule_for(&self, one: &Try, then: &Snapshot) -> Result<Option<Place>, Error> {
        let runaway = &self.runaways[one.who];
        let known = match &one.way {
            Way::Name(target) => self.run.addresses_of(runaway, self.plan, target).await?,
            Way::Address(..) | Way::Datagram(_) | Way::Straight(..) => Vec::new(),
        };
        Ok(one
            .way
            .leads_to(&known)
            .and_then(|to| allowed(then, runaway, to)))
    }

    async fn attempt(&self, which: &[usize]) -> Result<Vec<(usize, Outcome)>, Error> {
        let run = self.run;
        let attempts = which.iter().map(|at| async move {
            let one = &self.all[*at];
            let outcome = self.runaways[one.who]
                .attempt(run.cluster, &one.way, run.deadline)
                .await;
            outcome.map(|outcome| (*at, outcome))
        });
        stream::iter(attempts)
            .buffer_unordered(SIDE_BY_SIDE)
            .try_collect()
            .await
    }

    /// Whoever reaches the gateway can send it a server name of its own choice.
    async fn straight_to_the_gateway(&mut self) {
        let Some(target) = self
            .targets
            .iter()
            .find(|t| t.protocol != AppProtocol::Tcp && t.host.sni().is_some())
        else {
            return;
        };
        let (run, name) = (self.run, target.host.text());
        for gateway in &self.plan.gateways {
            let place = &gateway.place;
            let pods = run.snapshot.objects.pods.iter();
            let found = pods.clone().find(|p| {
                p.namespace() == place.namespace
                    && gateway.pods.contains(&p.name().to_owned())
                    && p.is_ready()
            });
            let Some((pod, port)) = found.and_then(|p| Some((p, https_port(run, place, p)?)))
            else {
                continue;
            };
            let at = (pod.namespace(), pod.name(), port);
            let taken =
                |answer: Result<SniAnswer, Error>| matches!(answer, Ok(SniAnswer::Answered(_)));
            if taken(sni(run.cluster, at, Some(&name), run.deadline).await) {
                self.notes.push(format!(
                    "the gateway {}/{} takes {name} from whoever reaches it, sidecar or not; setup \
                     --hop mtls lets only the mesh in",
                    place.namespace, place.service
                ));
            }
            if taken(sni(run.cluster, at, Some(&nobody(&name)), run.deadline).await) {
                self.notes.push(format!(
                    "the gateway {}/{} takes any server name: through it every host can be reached",
                    place.namespace, place.service
                ));
            }
        }
    }
}

/// Somebody else's rule that lets it pass, in the cluster as it will be.
fn allowed(
    then: &Snapshot,
    runaway: &Runaway,
    (transport, to): (Transport, SocketAddr),
) -> Option<Place> {
    let mut pods = then.objects.pods.iter();
    let pod = pods.find(|p| p.namespace() == runaway.at.namespace && p.name() == runaway.at.pod)?;
    match leaves_to(then, &Side::of(pod), transport, to) {
        Permission::Allowed(place) if place.object.name != LOCKDOWN => Some(place),
        _ => None,
    }
}

fn https_port(run: &Run<'_>, place: &GatewayPlace, pod: &Pod) -> Option<u16> {
    let mut services = run.snapshot.objects.services.iter();
    let service =
        services.find(|s| s.namespace() == place.namespace && s.name() == place.service)?;
    service.port(443)?.on(Some(pod))
}
