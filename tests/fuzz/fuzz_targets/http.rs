//! An HTTP answer as it comes over a stream, and what curl printed about one.
#![no_main]

use kubectl_egress::model::trace::HopName;
use kubectl_egress::probe::{get, read_curl};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let stream = tokio::io::join(data, tokio::io::sink());
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let _ = runtime.block_on(get(stream, ("edition.cnn.com", "/"), HopName::Gateway));
    let middle = data.len() / 2;
    let code = data.first().map(|b| i32::from(*b));
    let _ = read_curl(&data[..middle], &String::from_utf8_lossy(&data[middle..]), code, data.len() % 2 == 0);
});
