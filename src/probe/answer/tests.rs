//! What came back, told from the words of tools and of Envoy.

use super::*;

#[test]
fn tools_words_are_told_apart() {
    for (words, want) in [
        (
            "curl: (6) Could not resolve host: x",
            Failure::NameNotResolved,
        ),
        (
            "nc: getaddrinfo for host \"x\" port 80: Name or service not known",
            Failure::NameNotResolved,
        ),
        ("wget: bad address 'x'", Failure::NameNotResolved),
        (
            "connect to 10.0.0.1 port 80 failed: Connection refused",
            Failure::Refused,
        ),
        (
            "OpenSSL SSL_connect: SSL_ERROR_SYSCALL in connection to x:443",
            Failure::Reset,
        ),
        (
            "error:0A00010B:SSL routines::wrong version number",
            Failure::NotTls,
        ),
        ("Recv failure: Connection reset by peer", Failure::Reset),
        (
            "Connection timed out after 3000 milliseconds",
            Failure::Timeout,
        ),
        ("bash: connect: No route to host", Failure::Unreachable),
        (
            "error:0A000410:SSL routines::sslv3 alert handshake \
             failure:ssl/record/rec_layer_s3.c:1584",
            Failure::Alert {
                alert: "handshake failure".into(),
            },
        ),
        (
            "tlsv1 unrecognized name",
            Failure::Alert {
                alert: "unrecognized name".into(),
            },
        ),
        (
            "Connecting to x|1.2.3.4|:80... connected.\nHTTP request sent, awaiting \
             response... Read error (Connection reset by peer)",
            Failure::Reset,
        ),
        (
            "strange",
            Failure::Other {
                words: "strange".into(),
            },
        ),
    ] {
        assert_eq!(Failure::from_words(words), want, "{words}");
    }
}

#[test]
fn envoys_own_answers_are_known_by_their_bodies() {
    let flag = |status, server, body: &str, passed_on| match envoy_flag(
        (status, server, body.as_bytes()),
        passed_on,
        HopName::Sidecar,
    ) {
        Some(Failure::Envoy { flag, hop, .. }) => format!("{hop} {flag}"),
        _ => String::new(),
    };
    assert_eq!(flag(404, "istio-envoy", "", false), "sidecar NR");
    assert_eq!(
        flag(503, "envoy", "no healthy upstream", false),
        "sidecar UH"
    );
    assert_eq!(
        flag(403, "istio-envoy", "RBAC: access denied", true),
        "gateway RBAC"
    );
    assert_eq!(
        flag(
            503,
            "envoy",
            "upstream connect error or disconnect/reset before headers",
            true
        ),
        "gateway UF"
    );
    assert_eq!(flag(404, "nginx", "", false), "");
    assert_eq!(flag(404, "envoy", "", true), "");
    assert_eq!(flag(404, "envoy", "no such page", false), "");
}

#[test]
fn an_answer_that_no_gateway_had_from_a_host_is_envoys() {
    let plain = Answer {
        reached: true,
        status: Some(404),
        server: "envoy".into(),
        body: Some(Body::default()),
        ..Answer::default()
    };
    let full = Answer {
        status: Some(403),
        body: Some(Body::of(b"closed")),
        ..plain.clone()
    };
    for (mut answer, want) in [(plain, "NR"), (full, "answered")] {
        answer.taken_for_envoys(HopName::Gateway);
        let told = match &answer.failure {
            Some(Failure::Envoy {
                flag,
                hop: HopName::Gateway,
                ..
            }) => flag.to_string(),
            _ => String::new(),
        };
        assert_eq!((answer.reached, told.as_str()), (false, want));
    }
}

#[test]
fn envoys_words_about_an_upstream_are_told_apart() {
    let said = |reason: &str| {
        reset_flag(&format!(
            "upstream connect error or disconnect/reset before headers. reset reason: {reason}"
        ))
    };
    for (reason, want) in [
        ("connection failure", "UF"),
        (
            "remote connection failure, transport failure reason: TLS_error",
            "UF",
        ),
        ("connection termination", "UC"),
        ("overflow", "UO"),
        ("protocol error", "UPE"),
        ("connection timeout", "UT"),
        ("remote reset", "UR"),
    ] {
        assert_eq!(said(reason).to_string(), want, "{reason}");
    }
}
