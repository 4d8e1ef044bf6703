//! `/clusters`, from which the proof of passage is made, and istiod's `/debug/syncz`.
#![no_main]

use kubectl_egress::envoy::{Part, Parts, ProxySync, Tally};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    if let Ok(tally) = Tally::parse(data) {
        let before = Tally::default();
        for cluster in tally.clusters.keys() {
            let _ = tally.since(&before, cluster);
            let _ = before.since(&tally, cluster);
        }
    }
    let mut parts = Parts::default();
    let _ = parts.take(Part::Statuses, data);
    let _ = parts.take(Part::Stats, data);
    let _ = parts.proxy();
    for sync in ProxySync::parse(data).unwrap_or_default() {
        let _ = sync.rejected().count();
    }
});
