//! Names by how they are spelt: which of thousands a name may be a slip of, without looking at
//! each. Names that differ in numbers only share a form, and a few of a form stand for the rest.

use super::hosts::typing_distance;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// So many names of one form are candidates, besides those with the same numbers.
const OF_A_FORM: usize = 50;

/// Positions of a list, by how the names there are spelt.
#[derive(Debug, Default)]
pub(super) struct Spelling {
    forms: Vec<Form>,
    /// Positions by the name without a leading `www.`.
    bare: HashMap<String, Vec<usize>>,
}

/// Names that are the same without their numbers.
#[derive(Debug)]
struct Form {
    /// What they share.
    text: String,
    /// The letters in it, a bit each.
    letters: u64,
    /// The first of them.
    first: Vec<usize>,
    /// All of them, by their numbers.
    numbered: HashMap<String, Vec<usize>>,
}

impl<'n> FromIterator<(&'n str, usize)> for Spelling {
    fn from_iter<I: IntoIterator<Item = (&'n str, usize)>>(names: I) -> Self {
        let mut forms: BTreeMap<String, Form> = BTreeMap::new();
        let mut bare: HashMap<String, Vec<usize>> = HashMap::new();
        for (name, at) in names {
            let (text, numbers) = parts(name);
            let form = forms.entry(text).or_insert_with_key(|text| Form {
                text: text.clone(),
                letters: letters(text),
                first: Vec::new(),
                numbered: HashMap::new(),
            });
            if form.first.len() < OF_A_FORM {
                form.first.push(at);
            }
            form.numbered.entry(numbers).or_default().push(at);
            bare.entry(without_www(name)).or_default().push(at);
        }
        Self {
            forms: forms.into_values().collect(),
            bare,
        }
    }
}

impl Spelling {
    /// Those that may be `most` slips away from a name, or are the name with or without its
    /// `www.`, in order. Of a form with many names some are left out.
    pub(super) fn near(&self, name: &str, most: usize) -> Vec<usize> {
        let (text, numbers) = parts(name);
        let own = letters(&text);
        let mut found: BTreeSet<usize> = BTreeSet::new();
        for form in &self.forms {
            let apart = (own & !form.letters)
                .count_ones()
                .max((form.letters & !own).count_ones());
            let longer = form.text.len().abs_diff(text.len());
            if apart as usize > most || longer > most || typing_distance(&form.text, &text) > most {
                continue;
            }
            found.extend(&form.first);
            found.extend(form.numbered.get(&numbers).into_iter().flatten());
        }
        found.extend(self.bare.get(&without_www(name)).into_iter().flatten());
        found.into_iter().collect()
    }
}

/// A name without its numbers, and the numbers.
fn parts(name: &str) -> (String, String) {
    name.chars().partition(|c| !c.is_ascii_digit())
}

/// Letters that are no ASCII share bits; that only lets more names through.
fn letters(text: &str) -> u64 {
    text.bytes().fold(0, |all, byte| all | 1 << (byte % 64))
}

fn without_www(name: &str) -> String {
    name.strip_prefix("www.").unwrap_or(name).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn no_slip_is_overlooked(
            all in prop::collection::vec("(www\\.)?[a-c0-2]{1,6}\\.[ab1]{1,3}", 0..20),
            asked in "(www\\.)?[a-c0-2]{1,6}\\.[ab1]{1,3}",
            most in 0..4_usize,
        ) {
            let spelling: Spelling = all.iter().map(String::as_str).zip(0..).collect();
            let found = spelling.near(&asked, most);
            for (at, name) in all.iter().enumerate() {
                let near = typing_distance(name, &asked) <= most;
                prop_assert!(!near || found.contains(&at), "{name} for {asked}");
            }
        }
    }

    #[test]
    fn the_name_with_the_same_number_is_found_among_thousands() {
        let names: Vec<String> = (0..5_000).map(|at| format!("h{at}.example.com")).collect();
        let spelling: Spelling = names.iter().map(String::as_str).zip(0..).collect();
        let found = spelling.near("h4711.exmaple.com", 2);
        assert!(found.contains(&4711));
        assert!(found.len() <= OF_A_FORM + 1, "{}", found.len());
    }
}
