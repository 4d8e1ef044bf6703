//! socat. `-T` ends it after so many seconds without a byte.

use super::{BytePipe, words};

pub(super) const PIPE: BytePipe = BytePipe {
    name: "socat",
    starts_tls: false,
    command: |_, (host, port, seconds)| {
        let target = format!("TCP:{host}:{port},connect-timeout={seconds}");
        words(["socat", "-T", &seconds.to_string(), "STDIO", &target])
    },
};
