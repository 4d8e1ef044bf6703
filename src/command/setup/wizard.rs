//! The guided form: setup without hosts, on a terminal, asks. Every question has a flag; the
//! answers become the same arguments, and the command that would have done the same is printed at
//! the end.

use crate::cli::setup::SetupArgs;
use crate::cluster::Cluster;
use crate::console::Io;
use crate::deadline::Question;
use crate::error::Error;
use crate::gather::leaving;
use crate::install::{FoundGateway, GatewayPatch, find_gateways};
use crate::istio::virtual_service::MESH;
use crate::kubernetes::pod::Pod;
use crate::model::target::{AppProtocol, Client, Host, Target};
use crate::plan::{GatewayName, HopChoice, client_pods, refuse_ambient};
use crate::snapshot::Snapshot;
use dialoguer::console::Term;
use dialoguer::{Input, MultiSelect, Select};
use std::collections::BTreeSet;

/// Ask for what the arguments do not say.
pub(super) async fn ask(
    args: SetupArgs,
    cluster: &Cluster,
    io: &Io,
    snapshot: &Snapshot,
) -> Result<SetupArgs, Error> {
    let clients = clients(snapshot, &cluster.namespace);
    if clients.is_empty() && args.from.is_empty() {
        return Err(Error::Refused {
            why: "no namespace has a running workload that could connect".into(),
            hint: Some("start the client, or name its namespace with --from".into()),
        });
    }
    let args = at_terminal(args, move |args, term| ask_client(&clients, args, term)).await?;
    let progress = io.progress("looking at what leaves now");
    let named = args.from.iter().map(|client| client.namespace.as_str());
    let found = leaving(
        (cluster, snapshot),
        &named.collect::<BTreeSet<_>>(),
        args.write.deadline(),
    )
    .await;
    drop(progress);
    if !found.addresses.is_empty() {
        io.note(&format!(
            "direct connections to bare addresses: {}",
            found.addresses.join(", ")
        ));
    }
    let mut gateways = find_gateways(snapshot);
    gateways.retain(|g| g.for_egress);
    gateways.sort_by_key(|g| !g.vouched);
    let hosts = offered(declared(snapshot), found.hosts);
    let choices = Choices { hosts, gateways };
    at_terminal(args, move |args, term| choices.ask(args, term)).await
}

/// Questions wait for keys, so they have a thread of their own.
async fn at_terminal(
    mut args: SetupArgs,
    questions: impl FnOnce(&mut SetupArgs, &Term) -> dialoguer::Result<()> + Send + 'static,
) -> Result<SetupArgs, Error> {
    let _open = Question::open();
    let asked = tokio::task::spawn_blocking(move || {
        let term = Term::stderr();
        let answered = questions(&mut args, &term);
        // A question that was interrupted leaves the cursor hidden.
        let _ = term.show_cursor();
        answered.map(|()| args)
    });
    match asked.await {
        Ok(Ok(args)) => Ok(args),
        _ => Err(Error::Interrupted),
    }
}

/// A namespace that may call, and whether it has sidecars.
struct ClientNamespace {
    namespace: String,
    sidecars: bool,
}

/// The current namespace first, then those with sidecars; Kubernetes' and Istio's own are no
/// clients.
fn clients(snapshot: &Snapshot, current: &str) -> Vec<ClientNamespace> {
    let objects = &snapshot.objects;
    let own = |name: &str| name.starts_with("kube-") || name == snapshot.mesh.namespace;
    let names = objects
        .namespaces
        .iter()
        .map(|n| n.name().to_owned())
        .filter(|n| !own(n));
    let client = |namespace: String| {
        let of_it = |pod: &&Pod| {
            pod.namespace() == namespace && !pod.spec.is_proxy_alone() && pod.is_running()
        };
        if !objects.pods.iter().any(|p| of_it(&p)) {
            return None;
        }
        let client = Client::namespace(namespace.as_str());
        if refuse_ambient(snapshot, &client).is_err() {
            return None;
        }
        let pods = client_pods(snapshot, &client);
        let sidecars = pods.is_ok_and(|c| !c.with_sidecar.is_empty());
        Some(ClientNamespace {
            namespace,
            sidecars,
        })
    };
    let mut all: Vec<ClientNamespace> = names.filter_map(client).collect();
    all.sort_by_key(|c| (c.namespace != current, !c.sidecars, c.namespace.clone()));
    all
}

fn ask_client(
    clients: &[ClientNamespace],
    args: &mut SetupArgs,
    term: &Term,
) -> dialoguer::Result<()> {
    if !args.from.is_empty() {
        return Ok(());
    }
    let line = |c: &ClientNamespace| {
        let bare = " (no sidecars yet: it is labelled and its workloads are restarted; --inject)";
        format!("{}{}", c.namespace, if c.sidecars { "" } else { bare })
    };
    let prompt = "Client namespace (--from)";
    let at = Select::new()
        .with_prompt(prompt)
        .items(clients.iter().map(line))
        .default(0)
        .interact_on(term)?;
    args.from = vec![Client::namespace(clients[at].namespace.as_str())];
    args.inject |= !clients[at].sidecars;
    Ok(())
}

/// What is declared first, then what was only seen.
fn offered(declared: Vec<Target>, seen: Vec<Target>) -> Vec<Target> {
    let new = |t: &Target| {
        !declared
            .iter()
            .any(|d| (&d.host, d.port) == (&t.host, t.port))
    };
    let seen: Vec<Target> = seen.into_iter().filter(new).collect();
    declared.into_iter().chain(seen).collect()
}

/// What there is to choose from.
struct Choices {
    hosts: Vec<Target>,
    gateways: Vec<FoundGateway>,
}

impl Choices {
    fn ask(&self, args: &mut SetupArgs, term: &Term) -> dialoguer::Result<()> {
        args.targets = self.targets(term)?;
        if args.gateway.is_none() {
            args.gateway = Some(self.gateway(term)?);
        }
        if args.targets.iter().any(|t| t.protocol == AppProtocol::Http) && !args.flow.originate_tls
        {
            let ways = [
                "no: it stays plain HTTP",
                "yes, at the gateway: the host must answer on 443",
            ];
            let prompt = "Originate TLS for plain HTTP (--originate-tls)";
            args.flow.originate_tls = Select::new()
                .with_prompt(prompt)
                .items(ways)
                .default(0)
                .interact_on(term)?
                == 1;
        }
        let hops = [
            (
                HopChoice::Auto,
                "auto: mutual TLS where the gateway has a port for it",
            ),
            (HopChoice::Mtls, "mtls: the gateway knows who calls"),
            (
                HopChoice::Plain,
                "plain: as the application sent it, in clear for HTTP",
            ),
        ];
        let lines: Vec<&str> = hops.iter().map(|(_, line)| *line).collect();
        let prompt = "TLS between sidecar and gateway (--hop)";
        args.flow.hop = hops[Select::new()
            .with_prompt(prompt)
            .items(&lines)
            .default(0)
            .interact_on(term)?]
        .0;
        Ok(())
    }

    fn targets(&self, term: &Term) -> dialoguer::Result<Vec<Target>> {
        let mut targets = Vec::new();
        if !self.hosts.is_empty() {
            let prompt = "Hosts that leave directly, declared or seen in access logs (space \
                to select, enter to continue)";
            let chosen = MultiSelect::new()
                .with_prompt(prompt)
                .items(self.hosts.iter().map(text))
                .interact_on(term)?;
            targets.extend(chosen.into_iter().map(|at| self.hosts[at].clone()));
        }
        let optional = !targets.is_empty();
        let input = Input::<String>::new()
            .with_prompt("Hosts, as HOST[:PORT][=PROTOCOL], with spaces between")
            .allow_empty(optional)
            .validate_with(move |line: &String| {
                parse(line).and_then(|found| {
                    if found.is_empty() && !optional {
                        Err("at least one host".to_owned())
                    } else {
                        Ok(())
                    }
                })
            })
            .interact_text_on(term)?;
        targets.extend(parse(&input).unwrap_or_default());
        Ok(targets)
    }

    fn gateway(&self, term: &Term) -> dialoguer::Result<GatewayName> {
        let new = GatewayPatch::default_place();
        let mut names: Vec<GatewayName> = self
            .gateways
            .iter()
            .map(|g| GatewayName {
                namespace: g.place.namespace.clone(),
                service: g.place.service.clone(),
            })
            .collect();
        let mut lines: Vec<String> = names
            .iter()
            .zip(&self.gateways)
            .map(|(n, g)| format!("{n} ({} pods)", g.pods.len()))
            .collect();
        let own = GatewayName {
            namespace: new.namespace,
            service: new.name,
        };
        if !names.contains(&own) {
            lines.push(format!("{own} (a new one)"));
            names.push(own);
        }
        let prompt = "Gateway (--gateway)";
        let at = Select::new()
            .with_prompt(prompt)
            .items(&lines)
            .default(0)
            .interact_on(term)?;
        Ok(names.swap_remove(at))
    }
}

fn parse(line: &str) -> Result<Vec<Target>, String> {
    line.split([' ', ','])
        .filter(|word| !word.is_empty())
        .map(str::parse)
        .collect()
}

/// Hosts of `ServiceEntry`s that no route of the sidecars takes elsewhere.
fn declared(snapshot: &Snapshot) -> Vec<Target> {
    let routed = snapshot
        .objects
        .virtual_services
        .iter()
        .filter(|v| v.spec.bound_to().contains(&MESH));
    let routed: BTreeSet<&String> = routed.flat_map(|v| &v.spec.hosts).collect();
    let mut targets = BTreeSet::new();
    for entry in snapshot
        .objects
        .service_entries
        .iter()
        .filter(|e| e.spec.location != "MESH_INTERNAL")
    {
        for host in entry.spec.hosts.iter().filter(|h| !routed.contains(h)) {
            let Ok(host @ Host::Name(_)) = host.parse::<Host>() else {
                continue;
            };
            let ports = entry
                .spec
                .ports
                .iter()
                .filter_map(|p| Some((p.number, protocol(&p.protocol)?)));
            targets.extend(ports.map(|(port, protocol)| Target {
                host: host.clone(),
                port,
                protocol,
            }));
        }
    }
    targets.into_iter().collect()
}

fn protocol(name: &str) -> Option<AppProtocol> {
    let protocol = crate::istio::Protocol::parse(name);
    match protocol {
        p if p.is_http() => Some(AppProtocol::Http),
        p if p.is_tls() => Some(AppProtocol::Tls),
        p if p.is_tcp() => Some(AppProtocol::Tcp),
        _ => None,
    }
}

fn text(target: &Target) -> String {
    format!("{target}={}", target.protocol.name())
}

/// The command that does the same without a question.
pub(super) fn command(args: &SetupArgs) -> String {
    let mut words = vec!["kubectl egress setup".to_owned()];
    words.extend(args.targets.iter().map(text));
    words.extend(args.from.iter().map(|client| format!("--from {client}")));
    words.extend(
        args.gateway
            .iter()
            .map(|gateway| format!("--gateway {gateway}")),
    );
    if args.inject {
        words.push("--inject".into());
    }
    if args.flow.originate_tls {
        words.push("--originate-tls".into());
    }
    match args.flow.hop {
        HopChoice::Auto => {}
        HopChoice::Mtls => words.push("--hop mtls".into()),
        HopChoice::Plain => words.push("--hop plain".into()),
    }
    words.push("-y".into());
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kubernetes::Kind;
    use serde_json::json;

    #[test]
    fn declared_hosts_that_nobody_routes_are_offered() {
        let mut snapshot = Snapshot::default();
        let entry = |name: &str, host: &str| {
            json!({"metadata": {"name": name, "namespace": "ns"}, "spec": {"hosts": [host], "ports": [
                {"number": 443, "protocol": "HTTPS", "name": "a"}, {"number": 9, "protocol": "UDP", "name": "b"}]}})
        };
        let route = json!({"metadata": {"name": "x", "namespace": "ns"}, "spec": {"hosts": ["routed.com"]}});
        snapshot
            .objects
            .put(Kind::ServiceEntry, entry("a", "free.com"))
            .unwrap();
        snapshot
            .objects
            .put(Kind::ServiceEntry, entry("b", "routed.com"))
            .unwrap();
        snapshot
            .objects
            .put(Kind::ServiceEntry, entry("c", "*.wild.com"))
            .unwrap();
        snapshot.objects.put(Kind::VirtualService, route).unwrap();
        assert_eq!(
            declared(&snapshot).iter().map(text).collect::<Vec<_>>(),
            ["free.com:443=tls"]
        );
    }

    #[test]
    fn a_line_of_hosts_is_parsed_or_says_what_is_wrong() {
        assert_eq!(parse("a.com b.com:80, c.com:5=tcp").unwrap().len(), 3);
        assert!(parse("a.com b..com").unwrap_err().contains("b..com"));
    }
}
