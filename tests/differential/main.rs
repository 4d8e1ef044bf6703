//! The model against the real thing: hundreds of random configurations on a live mesh, and for each
//! client, host and port the question whether the model and the proxies' own config dumps agree on
//! the listener's way, the cluster and the TLS, in the sidecar and at the gateway.
//!
//! `EGRESS_TEST_SEED` draws others, `EGRESS_TEST_ROUNDS` more of them.

mod draw;

use draw::{Dice, HOSTS, PORTS, TEAMS, configuration, marker};
use kubectl_egress::cluster::{Cluster, ConnectOptions};
use kubectl_egress::deadline::Deadline;
use kubectl_egress::envoy;
use kubectl_egress::kubernetes::Kind;
use kubectl_egress::model::target::{AppProtocol, Client, Target};
use kubectl_egress::model::trace::Step;
use kubectl_egress::model::{EgressPath, End, World};
use kubectl_egress::programmed;
use kubectl_egress::snapshot::{Look, Scope, Snapshot, take};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Configurations that live side by side in a round.
const SIDE_BY_SIDE: usize = 8;

/// Rounds, so that more than 300 configurations are judged.
const ROUNDS: usize = 40;

#[test]
fn the_model_and_the_proxies_agree() {
    let number = |name: &str, default: usize| {
        std::env::var(name)
            .ok()
            .and_then(|v| v.parse().ok())
            .unwrap_or(default)
    };
    let seed = number("EGRESS_TEST_SEED", 1);
    let mesh = Mesh::find();
    mesh.clear();
    mesh.clients();
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let mut tally = Tally::default();
    for round in 0..number("EGRESS_TEST_ROUNDS", ROUNDS) {
        let mut dice = Dice::new((seed * 10_000 + round) as u64);
        let objects = unambiguous(
            (0..SIDE_BY_SIDE)
                .flat_map(|n| configuration(&mut dice, n))
                .collect(),
        );
        mesh.apply(&objects);
        let (host, last) = marker(seed * 10_000 + round);
        mesh.apply(&last);
        let snapshot = runtime.block_on(mesh.read(&host));
        tally.configurations += SIDE_BY_SIDE;
        judge(&snapshot, (seed, round), &mut tally);
        mesh.clear();
    }
    mesh.remove_clients();
    println!(
        "{} configurations, {} paths, {} led to the gateway",
        tally.configurations, tally.paths, tally.through
    );
    assert!(
        tally.through > tally.paths / 20,
        "too few paths lead to the gateway for this to prove anything"
    );
    assert!(
        tally.wrong.is_empty(),
        "{} of {} paths part:\n{}",
        tally.wrong.len(),
        tally.paths,
        tally.wrong.join("\n")
    );
}

/// Of two entries for a host in one namespace that are made in the same second, istiod takes
/// whichever it meets first (`SortServicesByCreationTime` has nothing left to compare): only one of
/// them is drawn.
fn unambiguous(objects: Vec<Value>) -> Vec<Value> {
    let mut seen = std::collections::BTreeSet::new();
    let mut first = |o: &Value| {
        let key = (
            o["metadata"]["namespace"].to_string(),
            o["spec"]["hosts"].to_string(),
        );
        o["kind"] != "ServiceEntry" || seen.insert(key)
    };
    objects.into_iter().filter(|o| first(o)).collect()
}

#[derive(Default)]
struct Tally {
    configurations: usize,
    paths: usize,
    through: usize,
    wrong: Vec<String>,
}

fn judge(snapshot: &Snapshot, (seed, round): (usize, usize), tally: &mut Tally) {
    let world = World::new(snapshot);
    for path in paths(snapshot) {
        let walk = world.walk(&path);
        let programmed = match programmed::trace(snapshot, &path, &walk) {
            Look::Seen(trace) => trace,
            Look::Unseen(why) => panic!("{path}: {why}"),
        };
        tally.paths += 1;
        tally.through += usize::from(walk.exit.is_some());
        // Whether a name resolves is the world's matter, not the objects'.
        if unresolved(&programmed.sidecar) || programmed.gateway.as_ref().is_some_and(unresolved) {
            continue;
        }
        if let Some(parting) = programmed::parting(&walk.trace, &programmed) {
            let words = format!(
                "seed {seed} round {round} {path} ({}): {} at the {}: model {}, proxy {}",
                path.target.protocol.name(),
                parting.what,
                parting.hop,
                parting.intended,
                parting.programmed
            );
            tally.wrong.push(words);
        }
    }
}

fn unresolved(step: &Step) -> bool {
    step.ends
        .as_ref()
        .is_some_and(|d| d.value == End::Unresolved)
}

fn paths(snapshot: &Snapshot) -> Vec<EgressPath> {
    let mut all = Vec::new();
    for team in TEAMS {
        let mut pods = snapshot
            .objects
            .pods
            .iter()
            .filter(|p| p.namespace() == team && p.is_ready());
        let pod = pods
            .next()
            .unwrap_or_else(|| panic!("no client in {team}"))
            .name()
            .to_owned();
        for host in HOSTS {
            for port in PORTS {
                let protocol = match port {
                    80 => AppProtocol::Http,
                    443 => AppProtocol::Tls,
                    _ => AppProtocol::Tcp,
                };
                let target = Target {
                    host: host.parse().expect("a host"),
                    port,
                    protocol,
                };
                let client = Client {
                    namespace: team.into(),
                    workload: Some((Kind::Deployment, "client".into())),
                };
                all.push(EgressPath {
                    target,
                    client,
                    pod: Some(pod.clone()),
                });
            }
        }
    }
    all
}

struct Mesh {
    kubeconfig: PathBuf,
    path: String,
}

impl Mesh {
    fn find() -> Self {
        let path = std::env::var("PATH").unwrap_or_default();
        if let Some(kubeconfig) = std::env::var_os("EGRESS_TEST_KUBECONFIG") {
            return Self {
                kubeconfig: kubeconfig.into(),
                path,
            };
        }
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/mesh/mesh");
        let name = std::env::var("EGRESS_TEST_MESH").unwrap_or_else(|_| "main".into());
        let env = Command::new(&script)
            .args(["env", &name])
            .output()
            .expect("the mesh script runs");
        let env = String::from_utf8(env.stdout).expect("mesh env is text");
        let value = |key: &str| {
            let line = env
                .lines()
                .find_map(|l| l.strip_prefix(&format!("export {key}=")))
                .expect("mesh env names it");
            line.trim_end_matches(":\"$PATH\"")
                .trim_end_matches(":$PATH")
                .to_owned()
        };
        Self {
            kubeconfig: value("KUBECONFIG").into(),
            path: format!("{}:{path}", value("PATH")),
        }
    }

    fn kubectl(&self, arguments: &[&str], input: &str) -> (bool, String) {
        use std::io::Write;
        let mut command = Command::new("kubectl");
        command
            .args(arguments)
            .env("KUBECONFIG", &self.kubeconfig)
            .env("PATH", &self.path);
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().expect("kubectl runs");
        child
            .stdin
            .take()
            .expect("a pipe")
            .write_all(input.as_bytes())
            .expect("kubectl reads");
        let output = child.wait_with_output().expect("kubectl ends");
        (
            output.status.success(),
            String::from_utf8_lossy(&output.stderr).into_owned(),
        )
    }

    /// What the webhook refuses was not valid, and is not there.
    fn apply(&self, objects: &[Value]) {
        let list =
            serde_json::json!({"apiVersion": "v1", "kind": "List", "items": objects}).to_string();
        let (done, error) = self.kubectl(&["apply", "--server-side", "-f", "-"], &list);
        assert!(
            done || error.contains("denied the request"),
            "kubectl apply: {error}"
        );
    }

    fn clear(&self) {
        let kinds =
            "serviceentries,gateways.networking.istio.io,virtualservices,destinationrules,sidecars";
        for namespace in TEAMS.iter().chain(&["istio-system"]) {
            let (done, error) = self.kubectl(&["delete", kinds, "--all", "-n", namespace], "");
            assert!(done, "kubectl delete: {error}");
        }
    }

    fn clients(&self) {
        for team in TEAMS {
            let manifest = format!(
                "apiVersion: v1\nkind: Namespace\nmetadata: {{name: {team}, labels: \
                 {{istio-injection: enabled}}}}\n---\n\
                 apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: client, namespace: \
                 {team}}}\nspec:\n  \
                 selector: {{matchLabels: {{app: client}}}}\n  template:\n    metadata: {{labels: \
                 {{app: client}}}}\n    spec:\n      \
                 terminationGracePeriodSeconds: 0\n      containers: [{{name: client, image: \
                 \"localhost/mesh/app:1\", command: [sleep, infinity]}}]\n"
            );
            let (done, error) = self.kubectl(&["apply", "-f", "-"], &manifest);
            assert!(done, "kubectl apply: {error}");
        }
        for team in TEAMS {
            let (done, error) = self.kubectl(
                &[
                    "-n",
                    team,
                    "rollout",
                    "status",
                    "deploy/client",
                    "--timeout=90s",
                ],
                "",
            );
            assert!(done, "{error}");
        }
    }

    fn remove_clients(&self) {
        for team in TEAMS {
            self.kubectl(&["delete", "namespace", team, "--wait=false"], "");
        }
    }

    /// The objects and the proxies, once every proxy has the marker and so all that was written
    /// before it.
    async fn read(&self, marker: &str) -> Snapshot {
        let options = ConnectOptions {
            kubeconfig: Some(self.kubeconfig.clone()),
            ..ConnectOptions::default()
        };
        let cluster = Cluster::connect(&options).await.expect("the mesh answers");
        let mut snapshot = take(&cluster, &Scope::default())
            .await
            .expect("the objects are read");
        let deadline = Deadline::after(Duration::from_secs(40));
        let clients = snapshot
            .objects
            .pods
            .iter()
            .filter(|p| TEAMS.contains(&p.namespace()) && p.is_ready());
        let gateways = snapshot
            .objects
            .pods
            .iter()
            .filter(|p| p.name().starts_with("istio-egressgateway") && p.is_ready());
        let pods: Vec<(String, String, bool)> = clients
            .map(|p| (p.namespace().to_owned(), p.name().to_owned(), true))
            .chain(gateways.map(|p| (p.namespace().to_owned(), p.name().to_owned(), false)))
            .collect();
        for (namespace, name, sidecar) in pods {
            let proxy = loop {
                let proxy = envoy::read(&cluster, &namespace, &name)
                    .await
                    .expect("the proxy is read");
                if has(&proxy, marker, sidecar) {
                    break proxy;
                }
                assert!(
                    !deadline.passed(),
                    "{namespace}/{name} does not get {marker}"
                );
                tokio::time::sleep(Duration::from_millis(100)).await;
            };
            snapshot.proxies.insert(
                format!("{namespace}/{name}"),
                Look::Seen(settled(&cluster, (&namespace, &name), proxy).await),
            );
        }
        snapshot
    }
}

/// A Sidecar may hide the marker: its namespace's proxy is then judged when nothing has changed for
/// a while.
fn has(proxy: &envoy::Proxy, marker: &str, sidecar: bool) -> bool {
    let name = format!("outbound|6000||{marker}");
    proxy.cluster(&name).is_some()
        || (sidecar
            && !proxy
                .clusters
                .iter()
                .any(|c| c.name.contains(".marker.test")))
}

/// Listeners and routes come after clusters: wait until two readings are the same.
async fn settled(
    cluster: &Cluster,
    (namespace, name): (&str, &str),
    first: envoy::Proxy,
) -> envoy::Proxy {
    let end = Instant::now() + Duration::from_secs(20);
    let mut last = first;
    loop {
        tokio::time::sleep(Duration::from_millis(250)).await;
        let next = envoy::read(cluster, namespace, name)
            .await
            .expect("the proxy is read");
        let same = next.listeners == last.listeners
            && next.routes == last.routes
            && names(&next) == names(&last);
        if same || Instant::now() > end {
            return next;
        }
        last = next;
    }
}

fn names(proxy: &envoy::Proxy) -> Vec<&str> {
    proxy.clusters.iter().map(|c| c.name.as_str()).collect()
}
