//! `openssl s_client`: TLS by the client's own library, the plaintext on standard input and output.
//! It has no time limit of its own, so `timeout` goes before it where there is one; else it ends
//! when the server closes, as we ask it to.

use super::{BytePipe, Tools, words};

pub(super) const PIPE: BytePipe = BytePipe {
    name: "openssl",
    starts_tls: true,
    command,
};

fn command(tools: &Tools, (host, port, seconds): (&str, u16, u64)) -> Vec<String> {
    let address = if host.contains(':') {
        format!("[{host}]:{port}")
    } else {
        format!("{host}:{port}")
    };
    let mut command = words(["openssl", "s_client", "-quiet", "-connect", &address]);
    if host.parse::<std::net::IpAddr>().is_err() {
        command.extend(words(["-servername", host]));
    }
    if tools.has("timeout") {
        command.splice(0..0, words(["timeout", &seconds.to_string()]));
    }
    command
}
