//! The verdict on a path: one function of what is known about it. *Healthy* has to be earned by
//! every layer that was asked for; *broken* needs a finding that says what breaks it; all the rest
//! is *unproven*.

use super::Verdict;
use crate::checks::seen::{Arrival, Calls};

/// What the verdict on one path depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Facts {
    /// A finding breaks the path.
    pub broken: bool,
    /// What the objects say of it, all shares of a weighted route included.
    pub intended: Arrival,
    /// What the proxies were given for it.
    pub programmed: Arrival,
    /// What its calls did.
    pub calls: Calls,
    /// Something that was to be looked at was not.
    pub unread: bool,
}

/// The verdict on one path.
pub(super) fn verdict(facts: Facts) -> Verdict {
    if facts.broken {
        return Verdict::Broken;
    }
    let layers = [facts.intended, facts.programmed];
    let has = |arrival| layers.contains(&arrival);
    match facts.calls {
        _ if facts.unread || facts.intended == Arrival::Fails => Verdict::Unproven,
        // What cannot be read off a configuration a call has shown.
        Calls::Arrive => Verdict::Healthy,
        Calls::NotMade if has(Arrival::Fails) || has(Arrival::Unsure) => Verdict::Unproven,
        Calls::NotMade if has(Arrival::Arrives) => Verdict::Healthy,
        Calls::NotMade | Calls::Fail => Verdict::Unproven,
    }
}

/// The verdict on all paths: the worst of them; nothing that was judged proves nothing.
pub(super) fn overall(paths: impl IntoIterator<Item = Verdict>) -> Verdict {
    let rank = |verdict: &Verdict| match verdict {
        Verdict::Healthy => 0,
        Verdict::Unproven => 1,
        Verdict::Broken => 2,
    };
    paths
        .into_iter()
        .max_by_key(rank)
        .unwrap_or(Verdict::Unproven)
}

#[cfg(test)]
mod tests {
    use super::*;
    use Arrival::{Arrives, Fails, NotAsked, Unsure};
    use Calls::{Arrive, Fail, NotMade};
    use Verdict::{Broken, Healthy, Unproven};

    fn facts(intended: Arrival, programmed: Arrival, calls: Calls) -> Facts {
        Facts {
            broken: false,
            intended,
            programmed,
            calls,
            unread: false,
        }
    }

    #[test]
    fn the_truth_table() {
        for (intended, programmed, calls, want) in [
            (Arrives, Arrives, Arrive, Healthy),
            (Arrives, NotAsked, NotMade, Healthy),
            (Arrives, Arrives, NotMade, Healthy),
            (NotAsked, Arrives, NotMade, Healthy),
            (NotAsked, NotAsked, Arrive, Healthy),
            (Unsure, Unsure, Arrive, Healthy),
            (Unsure, NotAsked, NotMade, Unproven),
            (Unsure, Arrives, NotMade, Unproven),
            (Arrives, Unsure, NotMade, Unproven),
            (NotAsked, NotAsked, NotMade, Unproven),
            (Fails, NotAsked, NotMade, Unproven),
            (Fails, Arrives, Arrive, Unproven),
            (Arrives, Fails, Arrive, Healthy),
            (Arrives, Fails, NotMade, Unproven),
            (Arrives, Arrives, Fail, Unproven),
            (Arrives, NotAsked, Fail, Unproven),
        ] {
            let facts = facts(intended, programmed, calls);
            assert_eq!(verdict(facts), want, "{facts:?}");
        }
    }

    #[test]
    fn a_finding_that_breaks_it_and_what_was_not_read_outweigh_every_layer() {
        for intended in [Arrives, Fails, Unsure, NotAsked] {
            for programmed in [Arrives, Fails, Unsure, NotAsked] {
                for calls in [Arrive, Fail, NotMade] {
                    let plain = facts(intended, programmed, calls);
                    let broken = Facts {
                        broken: true,
                        ..plain
                    };
                    let unread = Facts {
                        unread: true,
                        ..plain
                    };
                    assert_eq!(verdict(broken), Broken, "{broken:?}");
                    assert_eq!(verdict(unread), Unproven, "{unread:?}");
                    let healthy = verdict(plain) == Healthy;
                    let fails = intended == Fails || calls == Fail;
                    assert!(!(healthy && fails), "{plain:?}");
                }
            }
        }
    }

    #[test]
    fn of_several_paths_the_worst_counts_and_none_proves_nothing() {
        assert_eq!(overall([]), Unproven);
        assert_eq!(overall([Healthy, Healthy]), Healthy);
        assert_eq!(overall([Healthy, Unproven]), Unproven);
        assert_eq!(overall([Unproven, Broken, Healthy]), Broken);
    }
}
