//! After the writes: until the proxies have it, and whether a connection really takes the new way.
//! What istiod believes ("synced") proves nothing; each proxy is asked itself.

mod goals;
mod proof;
mod wait;

pub use crate::probe::Prover;
pub use goals::{Site, gateway_goals, left_goals, route_goals, subset_goals};
pub use proof::{Call, Proof, prove, say};
pub use wait::{Goal, Until, wait_for};
