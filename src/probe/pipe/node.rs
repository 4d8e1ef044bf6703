//! Node, with a timer that ends it.

use super::{BytePipe, words};

const SCRIPT: &str = "const [host, port, seconds] = process.argv.slice(1); const s = \
     require('net').connect(+port, host); s.on('error', e => { console.error(e.message); \
     process.exit(1) }); process.stdin.pipe(s); s.pipe(process.stdout); s.on('close', () => \
     process.exit(0)); process.stdin.on('end', () => process.exit(0)); setTimeout(() => \
     process.exit(1), seconds * 1000)";

pub(super) const PIPE: BytePipe = BytePipe {
    name: "node",
    starts_tls: false,
    command: |_, (host, port, seconds)| {
        words([
            "node",
            "-e",
            SCRIPT,
            host,
            &port.to_string(),
            &seconds.to_string(),
        ])
    },
};
