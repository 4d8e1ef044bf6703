//! Hosts, indexed for the questions that Istio asks of them: the same name, a name in common, the
//! wildcards that contain a name. Each answer costs what it finds, not what there is.

use super::hosts::is_wild;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Bound;

/// Positions of a list, by the hosts of what is there. Answers are in the order of the list.
#[derive(Clone, Debug, Default)]
pub(crate) struct HostIndex {
    names: HashMap<String, Vec<usize>>,
    /// Wildcards, by what follows the `*`.
    wild: HashMap<String, Vec<usize>>,
    /// The lengths of those ends, so that a name tries no others.
    lengths: BTreeSet<usize>,
    /// Names and wildcards' ends written backwards: those with a common end are neighbours.
    backwards: BTreeMap<(String, bool), Vec<usize>>,
}

impl<'h> FromIterator<(&'h str, usize)> for HostIndex {
    fn from_iter<I: IntoIterator<Item = (&'h str, usize)>>(hosts: I) -> Self {
        let mut index = Self::default();
        for (host, at) in hosts {
            index.add(host, at);
        }
        index
    }
}

impl HostIndex {
    /// Add a host; positions come in rising order.
    fn add(&mut self, host: &str, at: usize) {
        let end = host.strip_prefix('*');
        let known = match end {
            None => self.names.entry(host.to_owned()),
            Some(end) => {
                self.lengths.insert(end.len());
                self.wild.entry(end.to_owned())
            }
        };
        let known = known.or_default();
        // An object may list a host twice.
        if known.last() != Some(&at) {
            known.push(at);
            let backwards = (reversed(end.unwrap_or(host)), end.is_some());
            self.backwards.entry(backwards).or_default().push(at);
        }
    }

    /// Those of exactly that host; for a wildcard, of the same wildcard.
    pub(crate) fn named(&self, host: &str) -> &[usize] {
        let found = match host.strip_prefix('*') {
            None => self.names.get(host),
            Some(end) => self.wild.get(end),
        };
        found.map(Vec::as_slice).unwrap_or_default()
    }

    /// Those that have a name in common with the host ([`super::hosts::overlap`]).
    pub(crate) fn overlapping(&self, host: &str) -> Vec<usize> {
        let mut found = self.containing(host);
        if is_wild(host) {
            found.extend(self.inside(host));
        }
        in_order(found)
    }

    /// Whether any has a name in common with the host.
    pub(crate) fn overlaps(&self, host: &str) -> bool {
        !self.overlapping(host).is_empty()
    }

    /// Those that contain every name of the host ([`super::hosts::within`]).
    pub(crate) fn containing(&self, host: &str) -> Vec<usize> {
        let end = host.strip_prefix('*').unwrap_or(host);
        let wider = self
            .lengths
            .iter()
            .filter_map(|length| end.get(end.len().checked_sub(*length)?..))
            .filter_map(|end| self.wild.get(end));
        let mut found: Vec<usize> = wider.flatten().copied().collect();
        found.extend(self.names.get(host).into_iter().flatten());
        in_order(found)
    }

    /// Those of which every name is one of the wildcard's, or that are the name itself.
    pub(crate) fn inside(&self, host: &str) -> Vec<usize> {
        let Some(end) = host.strip_prefix('*') else {
            return self.named(host).to_vec();
        };
        let end = reversed(end);
        let from = Bound::Included((end.clone(), false));
        let found = self
            .backwards
            .range((from, Bound::Unbounded))
            .take_while(|((backwards, _), _)| backwards.starts_with(&end));
        in_order(found.flat_map(|(_, at)| at.iter().copied()).collect())
    }

    /// Those of the host that fits best: the name itself, else the longest wildcard that contains
    /// it ([`super::hosts::most_specific`]).
    pub(crate) fn closest(&self, host: &str) -> &[usize] {
        let own = self.named(host);
        if !own.is_empty() {
            return own;
        }
        let end = host.strip_prefix('*').unwrap_or(host);
        let mut longest_first = self.lengths.iter().rev();
        longest_first
            .find_map(|length| self.wild.get(end.get(end.len().checked_sub(*length)?..)?))
            .map(Vec::as_slice)
            .unwrap_or_default()
    }
}

fn in_order(mut found: Vec<usize>) -> Vec<usize> {
    found.sort_unstable();
    found.dedup();
    found
}

fn reversed(text: &str) -> String {
    text.chars().rev().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::hosts::{most_specific, overlap, within};
    use proptest::prelude::*;

    /// Names that often have an end in common, so that wildcards meet.
    fn host() -> impl Strategy<Value = String> {
        let labels = prop::collection::vec(prop::sample::select(vec!["a", "b", "ab"]), 0..4);
        (labels, 0..4_u8).prop_map(|(labels, form)| match form {
            0 => format!("*.{}", labels.join(".")),
            1 => format!("*{}", labels.join(".")),
            _ => labels.join("."),
        })
    }

    proptest! {
        #[test]
        fn the_index_answers_as_looking_at_each_does(
            all in prop::collection::vec(host(), 0..12),
            asked in host(),
        ) {
            let index: HostIndex = all.iter().map(String::as_str).zip(0..).collect();
            let those = |fits: &dyn Fn(&str) -> bool| -> Vec<usize> {
                (0..all.len()).filter(|at| fits(&all[*at])).collect()
            };
            prop_assert_eq!(index.named(&asked), those(&|h| h == asked));
            prop_assert_eq!(index.overlapping(&asked), those(&|h| overlap(h, &asked)));
            prop_assert_eq!(index.overlaps(&asked), all.iter().any(|h| overlap(h, &asked)));
            prop_assert_eq!(index.containing(&asked), those(&|h| within(&asked, h)));
            prop_assert_eq!(index.inside(&asked), those(&|h| within(h, &asked)));
            let best = most_specific(&asked, all.iter().map(String::as_str));
            prop_assert_eq!(index.closest(&asked), those(&|h| Some(h) == best));
        }
    }
}
