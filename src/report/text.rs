//! For people: the verdict and the path, with the broken hop marked; then the one thing to change, then the evidence.

use super::{PathReport, Report, Verdict};
use crate::checks::finding::{Finding, Severity};
use crate::model::trace::HopName;
use anstyle::{AnsiColor, Style};
use serde_json::Value;
use std::fmt::Write;

const GOOD: Style = AnsiColor::Green.on_default();
const BAD: Style = AnsiColor::Red.on_default();
const UNSURE: Style = AnsiColor::Yellow.on_default();
const BOLD: Style = Style::new().bold();
const FAINT: Style = Style::new().dimmed();

/// At most this many healthy paths are drawn; the others are counted.
const DRAWN: usize = 20;

/// The report, with colours that the stream drops where nobody sees them.
pub(super) fn text(report: &Report) -> String {
    let mut text = String::new();
    if report.paths.is_empty() {
        text.push_str("no host is wired through an egress gateway here; --host looks at one that is not\n");
    }
    let mut left = 0;
    for (at, path) in report.paths.iter().enumerate() {
        if path.verdict != Verdict::Broken && report.paths.len() > DRAWN {
            left += 1;
            continue;
        }
        draw(&mut text, path, report.findings.iter().filter(|f| f.paths.contains(&at)));
    }
    if left > 0 {
        let _ = writeln!(text, "{left} more paths have no problem");
    }
    for finding in &report.findings {
        let _ = write!(text, "\n{}", told(finding, report));
    }
    if !report.incomplete.is_empty() {
        let _ = writeln!(text, "\nnot looked at:");
        report.incomplete.iter().for_each(|line| _ = writeln!(text, "  {line}"));
    }
    if report.suppressed > 0 {
        let _ = writeln!(text, "\n{} suppressed", report.suppressed);
    }
    text
}

fn draw<'f>(text: &mut String, path: &PathReport, findings: impl Iterator<Item = &'f Finding>) {
    let (style, word) = match path.verdict {
        Verdict::Healthy => (GOOD, "healthy"),
        Verdict::Broken => (BAD, "broken"),
        Verdict::Unproven => (UNSURE, "unproven"),
    };
    let from = if path.from.workload.is_empty() {
        path.from.namespace.clone()
    } else {
        format!("{}/{}", path.from.namespace, path.from.workload)
    };
    let target = format!("{}:{}", path.host, path.port);
    let _ = writeln!(text, "{BOLD}{from} → {target}{BOLD:#} ({}): {style}{word}{style:#}", path.protocol);
    let broken = findings.filter(|f| f.breaks()).map(|f| f.hop).min();
    let hops: Vec<String> = path.hops.iter().map(|hop| one(hop.hop, broken)).collect();
    let _ = writeln!(text, "  {}", hops.join(" → "));
    if path.verdict == Verdict::Healthy {
        let _ = writeln!(text, "  {FAINT}{}{FAINT:#}", clusters(path));
    }
}

fn one(hop: HopName, broken: Option<HopName>) -> String {
    match broken {
        Some(at) if hop == at => format!("{BAD}✗ {hop}{BAD:#}"),
        Some(at) if hop > at => format!("{FAINT}{hop}{FAINT:#}"),
        _ => format!("{GOOD}{hop}{GOOD:#}"),
    }
}

/// Where each proxy sends it.
fn clusters(path: &PathReport) -> String {
    let named = path.hops.iter().filter_map(|hop| {
        let cluster = hop.intended.pointer("/cluster/value").and_then(Value::as_str)?;
        Some(format!("{} sends to {cluster}", hop.hop))
    });
    named.collect::<Vec<_>>().join(", ")
}

fn told(finding: &Finding, report: &Report) -> String {
    let (style, word) = match finding.severity {
        Severity::Error => (BAD, "error"),
        Severity::Warning => (UNSURE, "warning"),
        Severity::Info => (FAINT, "info"),
    };
    let mut text = format!("{style}{word} {}{style:#} {BOLD}{}{BOLD:#}\n", finding.code, finding.title);
    let _ = writeln!(text, "  {}", finding.message);
    if let Some(fix) = &finding.fix {
        let _ = writeln!(text, "  {BOLD}to do:{BOLD:#} {}", fix.summary);
        fix.commands.iter().for_each(|command| _ = writeln!(text, "    {command}"));
    }
    finding.objects.iter().for_each(|place| _ = writeln!(text, "  {FAINT}{place}{FAINT:#}"));
    finding.evidence.iter().for_each(|line| _ = writeln!(text, "  {FAINT}{line}{FAINT:#}"));
    if report.paths.len() > 1 {
        let _ = writeln!(text, "  {FAINT}{} of {} paths{FAINT:#}", finding.paths.len(), report.paths.len());
    }
    text
}
