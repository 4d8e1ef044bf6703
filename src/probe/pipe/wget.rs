//! wget, GNU's or busybox': the status lines that `-S` shows are all that is read. GNU's verifies
//! and says so, and goes on; busybox' does not verify, follows redirects, and has no other
//! switches.

use super::super::answer::{Answer, Body, Failure, cut, envoy_flag};
use super::{Tools, words};
use crate::model::trace::HopName;

/// The command.
pub(in super::super) fn command(tools: &Tools, url: &str, seconds: u64) -> Vec<String> {
    let seconds = seconds.to_string();
    if tools.has("wget-is-busybox") {
        return words(["wget", "-S", "-T", &seconds, "-O", "-", url]);
    }
    words([
        "wget",
        "-S",
        "--no-proxy",
        "--no-check-certificate",
        "--content-on-error",
        "--max-redirect=0",
        "-t",
        "1",
        "-T",
        &seconds,
        "-O",
        "-",
        url,
    ])
}

/// Read what it printed.
pub(in super::super) fn read(
    stdout: &[u8],
    stderr: &str,
    code: Option<i32>,
    verifies: bool,
) -> Answer {
    let lines: Vec<&str> = stderr.lines().map(str::trim).collect();
    let header = |name: &str| {
        let found = lines
            .iter()
            .filter_map(|l| l.split_once(':'))
            .find(|(n, _)| n.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.trim().to_owned())
    };
    // The first answer, before any redirect was followed.
    let first = lines.iter().find_map(|l| l.strip_prefix("HTTP/"));
    let (version, rest) = first.and_then(|l| l.split_once(' ')).unwrap_or_default();
    let status = rest.split(' ').next().and_then(|s| s.parse().ok());
    let server = header("server").unwrap_or_default();
    let passed_on = header("x-envoy-upstream-service-time").is_some();
    let failure = match (status, code) {
        (Some(status), _) => envoy_flag((status, &server, stdout), passed_on, HopName::Sidecar),
        (None, Some(0)) => None,
        (None, _) => Some(Failure::from_words(stderr)),
    };
    Answer {
        reached: failure.is_none(),
        status,
        version: version.to_owned(),
        redirect: header("location").map(|l| l.trim_end_matches(" [following]").to_owned()),
        body: status.map(|_| Body::of(stdout)),
        trusted: (verifies && failure.is_none()).then(|| {
            !stderr.contains("cannot verify") && !stderr.contains("no certificate subject")
        }),
        failure,
        server,
        through: "wget".into(),
        raw: cut(stderr, 2000),
        ..Answer::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn status_lines_are_read() {
        let stderr = "  HTTP/1.1 301 Moved Permanently\n  server: nginx\n  Location: https://x/ \
            [following]\n";
        let answer = read(b"", stderr, Some(8), false);
        assert_eq!(
            (answer.status, answer.redirect.as_deref()),
            (Some(301), Some("https://x/"))
        );
        assert!(answer.reached && answer.version == "1.1");
        let answer = read(b"", "wget: bad address 'nobody.invalid'", Some(1), false);
        assert_eq!(answer.failure, Some(Failure::NameNotResolved));
        let stderr =
            "WARNING: cannot verify x's certificate, issued by 'CN=y':\n  HTTP/1.1 200 OK\n";
        assert_eq!(read(b"hi", stderr, Some(0), true).trusted, Some(false));
    }
}
