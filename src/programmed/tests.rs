//! The programmed path is told hop by hop, and so is where it parts from the intended one.

use super::*;
use crate::model::End;
use crate::model::trace::{ClusterName, Decision, HopName};

fn sends(cluster: &str) -> Step {
    Step {
        cluster: Some(Decision::new(ClusterName::from(cluster.to_owned()), [])),
        ..Step::default()
    }
}

fn to(sidecar: Step, gateway: Option<Step>) -> Trace {
    Trace {
        sidecar,
        gateway,
        ..Trace::default()
    }
}

#[test]
fn the_first_hop_where_they_part_is_told() {
    let same = to(
        sends("outbound|443|cnn|egress"),
        Some(sends("outbound|443||cnn")),
    );
    assert_eq!(parting(&same, &same), None);
    let direct = to(sends("outbound|443||cnn"), None);
    let part = parting(&same, &direct).unwrap();
    assert_eq!(
        (part.hop, part.what, part.programmed.as_str()),
        (HopName::Sidecar, Difference::Cluster, "outbound|443||cnn")
    );
    let ends = Step {
        ends: Some(Decision::new(End::NoEndpoint, [])),
        ..sends("outbound|443||cnn")
    };
    let part = parting(&same, &to(sends("outbound|443|cnn|egress"), Some(ends))).unwrap();
    assert_eq!(
        (part.hop, part.what, part.programmed.as_str()),
        (HopName::Gateway, Difference::End, "UH: no endpoint")
    );
}

#[test]
fn a_path_without_a_pod_is_not_seen() {
    let path = EgressPath {
        target: "edition.cnn.com".parse().unwrap(),
        client: "default".parse().unwrap(),
        pod: None,
    };
    assert!(matches!(
        trace(&Snapshot::default(), &path, &Walk::default()),
        Look::Unseen(_)
    ));
}
