//! From tries to a verdict: only what got through before a policy and no longer does shows that
//! somebody enforces it.

use crate::kubernetes::Place;
use crate::model::target::Target;
use crate::plan::Enforcement;
use crate::probe::bypass::{Outcome, RunawayKind, Way};
use std::fmt::{self, Display, Formatter};

/// One way, tried before the policy and after it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trial {
    /// The pod, `namespace/pod`.
    pub from: String,
    /// What makes it worth trying.
    pub kind: RunawayKind,
    /// The way.
    pub way: Way,
    /// Before the policy; none where it was there already.
    pub before: Option<Outcome>,
    /// With it.
    pub after: Outcome,
    /// The rule that allows it, somebody else's: then nobody is at fault but its author.
    pub allowed: Option<Place>,
    /// Who reached the same at the same time, from where the policy does not apply.
    pub witness: Option<Witness>,
}

/// A look at the same target from outside the policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Witness {
    /// The pod, `namespace/pod`.
    pub from: String,
    /// What came of it.
    pub outcome: Outcome,
}

/// A path through the gateway, which must work as before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Control {
    /// The pod, `namespace/pod`.
    pub from: String,
    /// The host and port.
    pub target: Target,
    /// Before the policy; none where it was there already.
    pub before: Option<Outcome>,
    /// With it.
    pub after: Outcome,
}

/// What all tries of a namespace say together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// What got through before no longer does, twice, while others still got through.
    Enforced,
    /// What got through before no longer does, and nobody outside the policy got through either:
    /// the host may be down.
    Unwitnessed,
    /// All that got through before still does.
    NothingEnforces,
    /// Some of it still does.
    Partly,
    /// What still gets through is what another policy allows.
    Allowed,
    /// Nothing got through before the policy either: something else closes the way.
    ClosedBefore,
    /// Nothing gets through now, and there is no telling why: the policy was there before.
    ClosedNow,
    /// Nothing could be tried.
    Untried,
}

impl Trial {
    /// Whether it says anything about policies; a pod on the node's own network does not.
    fn counts(&self) -> bool {
        self.kind != RunawayKind::HostNetwork && !matches!(self.after, Outcome::Untried(_))
    }

    /// It got through with the policy in place.
    pub fn is_open(&self) -> bool {
        self.counts() && self.after.through()
    }

    /// It got through, and no policy allows it.
    fn is_leak(&self) -> bool {
        self.is_open() && self.allowed.is_none()
    }

    /// It got through before, and no longer does.
    pub fn seems_closed(&self) -> bool {
        self.counts() && self.after.stopped() && self.before.as_ref().is_some_and(Outcome::through)
    }

    /// The same, while the target answered somebody outside the policy.
    pub fn was_closed(&self) -> bool {
        let answered = |witness: &Witness| witness.outcome.through();
        self.seems_closed() && self.witness.as_ref().is_some_and(answered)
    }
}

/// `open      default/sleep-1 without a sidecar, to cnn.com:443: HTTP/1.1 200, before and now`
impl Display for Trial {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let word = match &self.after {
            Outcome::Through(_) if self.kind == RunawayKind::HostNetwork => "free",
            Outcome::Through(_) => "open",
            Outcome::Stopped(_) => "closed",
            Outcome::Untried(_) => "not tried",
        };
        let (kind, now) = (self.kind.words(), self.after.words());
        write!(f, "{word:<9} {} {kind}, to {}: ", self.from, self.way)?;
        match &self.before {
            Some(before) if before.words() == now => write!(f, "{now}, before and now")?,
            Some(before) => write!(f, "{} before, {now} now", before.words())?,
            None => f.write_str(now)?,
        }
        if let Some(rule) = self.allowed.as_ref().filter(|_| self.is_open()) {
            write!(f, " ({rule} allows it)")?;
        }
        match self.witness.as_ref().filter(|_| self.seems_closed()) {
            None => Ok(()),
            Some(Witness { from, outcome }) => {
                write!(f, "; {from} at the same time: {}", outcome.words())
            }
        }
    }
}

impl Control {
    /// It worked before, or was not asked then, and no longer does.
    pub fn is_broken(&self) -> bool {
        self.after.stopped() && self.before.as_ref().is_none_or(Outcome::through)
    }
}

/// `works     default/sleep-1 through the gateway, to cnn.com:443: HTTP/1.1 200`
impl Display for Control {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let word = if self.is_broken() {
            "BROKEN"
        } else if self.after.through() {
            "works"
        } else {
            "no answer"
        };
        let Self {
            from,
            target,
            after,
            ..
        } = self;
        let seen = after.words();
        write!(
            f,
            "{word:<9} {from} through the gateway, to {target}: {seen}"
        )
    }
}

impl Verdict {
    /// What the inventory remembers; a namespace in which nothing could be told keeps what was
    /// known of it.
    pub fn seen(self, earlier: Enforcement) -> Enforcement {
        match self {
            Verdict::Enforced => Enforcement::Enforced,
            Verdict::NothingEnforces | Verdict::Partly | Verdict::Allowed => Enforcement::Open,
            Verdict::ClosedNow => match earlier {
                Enforcement::Open => Enforcement::Unproven,
                known => known,
            },
            Verdict::Unwitnessed | Verdict::ClosedBefore | Verdict::Untried => {
                Enforcement::Unproven
            }
        }
    }
}

/// The verdict of one namespace.
pub fn verdict(trials: &[Trial]) -> Verdict {
    let count = |fits: fn(&Trial) -> bool| trials.iter().filter(|t| fits(t)).count();
    let (leaks, closed) = (count(Trial::is_leak), count(Trial::was_closed));
    match (leaks, closed) {
        (0, _) if count(Trial::is_open) > 0 => Verdict::Allowed,
        (0, 0) if count(Trial::counts) == 0 => Verdict::Untried,
        (0, 0) if count(Trial::seems_closed) > 0 => Verdict::Unwitnessed,
        (0, 0) if trials.iter().any(|t| t.counts() && t.before.is_none()) => Verdict::ClosedNow,
        (0, 0) => Verdict::ClosedBefore,
        (0, _) => Verdict::Enforced,
        (_, 0) => Verdict::NothingEnforces,
        (_, _) => Verdict::Partly,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kubernetes::{Kind, ObjectRef};

    fn trial(kind: RunawayKind, before: Option<bool>, after: Option<bool>) -> Trial {
        let outcome = |through: bool| {
            if through {
                Outcome::Through("x".into())
            } else {
                Outcome::Stopped("x".into())
            }
        };
        Trial {
            from: "ns/pod".into(),
            kind,
            way: Way::Name("x.example:443".parse().unwrap()),
            before: before.map(outcome),
            after: after.map_or(Outcome::Untried("no tool".into()), outcome),
            allowed: None,
            witness: Some(Witness {
                from: "other/pod".into(),
                outcome: Outcome::Through("HTTP 200".into()),
            }),
        }
    }

    #[test]
    fn a_host_that_answers_nobody_any_more_proves_no_policy() {
        let closed = trial(RunawayKind::Bare, Some(true), Some(false));
        let alone = Trial {
            witness: None,
            ..closed.clone()
        };
        let down = Trial {
            witness: Some(Witness {
                from: "other/pod".into(),
                outcome: Outcome::Stopped("timed out".into()),
            }),
            ..closed.clone()
        };
        let untried = Trial {
            witness: Some(Witness {
                from: "other/pod".into(),
                outcome: Outcome::Untried("no tool".into()),
            }),
            ..closed.clone()
        };
        for unproven in [alone, down, untried] {
            let trials = std::slice::from_ref(&unproven);
            assert_eq!(verdict(trials), Verdict::Unwitnessed, "{unproven:?}");
            assert_eq!(
                verdict(trials).seen(Enforcement::Enforced),
                Enforcement::Unproven
            );
            assert_eq!(verdict(&[unproven, closed.clone()]), Verdict::Enforced);
        }
    }

    #[test]
    fn what_another_policy_allows_is_no_sign_that_nobody_enforces() {
        let rule = ObjectRef::new(Kind::NetworkPolicy, "ns", "theirs").at("spec.egress[0]");
        let allowed = Trial {
            allowed: Some(rule),
            ..trial(RunawayKind::Bare, Some(true), Some(true))
        };
        let closed = trial(RunawayKind::Bare, Some(true), Some(false));
        let leak = trial(RunawayKind::Bare, Some(true), Some(true));
        assert_eq!(
            verdict(&[allowed.clone(), closed.clone()]),
            Verdict::Allowed
        );
        assert_eq!(verdict(&[allowed, closed, leak]), Verdict::Partly);
    }

    #[test]
    fn only_a_difference_proves_enforcement() {
        let bare = |before, after| trial(RunawayKind::Bare, before, after);
        let (yes, no) = (Some(true), Some(false));
        for (trials, want) in [
            (vec![bare(yes, no)], Verdict::Enforced),
            (vec![bare(yes, yes)], Verdict::NothingEnforces),
            (vec![bare(yes, yes), bare(yes, no)], Verdict::Partly),
            (vec![bare(no, no)], Verdict::ClosedBefore),
            (vec![bare(None, no)], Verdict::ClosedNow),
            (vec![bare(None, yes)], Verdict::NothingEnforces),
            (vec![bare(yes, None)], Verdict::Untried),
            (vec![], Verdict::Untried),
            (
                vec![trial(RunawayKind::HostNetwork, yes, yes), bare(yes, no)],
                Verdict::Enforced,
            ),
        ] {
            assert_eq!(verdict(&trials), want, "{trials:?}");
        }
    }
}
