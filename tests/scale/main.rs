//! What a look costs must grow with the hosts, not with their square. Allocations are counted, not
//! time: the count is the same on a busy machine.

use kubectl_egress::checks::engine::{Case, Choice, examine, follow};
use kubectl_egress::checks::finding::Finding;
use kubectl_egress::checks::fold::{Looked, fold};
use kubectl_egress::checks::registry::CHECKS;
use kubectl_egress::checks::{Check, Layer};
use kubectl_egress::model::trace::HopName;
use kubectl_egress::model::{World, paths};
use kubectl_egress::snapshot::{Origin, Snapshot};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use std::alloc::System;
use std::collections::BTreeSet;
use std::fmt::Write;

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

const FEW: usize = 100;
const MANY: usize = 1_000;

/// Ten times the hosts may cost so many times as much: an exponent of 1.1.
const MOST: f64 = 12.6;

/// What is wrong with every host.
#[derive(Clone, Copy, Debug)]
enum Fault {
    None,
    /// The rule of the gateway sends to a port that the host does not declare.
    Port,
}

const NAMESPACE: &str = "apiVersion: v1
kind: Namespace
metadata: {name: team, labels: {istio-injection: enabled}}
";

/// Five objects a host, as Istio's task has them: one VirtualService for both halves.
fn manifests(hosts: usize, fault: Fault) -> String {
    let mut text = NAMESPACE.to_owned();
    for at in 0..hosts {
        text.push_str(&of_task(at, fault));
    }
    text
}

fn of_task(at: usize, fault: Fault) -> String {
    let host = format!("h{at}.example.com");
    let port = match fault {
        Fault::None => 443,
        Fault::Port => 8443,
    };
    format!(
        "---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {{name: h{at}, namespace: team}}
spec: {{hosts: [{host}], resolution: DNS, ports: [{{number: 443, name: tls, protocol: TLS}}, \
{{number: 80, name: http, protocol: HTTP}}]}}
---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {{name: h{at}, namespace: team}}
spec:
  selector: {{istio: egressgateway}}
  servers: [{{hosts: [{host}], port: {{number: 443, name: tls, protocol: TLS}}, tls: {{mode: \
  PASSTHROUGH}}}}]
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {{name: h{at}, namespace: team}}
spec: {{host: istio-egressgateway.istio-system.svc.cluster.local, subsets: [{{name: h{at}}}]}}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {{name: h{at}, namespace: team}}
spec:
  hosts: [{host}]
  gateways: [mesh, h{at}]
  tls:
  - match: [{{gateways: [mesh], port: 443, sniHosts: [{host}]}}]
    route: [{{destination: {{host: istio-egressgateway.istio-system.svc.cluster.local, subset: \
    h{at}, port: {{number: 443}}}}}}]
  - match: [{{gateways: [h{at}], port: 443, sniHosts: [{host}]}}]
    route: [{{destination: {{host: {host}, port: {{number: {port}}}}}}}]
---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {{name: h{at}, namespace: other}}
spec: {{}}
"
    )
}

fn snapshot(hosts: usize, fault: Fault) -> Snapshot {
    let mut snapshot = Snapshot::offline().expect("the base");
    let origin = Origin {
        path: "hosts.yaml",
        namespace: "team",
    };
    snapshot
        .lay(&manifests(hosts, fault), origin)
        .expect("manifests");
    snapshot.seal();
    snapshot
}

fn look(snapshot: &Snapshot) -> (Vec<Case>, Vec<Finding>) {
    let world = World::new(snapshot);
    let clients = ["team".parse().expect("a client")];
    let paths = paths::wired(&world, &clients, &[]);
    let cases = follow(&world, paths, false);
    let choice = Choice {
        layers: [Layer::Intended].into(),
        only: Vec::new(),
    };
    let checks: Vec<&Check> = choice.of(CHECKS);
    let findings = examine(&world, &cases, &checks).findings;
    let looked = Looked {
        snapshot,
        cases: &cases,
        checks: &checks,
    };
    let findings = fold(&looked, findings);
    (cases, findings)
}

/// How many allocations it takes, and what comes of it.
fn counted<T>(work: impl FnOnce() -> T) -> (f64, T) {
    let region = Region::new(ALLOCATOR);
    let done = work();
    #[allow(clippy::cast_precision_loss)]
    let allocations = region.change().allocations as f64;
    (allocations, done)
}

// One test: the allocator counts for the whole process.
#[test]
fn ten_times_the_hosts_cost_ten_times_as_much() {
    let mut wrong = String::new();
    let mut hold = |what: &str, few: f64, many: f64| {
        let times = many / few;
        println!("{what}: {few} allocations at {FEW} hosts, {times:.1} times as many at {MANY}");
        if times > MOST {
            let _ = writeln!(wrong, "{what}: {times:.1} times as many allocations");
        }
    };
    let (few, _) = counted(|| snapshot(FEW, Fault::None));
    let (many, _) = counted(|| snapshot(MANY, Fault::None));
    hold("reading manifests", few, many);
    for fault in [Fault::None, Fault::Port] {
        let (small, large) = (snapshot(FEW, fault), snapshot(MANY, fault));
        let (few, _) = counted(|| look(&small));
        let (many, (cases, findings)) = counted(|| look(&large));
        assert!(cases.len() >= MANY, "{fault:?}: {} paths", cases.len());
        let through =
            |case: &&Case| case.walk.sends.as_ref().map(|s| s.from) == Some(HopName::Gateway);
        let healthy = cases.iter().filter(through).count();
        let broken: BTreeSet<usize> = findings.iter().flat_map(|f| f.paths.clone()).collect();
        let (right, wrong) = match fault {
            Fault::None => (cases.len(), 0),
            Fault::Port => (0, cases.len()),
        };
        assert_eq!((healthy, broken.len()), (right, wrong), "{fault:?}");
        hold(&format!("looking, {fault:?}"), few, many);
    }
    assert!(wrong.is_empty(), "{wrong}");
}
