//! A server's first words to an offer of TLS.
#![no_main]

use kubectl_egress::probe::Reply;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let _ = Reply::read(data);
});
