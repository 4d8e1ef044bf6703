//! A point in time after which nobody waits any longer. It is made once, from `--timeout`, and
//! handed down.

use std::time::{Duration, Instant};

/// When to give up.
#[derive(Clone, Copy, Debug)]
pub struct Deadline {
    total: Duration,
    until: Instant,
}

impl Deadline {
    /// A deadline that is `total` from now.
    pub fn after(total: Duration) -> Self {
        Self {
            total,
            until: Instant::now() + total,
        }
    }

    /// How long there is still, at least zero.
    pub fn left(&self) -> Duration {
        self.until.saturating_duration_since(Instant::now())
    }

    /// The whole span, for messages.
    pub fn total(&self) -> Duration {
        self.total
    }

    /// True once it has passed.
    pub fn passed(&self) -> bool {
        self.left().is_zero()
    }

    /// The same deadline, but at most `limit` from now: for one step of several.
    #[must_use]
    pub fn at_most(&self, limit: Duration) -> Self {
        Self {
            total: self.total.min(limit),
            until: self.until.min(Instant::now() + limit),
        }
    }
}
