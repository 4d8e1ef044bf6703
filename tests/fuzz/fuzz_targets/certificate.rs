//! Certificates, as DER out of a handshake and as PEM out of a proxy, judged for each use.
#![no_main]

use jiff::Timestamp;
use kubectl_egress::identity::{Expected, certificates, compare_roots, verify, verify_der};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let now = Timestamp::UNIX_EPOCH;
    let server = Expected::Server { host: "edition.cnn.com".into() };
    let halves = data.split_at(data.len() / 2);
    for chain in [vec![data.to_vec()], vec![halves.0.to_vec(), halves.1.to_vec()]] {
        let identity = verify_der(&chain, "", &server, now);
        let _ = identity.problems.iter().map(ToString::to_string).collect::<Vec<_>>();
    }
    let text = String::from_utf8_lossy(data);
    let _ = verify(&text, &text, &Expected::Client, now);
    for certificate in certificates(&text, now) {
        let _ = (certificate.label(), certificate.spiffe_id(), certificate.is_for("edition.cnn.com"));
    }
    let _ = compare_roots(&text, "", now);
});
