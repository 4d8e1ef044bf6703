//! Envoy's config dump, whole and in pieces, and what is evaluated on whatever was read of it.
#![no_main]

use kubectl_egress::envoy::{Bytes, Connection, Part, Parts, Role, onward, pass};
use libfuzzer_sys::fuzz_target;

const PARTS: [Part; 6] = [Part::Whole, Part::Listeners, Part::Routes, Part::Clusters, Part::Endpoints, Part::Secrets];

fuzz_target!(|data: &[u8]| {
    let Some((first, answer)) = data.split_first() else { return };
    let mut parts = Parts::default();
    let _ = parts.take(PARTS[usize::from(*first) % PARTS.len()], answer);
    let proxy = parts.proxy();
    for bytes in [Bytes::tls(Some("edition.cnn.com")), Bytes::http("edition.cnn.com", 80), Bytes::Tcp] {
        for role in [Role::Sidecar, Role::Gateway] {
            let connection = Connection { address: None, port: 443, bytes: bytes.clone(), role };
            let (step, handed) = pass(&proxy, &connection);
            let _ = onward(&step, &handed);
        }
    }
});
