//! Lockdown and status with packets: in a mesh that enforces NetworkPolicies, in one that ignores
//! them, and in one where a firewall lets only the gateway out. The network is switched for all, so
//! these tests run one after the other, on a mesh of their own.

mod kept;
#[allow(dead_code)] // what only the traffic tests need
#[path = "../traffic/mesh.rs"]
mod mesh;
mod modes;
mod network;
mod round;
#[path = "../traffic/run.rs"]
mod run;
mod seed;
mod status;
