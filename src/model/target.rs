//! Where somebody wants to go, and who they are: parsed once, at the edge.

use crate::error::Error;
use crate::kubernetes::Kind;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

/// A host that a client calls: a name, a wildcard of names, or an address. Lower case, no trailing
/// dot.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Host {
    /// A DNS name.
    Name(String),
    /// `*.suffix`; the text is kept with its `*.`.
    Wildcard(String),
    /// An address.
    Address(IpAddr),
}

impl Host {
    /// The text of it.
    pub fn text(&self) -> String {
        match self {
            Host::Name(name) | Host::Wildcard(name) => name.clone(),
            Host::Address(ip) => ip.to_string(),
        }
    }

    /// The name that a TLS client puts into its ClientHello: none for an address (RFC 6066, section
    /// 3).
    pub fn sni(&self) -> Option<&str> {
        match self {
            Host::Name(name) => Some(name),
            Host::Wildcard(_) | Host::Address(_) => None,
        }
    }

    /// A name that it stands for: itself, or one below a wildcard.
    #[must_use]
    pub fn example(&self) -> Host {
        match self {
            Host::Wildcard(text) => Host::Name(text.replacen('*', "www", 1)),
            host => host.clone(),
        }
    }

    /// Whether it stands for that name.
    pub fn covers(&self, name: &Host) -> bool {
        match (self, name) {
            (Host::Wildcard(pattern), Host::Name(name)) => name.ends_with(&pattern[1..]),
            (host, name) => host == name,
        }
    }

    /// A name that can be part of an object's name: at most `limit` characters of a DNS label.
    pub fn slug(&self, limit: usize) -> String {
        let text = self.text().replace("*.", "wildcard-");
        let plain: String = text
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
            .collect();
        plain
            .chars()
            .take(limit)
            .collect::<String>()
            .trim_matches('-')
            .to_owned()
    }
}

impl FromStr for Host {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let bare = text
            .strip_prefix('[')
            .and_then(|t| t.strip_suffix(']'))
            .unwrap_or(text);
        if let Ok(ip) = bare.parse::<IpAddr>() {
            return Ok(Host::Address(ip));
        }
        if let Some(advice) = more_than_a_host(text) {
            return Err(advice);
        }
        let lower = text.trim_end_matches('.').to_ascii_lowercase();
        let (wildcard, name) = match lower.strip_prefix("*.") {
            Some(rest) => (true, rest),
            None => (false, lower.as_str()),
        };
        let name = ascii(name).ok_or_else(|| format!("{text:?} is not a host name"))?;
        if name.is_empty() || name.len() > 253 {
            return Err(format!("{text:?} is not a host name"));
        }
        if ends_in_a_number(&name) {
            return Err(format!("{text:?} is neither a host name nor an address"));
        }
        if let Some(label) = name.split('.').find(|label| !is_host_label(label)) {
            return Err(format!(
                "{text:?} is not a host name: {label:?} is not a label of one"
            ));
        }
        Ok(if wildcard {
            Host::Wildcard(format!("*.{name}"))
        } else {
            Host::Name(name)
        })
    }
}

/// What people paste in place of a host: a URL, or a part of one.
fn more_than_a_host(text: &str) -> Option<String> {
    if let Some((scheme, rest)) = text.split_once("://") {
        let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let host = host.rsplit('@').next().unwrap_or_default();
        let protocol = if scheme == "http" && !host.contains(':') {
            ":80"
        } else {
            ""
        };
        return Some(format!(
            "{text:?} is a URL: leave the scheme and the path away, and write {host}{protocol}"
        ));
    }
    if let Some((host, _)) = text.split_once(['/', '?', '#']) {
        return Some(format!(
            "{text:?} has a path: leave it away, and write {host}"
        ));
    }
    let (_, host) = text.rsplit_once('@')?;
    Some(format!(
        "{text:?} has a user in it: leave it away, and write {host}"
    ))
}

/// The form of an internationalised name that DNS and TLS know (RFC 5891, UTS 46).
fn ascii(name: &str) -> Option<String> {
    if name.is_ascii() {
        return Some(name.to_owned());
    }
    idna::domain_to_ascii(name).ok()
}

/// What a resolver takes for an IPv4 address: the last label is a number (WHATWG URL, "ends in a
/// number"), as in `1.2.3` and `0x7f.1`.
fn ends_in_a_number(name: &str) -> bool {
    let last = name.rsplit('.').next().unwrap_or_default();
    let digits = last.strip_prefix("0x").unwrap_or(last);
    let hexadecimal = digits.len() < last.len();
    let is_digit = |b: u8| b.is_ascii_digit() || hexadecimal && b.is_ascii_hexdigit();
    !last.is_empty() && digits.bytes().all(is_digit)
}

/// Underscores are in no host name that DNS serves to a browser, but in some that clouds do.
fn is_host_label(label: &str) -> bool {
    (1..=63).contains(&label.len())
        && !label.starts_with('-')
        && !label.ends_with('-')
        && label.bytes().any(|b| b.is_ascii_alphanumeric())
        && label
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

impl TryFrom<String> for Host {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Host> for String {
    fn from(host: Host) -> String {
        host.text()
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text())
    }
}

/// What the application speaks on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AppProtocol {
    /// Plain HTTP: the proxy reads the Host header.
    Http,
    /// HTTP inside the application's own TLS: the proxy reads the SNI.
    Https,
    /// Any other TLS.
    Tls,
    /// Bytes.
    Tcp,
}

impl AppProtocol {
    /// The word in `HOST:PORT=PROTOCOL`.
    pub fn name(self) -> &'static str {
        match self {
            AppProtocol::Http => "http",
            AppProtocol::Https => "https",
            AppProtocol::Tls => "tls",
            AppProtocol::Tcp => "tcp",
        }
    }

    /// Whether the application starts TLS itself.
    pub fn is_tls(self) -> bool {
        matches!(self, AppProtocol::Https | AppProtocol::Tls)
    }
}

impl FromStr for AppProtocol {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "http" => Ok(AppProtocol::Http),
            "https" => Ok(AppProtocol::Https),
            "tls" => Ok(AppProtocol::Tls),
            "tcp" => Ok(AppProtocol::Tcp),
            other => Err(format!(
                "{other:?} is not a protocol: http, https, tls or tcp"
            )),
        }
    }
}

/// `HOST[:PORT][=PROTOCOL]`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Target {
    /// The host.
    pub host: Host,
    /// The port that the application connects to.
    pub port: u16,
    /// What it speaks there.
    pub protocol: AppProtocol,
}

impl FromStr for Target {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Some(advice) = more_than_a_host(text) {
            return Err(advice);
        }
        let (address, protocol) = match text.split_once('=') {
            Some((address, protocol)) => (address, Some(protocol.parse()?)),
            None => (text, None),
        };
        let (host, port) = split_port(address)?;
        if host.contains('_') {
            return Err(format!(
                "{host:?} has an underscore, which Istio takes in no host"
            ));
        }
        let (port, protocol) = match (port, protocol) {
            (None | Some(443), None) => (443, AppProtocol::Tls),
            (None, Some(AppProtocol::Http)) | (Some(80), None) => (80, AppProtocol::Http),
            (None, Some(AppProtocol::Tcp)) => {
                return Err(format!("{text:?} needs a port: HOST:PORT=tcp"));
            }
            (None, Some(protocol)) => (443, protocol),
            (Some(port), Some(protocol)) => (port, protocol),
            (Some(port), None) => {
                return Err(format!(
                    "what does {host} speak on port {port}? write {address}=http, =tls or =tcp"
                ));
            }
        };
        Ok(Target {
            host: host.parse()?,
            port,
            protocol,
        })
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.host {
            Host::Address(IpAddr::V6(ip)) => write!(f, "[{ip}]:{}", self.port),
            host => write!(f, "{host}:{}", self.port),
        }
    }
}

fn split_port(address: &str) -> Result<(&str, Option<u16>), String> {
    if address.parse::<IpAddr>().is_ok() {
        return Ok((address, None));
    }
    let Some((host, port)) = address.rsplit_once(':') else {
        return Ok((address, None));
    };
    match port.parse() {
        Ok(0) | Err(_) => Err(format!(
            "{port:?} in {address:?} is not a port (1 to 65535)"
        )),
        Ok(number) => Ok((host, Some(number))),
    }
}

/// Who calls: `NS[/KIND/NAME]`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Client {
    /// The namespace.
    pub namespace: String,
    /// The workload; none is any of the namespace.
    pub workload: Option<(Kind, String)>,
}

impl Client {
    /// Any client of a namespace.
    pub fn namespace(namespace: impl Into<String>) -> Self {
        Self {
            namespace: namespace.into(),
            workload: None,
        }
    }
}

impl FromStr for Client {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts: Vec<&str> = text.split('/').collect();
        let workload = match parts.as_slice() {
            [_] => None,
            [_, name] if !name.is_empty() => Some((Kind::Deployment, (*name).to_owned())),
            [_, kind, name] if !name.is_empty() => Some((workload_kind(kind)?, (*name).to_owned())),
            _ => {
                return Err(format!(
                    "{text:?} is not a client: NAMESPACE, or NAMESPACE/deploy/NAME"
                ));
            }
        };
        if !is_label(parts[0]) {
            return Err(format!("{:?} is not the name of a namespace", parts[0]));
        }
        Ok(Client {
            namespace: parts[0].to_owned(),
            workload,
        })
    }
}

impl fmt::Display for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.workload {
            None => f.write_str(&self.namespace),
            Some((kind, name)) => write!(f, "{}/{}/{name}", self.namespace, short(*kind)),
        }
    }
}

/// The short name that kubectl users type.
pub fn short(kind: Kind) -> &'static str {
    match kind {
        Kind::Deployment => "deploy",
        Kind::StatefulSet => "sts",
        Kind::DaemonSet => "ds",
        Kind::Pod => "pod",
        Kind::Job => "job",
        other => other.name(),
    }
}

fn workload_kind(text: &str) -> Result<Kind, String> {
    match text.to_ascii_lowercase().as_str() {
        "deploy" | "deployment" | "deployments" => Ok(Kind::Deployment),
        "sts" | "statefulset" | "statefulsets" => Ok(Kind::StatefulSet),
        "ds" | "daemonset" | "daemonsets" => Ok(Kind::DaemonSet),
        "po" | "pod" | "pods" => Ok(Kind::Pod),
        "job" | "jobs" => Ok(Kind::Job),
        _ => Err(format!(
            "{text:?} is not a kind of workload: deploy, sts, ds, job or pod"
        )),
    }
}

/// RFC 1123: what a namespace can be called.
pub fn is_label(text: &str) -> bool {
    (1..=63).contains(&text.len())
        && text
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        && !text.starts_with('-')
        && !text.ends_with('-')
}

/// An argument that cannot be parsed, as the error of the whole command.
pub fn parse_argument<T: FromStr<Err = String>>(text: &str) -> Result<T, Error> {
    text.parse().map_err(Error::Usage)
}

#[cfg(test)]
mod tests;
