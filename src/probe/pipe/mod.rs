//! What a container may have to connect with: one file each. A byte pipe joins standard input and
//! output to a host's port, and TLS and HTTP are spoken by us over it; curl, wget and openssl speak
//! them by themselves.
//!
//! Hosts are arguments of their own, never part of a script. Each command ends by itself after a
//! number of seconds.

mod bash;
mod busybox;
pub(super) mod curl;
mod nc;
mod node;
mod openssl;
mod perl;
mod python;
mod socat;
pub(super) mod wget;

pub use curl::read as read_curl;

use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// What was found in a container.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Tools {
    names: BTreeSet<String>,
}

/// A command that joins its standard input and output to a host's port.
pub(super) struct BytePipe {
    /// The tool, as it is asked for and shown.
    pub(super) name: &'static str,
    /// True where it starts TLS itself.
    pub(super) starts_tls: bool,
    /// The command, for a host, a port and a number of seconds.
    pub(super) command: fn(&Tools, (&str, u16, u64)) -> Vec<String>,
}

/// Those that carry bytes as they are; the first that is there is taken.
const PLAIN: &[BytePipe] = &[
    nc::PIPE,
    socat::PIPE,
    python::PIPE,
    perl::PIPE,
    bash::PIPE,
    node::PIPE,
    busybox::PIPE,
];

/// Asked once in a shell: one line for each tool that is there.
pub(super) const DETECT: &str = "for t in curl wget openssl nc socat python3 perl bash node \
    busybox timeout; do command -v $t >/dev/null 2>&1 && echo $t; done; case \"$(wget --help \
    2>&1)\" in *BusyBox*) echo wget-is-busybox;; esac";

/// Where there is no shell: these say their version.
pub(super) const WITHOUT_SHELL: &[&str] = &["curl", "python3", "node"];

impl Tools {
    pub(super) fn named<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        let names = names.into_iter().map(str::trim).filter(|n| !n.is_empty());
        Tools {
            names: names.map(str::to_owned).collect(),
        }
    }

    /// Whether that tool is there.
    pub fn has(&self, name: &str) -> bool {
        self.names.contains(name)
    }

    /// Whether there is nothing to connect with.
    pub fn is_empty(&self) -> bool {
        self.plain().is_none() && !["curl", "wget", "openssl"].iter().any(|t| self.has(t))
    }

    /// A pipe for bytes.
    pub(super) fn plain(&self) -> Option<&'static BytePipe> {
        PLAIN.iter().find(|p| self.has(p.name))
    }

    /// A pipe for the plaintext of TLS: openssl's own, else a plain one, over which we speak TLS.
    pub(super) fn for_tls(&self) -> Option<&'static BytePipe> {
        if self.has(openssl::PIPE.name) {
            Some(&openssl::PIPE)
        } else {
            self.plain()
        }
    }
}

fn words<const N: usize>(words: [&str; N]) -> Vec<String> {
    words.map(str::to_owned).to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};
    use std::net::TcpListener;
    use std::process::{Command, Stdio};

    #[test]
    fn the_best_pipe_that_is_there_is_taken() {
        let tools = Tools::named("perl\nbash\n\n".lines());
        assert_eq!(tools.plain().map(|p| p.name), Some("perl"));
        assert_eq!(
            tools.for_tls().map(|p| (p.name, p.starts_tls)),
            Some(("perl", false))
        );
        let tools = Tools::named(["openssl", "timeout"]);
        assert!(tools.plain().is_none() && tools.for_tls().is_some_and(|p| p.starts_tls));
        assert!(Tools::named(["timeout"]).is_empty() && !tools.is_empty());
    }

    /// Each pipe that this machine has a tool for, against a listener of our own; bash is on every
    /// machine that builds.
    #[test]
    fn pipes_carry_bytes_both_ways_and_end_with_the_far_side() {
        let mut tried = Vec::new();
        for pipe in PLAIN {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            let command = (pipe.command)(
                &Tools::default(),
                ("127.0.0.1", listener.local_addr().unwrap().port(), 5),
            );
            let mut child = Command::new(&command[0]);
            let child = child
                .args(&command[1..])
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .spawn();
            let Ok(mut child) = child else { continue };
            let (mut far, _) = listener.accept().unwrap();
            let mut input = child.stdin.take().unwrap();
            input.write_all(b"ping").unwrap();
            let mut heard = [0; 4];
            far.read_exact(&mut heard).unwrap();
            far.write_all(b"pong").unwrap();
            drop(far);
            let mut said = Vec::new();
            child.stdout.take().unwrap().read_to_end(&mut said).unwrap();
            child.wait().unwrap();
            assert_eq!(
                (&heard, said.as_slice()),
                (b"ping", &b"pong"[..]),
                "{}",
                pipe.name
            );
            tried.push(pipe.name);
        }
        assert!(tried.contains(&"bash"), "{tried:?}");
    }

    #[test]
    fn hosts_are_arguments_of_their_own() {
        for pipe in PLAIN {
            let command = (pipe.command)(&Tools::default(), ("host.example", 443, 7));
            let whole =
                |w: &&String| w.as_str() == "host.example" || w.starts_with("TCP:host.example:443");
            assert!(
                command.iter().any(|w| whole(&w)),
                "{}: {command:?}",
                pipe.name
            );
        }
    }
}
