//! The path model: what Istio will do with a connection from one client to one host and port, decision by decision.
//! Pure functions of a snapshot.

pub mod target;
pub mod trace;
