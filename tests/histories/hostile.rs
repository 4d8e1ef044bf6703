//! A tenant with every right in one namespace and none elsewhere. Whatever is written there, an
//! administrator's commands change nothing outside it that they would not have changed, and go on.

use super::api::{OTHERS, State};
use super::mesh::{namespace, pod, service};
use super::run::{Outcome, run};
use super::story::{History, Step};
use super::world::World;
use serde_json::{Value, json};
use std::sync::Arc;

const TENANT: &str = "tenant";
const QUICK: &str = "--wait=false -y --timeout 30s";
const MANAGER: &str = "kubectl-egress";

/// Something that the tenant writes.
struct Plant {
    what: String,
    object: Value,
    /// The field manager that it names: anybody may name any.
    manager: &'static str,
}

fn teams() -> Vec<Value> {
    let history = History {
        others: Vec::new(),
        steps: Vec::new(),
        teams_leave: false,
    };
    let mut all = history.objects();
    all.push(namespace(TENANT, &json!({})));
    all
}

/// What people have set up: every kind of record there is.
fn honest() -> Vec<Step> {
    let step = |namespace: &str, words: &str| Step::new(namespace, &format!("{words} {QUICK}"));
    let found = "--gateway istio-system/istio-egressgateway --no-probe";
    let new = "--gateway egress-one/gateway --no-probe";
    let operator = "--gateway egress-three/gateway --installer istiooperator --no-probe";
    vec![
        step("team-a", &format!("setup a.example.com {found}")),
        step("team-b", &format!("setup b.example.com {new}")),
        step("team-b", &format!("setup c.example.com {operator}")),
        step("team-c", &format!("setup a.example.com {found} --inject")),
        step("team-a", "lockdown team-a --no-probe"),
    ]
}

/// What an administrator runs, by verb; the tenant's namespace is not among those named.
fn verbs() -> Vec<Step> {
    let found = "--gateway istio-system/istio-egressgateway --no-probe";
    vec![
        Step::new("default", "status -A"),
        Step::new("default", "doctor -A --layers intended"),
        Step::new("team-b", &format!("setup d.example.com {found} {QUICK}")),
        Step::new("team-b", &format!("setup f.example.com --no-probe {QUICK}")),
        Step::new("team-b", &format!("lockdown team-b --no-probe {QUICK}")),
        Step::new("team-b", &format!("unlock team-b {QUICK}")),
        Step::new(
            "team-b",
            &format!("cleanup d.example.com f.example.com {QUICK}"),
        ),
        Step::new("strangers", &format!("cleanup --all {QUICK}")),
        Step::new("default", &format!("cleanup --all -A {QUICK}")),
    ]
}

fn outcome(world: &Arc<World>, step: &Step) -> Outcome {
    run(world, step).pop().expect("it ended")
}

/// All objects with our marks, as the tenant may have copied them.
fn marked(state: &State) -> Vec<Value> {
    let label = "/metadata/labels/app.kubernetes.io~1managed-by";
    let ours = state
        .0
        .values()
        .filter(|o| o.pointer(label) == Some(&json!(MANAGER)));
    ours.cloned().collect()
}

/// A copy in the tenant's namespace, without the server's own fields.
fn copy(object: &Value) -> Option<Value> {
    object.pointer("/metadata/namespace")?;
    let mut copy = object.clone();
    copy.as_object_mut()?.remove("status");
    let meta = copy["metadata"].as_object_mut()?;
    for field in [
        "uid",
        "creationTimestamp",
        "managedFields",
        "ownerReferences",
    ] {
        meta.remove(field);
    }
    meta.insert("namespace".into(), json!(TENANT));
    Some(copy)
}

/// The id that the parent of a set has by KEP-3659: whoever knows the formula can give a copy the
/// right one.
fn id(name: &str) -> String {
    use base64::Engine;
    use sha2::{Digest, Sha256};
    let hash = Sha256::digest(format!("{name}.{TENANT}.ConfigMap."));
    let text = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(hash);
    format!("applyset-{text}-v1")
}

/// A copy of a record under the id of its own set, with another text.
fn forged(record: &Value, text: impl Fn(&str) -> String) -> Option<Value> {
    let mut forged = copy(record)?;
    let name = forged["metadata"]["name"].as_str()?.to_owned();
    forged["metadata"]["labels"]["applyset.kubernetes.io/id"] = json!(id(&name));
    for value in forged["data"].as_object_mut()?.values_mut() {
        *value = json!(text(value.as_str()?));
    }
    Some(forged)
}

/// Plants made of one real record.
fn of_record(record: &Value) -> Vec<Plant> {
    let name = record["metadata"]["name"].as_str().unwrap_or_default();
    let own = record["metadata"]["namespace"].as_str().unwrap_or_default();
    let own = format!("\"{own}\"");
    let here = |text: &str| text.replace(&own, "\"tenant\"");
    let mut all = Vec::new();
    let mut add = |what: &str, manager: &'static str, object: Option<Value>| {
        let what = format!("{name}: {what}");
        all.extend(object.map(|object| Plant {
            what,
            object,
            manager,
        }));
    };
    add("a copy", MANAGER, copy(record));
    add("a backup", "velero-server", copy(record));
    add(
        "a copy with its own id",
        MANAGER,
        forged(record, str::to_owned),
    );
    add(
        "a copy with its own id by somebody else",
        OTHERS,
        forged(record, here),
    );
    add("a copy of this place", MANAGER, forged(record, here));
    for victim in ["team-a", "team-b", "team-c", "kube-system"] {
        let other = format!("\"{victim}\"");
        let of_victim = |text: &str| {
            let mut text = here(text);
            for team in ["team-a", "team-b", "team-c"] {
                text = text.replace(&format!("\"{team}\""), &other);
            }
            text
        };
        add(&format!("for {victim}"), MANAGER, forged(record, of_victim));
        let all_of_it = |text: &str| text.replace(&own, &other);
        add(&format!("of {victim}"), MANAGER, forged(record, all_of_it));
    }
    let path = "\"../../../../api/v1/namespaces/kube-system\"";
    add(
        "a path for a name",
        MANAGER,
        forged(record, |t| t.replace(&own, path)),
    );
    add(
        "cut short",
        MANAGER,
        forged(record, |t| t[..t.len() / 2].to_owned()),
    );
    add("no JSON", MANAGER, forged(record, |_| "\u{1b}[31m{".into()));
    add(
        "another JSON",
        MANAGER,
        forged(record, |_| "[null, 1, {}]".into()),
    );
    add("deep", MANAGER, forged(record, |_| "[".repeat(50_000)));
    add(
        "giant",
        MANAGER,
        forged(record, |_| format!("\"{}\"", "a".repeat(800_000))),
    );
    all
}

/// What does not need a real one: the names and labels that are well known, and an older format.
fn well_known() -> Vec<Plant> {
    let labels = |name: &str| json!({"app.kubernetes.io/managed-by": MANAGER, "applyset.kubernetes.io/id": id(name)});
    let map = |what: &str, name: &str, data: &Value| Plant {
        what: format!("{name}: {what}"),
        object: json!({"apiVersion": "v1", "kind": "ConfigMap",
                       "metadata": {"name": name, "namespace": TENANT, "labels": labels(name)}, "data": data}),
        manager: MANAGER,
    };
    let injection = json!({"namespace": "kube-system", "label": "pod-security.kubernetes.io/enforce",
        "value": "", "prior": "privileged", "by": {"who": "x", "when": "x", "command": "x"},
        "workloads": [{"kind": "Deployment", "namespace": "team-b", "name": "client"}]});
    let operator = json!({"installer": "istiooperator", "by": {"who": "x", "when": "x", "command": "x"}, "objects": [],
        "patch": {"name": "istio-egressgateway", "namespace": "istio-system", "enabled": true, "k8s": {"service": {}}},
        "restore": {"operator": {"object": {"kind": "IstioOperator", "namespace": "istio-system", "name": "mesh"},
            "component": {"name": "istio-egressgateway", "namespace": "istio-system"},
            "hadComponents": false, "hadList": false, "owner": "others"}}});
    let file = json!({"installer": "istioctl", "by": {"who": "x", "when": "x", "command": "x"}, "objects": [],
        "patch": {"name": "istiod", "namespace": "istio-system", "enabled": true, "k8s": {"service": {}}},
        "restore": {"file": {"path": "/etc/passwd", "added": "root", "replaced": "toor"}}});
    let gateway = json!({"installer": "injection", "by": {"who": "x", "when": "x", "command": "x"}, "patch": null,
        "objects": [{"kind": "Deployment", "namespace": "team-b", "name": "client"}, {"kind": "Namespace", "name": "team-b"}]});
    let lockdown = json!({"namespace": "team-b", "objects": [{"kind": "NetworkPolicy", "namespace": "team-a", "name": "theirs"}]});
    let text = |value: &Value| value.to_string();
    let mut all = vec![
        map(
            "labels of a namespace",
            MANAGER,
            &json!({"namespace.kube-system": text(&injection)}),
        ),
        map(
            "an operator's gateway",
            MANAGER,
            &json!({"gateway.istio-egressgateway": text(&operator)}),
        ),
        map("a file", MANAGER, &json!({"gateway.istiod": text(&file)})),
        map(
            "a stranger's objects",
            MANAGER,
            &json!({"gateway.client": text(&gateway)}),
        ),
        map(
            "a stranger's policy",
            MANAGER,
            &json!({"lockdown.team-b": text(&lockdown)}),
        ),
        map("nothing", MANAGER, &json!({})),
        map("an unknown key", MANAGER, &json!({"nobody.knows": "x"})),
        map(
            "no name that setup writes",
            "kubectl-egress-other",
            &json!({"record": "{}"}),
        ),
        map("nothing", "kubectl-egress-injection", &json!({})),
        map(
            "labels of a namespace",
            "kubectl-egress-injection",
            &json!({"record": text(&injection)}),
        ),
        map(
            "a stranger's policy",
            "kubectl-egress-lockdown",
            &json!({"record": text(&lockdown)}),
        ),
        map(
            "an operator's gateway",
            "kubectl-egress-gateway-istio-egressgateway",
            &json!({"record": text(&operator)}),
        ),
        map(
            "a file",
            "kubectl-egress-gateway-istiod",
            &json!({"record": text(&file)}),
        ),
        map(
            "a stranger's objects",
            "kubectl-egress-gateway-client",
            &json!({"record": text(&gateway)}),
        ),
    ];
    all[5].object["metadata"]["labels"]["applyset.kubernetes.io/id"] = json!("applyset-x-v1");
    all
}

/// What looks like a control plane, and like a gateway for egress.
fn impostors() -> Vec<Plant> {
    let plant = |what: &str, object: Value| Plant {
        what: what.into(),
        object,
        manager: OTHERS,
    };
    let istiod = |revision: &str| {
        let labels = json!({"app": "istiod", "istio.io/rev": revision});
        pod(
            TENANT,
            &format!("istiod-{revision}-0"),
            &labels,
            "discovery",
        )
    };
    let labels = json!({"istio": "egressgateway", "app": "istio-egressgateway"});
    let ports = json!([{"name": "tls", "port": 443, "targetPort": 8443}]);
    vec![
        plant("a control plane", istiod("default")),
        plant("a control plane of another revision", istiod("canary")),
        plant(
            "a router",
            pod(TENANT, "istio-egressgateway-0", &labels, "istio-proxy"),
        ),
        plant(
            "a gateway",
            service(TENANT, "istio-egressgateway", &labels, &ports),
        ),
    ]
}

/// Everything that the tenant plants, one at a time or all together.
fn plants(state: &State) -> Vec<Plant> {
    let mut all = Vec::new();
    for object in marked(state) {
        if object["kind"] == "ConfigMap" {
            all.extend(of_record(&object));
        } else if let Some(copied) = copy(&object) {
            for manager in [MANAGER, OTHERS] {
                all.push(Plant {
                    what: format!(
                        "a copy of {} {}",
                        object["kind"], object["metadata"]["name"]
                    ),
                    object: copied.clone(),
                    manager,
                });
            }
        }
    }
    all.extend(well_known());
    all.extend(impostors());
    all
}

/// What is not as it was, but for what lies in the tenant's own namespace.
fn outside(before: &State, after: &State) -> Vec<String> {
    let own = format!("/namespaces/{TENANT}/");
    let all = before.differences(after).into_iter();
    all.filter(|d| !d.path.contains(&own))
        .map(|d| d.to_string())
        .collect()
}

/// The world with what people have set up, and the state before and after that.
fn set_up(world: &Arc<World>) -> (State, State) {
    let before = world.begin(&teams());
    for step in honest() {
        let outcome = outcome(world, &step);
        assert!(outcome.done(), "{step}: {}", outcome.said);
    }
    (before, world.api.state())
}

#[test]
fn what_a_tenant_plants_changes_nothing_outside_its_namespace() {
    let mut world = World::shared();
    let (_, state) = set_up(&world);
    let plants = plants(&state);
    assert!(plants.len() >= 40, "only {} plants", plants.len());
    world.end(&world.api.state());
    let mut wrong = Vec::new();
    for plant in &plants {
        world.renew();
        let before = world.begin(&teams());
        world.api.put_as(plant.manager, &plant.object);
        let cleanup = Step::new("default", &format!("cleanup --all -A {QUICK}"));
        let outcome = outcome(&world, &cleanup);
        let after = world.api.state();
        let mut faults = outside(&before, &after);
        faults.extend(world.faults());
        if !outcome.done() {
            faults.push(format!(
                "it stops cleanup with {:?}: {}",
                outcome.code, outcome.said
            ));
        }
        wrong.extend(faults.iter().map(|f| format!("{}: {f}", plant.what)));
        world.end(&after);
    }
    assert!(
        wrong.is_empty(),
        "of {} plants:\n{}",
        plants.len(),
        wrong.join("\n")
    );
}

#[test]
fn what_a_tenant_plants_stops_nobody_and_is_named() {
    let mut world = World::shared();
    let (_, state) = set_up(&world);
    let plants = plants(&state);
    let alone: Vec<Outcome> = verbs().iter().map(|step| outcome(&world, step)).collect();
    world.end(&world.api.state());
    world.renew();
    let (before, _) = set_up(&world);
    for plant in &plants {
        // Of two with one name the last one counts; the first test had each for itself.
        world.api.put_as(plant.manager, &plant.object);
    }
    let (mut wrong, mut said) = (Vec::new(), Vec::new());
    for (step, alone) in verbs().iter().zip(&alone) {
        let outcome = outcome(&world, step);
        said.push(outcome.said.clone());
        let fair = outcome.code == alone.code || (alone.code == Some(0) && outcome.code == Some(3));
        if !fair {
            wrong.push(format!(
                "{step}: exit {:?}, without the plants {:?}: {}",
                outcome.code, alone.code, outcome.said
            ));
        }
    }
    // What the tenant's own objects use stays as long as they do.
    for difference in outside(&before, &world.api.state()) {
        let last = said.last().expect("verbs ran");
        if !last.contains(&format!("it is used by Gateway {TENANT}/")) {
            wrong.push(format!("{difference}: {last}"));
        }
    }
    for plant in &plants {
        world.api.delete(&world.api.path(&plant.object));
    }
    let last = Step::new("default", &format!("cleanup --all -A {QUICK}"));
    let last = outcome(&world, &last);
    if last.code != Some(0) {
        wrong.push(format!("{}: {:?}: {}", last.step, last.code, last.said));
    }
    wrong.extend(outside(&before, &world.api.state()));
    wrong.extend(world.faults());
    world.end(&world.api.state());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
