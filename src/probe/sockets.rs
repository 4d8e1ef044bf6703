//! Which connections are open in a pod's network, by the kernel's own list: the only sight of a pod
//! without a sidecar. `/proc/net/tcp` is of the whole network namespace, whichever process looks.
//!
//! Source: Documentation/networking/proc_net_tcp.rst of the Linux kernel. Addresses are hexadecimal
//! words in the byte order of the machine, which is little-endian on every node that Istio runs on.

use super::client::ClientPod;
use crate::cluster::Cluster;
use crate::deadline::Deadline;
use crate::error::Error;
use crate::kubernetes::network_policy::Transport;
use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

const FILES: [&str; 4] = [
    "/proc/net/tcp",
    "/proc/net/tcp6",
    "/proc/net/udp",
    "/proc/net/udp6",
];

/// `TCP_ESTABLISHED`, which a connected UDP socket has too.
const ESTABLISHED: &str = "01";

/// `TCP_SYN_SENT`.
const OPENING: &str = "02";

/// The far ends of the connections that a pod opened; none where its container has no `cat`.
pub async fn sockets(
    cluster: &Cluster,
    at: &ClientPod,
    deadline: Deadline,
) -> Result<Option<Vec<(Transport, SocketAddr)>>, Error> {
    let command: Vec<&str> = ["cat"].into_iter().chain(FILES).collect();
    let output = match cluster
        .exec(
            (&at.namespace, &at.pod, &at.container),
            &command,
            &[],
            deadline,
        )
        .await
    {
        Ok(output) => output,
        Err(Error::Api { .. } | Error::NotFound { .. }) => return Ok(None),
        Err(error) => return Err(error),
    };
    let text = output.text();
    Ok(text.contains("rem_address").then(|| parse(&text)))
}

/// Connections to elsewhere whose local port nobody listens on: those that the pod itself opened.
fn parse(text: &str) -> Vec<(Transport, SocketAddr)> {
    let mut transport = Transport::Tcp;
    let mut listening = BTreeSet::new();
    let mut open = Vec::new();
    for line in text.lines() {
        let fields: Vec<&str> = line.split_whitespace().collect();
        if fields.contains(&"rem_address") {
            // Only the files of UDP count drops.
            transport = if fields.contains(&"drops") {
                Transport::Udp
            } else {
                Transport::Tcp
            };
            continue;
        }
        let [_, local, remote, state, ..] = fields.as_slice() else {
            continue;
        };
        let (Some(local), Some(remote)) = (address(local), address(remote)) else {
            continue;
        };
        if remote.port() == 0 {
            listening.insert((transport, local.port()));
        } else if [ESTABLISHED, OPENING].contains(state) && !remote.ip().is_loopback() {
            open.push((transport, local.port(), remote));
        }
    }
    let ours = open
        .into_iter()
        .filter(|(transport, local, _)| !listening.contains(&(*transport, *local)));
    let ends: BTreeSet<(Transport, SocketAddr)> = ours
        .map(|(transport, _, remote)| (transport, remote))
        .collect();
    ends.into_iter().collect()
}

/// `0A00000A:1538`, or 32 digits for IPv6.
fn address(text: &str) -> Option<SocketAddr> {
    let (address, port) = text.split_once(':')?;
    let word = |at: usize| {
        u32::from_str_radix(address.get(at..at + 8)?, 16)
            .ok()
            .map(u32::swap_bytes)
    };
    let ip = match address.len() {
        8 => IpAddr::V4(Ipv4Addr::from_bits(word(0)?)),
        32 => {
            let words = [word(0)?, word(8)?, word(16)?, word(24)?];
            let bits = words
                .iter()
                .fold(0_u128, |bits, word| bits << 32 | u128::from(*word));
            Ipv6Addr::from_bits(bits).to_canonical()
        }
        _ => return None,
    };
    Some(SocketAddr::new(ip, u16::from_str_radix(port, 16).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_are_told_from_what_is_served() {
        let text = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when \
            retrnsmt   uid  timeout inode\n\
             0: 00000000:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000 0 0 1\n\
             1: 0400F40A:1F90 0900F40A:9C40 01 00000000:00000000 00:00000000 00000000 0 0 2\n\
             2: 0400F40A:9C41 0D7100CB:1538 01 00000000:00000000 00:00000000 00000000 0 0 3\n\
             3: 0100007F:9C42 0100007F:3A98 01 00000000:00000000 00:00000000 00000000 0 0 4\n  \
             sl  local_address                         remote_address rem_address st\n\
             0: 0000000000000000FFFF00000400F40A:9C43 0000000000000000FFFF00000C7100CB:01BB 02 0 0 \
             0\n  \
             sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt uid timeout \
             inode ref pointer drops\n\
             9: 0400F40A:9C44 0A00600A:0035 01 00000000:00000000 00:00000000 00000000 0 0 5 2 0 \
             0\n";
        let found: Vec<String> = parse(text)
            .iter()
            .map(|(t, to)| format!("{t} {to}"))
            .collect();
        assert_eq!(
            found,
            [
                "TCP 203.0.113.12:443",
                "TCP 203.0.113.13:5432",
                "UDP 10.96.0.10:53"
            ]
        );
        assert_eq!(
            address("B80D0120000000000000000001000000:0050")
                .unwrap()
                .to_string(),
            "[2001:db8::1]:80"
        );
        assert!(parse("nonsense\n\n1: x y z").is_empty());
    }
}
