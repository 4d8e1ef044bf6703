//! Route tables: virtual hosts by domain, rules by path and headers.

use super::Share;
use serde::{Deserialize, Serialize};

/// A route table.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Routes {
    /// Its name: `80`, `http.8080`.
    pub name: String,
    /// The virtual hosts.
    pub hosts: Vec<VirtualHost>,
    /// Whether a port in the Host header is cut off first.
    pub ignores_port: bool,
}

/// A virtual host.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct VirtualHost {
    /// Its name: `edition.cnn.com:80`, `allow_any`.
    pub name: String,
    /// The domains: exact, `*.suffix`, `prefix.*` or `*`.
    pub domains: Vec<String>,
    /// The rules, the first that matches wins.
    pub rules: Vec<Rule>,
    /// `ALL` answers plain HTTP with a redirect to https.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub require_tls: String,
}

/// A rule of a virtual host.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Rule {
    /// Its name; often empty.
    pub name: String,
    /// The condition on the path.
    pub path: PathCondition,
    /// The conditions on headers.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub headers: Vec<HeaderCondition>,
    /// True where it has conditions that are not evaluated here: query parameters, fractions,
    /// metadata.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub asks_more: bool,
    /// What it does.
    pub action: Action,
    /// The answer that it makes instead for some requests (`fault.abort`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub abort: Option<Abort>,
    /// The object that it was made of, as istiod says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub config: Option<String>,
}

/// A fault that a rule injects.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Abort {
    /// The status that is answered.
    pub status: u16,
    /// For so many percent of the requests, rounded up.
    pub percent: u32,
}

/// A condition on the path.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum PathCondition {
    /// It begins with this.
    Prefix(String),
    /// It is this, or goes on with a `/`.
    Segments(String),
    /// It is this.
    Exact(String),
    /// Something that is not evaluated here, such as a regular expression.
    Other,
}

impl Default for PathCondition {
    fn default() -> Self {
        PathCondition::Prefix("/".into())
    }
}

/// A condition on a header.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct HeaderCondition {
    /// The header: `:authority`, `x-team`.
    pub name: String,
    /// The value that it must have exactly; none for any other kind of condition.
    pub exact: Option<String>,
    /// What it must begin with.
    pub prefix: Option<String>,
    /// The condition is turned round.
    pub invert: bool,
}

/// What a rule does.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Action {
    /// Send it to a cluster, or to several by weight.
    Clusters(Vec<Share>),
    /// Answer with a redirect.
    Redirect,
    /// Answer with a status.
    Answer(u16),
    /// Something that is not evaluated here.
    #[default]
    Other,
}
