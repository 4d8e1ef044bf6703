//! Which gateway: the one that was named, the only one, or a new one.

use super::{FoundGateway, GatewayPatch, Installer, find_gateways};
use crate::error::Error;
use crate::plan::GatewayName;
use crate::snapshot::Snapshot;

/// What to do about a gateway.
#[derive(Clone, Debug)]
pub enum Choice {
    /// Use one that is there.
    Use(FoundGateway),
    /// Install one; it may be there already, made by us from an older patch.
    Install(Box<GatewayPatch>),
}

impl Choice {
    /// The gateway's namespace.
    pub fn namespace(&self) -> &str {
        match self {
            Choice::Use(found) => &found.place.namespace,
            Choice::Install(patch) => &patch.namespace,
        }
    }
}

/// Decide. `patch` is what flags or a file say about a new gateway; `None` where they say nothing.
pub fn choose(
    snapshot: &Snapshot,
    wanted: Option<&GatewayName>,
    installer: Installer,
    patch: Option<GatewayPatch>,
) -> Result<Choice, Error> {
    let found = find_gateways(snapshot);
    let named = wanted
        .cloned()
        .or_else(|| patch.as_ref().filter(|p| !p.name.is_empty()).map(name_of));
    match named {
        Some(name) => choose_named(&found, &name, installer, patch),
        None => choose_any(&found, installer, patch),
    }
}

fn name_of(patch: &GatewayPatch) -> GatewayName {
    GatewayName {
        namespace: patch.namespace.clone(),
        service: patch.name.clone(),
    }
}

fn choose_named(
    found: &[FoundGateway],
    name: &GatewayName,
    installer: Installer,
    patch: Option<GatewayPatch>,
) -> Result<Choice, Error> {
    let there = found
        .iter()
        .find(|g| g.place.namespace == name.namespace && g.place.service == name.service);
    match (there, installer, patch) {
        (Some(gateway), Installer::Auto | Installer::None, None) => {
            Ok(Choice::Use(gateway.clone()))
        }
        (Some(gateway), Installer::Injection, patch) if gateway.ours => {
            Ok(Choice::Install(Box::new(patch.unwrap_or_else(|| {
                GatewayPatch::new(&name.namespace, &name.service)
            }))))
        }
        (Some(gateway), Installer::Auto, Some(patch)) if gateway.ours => {
            Ok(Choice::Install(Box::new(patch)))
        }
        // Whether it is theirs is in the file or in the object, which the installer reads.
        (Some(gateway), Installer::IstioOperator | Installer::Istioctl, patch) if !gateway.ours => {
            Ok(Choice::Install(Box::new(patch.unwrap_or_else(|| {
                GatewayPatch::new(&name.namespace, &name.service)
            }))))
        }
        (Some(_), _, _) => Err(Error::Refused {
            why: format!(
                "the gateway {name} is there and was not installed by kubectl-egress, so it is not \
                changed"
            ),
            hint: Some(
                "use it as it is (without --installer, --replicas, --node-selector, --toleration, \
                --istio-operator), or name another with --gateway"
                    .into(),
            ),
        }),
        (None, Installer::None, _) => Err(Error::NotFound {
            what: format!("the gateway {name}"),
            hint: Some(format!(
                "{}; without --installer none it would be installed",
                known(found)
            )),
        }),
        (None, _, patch) => {
            Ok(Choice::Install(Box::new(patch.unwrap_or_else(|| {
                GatewayPatch::new(&name.namespace, &name.service)
            }))))
        }
    }
}

fn choose_any(
    found: &[FoundGateway],
    installer: Installer,
    patch: Option<GatewayPatch>,
) -> Result<Choice, Error> {
    let meant: Vec<&FoundGateway> = found.iter().filter(|g| g.for_egress).collect();
    let (candidates, claimed): (Vec<&FoundGateway>, Vec<&FoundGateway>) =
        meant.into_iter().partition(|g| g.vouched);
    let nothing_asked = matches!(installer, Installer::Auto | Installer::None) && patch.is_none();
    match (candidates.as_slice(), installer) {
        ([one], _) if nothing_asked => Ok(Choice::Use((*one).clone())),
        ([], _) if nothing_asked && !claimed.is_empty() => Err(Error::Usage(format!(
            "no egress gateway is in a namespace of the mesh itself, and anybody can call a \
             Service one; {}, or --installer injection makes one",
            several(&claimed)
        ))),
        ([], Installer::None) => Err(Error::NotFound {
            what: "an egress gateway".into(),
            hint: Some(format!(
                "{}; name one with --gateway, or let --installer injection make one",
                known(found)
            )),
        }),
        ([] | [_], _)
        | (_, Installer::Injection | Installer::IstioOperator | Installer::Istioctl) => Ok(
            Choice::Install(Box::new(patch.unwrap_or_else(GatewayPatch::default_place))),
        ),
        (_, _) => Err(Error::Usage(format!(
            "there are several egress gateways; {}",
            several(&candidates)
        ))),
    }
}

fn several(candidates: &[&FoundGateway]) -> String {
    let names: Vec<String> = candidates
        .iter()
        .map(|g| format!("--gateway {}/{}", g.place.namespace, g.place.service))
        .collect();
    format!("choose one: {}", names.join(" or "))
}

fn known(found: &[FoundGateway]) -> String {
    let names: Vec<String> = found
        .iter()
        .map(|g| format!("{}/{}", g.place.namespace, g.place.service))
        .collect();
    if names.is_empty() {
        "no Service selects gateway pods".into()
    } else {
        format!("there is {}", names.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flow::GatewayPlace;

    fn gateway(namespace: &str, vouched: bool) -> FoundGateway {
        FoundGateway {
            place: GatewayPlace {
                namespace: namespace.into(),
                service: "istio-egressgateway".into(),
                hostname: String::new(),
                selector: [].into(),
            },
            ports: Vec::new(),
            pods: Vec::new(),
            for_egress: true,
            ours: false,
            vouched,
        }
    }

    fn chosen(found: &[FoundGateway]) -> Result<String, String> {
        match choose_any(found, Installer::Auto, None) {
            Ok(Choice::Use(found)) => Ok(format!("use {}", found.place.namespace)),
            Ok(Choice::Install(patch)) => Ok(format!("install {}", patch.namespace)),
            Err(error) => Err(error.to_string()),
        }
    }

    #[test]
    fn a_gateway_that_only_calls_itself_one_is_neither_taken_nor_in_the_way() {
        let (mesh, tenant) = (gateway("istio-system", true), gateway("tenant", false));
        assert_eq!(chosen(&[]).unwrap(), "install istio-egress");
        assert_eq!(
            chosen(&[mesh.clone(), tenant.clone()]).unwrap(),
            "use istio-system"
        );
        let refused = chosen(std::slice::from_ref(&tenant)).unwrap_err();
        assert!(
            refused.contains("--gateway tenant/istio-egressgateway"),
            "{refused}"
        );
        let second = gateway("istio-egress", true);
        let refused = chosen(&[mesh, tenant, second]).unwrap_err();
        assert!(!refused.contains("tenant"), "{refused}");
    }
}
