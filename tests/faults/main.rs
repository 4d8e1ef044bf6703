//! Faults that no Istio object shows, made for real on a mesh: doctor must name the cause and the
//! hop first. Each test has a namespace, a gateway and a host of its own, made healthy first.
//! Nothing here is ever skipped: without a mesh the tests fail and say why.

mod client;
mod control_plane;
mod crowd;
mod gateway;
mod healthy;
#[path = "../traffic/mesh.rs"]
#[expect(dead_code, reason = "the traffic tests use more of it")]
mod mesh;
mod outside;
mod proxies;
mod rights;
mod site;
mod waiting;
