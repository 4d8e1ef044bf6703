//! Which connections iptables redirects to the sidecar: by the arguments of `istio-init`, which
//! the injector fills from the pod's annotations and from `global.proxy.…`, or, where the CNI
//! plugin does it, by the annotations alone.
//!
//! Source: manifests/charts/istio-control/istio-discovery/files/injection-template.yaml,
//! tools/istio-iptables/pkg/capture/run.go, cni/pkg/plugin/sidecar_redirect.go.

use super::range::holds;
use crate::kubernetes::pod::Pod;
use crate::kubernetes::{ObjectRef, Place};
use std::net::IpAddr;

/// The init container that writes the rules.
const INIT: &str = "istio-init";

/// A setting that leaves connections out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct LeftOut {
    /// The annotation that sets it, without its prefix: `excludeOutboundPorts`.
    pub(super) setting: &'static str,
    /// The field that says it.
    pub(super) place: Place,
    /// It is an argument of `istio-init`.
    pub(super) by_argument: bool,
}

/// The setting that keeps a connection to this port and address from the sidecar. An address that
/// is not known counts as one outside of every range but that of all addresses.
pub(super) fn left_out(pod: &Pod, port: u16, address: Option<IpAddr>) -> Option<LeftOut> {
    let settings = Settings::of(pod);
    let ports = |value: &str| {
        value
            .split(',')
            .map(str::trim)
            .any(|p| p == "*" || p.parse() == Ok(port))
    };
    let ranges = |value: &str| value.split(',').any(|range| covers(range.trim(), address));
    let exclude_ports = settings.get(EXCLUDE_PORTS);
    if ports(&exclude_ports.text) {
        return Some(exclude_ports.named());
    }
    let exclude_ranges = settings.get(EXCLUDE_RANGES);
    if ranges(&exclude_ranges.text) {
        return Some(exclude_ranges.named());
    }
    if ports(&settings.get(INCLUDE_PORTS).text) {
        return None;
    }
    let include_ranges = settings.get(INCLUDE_RANGES);
    // istio-init gets an empty value where nothing is to be captured; an annotation that is not
    // there is the default, which captures everything.
    let everything = include_ranges.text.is_empty() && !include_ranges.by_argument;
    let captured = everything || ranges(&include_ranges.text);
    (!captured).then(|| include_ranges.named())
}

/// An annotation and the argument that it becomes.
type Setting = (&'static str, &'static str);

const EXCLUDE_PORTS: Setting = ("excludeOutboundPorts", "-o");
const EXCLUDE_RANGES: Setting = ("excludeOutboundIPRanges", "-x");
const INCLUDE_PORTS: Setting = ("includeOutboundPorts", "-q");
const INCLUDE_RANGES: Setting = ("includeOutboundIPRanges", "-i");

/// The settings of a pod.
struct Settings<'p> {
    pod: &'p Pod,
    object: ObjectRef,
    /// Where `istio-init` stands among the init containers, and its arguments.
    init: Option<(usize, &'p [String])>,
}

struct Value {
    setting: &'static str,
    text: String,
    place: Place,
    by_argument: bool,
}

impl<'p> Settings<'p> {
    fn of(pod: &'p Pod) -> Self {
        let containers = pod.spec.init_containers.iter().enumerate();
        let init = containers
            .filter(|(_, c)| c.name == INIT && !c.args.is_empty())
            .map(|(at, c)| (at, c.args.as_slice()))
            .next();
        Self {
            pod,
            object: pod.object(),
            init,
        }
    }

    fn get(&self, (setting, flag): Setting) -> Value {
        let key = format!("traffic.sidecar.istio.io/{setting}");
        let annotation = self.pod.metadata.annotation(&key);
        let argument = self.init.and_then(|(at, args)| {
            let found = args.iter().position(|arg| arg == flag)?;
            Some((at, found + 1, args.get(found + 1)?))
        });
        match argument {
            Some((at, index, value)) => Value {
                setting,
                text: value.clone(),
                // An annotation is what somebody wrote; the argument follows from it.
                place: match annotation {
                    Some(said) if said == value => {
                        self.object.at(format!("metadata.annotations[{key}]"))
                    }
                    _ => self
                        .object
                        .at(format!("spec.initContainers[{at}].args[{index}]")),
                },
                by_argument: annotation != Some(value),
            },
            None => Value {
                setting,
                // With istio-init and without the argument nothing is left out by it.
                text: annotation
                    .filter(|_| self.init.is_none())
                    .unwrap_or_default()
                    .to_owned(),
                place: self.object.at(format!("metadata.annotations[{key}]")),
                by_argument: false,
            },
        }
    }
}

impl Value {
    fn named(self) -> LeftOut {
        LeftOut {
            setting: self.setting,
            place: self.place,
            by_argument: self.by_argument,
        }
    }
}

/// Whether a range of the settings holds an address; that of all addresses holds an unknown one.
fn covers(range: &str, address: Option<IpAddr>) -> bool {
    let all = ["*", "0.0.0.0/0", "::/0"].contains(&range);
    match address {
        Some(address) => holds(range, address),
        None => all,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn pod(annotations: &serde_json::Value, args: &[&str]) -> Pod {
        let init = json!([{"name": "istio-init", "args": args}]);
        let init = if args.is_empty() { json!([]) } else { init };
        serde_json::from_value(json!({
            "metadata": {"name": "app-1", "namespace": "team", "annotations": annotations},
            "spec": {"initContainers": init, "containers": [{"name": "istio-proxy"}]},
        }))
        .unwrap()
    }

    fn annotated(setting: &str, value: &str) -> Pod {
        let key = format!("traffic.sidecar.istio.io/{setting}");
        pod(&json!({key: value}), &[])
    }

    const OUTSIDE: Option<IpAddr> = Some(IpAddr::V4(std::net::Ipv4Addr::new(198, 51, 100, 7)));

    #[test]
    fn arguments_of_istio_init_decide_where_no_annotation_does() {
        let none = json!({});
        let cases: [(&[&str], Option<&str>); 6] = [
            (
                &["istio-iptables", "-i", "*", "-x", "", "-o", "443"],
                Some("excludeOutboundPorts"),
            ),
            (&["istio-iptables", "-i", "*", "-x", "", "-o", "444"], None),
            (
                &["istio-iptables", "-i", "10.0.0.0/8", "-x", ""],
                Some("includeOutboundIPRanges"),
            ),
            (
                &["istio-iptables", "-i", "", "-x", ""],
                Some("includeOutboundIPRanges"),
            ),
            (
                &["istio-iptables", "-i", "*", "-x", "198.51.100.0/24"],
                Some("excludeOutboundIPRanges"),
            ),
            (
                &["istio-iptables", "-i", "10.0.0.0/8", "-x", "", "-q", "443"],
                None,
            ),
        ];
        for (args, want) in cases {
            let found = left_out(&pod(&none, args), 443, OUTSIDE);
            assert_eq!(found.as_ref().map(|f| f.setting), want, "{args:?}");
            if let Some(found) = found {
                assert!(
                    found.by_argument && found.place.path.starts_with("spec.initContainers[0]")
                );
            }
        }
    }

    #[test]
    fn annotations_decide_where_the_cni_plugin_reads_them() {
        for (setting, value, address, out) in [
            ("excludeOutboundPorts", "443", None, true),
            ("excludeOutboundIPRanges", "0.0.0.0/0", None, true),
            ("excludeOutboundIPRanges", "10.0.0.0/8", None, false),
            ("includeOutboundIPRanges", "0.0.0.0/0", None, false),
            ("includeOutboundIPRanges", "*", None, false),
            ("includeOutboundIPRanges", "10.0.0.0/8", None, true),
            ("includeOutboundIPRanges", "10.0.0.0/8", OUTSIDE, true),
            ("includeOutboundIPRanges", "198.51.0.0/16", OUTSIDE, false),
        ] {
            let found = left_out(&annotated(setting, value), 443, address);
            assert_eq!(found.is_some(), out, "{setting} {value} {address:?}");
        }
    }

    #[test]
    fn an_annotation_that_istio_init_was_not_given_does_nothing() {
        let key = "traffic.sidecar.istio.io/excludeOutboundPorts";
        let late = pod(
            &json!({key: "443"}),
            &["istio-iptables", "-i", "*", "-x", ""],
        );
        assert_eq!(left_out(&late, 443, OUTSIDE), None);
        let both = pod(
            &json!({key: "443"}),
            &["istio-iptables", "-i", "*", "-o", "443"],
        );
        let found = left_out(&both, 443, OUTSIDE).unwrap();
        assert!(!found.by_argument && found.place.path.contains(key));
    }
}
