//! curl: the whole request by the client's own libraries. The certificate is verified first; where
//! that alone fails, the request is made again without, so that "not trusted" and "not reached"
//! stay apart.

use super::super::answer::{Answer, Body, Failure, cut, envoy_flag};
use crate::model::trace::HopName;

/// Before the line that [`FORMAT`] writes after the body.
const MARK: &str = "\n--egress--";

const FORMAT: &str = "\n--egress--%{http_code} %{http_version} %{time_appconnect} %{redirect_url}";

/// A body longer than this is not read to its end.
const LONGEST: &str = "8388608";

/// The command. `insecure` does not verify.
pub(in super::super) fn command(url: &str, seconds: u64, insecure: bool) -> Vec<String> {
    let seconds = seconds.to_string();
    let mut command: Vec<String> = [
        "curl",
        // First of all: whatever ~/.curlrc says in that container is not what we ask for.
        "-q",
        // Brackets in a path are not a pattern.
        "-g",
        "-sSiv",
        "--max-filesize",
        LONGEST,
        "--noproxy",
        "*",
        "--max-time",
        &seconds,
        "-w",
        FORMAT,
    ]
    .map(str::to_owned)
    .to_vec();
    if insecure {
        command.push("-k".into());
    }
    command.push(url.to_owned());
    command
}

/// Exit codes that mean "the certificate is not trusted", and nothing else.
pub(in super::super) fn distrusts(code: Option<i32>) -> bool {
    matches!(code, Some(51 | 60))
}

/// Read what it printed. For `tcp` there is no HTTP: bytes, or a quiet connection, are an answer.
pub fn read(stdout: &[u8], stderr: &str, code: Option<i32>, tcp: bool) -> Answer {
    let text = String::from_utf8_lossy(stdout);
    let (output, line) = text.rsplit_once(MARK).unwrap_or((&text, ""));
    let mut fields = line.split(' ');
    let mut field = || fields.next().unwrap_or_default().trim().to_owned();
    let (status, version, handshake, redirect) = (field(), field(), field(), field());
    let (head, body) = split_head(output);
    let header = |name: &str| {
        let found = head
            .lines()
            .filter_map(|l| l.split_once(':'))
            .find(|(n, _)| n.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.trim().to_owned())
    };
    let status = status.parse().ok().filter(|s| *s != 0);
    let server = header("server").unwrap_or_default();
    let passed_on = header("x-envoy-upstream-service-time").is_some();
    let shook = handshake.parse::<f64>().is_ok_and(|t| t > 0.0);
    let failure = match (code, status) {
        (_, Some(status)) => envoy_flag(
            (status, &server, body.as_bytes()),
            passed_on,
            HopName::Sidecar,
        ),
        (Some(0 | 28), None) if tcp && (code == Some(28) || !output.is_empty()) => None,
        (Some(0) | None, None) => Some(Failure::Other {
            words: "curl got nothing".into(),
        }),
        (Some(code), None) => Some(why(code, stderr)),
    };
    Answer {
        reached: failure.is_none() || shook && status.is_none(),
        status,
        version: if version == "0" {
            String::new()
        } else {
            version
        },
        redirect: Some(redirect).filter(|r| !r.is_empty()),
        body: status.map(|_| Body::of(body.as_bytes())),
        subject: verbose(stderr, "subject:"),
        issuer: verbose(stderr, "issuer:"),
        failure,
        server,
        through: "curl".into(),
        raw: cut(&format!("{}\n{output}", complaints(stderr)), 2000),
        ..Answer::default()
    }
}

/// The last block of headers, and what comes after it.
fn split_head(output: &str) -> (&str, &str) {
    let mut rest = output;
    let mut head = "";
    while rest.starts_with("HTTP/") {
        let Some((block, after)) = rest.split_once("\r\n\r\n") else {
            return (rest, "");
        };
        (head, rest) = (block, after);
    }
    (head, rest)
}

fn why(code: i32, stderr: &str) -> Failure {
    let words = complaints(stderr);
    let told = Failure::from_words(&words);
    match (code, told) {
        (6, _) => Failure::NameNotResolved,
        (28, _) => Failure::Timeout,
        (7, Failure::Other { .. }) => Failure::Refused,
        (35 | 52 | 55 | 56, Failure::Other { .. }) => Failure::Reset,
        (1 | 8, _) => Failure::NotHttp,
        (_, told) => told,
    }
}

/// curl's own last words, without the conversation that `-v` shows.
fn complaints(stderr: &str) -> String {
    let own: Vec<&str> = stderr.lines().filter(|l| l.starts_with("curl: ")).collect();
    own.join("\n")
}

/// A line such as `*  subject: CN=edition.cnn.com`.
fn verbose(stderr: &str, field: &str) -> Option<String> {
    let mut lines = stderr.lines().filter_map(|l| l.strip_prefix('*'));
    lines
        .find_map(|l| l.trim().strip_prefix(field))
        .map(|value| value.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probe::ResponseFlag;

    #[test]
    fn a_redirect_is_an_answer() {
        let out = b"HTTP/1.1 301 Moved Permanently\r\nserver: \
            envoy\r\nx-envoy-upstream-service-time: 1\r\n\r\nMoved\n\
            \n--egress--301 1.1 0.000000 https://edition.cnn.com/";
        let answer = read(out, "", Some(0), false);
        assert!(answer.reached && answer.failure.is_none());
        assert_eq!((answer.status, answer.version.as_str()), (Some(301), "1.1"));
        assert_eq!(answer.redirect.as_deref(), Some("https://edition.cnn.com/"));
        assert_eq!(answer.body.unwrap().first_line, "Moved");
    }

    #[test]
    fn envoys_own_answer_is_not_the_hosts() {
        let out = b"HTTP/1.1 503 Service Unavailable\r\nserver: envoy\r\n\r\nno healthy \
            upstream\n--egress--503 1.1 0 ";
        let answer = read(out, "", Some(0), false);
        assert!(!answer.reached);
        assert_eq!(
            answer.failure,
            Some(Failure::Envoy {
                status: 503,
                flag: ResponseFlag::NoHealthyUpstream,
                hop: HopName::Sidecar
            })
        );
    }

    #[test]
    fn a_failed_handshake_is_told_from_an_untrusted_certificate() {
        let stderr = "*   Trying 203.0.113.10:443...\ncurl: (35) OpenSSL SSL_connect: \
            SSL_ERROR_SYSCALL in x:443";
        let answer = read(b"\n--egress--000 0 0.000000 ", stderr, Some(35), false);
        assert_eq!(
            (answer.reached, answer.failure),
            (false, Some(Failure::Reset))
        );
        assert!(distrusts(Some(60)) && !distrusts(Some(35)));
        let stderr =
            "* Server certificate:\n*  subject: CN=edition.cnn.com\n*  issuer: CN=Outside CA";
        let answer = read(
            b"HTTP/2 200 \r\n\r\nhi\n--egress--200 2 0.01 ",
            stderr,
            Some(0),
            false,
        );
        assert_eq!(
            (answer.subject.as_deref(), answer.issuer.as_deref()),
            (Some("CN=edition.cnn.com"), Some("CN=Outside CA"))
        );
    }

    #[test]
    fn a_quiet_tcp_connection_is_open() {
        assert!(
            read(
                b"\n--egress--000 0 0 ",
                "curl: (28) Operation timed out",
                Some(28),
                true
            )
            .reached
        );
        assert!(read(b"ready\n\n--egress--000 0 0 ", "", Some(0), true).reached);
        assert!(!read(b"\n--egress--000 0 0 ", "", Some(0), true).reached);
        let refused = read(
            b"",
            "curl: (7) Failed to connect: Connection refused",
            Some(7),
            true,
        );
        assert_eq!(
            (refused.reached, refused.failure),
            (false, Some(Failure::Refused))
        );
    }

    proptest::proptest! {
        #[test]
        fn garbage_is_never_a_panic(out in ".{0,300}", err in ".{0,100}", code in 0i32..100) {
            let _ = read(out.as_bytes(), &err, Some(code), code % 2 == 0);
        }
    }
}
