//! Cipher suites, curves and versions by their numbers (IANA's TLS registries), with OpenSSL's
//! names, which Envoy uses.

/// What Envoy offers by default below TLS 1.3.
pub(super) const ENVOY: &[u16] = &[0xc02b, 0xcca9, 0xc02f, 0xcca8, 0xc02c, 0xc030];

/// Suites of TLS 1.3, which every version of Envoy offers.
pub(super) const MODERN: &[u16] = &[0x1301, 0x1302, 0x1303];

/// What Envoy does not offer unless it is told to, or not at all.
pub(super) const OLD: &[u16] = &[
    0x009d, 0x009c, 0x003d, 0x003c, 0x0035, 0x002f, 0x000a, 0xc028, 0xc027, 0xc014, 0xc013, 0xc024,
    0xc023, 0xc00a, 0xc009, 0x009f, 0x009e, 0x006b, 0x0067, 0x0039, 0x0033, 0xccaa,
];

const NAMES: &[(u16, &str)] = &[
    (0x1301, "TLS_AES_128_GCM_SHA256"),
    (0x1302, "TLS_AES_256_GCM_SHA384"),
    (0x1303, "TLS_CHACHA20_POLY1305_SHA256"),
    (0xc02b, "ECDHE-ECDSA-AES128-GCM-SHA256"),
    (0xcca9, "ECDHE-ECDSA-CHACHA20-POLY1305"),
    (0xc02f, "ECDHE-RSA-AES128-GCM-SHA256"),
    (0xcca8, "ECDHE-RSA-CHACHA20-POLY1305"),
    (0xc02c, "ECDHE-ECDSA-AES256-GCM-SHA384"),
    (0xc030, "ECDHE-RSA-AES256-GCM-SHA384"),
    (0x009d, "AES256-GCM-SHA384"),
    (0x009c, "AES128-GCM-SHA256"),
    (0x003d, "AES256-SHA256"),
    (0x003c, "AES128-SHA256"),
    (0x0035, "AES256-SHA"),
    (0x002f, "AES128-SHA"),
    (0x000a, "DES-CBC3-SHA"),
    (0xc028, "ECDHE-RSA-AES256-SHA384"),
    (0xc027, "ECDHE-RSA-AES128-SHA256"),
    (0xc014, "ECDHE-RSA-AES256-SHA"),
    (0xc013, "ECDHE-RSA-AES128-SHA"),
    (0xc024, "ECDHE-ECDSA-AES256-SHA384"),
    (0xc023, "ECDHE-ECDSA-AES128-SHA256"),
    (0xc00a, "ECDHE-ECDSA-AES256-SHA"),
    (0xc009, "ECDHE-ECDSA-AES128-SHA"),
    (0x009f, "DHE-RSA-AES256-GCM-SHA384"),
    (0x009e, "DHE-RSA-AES128-GCM-SHA256"),
    (0x006b, "DHE-RSA-AES256-SHA256"),
    (0x0067, "DHE-RSA-AES128-SHA256"),
    (0x0039, "DHE-RSA-AES256-SHA"),
    (0x0033, "DHE-RSA-AES128-SHA"),
    (0xccaa, "DHE-RSA-CHACHA20-POLY1305"),
];

/// X25519 and P-256: all that Envoy offers by default.
pub(super) const ENVOY_CURVES: &[u16] = &[29, 23];

/// Those, P-384 and P-521.
pub(super) const ALL_CURVES: &[u16] = &[29, 23, 24, 25];

/// The name of a suite, or its number.
pub(super) fn suite(number: u16) -> String {
    let known = NAMES.iter().find(|(n, _)| *n == number);
    known.map_or_else(|| format!("0x{number:04x}"), |(_, name)| (*name).to_owned())
}

/// The name of a version.
pub(super) fn version(number: u16) -> String {
    match number {
        0x0304 => "TLSv1.3".into(),
        0x0303 => "TLSv1.2".into(),
        0x0302 => "TLSv1.1".into(),
        0x0301 => "TLSv1.0".into(),
        0x0300 => "SSLv3".into(),
        other => format!("0x{other:04x}"),
    }
}

/// The name of an alert (RFC 8446, section 6), as OpenSSL writes it.
pub(super) fn alert(number: u8) -> String {
    let name = match number {
        0 => "close notify",
        10 => "unexpected message",
        20 => "bad record mac",
        22 => "record overflow",
        40 => "handshake failure",
        42 => "bad certificate",
        43 => "unsupported certificate",
        44 => "certificate revoked",
        45 => "certificate expired",
        46 => "certificate unknown",
        47 => "illegal parameter",
        48 => "unknown CA",
        49 => "access denied",
        50 => "decode error",
        51 => "decrypt error",
        70 => "protocol version",
        71 => "insufficient security",
        80 => "internal error",
        86 => "inappropriate fallback",
        109 => "missing extension",
        112 => "unrecognized name",
        116 => "certificate required",
        120 => "no application protocol",
        other => return format!("alert {other}"),
    };
    name.into()
}
