//! The NetworkPolicy with which a namespace can leave the cluster only through its gateways, what
//! that would cut, what somebody else's policies leave open all the same, and what the ways round
//! it say about who enforces it.
//!
//! The policy is an allow-list by pods and pod ports (a Service's own ports mean nothing to a
//! policy), namespaces are told by the label that the API server gives to each, and no label is
//! added to anything. Pure functions.

mod cut;
mod foreign;
mod needs;
mod policy;
mod refuse;
mod verdict;

#[cfg(test)]
mod tests;

pub use cut::{Blind, Connection, blind, cut, of_sockets, of_tally};
pub use foreign::{Opening, openings};
pub use needs::gateways_of;
pub use policy::{policy, spec_of};
pub use refuse::refuse;
pub use verdict::{Control, Trial, Verdict, Witness, verdict};
