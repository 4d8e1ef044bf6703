//! Offers against real servers of openssl's, which is on every machine that builds, and against
//! bytes that make no sense.

use super::*;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

struct Server(Child, u16);

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port()
}

fn serve(key: &[&str], options: &[&str]) -> Server {
    let folder = tempfile::tempdir().unwrap().keep();
    let path = |name: &str| folder.join(name).to_str().unwrap().to_owned();
    let (certificate, secret) = (path("crt"), path("key"));
    let made = Command::new("openssl")
        .args([
            "req",
            "-x509",
            "-nodes",
            "-days",
            "2",
            "-subj",
            "/CN=db.example.com",
            "-out",
            &certificate,
        ])
        .args(["-keyout", &secret])
        .args(key)
        .stderr(Stdio::null())
        .status();
    assert!(made.unwrap().success());
    let port = free_port();
    let child = Command::new("openssl")
        .args([
            "s_server",
            "-quiet",
            "-www",
            "-accept",
            &format!("127.0.0.1:{port}"),
        ])
        .args([
            "-cert",
            &certificate,
            "-key",
            &secret,
            "-cert2",
            &certificate,
            "-key2",
            &secret,
        ])
        .args(options)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    Server(child.unwrap(), port)
}

async fn ask(server: &Server, offer: Offer, name: &str) -> Reply {
    let end = std::time::Instant::now() + Duration::from_secs(10);
    let mut stream = loop {
        match tokio::net::TcpStream::connect(("127.0.0.1", server.1)).await {
            Ok(stream) => break stream,
            Err(error) => assert!(std::time::Instant::now() < end, "{error}"),
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    make(&mut stream, offer, Some(name)).await
}

fn failure() -> Reply {
    Reply::Alert {
        alert: "handshake failure".into(),
    }
}

#[tokio::test]
async fn a_server_with_an_old_cipher_only_takes_the_widest_offer() {
    let server = serve(
        &["-newkey", "rsa:2048"],
        &["-tls1_2", "-cipher", "AES256-GCM-SHA384"],
    );
    assert_eq!(
        ask(&server, Offer::Envoy, "db.example.com").await,
        failure()
    );
    assert_eq!(
        ask(&server, Offer::MoreCurves, "db.example.com").await,
        failure()
    );
    let Reply::Taken {
        version,
        suite,
        chain,
    } = ask(&server, Offer::Everything, "db.example.com").await
    else {
        panic!("not taken");
    };
    assert_eq!(
        (version.as_str(), suite.as_str()),
        ("TLSv1.2", "AES256-GCM-SHA384")
    );
    assert!(chain.contains("BEGIN CERTIFICATE"));
}

#[tokio::test]
async fn a_key_on_p384_needs_that_curve_in_the_offer() {
    let key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-384"];
    let server = serve(&key, &["-tls1_2"]);
    assert_eq!(
        ask(&server, Offer::Envoy, "db.example.com").await,
        failure()
    );
    assert!(
        ask(&server, Offer::MoreCurves, "db.example.com")
            .await
            .taken()
    );
}

#[tokio::test]
async fn a_modern_server_takes_what_envoy_offers() {
    let server = serve(&["-newkey", "rsa:2048"], &[]);
    let Reply::Taken { version, chain, .. } = ask(&server, Offer::Envoy, "db.example.com").await
    else {
        panic!("not taken");
    };
    assert_eq!((version.as_str(), chain.as_str()), ("TLSv1.3", ""));
}

#[tokio::test]
async fn a_server_that_refuses_a_name_says_so() {
    let key = ["-newkey", "rsa:2048"];
    let server = serve(
        &key,
        &[
            "-servername",
            "db.example.com",
            "-servername_fatal",
            "-tls1_2",
        ],
    );
    let refused = ask(&server, Offer::Envoy, "db-old.example.com").await;
    assert_eq!(
        refused,
        Reply::Alert {
            alert: "unrecognized name".into()
        }
    );
}

#[test]
fn what_is_not_tls_is_told_by_its_first_words() {
    let reply = Reply::read(b"HTTP/1.1 400 Bad Request\r\n").unwrap();
    assert_eq!(
        reply,
        Reply::NotTls {
            words: "HTTP/1.1 400 Bad Request\r\n".into()
        }
    );
    assert_eq!(Reply::read(&[]), None);
    assert_eq!(
        Reply::read(&[21, 3, 3, 0, 2, 2, 70]),
        Some(Reply::Alert {
            alert: "protocol version".into()
        })
    );
    assert_eq!(Reply::read(&[22, 3, 3, 0, 9, 2, 0]), None);
}

proptest::proptest! {
    #[test]
    fn garbage_is_never_a_panic(mut bytes in proptest::collection::vec(0u8..=255, 0..300)) {
        let _ = Reply::read(&bytes);
        bytes.splice(0..0, [22, 3, 3, 1, 0, 2]);
        let _ = Reply::read(&bytes);
    }
}
