//! Where what the proxies were given and what the objects say part: the first hop, and both sides
//! in words.

use crate::model::trace::{HopName, Step, Trace};
use std::fmt;

/// The decision that differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Difference {
    /// Whether the path ends there.
    End,
    /// The cluster that it goes to.
    Cluster,
    /// The TLS that is started.
    Tls,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Difference::End => "end",
            Difference::Cluster => "cluster",
            Difference::Tls => "tls",
        })
    }
}

/// The first difference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parting {
    /// The hop.
    pub hop: HopName,
    /// The decision.
    pub what: Difference,
    /// What the objects say.
    pub intended: String,
    /// What the proxy has.
    pub programmed: String,
}

/// Compare two traces hop by hop. Listeners and routes are compared by what they lead to, since
/// their names are istiod's own business; endpoints only by whether there are any, since they come
/// and go.
pub fn parting(intended: &Trace, programmed: &Trace) -> Option<Parting> {
    let sidecar = compare(
        HopName::Sidecar,
        Some(&intended.sidecar),
        Some(&programmed.sidecar),
    );
    sidecar.or_else(|| {
        compare(
            HopName::Gateway,
            intended.gateway.as_ref(),
            programmed.gateway.as_ref(),
        )
    })
}

fn compare(hop: HopName, intended: Option<&Step>, programmed: Option<&Step>) -> Option<Parting> {
    // Where only one of them gets here, the step before has said why.
    let (Some(intended), Some(programmed)) = (intended, programmed) else {
        return None;
    };
    let part = |what, intended: Option<String>, programmed: Option<String>| {
        let none = || "nothing".to_owned();
        (intended != programmed).then(|| Parting {
            hop,
            what,
            intended: intended.unwrap_or_else(none),
            programmed: programmed.unwrap_or_else(none),
        })
    };
    let cluster = |step: &Step| step.cluster.as_ref().map(|d| d.value.to_string());
    let end = |step: &Step| step.ends.as_ref().map(|d| d.value.to_string());
    let tls = |step: &Step| step.tls.as_ref().map(|d| d.value.mode.to_string());
    if end(intended).is_some() != end(programmed).is_some() {
        return part(
            Difference::End,
            end(intended).or_else(|| cluster(intended)),
            end(programmed).or_else(|| cluster(programmed)),
        );
    }
    let both = end(intended).is_none();
    let by_cluster =
        part(Difference::Cluster, cluster(intended), cluster(programmed)).filter(|_| both);
    by_cluster.or_else(|| part(Difference::Tls, tls(intended), tls(programmed)).filter(|_| both))
}
