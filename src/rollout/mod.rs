//! What the verbs that write do once somebody agreed: the records, the writes in their order, the
//! waits between them, and the proof; and the way back. The order itself is a value of
//! [`crate::plan`] that [`crate::apply`] carries out.

mod again;
pub(crate) mod cleanup;
pub(crate) mod injection;
pub(crate) mod lockdown;
pub(crate) mod setup;
mod stamp;

pub(crate) use again::planned_again;
pub(crate) use stamp::stamp;
