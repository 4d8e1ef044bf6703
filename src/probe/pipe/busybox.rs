//! busybox where it has no links of its own: its netcat.

use super::{BytePipe, words};

pub(super) const PIPE: BytePipe = BytePipe {
    name: "busybox",
    starts_tls: false,
    command: |_, (host, port, seconds)| {
        words([
            "busybox",
            "nc",
            "-w",
            &seconds.to_string(),
            host,
            &port.to_string(),
        ])
    },
};
