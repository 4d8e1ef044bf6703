//! `cleanup`: the way back, in the order that keeps traffic flowing, and a look at what is left.

use super::consent::{Decision, accountable, consent, say_where, show_removal, would_be_taken};
use crate::apply::Journal;
use crate::cli::cleanup::CleanupArgs;
use crate::cli::connect::ConnectArgs;
use crate::cluster::{Cluster, DryRun};
use crate::console::Io;
use crate::deadline::Deadline;
use crate::error::Error;
use crate::exit::Exit;
use crate::model::hosts::typing_distance;
use crate::plan::{GatewayRemoval, Inventory, Phase, Record, Removal, Scope, Stamp, removal};
use crate::rollout::cleanup::{Announced, Run, count_users};
use crate::rollout::{planned_again, stamp};
use crate::survey::{Remains, Survey};
use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

/// Run the verb.
pub async fn run(args: &CleanupArgs, connect: &ConnectArgs, io: &Io) -> Result<Exit, Error> {
    let journal = Journal::default();
    let next = "run the same command again to continue";
    let work = Box::pin(cleanup(args, connect, io, &journal));
    accountable(io, &journal, next, work).await
}

async fn cleanup(
    args: &CleanupArgs,
    connect: &ConnectArgs,
    io: &Io,
    journal: &Journal,
) -> Result<Exit, Error> {
    args.check()?;
    let deadline = args.write.deadline();
    let cluster = Cluster::connect(&connect.options()).await?;
    let mut session = Session {
        args,
        connect,
        io,
        journal,
        deadline,
        cluster: &cluster,
        agreed: None,
        announced: Mutex::default(),
        stamp: stamp(&cluster).await,
    };
    planned_again(io, "what is to be removed", async || {
        Box::pin(session.once()).await
    })
    .await
}

struct Session<'a> {
    args: &'a CleanupArgs,
    connect: &'a ConnectArgs,
    io: &'a Io,
    journal: &'a Journal,
    deadline: Deadline,
    cluster: &'a Cluster,
    /// The plan that somebody agreed to.
    agreed: Option<String>,
    /// The clients that the records say are leaving, by our hand.
    announced: Announced,
    stamp: Stamp,
}

impl Session<'_> {
    fn scope(&self) -> Scope {
        let everywhere = self.args.all_namespaces;
        Scope {
            hosts: (!self.args.all).then(|| self.args.hosts.clone()),
            namespace: (!everywhere).then(|| self.cluster.namespace.clone()),
            vanished: Vec::new(),
            who: self.stamp.who.clone(),
        }
    }

    /// Plan, show, ask, remove, and look for what is left.
    async fn once(&mut self) -> Result<Exit, Error> {
        let progress = self.io.progress("reading the cluster");
        let survey = Survey::take(self.cluster, &self.connect.scope()).await?;
        drop(progress);
        let mut scope = self.scope();
        scope.vanished = survey.inventory.vanished(&survey.snapshot);
        let first = self.agreed.is_none();
        if first {
            survey.warn(self.io);
            known(&scope, &survey.inventory)?;
        }
        let mut removal = removal(&scope, &survey.inventory, &survey.found.live);
        if first {
            for line in removal.left_by_others(&survey.inventory) {
                self.io.note(&line);
            }
        }
        count_users(&mut removal, &survey.inventory, &survey.snapshot);
        // A gateway that stayed because others use it stays without a word in later runs.
        let stays = |gateway: &GatewayRemoval| gateway.left_behind && !gateway.users.is_empty();
        removal.gateways.retain(|gateway| !stays(gateway));
        self.refuse_who_came_back(&removal)?;
        if removal.is_empty() {
            let left = survey.left(self.cluster, &scope, &removal).await?;
            return if first {
                self.nothing(&survey, &scope, &left)
            } else {
                self.result(&survey, &scope, &left)
            };
        }
        let write = &self.args.write;
        if !write.diff && write.dry_run != DryRun::Client {
            self.cluster.require(&removal.rights()).await?;
        }
        if let Decision::Ended(exit) = self.agree(&removal).await? {
            return Ok(exit);
        }
        let tool = self.connect.istioctl().unwrap_or_default();
        let run = Run {
            cluster: self.cluster,
            io: self.io,
            write: &self.args.write,
            snapshot: &survey.snapshot,
            live: &survey.found.live,
            journal: self.journal,
            deadline: self.deadline,
            tool: &tool,
            file: self.args.istio_operator.as_deref(),
            stamp: self.stamp.clone(),
            announced: &self.announced,
        };
        let left = run.perform(&removal).await?;
        if self.args.write.dry_run == DryRun::Server {
            return Ok(would_be_taken(self.io));
        }
        let progress = self.io.progress("looking for what is left");
        let after = Survey::take(self.cluster, &self.connect.scope()).await?;
        drop(progress);
        let mut remains = after.left(self.cluster, &scope, &removal).await?;
        remains.ours.extend(left);
        self.result(&after, &scope, &remains)
    }

    /// Show the plan, and ask. A plan that changed since somebody agreed to it is asked for again.
    async fn agree(&mut self, removal: &Removal) -> Result<Decision, Error> {
        let io = self.io;
        let summary = removal.summary();
        if let Some(exit) = show_removal(io, &self.args.write, &summary)? {
            return Ok(Decision::Ended(exit));
        }
        if self.agreed.as_ref() == Some(&summary) {
            return Ok(Decision::GoAhead);
        }
        if self.agreed.is_none() {
            say_where(io, self.cluster);
        }
        io.note(summary.trim_end());
        let decision = consent(io, &self.args.write, "Remove this?").await?;
        self.agreed = Some(summary);
        Ok(decision)
    }

    /// Whoever sets up again what this run was removing wants it.
    fn refuse_who_came_back(&self, removal: &Removal) -> Result<(), Error> {
        let announced = self.announced.lock();
        let announced = announced.unwrap_or_else(PoisonError::into_inner);
        for host in &removal.hosts {
            let record = &host.record;
            for client in &host.clients {
                let again = record.clients.get(client) != Some(&Phase::Leaving);
                if again && announced.contains(&(record.name(), client.clone())) {
                    let what = format!("{} is being set up again for {client}", record.host);
                    return Err(came_back(&what, &record.by));
                }
            }
        }
        for record in &removal.injections {
            let again = record.phase != Phase::Leaving;
            if again && announced.contains(&(record.name(), record.namespace.clone())) {
                let what = format!(
                    "namespace {} is being given sidecars again",
                    record.namespace
                );
                return Err(came_back(&what, &record.by));
            }
        }
        Ok(())
    }

    /// There was nothing to do: which may be a typing error.
    fn nothing(&self, survey: &Survey, scope: &Scope, left: &Remains) -> Result<Exit, Error> {
        for host in scope.hosts.iter().flatten() {
            if let Some(near) = nearest(&host.text(), &survey.inventory) {
                return Err(Error::NotFound {
                    what: format!("{host}, routed through a gateway,"),
                    hint: Some(format!("did you mean {near}?")),
                });
            }
        }
        let is_clear = left.ours.is_empty() && left.copies.is_empty();
        if !is_clear || !survey.incomplete(scope).is_empty() {
            return self.result(survey, scope, left);
        }
        let of = match (&scope.hosts, &scope.namespace) {
            _ if survey.inventory.hosts.is_empty() && survey.inventory.gateways.is_empty() => {
                String::new()
            }
            (Some(hosts), _) => {
                let names: Vec<String> = hosts.iter().map(ToString::to_string).collect();
                format!(" for {}", names.join(", "))
            }
            (None, Some(namespace)) => format!(" for namespace {namespace}"),
            (None, None) => String::new(),
        };
        self.io.result(&format!("nothing to clean up{of}"))?;
        Ok(Exit::Done)
    }

    fn result(&self, survey: &Survey, scope: &Scope, left: &Remains) -> Result<Exit, Error> {
        let unseen = survey.incomplete(scope);
        for line in &unseen {
            self.io.say(&format!("not checked: {line}"));
        }
        for line in &left.copies {
            self.io.say(&format!("left alone: {line}"));
        }
        if !left.ours.is_empty() {
            let lines = crate::terminal::escape(&left.ours.join("\n  "));
            self.io.result(&format!("left:\n  {lines}"))?;
            return Ok(Exit::Problems);
        }
        if !unseen.is_empty() {
            self.io.result(
                "what could be looked for is gone; what was not checked may still be there",
            )?;
            return Ok(Exit::Unproven);
        }
        if !left.copies.is_empty() {
            self.io.result(
                "what is ours is gone; what carries our label without being ours was left alone",
            )?;
            return Ok(Exit::Unproven);
        }
        self.io.result("cleanup complete: nothing is left")?;
        Ok(Exit::Done)
    }
}

fn came_back(what: &str, by: &Stamp) -> Error {
    Error::Refused {
        why: format!("{what} by {}: {}", by.who, by.command),
        hint: Some("run cleanup again if it is to go all the same".into()),
    }
}

/// A host that is routed and differs by a letter or two from one that is not.
fn nearest(host: &str, inventory: &Inventory) -> Option<String> {
    let names = inventory.hosts.iter().map(|record| record.host.text());
    names
        .map(|name| (typing_distance(host, &name), name))
        .filter(|(distance, _)| (1..=2).contains(distance))
        .min()
        .map(|(_, name)| name)
}

/// A host that only others call is no mistake, but worth a word.
fn known(scope: &Scope, inventory: &Inventory) -> Result<(), Error> {
    let Some(namespace) = &scope.namespace else {
        return Ok(());
    };
    for host in scope.hosts.iter().flatten() {
        let records = inventory.hosts.iter().filter(|r| r.host == *host);
        let clients: BTreeSet<&String> = records.flat_map(|r| r.clients.keys()).collect();
        let vanished = |client: &&String| scope.vanished.contains(client);
        if clients.is_empty() || clients.contains(namespace) || clients.iter().any(vanished) {
            continue;
        }
        let clients: Vec<&str> = clients.into_iter().map(String::as_str).collect();
        return Err(Error::NotFound {
            what: format!("{host} routed for namespace {namespace}"),
            hint: Some(format!(
                "it is routed for {}: name one with -n, or all of them with -A",
                clients.join(", ")
            )),
        });
    }
    Ok(())
}
