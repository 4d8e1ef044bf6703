#![doc = include_str!("credential_file.md")]

use super::{finding, last_policy, list};
use crate::checks::finding::{Code, Confidence, Fix};
use crate::checks::{Check, Layer, Outcome, View};
use crate::istio::destination_rule::TlsMode;
use crate::kubernetes::Place;
use crate::kubernetes::pod::Pod;
use crate::model::trace::HopName;
use crate::model::workload_of;

const CODE: Code = Code("EG271");

/// What every proxy has, whatever is mounted.
const ALWAYS_THERE: [&str; 3] = ["/etc/ssl/", "/var/run/secrets/", "/var/lib/istio/"];

pub(in crate::checks) const CHECK: Check = Check {
    code: CODE,
    title: "A rule names certificate files that the proxy does not have",
    layer: Layer::Intended,
    page: include_str!("credential_file.md"),
    look,
};

fn look(view: &View<'_>) -> Outcome {
    let (hop, _, _, policy) = match last_policy(view) {
        Ok(found) => found,
        Err(other) => return other,
    };
    let Some((tls, place)) = &policy.tls else {
        return Outcome::Pass;
    };
    let named =
        tls.credential_name.is_some() || !matches!(tls.mode, TlsMode::Simple | TlsMode::Mutual);
    let files = [
        &tls.client_certificate,
        &tls.private_key,
        &tls.ca_certificates,
    ];
    let files: Vec<&str> = files
        .into_iter()
        .flatten()
        .map(String::as_str)
        .filter(|f| f.starts_with('/'))
        .collect();
    let Some(pod) = proxy_pod(view, hop).filter(|_| !named && !files.is_empty()) else {
        return Outcome::Pass;
    };
    let lacking: Vec<&&str> = files.iter().filter(|f| !has(pod, f)).collect();
    if lacking.is_empty() {
        return Outcome::Pass;
    }
    let workload = workload_of(pod);
    let message = format!(
        "{} names files ({}) that the proxy of {workload} does not have: nothing is mounted there; \
         a rule with files counts for every proxy that sees it, and one without them keeps waiting \
         for its cluster: clients get 503, and the proxy becomes ready late",
        place.object,
        list(lacking)
    );
    let cure = format!(
        "export {} only to the namespace whose proxies have the files, or use credentialName, or \
         mount them into {workload}",
        place.object
    );
    let found = finding(
        CODE,
        hop,
        format!("{workload} has no such certificate files"),
        message,
    )
    .on([place.clone(), Place::from(workload)])
    .sure(Confidence::Likely)
    .fix(Fix::advice(cure));
    Outcome::Found(vec![found])
}

fn proxy_pod<'v>(view: &View<'v>, hop: HopName) -> Option<&'v Pod> {
    if hop == HopName::Sidecar {
        return view.world.pod(view.path);
    }
    let node = &view.walk.exit.as_ref()?.hop.node;
    let pods = &view.world.snapshot.objects.pods;
    pods.iter()
        .find(|p| p.namespace() == node.namespace && p.metadata.labels == node.labels)
}

fn has(pod: &Pod, file: &str) -> bool {
    let mounts = pod
        .spec
        .proxy()
        .map(|c| c.volume_mounts.as_slice())
        .unwrap_or_default();
    ALWAYS_THERE.iter().any(|d| file.starts_with(d))
        || mounts.iter().any(|m| file.starts_with(&m.mount_path))
}
