#![doc = include_str!("round.md")]

use crate::checks::finding::{Code, Finding, Fix, Severity};
use crate::checks::{Check, Layer, Outcome, View};
use crate::flow::LOCKDOWN;
use crate::kubernetes::{Kind, ObjectRef, Place};
use crate::model::policy_network::{Permission, Side, leaves_to};
use crate::model::trace::HopName;
use crate::probe::Observed;
use crate::probe::bypass::{Outcome as Came, RunawayKind, Way};

const CODE: Code = Code("EG630");

pub(in crate::checks) const CHECK: Check = Check {
    code: CODE,
    title: "The gateway can be bypassed",
    layer: Layer::Observed,
    page: include_str!("round.md"),
    look,
};

/// One way that was tried.
struct Tried<'v> {
    pod: &'v str,
    kind: RunawayKind,
    way: &'v Way,
    came: &'v Came,
    policy: Permission,
}

fn look(view: &View<'_>) -> Outcome {
    let tried = tried(view);
    let namespace = &view.path.client.namespace;
    let known: Vec<&Tried<'_>> = tried
        .iter()
        .filter(|t| !matches!(t.came, Came::Untried(_)))
        .collect();
    if known.is_empty() {
        let why = tried.first().map(|t| t.came.words().to_owned());
        return why.map_or(Outcome::Idle, Outcome::Skip);
    }
    let open = known.iter().filter(|t| t.came.through()).count();
    let leaks: Vec<&ObjectRef> = known.iter().flat_map(|t| t.ignored()).collect();
    let missing = ObjectRef::new(Kind::NetworkPolicy, namespace, LOCKDOWN).into();
    let mut found = if open == 0 {
        closed(namespace, known.len())
    } else {
        let culprit = leaks
            .first()
            .map_or(missing, |policy| (*policy).clone().at("spec"));
        opened(namespace, (open, known.len()), !leaks.is_empty()).on([culprit])
    };
    // What is open first: that is what somebody has to close.
    let (through, stopped): (Vec<&Tried<'_>>, Vec<&Tried<'_>>) =
        tried.iter().partition(|t| t.came.through());
    found
        .evidence
        .extend(through.into_iter().chain(stopped).map(Tried::line));
    Outcome::Found(vec![found])
}

fn closed(namespace: &str, ways: usize) -> Finding {
    let message =
        format!("none of the {ways} bypasses that pods of {namespace} could take was open");
    Finding::new(
        CODE,
        HopName::Client,
        format!("pods of {namespace} cannot bypass the gateway"),
        message,
    )
    .severity(Severity::Info)
}

fn opened(namespace: &str, (open, ways): (usize, usize), ignored: bool) -> Finding {
    let why = if ignored {
        "a NetworkPolicy closes some of them, and nothing enforces it"
    } else {
        "a mesh routes traffic and does not enforce it: only the network can close a bypass"
    };
    let message = format!("{open} of {ways} bypasses are open to pods of {namespace}; {why}");
    let found = Finding::new(
        CODE,
        HopName::Client,
        format!("{namespace} can bypass the gateway"),
        message,
    );
    if ignored {
        let advice = "install a network plugin that enforces NetworkPolicies, or let only the \
            gateway's nodes out by a firewall";
        return found.opens().fix(Fix::advice(advice));
    }
    let command = format!("kubectl egress lockdown {namespace}");
    let fix = Fix {
        commands: vec![command],
        ..Fix::advice("close them by a policy, and see whether it is enforced")
    };
    found.severity(Severity::Warning).fix(fix)
}

/// What was tried from the pods of the client's namespace, to all hosts: a way that is open to one
/// is open.
fn tried<'v>(view: &View<'v>) -> Vec<Tried<'v>> {
    let snapshot = view.world.snapshot;
    let mut all: Vec<Tried<'v>> = Vec::new();
    for observation in &snapshot.observations {
        let Observed::Round { kind, way, outcome } = &observation.observed else {
            continue;
        };
        let pod = observation.pod.as_str();
        let own = pod.split('/').next() == Some(&view.path.client.namespace);
        if own && !all.iter().any(|t| t.pod == pod && t.way == way) {
            let policy = policy(view, (pod, way));
            all.push(Tried {
                pod,
                kind: *kind,
                way,
                came: outcome,
                policy,
            });
        }
    }
    all
}

/// What the NetworkPolicies of a pod say of a way.
fn policy(view: &View<'_>, (name, way): (&str, &Way)) -> Permission {
    let snapshot = view.world.snapshot;
    let mut pods = snapshot.objects.pods.iter();
    let pod = pods.find(|p| {
        name.strip_prefix(p.namespace())
            .and_then(|n| n.strip_prefix('/'))
            == Some(p.name())
    });
    let known = match way {
        Way::Name(target) if *target == view.path.target => super::address(view),
        Way::Name(target) => view.world.resolved(&target.host.text()),
        Way::Address(..) | Way::Datagram(_) | Way::Straight(..) => None,
    };
    let known: Vec<_> = known.into_iter().collect();
    match (pod, way.leads_to(&known)) {
        (Some(pod), Some((transport, to))) => leaves_to(snapshot, &Side::of(pod), transport, to),
        _ => Permission::Free,
    }
}

impl Tried<'_> {
    /// The policies that close it, although it is open.
    fn ignored(&self) -> &[ObjectRef] {
        match &self.policy {
            Permission::Closed(by) if self.came.through() => by,
            _ => &[],
        }
    }

    fn line(&self) -> String {
        let word = match self.came {
            Came::Through(_) => "open",
            Came::Stopped(_) => "closed",
            Came::Untried(_) => "not tried",
        };
        let Tried {
            pod,
            kind,
            way,
            came,
            ..
        } = self;
        format!(
            "{word}: {pod} {}, to {way}: {}{}",
            kind.words(),
            came.words(),
            self.by()
        )
    }

    /// Who closes it, or lets it pass.
    fn by(&self) -> String {
        match (&self.policy, self.came) {
            (Permission::Closed(by), Came::Stopped(_)) => format!(", by {}", list(by)),
            (Permission::Closed(by), Came::Through(_)) => {
                format!(", although {} closes it", list(by))
            }
            (Permission::Allowed(Place { object, path }), Came::Through(_)) => {
                format!(", as {object} {path} allows")
            }
            (Permission::Free | Permission::Allowed(_), Came::Stopped(_)) => self.elsewhere(),
            _ => String::new(),
        }
    }

    /// Who closes what no policy closes.
    fn elsewhere(&self) -> String {
        let by = match (self.kind, self.way) {
            (_, Way::Straight(..)) => return String::new(),
            (RunawayKind::Sidecar, Way::Name(_) | Way::Address(..)) => {
                "its sidecar, or something outside Kubernetes"
            }
            _ => "something outside Kubernetes, or the host itself",
        };
        format!(", by {by}")
    }
}

fn list(policies: &[ObjectRef]) -> String {
    policies
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(", ")
}
