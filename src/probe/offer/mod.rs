//! A ClientHello of our own making, and what a server says to it. No TLS library says exactly what
//! Envoy would: which cipher suites and curves it offers decides whether an old server, or one with
//! a P-384 key, answers at all. Nothing is agreed on and nothing secret is sent: we read the first
//! words of the server and hang up.
//!
//! Sources: RFC 5246 and RFC 8446 (handshake), RFC 6066 (SNI); Envoy's defaults for TLS upstream
//! (`envoy.extensions.transport_sockets.tls.v3.TlsParameters`).

mod hello;
mod reply;
mod suites;

pub use hello::Offer;
pub use reply::Reply;

use super::answer::Failure;
use std::io::ErrorKind;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// The first words of a server are shorter than this.
const LONGEST: usize = 64 << 10;

/// Make an offer and read what the server says to it. The caller keeps the time.
pub(super) async fn make<S: AsyncRead + AsyncWrite + Unpin>(
    stream: &mut S,
    offer: Offer,
    name: Option<&str>,
) -> Reply {
    let sent = stream.write_all(&hello::client_hello(offer, name)).await;
    if let Err(error) = sent.and(stream.flush().await) {
        return Reply::Failed {
            failure: failed(error.kind()),
        };
    }
    let mut heard = Vec::new();
    let mut buffer = vec![0; 8 << 10];
    loop {
        if let Some(reply) = Reply::read(&heard) {
            return reply;
        }
        match stream.read(&mut buffer).await {
            Ok(length @ 1..) if heard.len() < LONGEST => heard.extend_from_slice(&buffer[..length]),
            Ok(_) if heard.is_empty() => {
                return Reply::Failed {
                    failure: Failure::Reset,
                };
            }
            Ok(_) => {
                return Reply::Failed {
                    failure: Failure::ClosedLater,
                };
            }
            Err(error) => {
                return Reply::Failed {
                    failure: failed(error.kind()),
                };
            }
        }
    }
}

fn failed(kind: ErrorKind) -> Failure {
    if kind == ErrorKind::ConnectionRefused {
        Failure::Refused
    } else {
        Failure::Reset
    }
}

#[cfg(test)]
mod tests;
