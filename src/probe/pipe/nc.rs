//! Netcat in any of its makes: OpenBSD's, nmap's, busybox' own link. `-w` is an idle time in the
//! first, and at least the time to connect in the others.

use super::{BytePipe, words};

pub(super) const PIPE: BytePipe = BytePipe {
    name: "nc",
    starts_tls: false,
    command: |_, (host, port, seconds)| {
        words(["nc", "-w", &seconds.to_string(), host, &port.to_string()])
    },
};
