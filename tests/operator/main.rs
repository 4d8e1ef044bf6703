//! The real operator of Istio 1.22 and a live IstioOperator: gateways that it installs and removes
//! for us, whoever is killed in between, and the objects that it does not look at. On a mesh of its
//! own (`mesh up NAME --istio 1.22 --operator`); the tests run one after the other, since all of
//! them change the one IstioOperator. Without the operator they fail.

#[allow(dead_code)] // what only the traffic tests need
#[path = "../traffic/fingerprint.rs"]
mod fingerprint;
#[allow(dead_code)] // what only the traffic tests need
#[path = "../traffic/mesh.rs"]
mod mesh;
mod objects;
#[path = "../traffic/run.rs"]
mod run;
mod taken_back;
