//! What a connection does, before and after, on a real mesh: the one that `EGRESS_TEST_KUBECONFIG`
//! names, or the mesh in a box, which is started if need be. Nothing here is ever skipped: without
//! a mesh the tests fail and say why.

mod allow;
mod cleanup;
mod cut;
mod fingerprint;
mod flows;
mod guided;
mod http;
mod inject;
mod installers;
mod joined;
mod journey;
mod lost;
mod many;
mod mesh;
mod rights;
mod run;
mod tcp;
mod tls;
mod tour;
mod uninterrupted;
mod wrong_input;
