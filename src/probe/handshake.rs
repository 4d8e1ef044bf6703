//! TLS over any stream, with a chosen server name, to see who answers. The server is not verified
//! while we shake hands, the chain is kept and judged afterwards; so nothing secret may ever be
//! sent over such a connection, and nothing is.
//!
//! We have no certificate of our own and take none. A server that demands one has shown its own by
//! then.

use super::answer::Failure;
use super::watched::{Seen, Watched};
use rustls::client::ResolvesClientCert;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, IpAddr, ServerName, UnixTime};
use rustls::sign::CertifiedKey;
use rustls::{ClientConfig, DigitallySignedStruct, SignatureScheme};
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// A finished handshake.
pub(super) struct Hello<S> {
    pub(super) stream: TlsStream<Watched<S>>,
    /// `TLSv1.3`.
    pub(super) version: String,
    pub(super) alpn: Option<String>,
    /// DER, the leaf first.
    pub(super) chain: Vec<Vec<u8>>,
    pub(super) first_byte: Option<Duration>,
    pub(super) took: Duration,
}

/// A handshake that was not finished; the chain may have been shown all the same.
pub(super) struct Refusal {
    pub(super) failure: Failure,
    pub(super) chain: Vec<Vec<u8>>,
}

/// After an unmet demand for a certificate the alert comes at once; TLS 1.3 lets the client finish
/// first.
const ALERT_COMES_WITHIN: Duration = Duration::from_secs(1);

/// Shake hands. `sni` none sends no name. The caller keeps the time.
pub(super) async fn shake<S: AsyncRead + AsyncWrite + Unpin>(
    stream: S,
    sni: Option<&str>,
    alpn: &[&str],
) -> Result<Hello<S>, Refusal> {
    let began = Instant::now();
    let witness = Arc::new(Witness::new());
    let refuse = |failure| Refusal {
        failure,
        chain: witness.chain(),
    };
    let (config, name) =
        configure(&witness, sni, alpn).map_err(|words| refuse(Failure::Other { words }))?;
    let (watched, seen) = Watched::new(stream);
    let connected = TlsConnector::from(Arc::new(config))
        .connect(name, watched)
        .await;
    let mut stream = connected.map_err(|error| refuse(witness.judge(&error, &seen)))?;
    let took = began.elapsed();
    if witness.asked.load(Ordering::Relaxed) {
        let mut byte = [0];
        if let Ok(read) = tokio::time::timeout(ALERT_COMES_WITHIN, stream.read(&mut byte)).await
            && !matches!(read, Ok(1..))
        {
            return Err(refuse(Failure::DemandsCertificate));
        }
    }
    let connection = stream.get_ref().1;
    Ok(Hello {
        version: connection
            .protocol_version()
            .map_or(String::new(), |v| format!("{v:?}").replace('_', ".")),
        alpn: connection
            .alpn_protocol()
            .map(|p| String::from_utf8_lossy(p).into_owned()),
        chain: witness.chain(),
        first_byte: seen.first_byte(),
        took,
        stream,
    })
}

fn configure(
    witness: &Arc<Witness>,
    sni: Option<&str>,
    alpn: &[&str],
) -> Result<(ClientConfig, ServerName<'static>), String> {
    let builder = ClientConfig::builder_with_provider(Arc::clone(&witness.provider));
    let builder = builder
        .with_safe_default_protocol_versions()
        .map_err(|e| e.to_string())?;
    let builder = builder
        .dangerous()
        .with_custom_certificate_verifier(Arc::clone(witness) as _);
    let mut config = builder.with_client_cert_resolver(Arc::clone(witness) as _);
    config.alpn_protocols = alpn.iter().map(|p| p.as_bytes().to_vec()).collect();
    config.enable_sni = sni.is_some();
    let name = match sni {
        Some(name) => ServerName::try_from(name.to_owned())
            .map_err(|_| format!("{name:?} cannot be a server name"))?,
        None => ServerName::IpAddress(IpAddr::from(std::net::IpAddr::from([0; 4]))),
    };
    Ok((config, name))
}

/// Keeps the chain that the server shows, and whether it asks for ours.
#[derive(Debug)]
struct Witness {
    provider: Arc<CryptoProvider>,
    chain: Mutex<Vec<Vec<u8>>>,
    asked: AtomicBool,
}

impl Witness {
    fn new() -> Self {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        Witness {
            provider,
            chain: Mutex::default(),
            asked: AtomicBool::new(false),
        }
    }

    fn chain(&self) -> Vec<Vec<u8>> {
        self.chain
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn judge(&self, error: &io::Error, seen: &Seen) -> Failure {
        if self.asked.load(Ordering::Relaxed) {
            return Failure::DemandsCertificate;
        }
        match error
            .get_ref()
            .and_then(|e| e.downcast_ref::<rustls::Error>())
        {
            Some(rustls::Error::AlertReceived(alert)) => Failure::Alert {
                alert: format!("{alert:?}"),
            },
            Some(rustls::Error::InvalidMessage(_)) if self.chain().is_empty() => Failure::NotTls,
            Some(other) => Failure::Other {
                words: other.to_string(),
            },
            None if seen.first_byte().is_none() => Failure::Reset,
            None => Failure::ClosedLater,
        }
    }
}

impl ServerCertVerifier for Witness {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        rest: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let all = std::iter::once(leaf)
            .chain(rest)
            .map(|c| c.to_vec())
            .collect();
        *self.chain.lock().unwrap_or_else(PoisonError::into_inner) = all;
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}

impl ResolvesClientCert for Witness {
    fn resolve(&self, _: &[&[u8]], _: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        self.asked.store(true, Ordering::Relaxed);
        None
    }

    fn has_certs(&self) -> bool {
        false
    }
}
