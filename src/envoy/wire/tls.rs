//! TLS contexts: the same message for listeners and clusters, but for the SNI and the demand for a
//! certificate.

use super::super::{ClientTls, ServerTls};
use serde::Deserialize;

/// A transport socket.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct TransportSocket {
    name: String,
    typed_config: TlsContext,
}

/// The socket inside one that only adds something before the first byte.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Wrapped {
    name: String,
    typed_config: InnerContext,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct InnerContext {
    sni: String,
    #[serde(rename = "common_tls_context")]
    common: CommonTls,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct TlsContext {
    sni: String,
    transport_socket: Wrapped,
    #[serde(rename = "common_tls_context")]
    common: CommonTls,
    require_client_certificate: bool,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct CommonTls {
    alpn_protocols: Vec<String>,
    tls_certificate_sds_secret_configs: Vec<SecretName>,
    tls_certificates: Vec<Certificate>,
    combined_validation_context: Combined,
    validation_context: Option<Validation>,
    validation_context_sds_secret_config: Option<SecretName>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct SecretName {
    name: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Certificate {
    certificate_chain: DataSource,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct DataSource {
    filename: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Combined {
    default_validation_context: Validation,
    validation_context_sds_secret_config: Option<SecretName>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Validation {
    match_subject_alt_names: Vec<NameMatch>,
    match_typed_subject_alt_names: Vec<TypedName>,
    trusted_ca: Option<DataSource>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct TypedName {
    matcher: NameMatch,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct NameMatch {
    exact: String,
    prefix: String,
    suffix: String,
    contains: String,
    safe_regex: Regex,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Regex {
    regex: String,
}

impl NameMatch {
    fn text(self) -> String {
        if !self.exact.is_empty() {
            return self.exact;
        }
        let around = |before: &str, text: &str, after: &str| format!("{before}{text}{after}");
        match (
            self.prefix.as_str(),
            self.suffix.as_str(),
            self.contains.as_str(),
        ) {
            ("", "", "") => format!("~{}", self.safe_regex.regex),
            (prefix, "", "") => around("", prefix, "*"),
            ("", suffix, _) => around("*", suffix, ""),
            (_, _, contains) => around("*", contains, "*"),
        }
    }
}

impl Validation {
    fn names(&mut self) -> Vec<String> {
        let plain = std::mem::take(&mut self.match_subject_alt_names).into_iter();
        let typed = std::mem::take(&mut self.match_typed_subject_alt_names)
            .into_iter()
            .map(|t| t.matcher);
        let mut names: Vec<String> = plain.chain(typed).map(NameMatch::text).collect();
        names.dedup();
        names
    }

    fn roots(&self) -> Option<String> {
        let file = self.trusted_ca.as_ref()?;
        Some(if file.filename.is_empty() {
            "inline".into()
        } else {
            file.filename.clone()
        })
    }
}

impl CommonTls {
    fn certificate(&self) -> Option<String> {
        let secret = self
            .tls_certificate_sds_secret_configs
            .first()
            .map(|s| s.name.clone());
        secret.or_else(|| {
            self.tls_certificates
                .first()
                .map(|c| c.certificate_chain.filename.clone())
        })
    }

    /// The names that may be in the peer's certificate, and where the roots come from.
    fn validation(&mut self) -> (Vec<String>, Option<String>) {
        let mut apart = self.validation_context.take().unwrap_or_default();
        let mut names = apart.names();
        names.extend(
            self.combined_validation_context
                .default_validation_context
                .names(),
        );
        let combined = &self.combined_validation_context;
        let secret = combined.validation_context_sds_secret_config.as_ref();
        let secret = secret
            .or(self.validation_context_sds_secret_config.as_ref())
            .map(|s| s.name.clone());
        (
            names,
            secret
                .or_else(|| apart.roots())
                .or_else(|| combined.default_validation_context.roots()),
        )
    }
}

const TLS: &str = "envoy.transport_sockets.tls";
const PLAIN: &str = "envoy.transport_sockets.raw_buffer";
const PROXY_PROTOCOL: &str = "envoy.transport_sockets.upstream_proxy_protocol";

impl TransportSocket {
    /// Whether it sends a PROXY header first.
    pub(super) fn sends_proxy_protocol(&self) -> bool {
        self.name == PROXY_PROTOCOL
    }

    /// As a client; none for plain bytes.
    pub(super) fn client(mut self) -> Option<ClientTls> {
        if self.sends_proxy_protocol() {
            let inner = std::mem::take(&mut self.typed_config.transport_socket);
            self.name = inner.name;
            self.typed_config.sni = inner.typed_config.sni;
            self.typed_config.common = inner.typed_config.common;
        }
        if self.name.is_empty() || self.name == PLAIN {
            return None;
        }
        let tls = &mut self.typed_config.common;
        let (names, roots) = tls.validation();
        Some(ClientTls {
            certificate: tls.certificate(),
            alpn: std::mem::take(&mut tls.alpn_protocols),
            sni: Some(self.typed_config.sni).filter(|s| !s.is_empty()),
            socket: if self.name == TLS {
                String::new()
            } else {
                self.name
            },
            names,
            roots,
        })
    }

    /// As a server; none for plain bytes.
    pub(super) fn server(mut self) -> Option<ServerTls> {
        if self.name.is_empty() || self.name == PLAIN {
            return None;
        }
        let tls = &mut self.typed_config.common;
        let (_, roots) = tls.validation();
        Some(ServerTls {
            demands_certificate: self.typed_config.require_client_certificate,
            certificate: tls.certificate(),
            alpn: std::mem::take(&mut tls.alpn_protocols),
            roots,
        })
    }
}
