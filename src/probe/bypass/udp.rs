//! A datagram from the client's container, where QUIC would go: no sidecar captures it. A QUIC
//! server answers a version that it does not know (RFC 9000, section 6), a closed port answers by
//! ICMP, and a policy lets nothing come back.

use super::super::client::ClientPod;
use super::super::pipe::Tools;
use super::Outcome;
use crate::cluster::Cluster;
use crate::deadline::Deadline;
use crate::error::Error;
use std::net::SocketAddr;

/// A long header with a version that is reserved to be unknown, and two connection ids of 8 bytes;
/// QUIC servers answer only what is 1,200 bytes long.
const HELLO: &str = "\\300\\032\\052\\072\\112\\010egressAA\\010egressBB";

const LENGTH: usize = 1200;

/// What comes back by ICMP may be held back: Linux answers a host once a second (`icmp_ratelimit`).
/// So silence is asked twice.
const SECONDS: &str = "1.5";

const SILENT: &str = "nothing comes back";

const BASH: &str = r#"exec 3<>"/dev/udp/$1/$2" || exit 1
{ printf "$3"; printf "%0${4}d" 0; } | dd bs=2048 iflag=fullblock 2>/dev/null >&3 || { echo refused; exit; }
IFS= read -r -t "$5" -n 1 -u 3 x; code=$?
if [ $code -gt 128 ]; then echo silent; elif [ $code = 0 ]; then echo answered; else echo refused; fi"#;

const PERL: &str = r#"use IO::Socket::INET; my ($host, $port, $hello, $pad, $seconds) = @ARGV;
$hello =~ s/\\(\d{3})/chr(oct($1))/ge;
my $s = IO::Socket::INET->new(PeerAddr => $host, PeerPort => $port, Proto => "udp") or die "$@\n";
$s->send($hello . ("0" x $pad)) or do { print "refused\n"; exit };
my $in = ""; vec($in, fileno($s), 1) = 1;
if (!select($in, undef, undef, $seconds)) { print "silent\n"; exit }
print defined($s->recv(my $data, 2048)) && length($data) ? "answered\n" : "refused\n";"#;

const PYTHON: &str = r#"import re, socket, sys
host, port, hello, pad, seconds = sys.argv[1:]
data = re.sub(rb"\\(\d{3})", lambda m: bytes([int(m[1], 8)]), hello.encode()) + b"0" * int(pad)
s = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM)
s.settimeout(float(seconds))
try:
    s.connect((host, int(port))); s.send(data); s.recv(2048); print("answered")
except socket.timeout: print("silent")
except OSError as e: print("refused" if e.errno == 111 else e)"#;

/// Send one and see what comes back.
pub(super) async fn udp(
    cluster: &Cluster,
    (at, tools): (&ClientPod, &Tools),
    to: SocketAddr,
    deadline: Deadline,
) -> Result<Outcome, Error> {
    let script: &[&str] = match () {
        () if tools.has("python3") => &["python3", "-c", PYTHON],
        () if tools.has("perl") && to.is_ipv4() => &["perl", "-e", PERL],
        () if tools.has("bash") => &["bash", "-c", BASH, "bash"],
        () => {
            return Ok(Outcome::Untried(
                "the container has nothing to send a datagram with".into(),
            ));
        }
    };
    let (host, port) = (to.ip().to_string(), to.port().to_string());
    // The hello is 23 bytes long once its escapes are read.
    let pad = (LENGTH - 23).to_string();
    let command: Vec<&str> = script
        .iter()
        .copied()
        .chain([host.as_str(), port.as_str(), HELLO, pad.as_str(), SECONDS])
        .collect();
    let first = once(cluster, at, &command, deadline).await?;
    if first != Outcome::Stopped(SILENT.into()) {
        return Ok(first);
    }
    match once(cluster, at, &command, deadline).await {
        Err(Error::Deadline { .. }) => Ok(first),
        second => second,
    }
}

async fn once(
    cluster: &Cluster,
    at: &ClientPod,
    command: &[&str],
    deadline: Deadline,
) -> Result<Outcome, Error> {
    let output = cluster
        .exec(
            (&at.namespace, &at.pod, &at.container),
            command,
            &[],
            deadline,
        )
        .await?;
    Ok(match output.text().trim() {
        "answered" => Outcome::Through("an answer".into()),
        "refused" => Outcome::Through("the far side says that nobody listens".into()),
        "silent" => Outcome::Stopped(SILENT.into()),
        other => {
            let words = if other.is_empty() {
                String::from_utf8_lossy(&output.stderr).into_owned()
            } else {
                other.into()
            };
            if words.to_lowercase().contains("unreachable")
                || words.to_lowercase().contains("not permitted")
            {
                Outcome::Stopped(words.trim().to_lowercase())
            } else {
                Outcome::Untried(words.trim().to_owned())
            }
        }
    })
}
