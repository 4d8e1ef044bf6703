//! bash's own `/dev/tcp`, with two `cat`s for the two directions and a subshell that ends them in
//! time.
//!
//! All children are waited for: in a container whose first process reaps nothing, an orphan would
//! stay as a zombie. So the subshell sleeps by `read` on a pipe that nobody writes to, and has no
//! child of its own.

use super::{BytePipe, words};

const SCRIPT: &str = "exec 3<>\"/dev/tcp/$1/$2\" || exit 1; exec 4<> <(:); cat <&0 >&3 2>/dev/null \
     & up=$!; cat <&3 & down=$!; (read -r -t \"$3\" -u 4; kill $up $down) </dev/null >/dev/null \
     2>&1 & watch=$!; wait $down; kill $up $watch 2>/dev/null; wait 2>/dev/null";

pub(super) const PIPE: BytePipe = BytePipe {
    name: "bash",
    starts_tls: false,
    command: |_, (host, port, seconds)| {
        words([
            "bash",
            "-c",
            SCRIPT,
            "bash",
            host,
            &port.to_string(),
            &seconds.to_string(),
        ])
    },
};
