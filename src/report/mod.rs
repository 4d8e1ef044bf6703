//! What doctor says, as a value; one file for each form that it can be printed in.

mod assemble;
mod html;
mod json;
mod junit;
pub mod manual;
mod markdown;
mod markup;
mod name;
mod observed;
mod picture;
mod sarif;
mod text;
mod verdict;
mod yaml;

pub use assemble::{Material, assemble};
pub use markdown::markdown;

use crate::checks::finding::{CheckLine, Finding, Severity};
use crate::error::Error;
use crate::exit::Exit;
use crate::model::target::Client;
use crate::model::trace::HopName;
use serde::Serialize;
use serde_json::Value;
use std::fmt;

/// The whole report: `egress.report/v1`.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// `egress.report/v1`.
    pub api_version: &'static str,
    /// `Report`.
    pub kind: &'static str,
    /// Over all paths.
    pub verdict: Verdict,
    /// The paths that were looked at.
    pub paths: Vec<PathReport>,
    /// The root cause first.
    pub findings: Vec<Finding>,
    /// What was checked.
    pub checks: Vec<CheckLine>,
    /// What could not be looked at.
    pub incomplete: Vec<String>,
    /// How many findings were suppressed, by code, flag or annotation.
    pub suppressed: usize,
    /// What else is worth a line: suppressions that matched nothing.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// Healthy, broken, or not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// It works as wanted.
    Healthy,
    /// It does not.
    Broken,
    /// Nothing wrong was seen, and not everything could be seen.
    Unproven,
}

/// One path.
#[derive(Clone, Debug, Serialize)]
pub struct PathReport {
    /// The host.
    pub host: String,
    /// The port.
    pub port: u16,
    /// What the application speaks there.
    pub protocol: &'static str,
    /// Who calls.
    pub from: From,
    /// Its own verdict.
    pub verdict: Verdict,
    /// Its hops, in order.
    pub hops: Vec<Hop>,
}

/// Who calls.
#[derive(Clone, Debug, Serialize)]
pub struct From {
    /// The namespace.
    pub namespace: String,
    /// `deploy/sleep`; empty for any.
    pub workload: String,
}

/// One hop in its three truths: each an object of the same shape (listener, chain, route, cluster,
/// endpoints, tls, ends), empty where that layer was not looked at.
#[derive(Clone, Debug, Serialize)]
pub struct Hop {
    /// Which.
    pub hop: HopName,
    /// What the objects say.
    pub intended: Value,
    /// What the proxy was given.
    pub programmed: Value,
    /// What a connection did.
    pub observed: Value,
}

impl std::convert::From<&Client> for From {
    fn from(client: &Client) -> Self {
        let workload = client
            .workload
            .as_ref()
            .map(|(kind, name)| format!("{}/{name}", crate::model::target::short(*kind)));
        Self {
            namespace: client.namespace.clone(),
            workload: workload.unwrap_or_default(),
        }
    }
}

impl fmt::Display for From {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.workload.as_str() {
            "" => f.write_str(&self.namespace),
            workload => write!(f, "{}/{workload}", self.namespace),
        }
    }
}

/// `--fail-on`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum FailOn {
    /// Errors only.
    #[default]
    Error,
    /// Warnings too.
    Warning,
    /// Nothing.
    Never,
}

/// `-o`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// For people: the path drawn, what to change, why
    #[default]
    Text,
    /// The same, with what took each decision
    Wide,
    /// The whole report
    Json,
    /// The same as YAML
    Yaml,
    /// The objects to change, as kubectl takes them
    Name,
    /// SARIF 2.1.0, for code scanning
    Sarif,
    /// JUnit XML, for CI
    Junit,
    /// One page with the paths drawn
    Html,
}

impl Format {
    /// The report in this form.
    pub fn print(self, report: &Report) -> Result<String, Error> {
        match self {
            Format::Text => Ok(text::text(report, false)),
            Format::Wide => Ok(text::text(report, true)),
            Format::Json => json::json(report),
            Format::Yaml => yaml::yaml(report),
            Format::Name => Ok(name::name(report)),
            Format::Sarif => sarif::sarif(report),
            Format::Junit => Ok(junit::junit(report)),
            Format::Html => Ok(html::html(report)),
        }
    }
}

impl Report {
    /// The exit code: the same in every format.
    pub fn exit(&self, fail_on: FailOn) -> Exit {
        let worst = self.findings.iter().map(|f| f.severity).max();
        let failed = match fail_on {
            FailOn::Error => worst == Some(Severity::Error) || self.verdict == Verdict::Broken,
            FailOn::Warning => worst >= Some(Severity::Warning) || self.verdict == Verdict::Broken,
            FailOn::Never => false,
        };
        match (failed, self.verdict) {
            (true, _) => Exit::Problems,
            (false, Verdict::Unproven) => Exit::Unproven,
            (false, _) => Exit::Done,
        }
    }
}
