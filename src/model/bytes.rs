//! What a client sends first: by it proxies choose filter chains and routes. A word that the model,
//! the proxies and the reports share.

/// What a client sends first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Bytes {
    /// An HTTP request.
    Http {
        /// The Host header, verbatim: with the port where the client writes one.
        host: String,
        /// The path.
        path: String,
    },
    /// A ClientHello.
    Tls {
        /// The server name; none for a client that sends none.
        sni: Option<String>,
        /// The protocols that it offers.
        alpn: Vec<String>,
        /// What is inside, for a proxy that ends the TLS; none is HTTP to the host that the SNI
        /// names.
        inside: Option<Box<Bytes>>,
    },
    /// Anything else.
    Tcp,
}
