//! A host that nobody can resolve cannot be routed: told before the first write, not after the
//! whole of `--timeout`.

use crate::error::Error;
use crate::model::target::Target;
use crate::probe::{Answer, Failure};
use std::collections::BTreeMap;

/// Refuse where a host has an address for none of the clients that asked. `before` has their
/// answers, by who asked and what.
///
/// # Errors
/// [`Error::Refused`] with the host and one of those who asked.
pub(super) fn refuse_unresolved(before: &BTreeMap<(String, Target), Answer>) -> Result<(), Error> {
    let mut hosts: BTreeMap<&Target, (&str, bool)> = BTreeMap::new();
    for ((from, target), answer) in before {
        let unresolved = answer.failure == Some(Failure::NameNotResolved);
        let (_, all) = hosts.entry(target).or_insert((from.as_str(), true));
        *all &= unresolved;
    }
    match hosts.into_iter().find(|(_, (_, all))| *all) {
        None => Ok(()),
        Some((target, (from, _))) => Err(Error::Refused {
            why: format!(
                "{} has no address for {from}, so it cannot be routed; nothing was written",
                target.host
            ),
            hint: Some(
                "check the name, and DNS in the cluster; --no-probe does not ask before it writes"
                    .into(),
            ),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answers(list: &[(&str, &str, Option<Failure>)]) -> BTreeMap<(String, Target), Answer> {
        let answer = |failure: &Option<Failure>| Answer {
            failure: failure.clone(),
            ..Answer::default()
        };
        list.iter()
            .map(|(from, host, failure)| {
                let key = ((*from).to_owned(), host.parse().unwrap());
                (key, answer(failure))
            })
            .collect()
    }

    #[test]
    fn a_name_that_no_client_can_resolve_is_refused() {
        let gone = || Some(Failure::NameNotResolved);
        for (list, refused) in [
            (&[("a/p", "x.org", gone())][..], true),
            (&[("a/p", "x.org", gone()), ("b/p", "x.org", None)], false),
            (&[("a/p", "x.org", None), ("a/p", "y.org", gone())], true),
            (&[("a/p", "x.org", Some(Failure::Timeout))], false),
            (&[], false),
        ] {
            let done = refuse_unresolved(&answers(list));
            assert_eq!(done.is_err(), refused, "{list:?}");
        }
    }
}
