//! SPIFFE ids as Istio makes them: `spiffe://<trust domain>/ns/<namespace>/sa/<service account>`.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// The id of a workload.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SpiffeId {
    /// `cluster.local`, mostly.
    pub trust_domain: String,
    /// The namespace of the pod.
    pub namespace: String,
    /// The service account of the pod.
    pub service_account: String,
}

impl FromStr for SpiffeId {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || {
            format!("{text:?} is not spiffe://<trust domain>/ns/<namespace>/sa/<service account>")
        };
        let rest = text.strip_prefix("spiffe://").ok_or_else(wrong)?;
        match rest.split('/').collect::<Vec<_>>().as_slice() {
            [domain, "ns", namespace, "sa", account]
                if [domain, namespace, account].iter().all(|p| !p.is_empty()) =>
            {
                Ok(SpiffeId {
                    trust_domain: (*domain).to_owned(),
                    namespace: (*namespace).to_owned(),
                    service_account: (*account).to_owned(),
                })
            }
            _ => Err(wrong()),
        }
    }
}

impl fmt::Display for SpiffeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let SpiffeId {
            trust_domain,
            namespace,
            service_account,
        } = self;
        write!(
            f,
            "spiffe://{trust_domain}/ns/{namespace}/sa/{service_account}"
        )
    }
}
