//! Whether the clients can use a gateway at all: their namespace exists and their pods have a
//! sidecar. Without one nothing that we write reaches them; in the ambient mesh there is none.

use crate::error::Error;
use crate::kubernetes::Kind;
use crate::kubernetes::pod::Pod;
use crate::model::injection::{is_ambient, labelled, labelled_ambient};
use crate::model::target::Client;
use crate::snapshot::Snapshot;

/// The pods of one client.
#[derive(Clone, Debug)]
pub struct ClientPods {
    /// Who calls.
    pub client: Client,
    /// Running pods with a sidecar.
    pub with_sidecar: Vec<Pod>,
    /// Running pods without one: they leave directly.
    pub without_sidecar: Vec<String>,
    /// Running pods of the ambient mesh: ztunnel takes their connections.
    pub ambient: Vec<String>,
}

/// Find a client's pods, or say in one sentence why there can be no path from it.
pub fn client_pods(snapshot: &Snapshot, client: &Client) -> Result<ClientPods, Error> {
    let namespace = snapshot
        .objects
        .namespaces
        .iter()
        .find(|n| n.name() == client.namespace);
    let listed = !snapshot
        .unseen
        .iter()
        .any(|u| u.what.is_list(Kind::Namespace));
    if listed && namespace.is_none() {
        return Err(Error::NotFound {
            what: format!("namespace {}", client.namespace),
            hint: None,
        });
    }
    let pods: Vec<&Pod> = pods_of(snapshot, client).collect();
    if pods.is_empty() && client.workload.is_some() {
        return Err(Error::NotFound {
            what: format!("a running pod of {client}"),
            hint: None,
        });
    }
    let (with, without): (Vec<&Pod>, Vec<&Pod>) =
        pods.into_iter().partition(|p| p.spec.proxy().is_some());
    refuse_ambient(snapshot, client)?;
    let meta = namespace.map(|namespace| &namespace.metadata);
    let (ambient, without): (Vec<&Pod>, Vec<&Pod>) =
        without.into_iter().partition(|pod| is_ambient(meta, pod));
    let injected = meta.is_some_and(labelled);
    if with.is_empty() && (!without.is_empty() || !injected) {
        return Err(not_injected(client, injected, &without));
    }
    Ok(ClientPods {
        client: client.clone(),
        with_sidecar: with.into_iter().cloned().collect(),
        without_sidecar: without.iter().map(|p| p.name().to_owned()).collect(),
        ambient: ambient.iter().map(|p| p.name().to_owned()).collect(),
    })
}

/// Refuse a client that has no sidecar since it is of the ambient mesh. It is not told to take one:
/// which of the two it has is its owners' choice.
pub fn refuse_ambient(snapshot: &Snapshot, client: &Client) -> Result<(), Error> {
    let mut namespaces = snapshot.objects.namespaces.iter();
    let namespace = namespaces
        .find(|namespace| namespace.name() == client.namespace)
        .map(|namespace| &namespace.metadata);
    let pods: Vec<&Pod> = pods_of(snapshot, client).collect();
    let ambient = pods.iter().filter(|pod| is_ambient(namespace, pod));
    let names: Vec<&str> = ambient.map(|pod| pod.name()).take(3).collect();
    let is_empty = pods.is_empty() && namespace.is_some_and(labelled_ambient);
    let has_sidecars = pods.iter().any(|pod| pod.spec.proxy().is_some());
    if has_sidecars || (names.is_empty() && !is_empty) {
        return Ok(());
    }
    let which = if is_empty {
        String::new()
    } else {
        format!(": {}", names.join(", "))
    };
    Err(Error::Refused {
        why: format!(
            "{client} is of the ambient mesh, where ztunnel takes the connections and the routes \
             that setup writes do not apply{which}"
        ),
        hint: Some(
            "setup routes clients with sidecars; in the ambient mesh egress goes through a \
             waypoint: https://istio.io/latest/docs/ambient/usage/waypoint/"
                .into(),
        ),
    })
}

fn pods_of<'s>(snapshot: &'s Snapshot, client: &'s Client) -> impl Iterator<Item = &'s Pod> {
    let pods = snapshot.objects.pods.iter();
    pods.filter(move |pod| is_client(pod, client))
}

fn is_client(pod: &Pod, client: &Client) -> bool {
    pod.namespace() == client.namespace
        && pod.is_running()
        && !pod.spec.host_network
        && !pod.spec.is_proxy_alone()
        && client
            .workload
            .as_ref()
            .is_none_or(|(_, name)| *name == pod.workload_name() || name == pod.name())
}

fn not_injected(client: &Client, injected: bool, without: &[&Pod]) -> Error {
    let namespace = &client.namespace;
    if without.is_empty() {
        return Error::Refused {
            why: format!(
                "namespace {namespace} is not injected: it has neither istio-injection=enabled nor \
                 istio.io/rev"
            ),
            hint: Some(format!(
                "kubectl label namespace {namespace} istio-injection=enabled, or setup --inject"
            )),
        };
    }
    let names: Vec<&str> = without.iter().take(3).map(|p| p.name()).collect();
    let hint = if injected {
        format!(
            "they are older than the namespace's label: kubectl rollout restart deployment -n \
             {namespace}"
        )
    } else {
        format!(
            "label the namespace (istio-injection=enabled) and restart its workloads, or setup \
             --inject -n {namespace}"
        )
    };
    Error::Refused {
        why: format!(
            "no pod of {client} has a sidecar, so none can be sent through a gateway: {}",
            names.join(", ")
        ),
        hint: Some(hint),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn check(labels: &Value, containers: &[&str]) -> Result<ClientPods, Error> {
        let mut snapshot = Snapshot::default();
        snapshot
            .objects
            .put(
                Kind::Namespace,
                json!({"metadata": {"name": "team", "labels": labels}}),
            )
            .unwrap();
        if !containers.is_empty() {
            let list: Vec<Value> = containers
                .iter()
                .map(|n| json!({"name": n, "args": ["proxy", "sidecar"]}))
                .collect();
            let pod = json!({
                "metadata": {"name": "app-1", "namespace": "team"}, "spec": {"containers": list},
                "status": {"phase": "Running"},
            });
            snapshot.objects.put(Kind::Pod, pod).unwrap();
        }
        client_pods(&snapshot, &"team".parse().unwrap())
    }

    #[test]
    fn a_client_without_a_sidecar_is_refused_with_the_reason() {
        let on = json!({"istio-injection": "enabled"});
        assert_eq!(
            check(&on, &["app", "istio-proxy"])
                .unwrap()
                .with_sidecar
                .len(),
            1
        );
        assert_eq!(
            check(&json!({}), &["app", "istio-proxy"])
                .unwrap()
                .with_sidecar
                .len(),
            1
        );
        assert!(check(&on, &[]).unwrap().with_sidecar.is_empty());
        let late = check(&on, &["app"]).unwrap_err();
        assert!(late.advice().unwrap().contains("rollout restart"));
        assert!(
            check(&json!({}), &[])
                .unwrap_err()
                .to_string()
                .contains("is not injected")
        );
        let off = json!({"istio-injection": "disabled", "istio.io/rev": "x"});
        assert!(check(&off, &[]).is_err());
        let nowhere = client_pods(&Snapshot::default(), &"team".parse().unwrap()).unwrap_err();
        assert_eq!(nowhere.to_string(), "namespace team not found");
    }

    #[test]
    fn a_client_of_the_ambient_mesh_is_refused_and_not_told_to_take_a_sidecar() {
        let ambient = json!({"istio.io/dataplane-mode": "ambient"});
        for containers in [&[][..], &["app"]] {
            let error = check(&ambient, containers).unwrap_err();
            let said = format!("{error} {}", error.advice().unwrap());
            assert!(said.contains("ambient mesh"), "{said}");
            assert!(
                !said.contains("inject") && !said.contains("restart"),
                "{said}"
            );
        }
        let beside = check(&ambient, &["app", "istio-proxy"]).unwrap();
        assert_eq!(beside.with_sidecar.len(), 1);
    }
}
