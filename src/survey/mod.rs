//! What there is of ours in a cluster, by now: the records, the objects with our label, what is no
//! longer as it was written, and what the gateways have counted.

mod drifted;
mod remains;
mod tallies;

pub(crate) use drifted::drifted;
pub(crate) use remains::{Remains, Survey};
pub(crate) use tallies::{Tallies, tallies};
