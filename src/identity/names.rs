//! Whether the leaf is who it should be.

use super::{Certificate, Expected, Problem, SpiffeId};

pub(super) fn check(leaf: &Certificate, expected: &Expected) -> Vec<Problem> {
    let mut problems = Vec::new();
    if leaf.subject.is_empty() && !leaf.names.is_empty() && !leaf.names_critical {
        problems.push(Problem::NamesNotCritical);
    }
    match expected {
        Expected::Workload { id, aliases } => problems.extend(check_id(leaf, id, aliases)),
        Expected::Server { host } if !leaf.is_for(host) => {
            problems.push(Problem::WrongHost {
                found: leaf.names.clone(),
                expected: host.clone(),
            });
        }
        Expected::Server { .. } | Expected::Client => {}
    }
    problems
}

fn check_id(leaf: &Certificate, expected: &SpiffeId, aliases: &[String]) -> Vec<Problem> {
    let ids: Vec<&String> = leaf
        .names
        .iter()
        .filter(|n| n.starts_with("spiffe://"))
        .collect();
    let [id] = ids.as_slice() else {
        return vec![match ids.first() {
            None => Problem::NoSpiffeId,
            Some(_) => Problem::OddSpiffeId {
                found: leaf.names.join(", "),
            },
        }];
    };
    let Ok(found) = id.parse::<SpiffeId>() else {
        return vec![Problem::OddSpiffeId {
            found: (*id).clone(),
        }];
    };
    let mut problems = Vec::new();
    if found.trust_domain != expected.trust_domain && !aliases.contains(&found.trust_domain) {
        let expected = expected.trust_domain.clone();
        problems.push(Problem::WrongTrustDomain {
            found: found.trust_domain,
            expected,
        });
    }
    if found.namespace != expected.namespace {
        problems.push(Problem::WrongNamespace {
            found: found.namespace,
            expected: expected.namespace.clone(),
        });
    }
    if found.service_account != expected.service_account {
        let expected = expected.service_account.clone();
        problems.push(Problem::WrongServiceAccount {
            found: found.service_account,
            expected,
        });
    }
    problems
}
