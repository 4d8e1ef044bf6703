//! The path model: what Istio will do with a connection from one client to one host and port, decision by decision.
//! Pure functions of a snapshot.

pub mod path;
pub mod target;
pub mod trace;
mod walk;
mod world;

pub use path::EgressPath;
pub use walk::Walk;
pub use world::World;
