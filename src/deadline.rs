//! A point in time after which nobody waits any longer. It is made once, from `--timeout`, and
//! handed down. While a question is open the clock stands still.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

/// A deadline further away than this is never reached; `Instant` cannot hold all that a `Duration`
/// can.
const NEVER: Duration = Duration::from_secs(100 * 365 * 24 * 3600);

/// How long questions were open so far in this process, in milliseconds.
static ASKED: AtomicU64 = AtomicU64::new(0);

/// When to give up.
#[derive(Clone, Copy, Debug)]
pub struct Deadline {
    total: Duration,
    until: Instant,
    /// What of `ASKED` was before it.
    asked: u64,
}

impl Deadline {
    /// A deadline that is `total` from now.
    pub fn after(total: Duration) -> Self {
        let now = Instant::now();
        Self {
            total,
            until: now.checked_add(total.min(NEVER)).unwrap_or(now),
            asked: ASKED.load(Relaxed),
        }
    }

    /// How long there is still, at least zero.
    pub fn left(&self) -> Duration {
        let asked = Duration::from_millis(ASKED.load(Relaxed).saturating_sub(self.asked));
        let until = self.until.checked_add(asked).unwrap_or(self.until);
        until.saturating_duration_since(Instant::now())
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
        let step = Self::after(limit);
        if self.left() < step.left() {
            return Self {
                total: self.total.min(limit),
                ..*self
            };
        }
        Self {
            total: self.total.min(limit),
            ..step
        }
    }
}

/// An open question: until it is dropped, no deadline comes nearer. It takes effect when it is
/// dropped, so what waits for a deadline looks again when that seems to have come.
#[derive(Debug)]
pub struct Question {
    since: Instant,
}

/// Questions that are open now.
static OPEN: AtomicU64 = AtomicU64::new(0);

impl Question {
    /// Somebody is asked.
    pub fn open() -> Self {
        OPEN.fetch_add(1, Relaxed);
        Self {
            since: Instant::now(),
        }
    }

    /// True while somebody is being asked.
    pub fn is_open() -> bool {
        OPEN.load(Relaxed) > 0
    }
}

impl Drop for Question {
    fn drop(&mut self) {
        let millis = u64::try_from(self.since.elapsed().as_millis()).unwrap_or(u64::MAX);
        ASKED.fetch_add(millis, Relaxed);
        OPEN.fetch_sub(1, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_duration_is_too_long_and_questions_take_no_time() {
        for total in [Duration::MAX, Duration::from_secs(u64::MAX), NEVER] {
            let deadline = Deadline::after(total);
            assert!(!deadline.passed());
            assert!(!deadline.at_most(Duration::from_secs(5)).passed());
            assert!(deadline.at_most(Duration::ZERO).passed());
        }
        assert!(
            Deadline::after(Duration::ZERO)
                .at_most(Duration::MAX)
                .passed()
        );

        // In the same test: a question anywhere stops the clock of all deadlines.
        let deadline = Deadline::after(Duration::from_millis(20));
        let question = Question::open();
        std::thread::sleep(Duration::from_millis(60));
        assert!(deadline.passed() && Question::is_open());
        drop(question);
        assert!(!deadline.passed(), "{:?} left", deadline.left());
    }
}
