//! A bundle's text as `doctor --snapshot` reads it.
#![no_main]

use kubectl_egress::snapshot::Snapshot;
use kubectl_egress_fuzz::judge;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    if let Ok(snapshot) = Snapshot::unbundle("bundle.json", &String::from_utf8_lossy(data)) {
        judge(&snapshot, &["edition.cnn.com:443"]);
    }
});
