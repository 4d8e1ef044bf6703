//! YAML and JSON text as `doctor -f` and `setup -f` read it, and doctor's judgement of the objects
//! in it.
#![no_main]

use kubectl_egress::plan::file::{known_gateway, read};
use kubectl_egress::snapshot::{Origin, Snapshot};
use kubectl_egress_fuzz::judge;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let text = String::from_utf8_lossy(data);
    let _ = known_gateway("egress.yaml", &text);
    let _ = read("egress.yaml", &text, "default");
    let mut snapshot = Snapshot::offline().expect("Istio's defaults");
    if snapshot.lay(&text, Origin { path: "x.yaml", namespace: "default" }).is_ok_and(|laid| !laid.is_empty()) {
        snapshot.seal();
        judge(&snapshot, &["edition.cnn.com:443", "edition.cnn.com:80", "10.0.0.1:5432=tcp"]);
    }
});
