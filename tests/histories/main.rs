//! Histories on a real API server, without a node: two teams at once, runs that are cut anywhere,
//! a server that fails, and tenants who write what they like. What is asserted is what is in the
//! cluster afterwards.

mod api;
mod hostile;
mod interleaved;
mod judge;
mod lost;
mod mesh;
mod proxy;
mod random;
mod rights;
mod ritual;
mod run;
mod server;
mod story;
mod world;
