#![doc = include_str!("rotation.md")]

use super::identity::judge;
use super::{links, outcome};
use crate::checks::finding::{Code, Finding, Fix, Severity};
use crate::checks::{Check, Layer, Outcome, View};
use crate::identity::Problem;
use crate::kubernetes::Place;

const CODE: Code = Code("EG403");

pub(in crate::checks) const CHECK: Check = Check {
    code: CODE,
    title: "A rotation of the mesh's root is under way",
    layer: Layer::Programmed,
    page: include_str!("rotation.md"),
    look,
};

fn look(view: &View<'_>) -> Outcome {
    let (links, unseen) = links(view);
    let several = links.iter().find_map(|link| {
        let identity = judge(view, link)?;
        let count = identity.problems.iter().find_map(|p| match p {
            Problem::SeveralRoots { count } => Some(*count),
            _ => None,
        })?;
        Some((link, count))
    });
    let Some((link, count)) = several else {
        return outcome(Vec::new(), &unseen);
    };
    let message = format!(
        "the proxy of {} trusts {count} roots: a rotation of the mesh's authority is under way, or \
         was not finished. That is no fault; drop the old root when nothing is signed by it any \
         more",
        link.name()
    );
    let finding = Finding::new(CODE, link.hop, "The mesh has several roots", message)
        .severity(Severity::Info)
        .on([Place::from(link.pod.object())])
        .fix(Fix::advice("finish the rotation"));
    Outcome::Found(vec![finding])
}
