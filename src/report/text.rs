//! For people: the path drawn with the broken hop marked, then the one thing to change, then the
//! evidence. A healthy path takes three lines.

use super::picture::{Mark, Stop, does, picture};
use super::{PathReport, Report, Verdict};
use crate::checks::finding::{Confidence, Finding, Severity, Status};
use crate::terminal::visible;
use anstyle::{AnsiColor, Style};
use std::fmt::Write;

const GOOD: Style = AnsiColor::Green.on_default();
const BAD: Style = AnsiColor::Red.on_default();
const UNSURE: Style = AnsiColor::Yellow.on_default();
const BOLD: Style = Style::new().bold();
const FAINT: Style = Style::new().dimmed();

/// At most this many paths without a problem are drawn; the others are counted.
const DRAWN: usize = 20;

/// Of the checks that could not look for one reason, so many are named.
const NAMED: usize = 6;

/// The report; the stream drops the colours where nobody sees them. `wide` adds what took each
/// decision.
pub(super) fn text(report: &Report, wide: bool) -> String {
    let mut text = String::new();
    if report.paths.is_empty() {
        text.push_str(
            "no host is routed through an egress gateway here; --host looks at one that is not\n",
        );
    }
    let many = report.paths.len() > DRAWN;
    for (at, path) in report.paths.iter().enumerate() {
        let findings: Vec<&Finding> = report
            .findings
            .iter()
            .filter(|f| f.paths.contains(&at))
            .collect();
        match path.verdict {
            Verdict::Broken if !wide && !leads(report, at) => line(&mut text, path),
            Verdict::Broken => drawn(&mut text, path, (&findings, wide)),
            Verdict::Healthy | Verdict::Unproven if many && !wide => {}
            Verdict::Healthy | Verdict::Unproven => short(&mut text, path, wide),
        }
    }
    let quiet = report
        .paths
        .iter()
        .filter(|p| p.verdict != Verdict::Broken)
        .count();
    if many && !wide && quiet > 0 {
        let _ = writeln!(
            text,
            "{quiet} of {} paths have no problem",
            report.paths.len()
        );
    }
    for finding in &report.findings {
        let _ = write!(text, "\n{}", told(finding, report));
    }
    rest(&mut text, report);
    text
}

/// Whether it is the first path of a finding: one picture for each cause is enough.
fn leads(report: &Report, path: usize) -> bool {
    report
        .findings
        .iter()
        .any(|f| f.breaks() && f.paths.first() == Some(&path))
}

/// `default/deploy/sleep → edition.cnn.com:443 (tls): healthy`
fn line(text: &mut String, path: &PathReport) {
    let (style, word) = match path.verdict {
        Verdict::Healthy => (GOOD, "healthy"),
        Verdict::Broken => (BAD, "broken"),
        Verdict::Unproven => (UNSURE, "unproven"),
    };
    let title = format!("{} → {}:{}", path.from, path.host, path.port);
    let _ = writeln!(
        text,
        "{BOLD}{}{BOLD:#} ({}): {style}{word}{style:#}",
        visible(&title),
        path.protocol
    );
}

fn short(text: &mut String, path: &PathReport, wide: bool) {
    line(text, path);
    let stops = picture(path, std::iter::empty());
    let hops: Vec<String> = stops
        .iter()
        .map(|s| format!("{GOOD}{}{GOOD:#}", s.hop))
        .collect();
    let _ = writeln!(text, "  {}", hops.join(" → "));
    let last = path.hops.iter().rev().find_map(|hop| {
        Some((
            hop.hop,
            does(&hop.intended).or_else(|| does(&hop.programmed))?,
        ))
    });
    if let Some((hop, words)) = last {
        let _ = writeln!(text, "  {FAINT}the {hop} {}{FAINT:#}", visible(&words));
    }
    if wide {
        for stop in &stops {
            parted(text, stop);
        }
        reasons(text, path);
    }
}

fn drawn(text: &mut String, path: &PathReport, (findings, wide): (&[&Finding], bool)) {
    line(text, path);
    let stops = picture(path, findings.iter().copied());
    for (at, stop) in stops.iter().enumerate() {
        let (style, mark) = match stop.mark {
            Mark::Good => (GOOD, "●"),
            Mark::Broken => (BAD, "✗"),
            Mark::Beyond => (FAINT, "○"),
        };
        let hop = stop.hop.name();
        let _ = match (stop.mark, at + 1 == stops.len()) {
            (Mark::Beyond, false) => writeln!(text, "  {style}{mark} {hop}{style:#}"),
            _ => writeln!(
                text,
                "  {style}{mark} {hop:<8}{style:#} {}",
                visible(&stop.words)
            ),
        };
        parted(text, stop);
    }
    if wide {
        reasons(text, path);
    }
}

fn parted(text: &mut String, stop: &Stop) {
    for part in &stop.parts {
        let _ = writeln!(text, "             {UNSURE}{}{UNSURE:#}", visible(part));
    }
}

/// Which fields took the decisions.
fn reasons(text: &mut String, path: &PathReport) {
    for hop in &path.hops {
        let decisions = hop.intended.as_object().into_iter().flatten();
        for (name, decision) in decisions {
            let value = match &decision["value"] {
                serde_json::Value::String(text) => text.clone(),
                other => other.to_string(),
            };
            let because = decision["because"]
                .as_array()
                .into_iter()
                .flatten()
                .map(place)
                .collect::<Vec<_>>()
                .join(", ");
            let because = if because.is_empty() {
                because
            } else {
                format!(" ({because})")
            };
            let said = format!("{} {name}: {value}{because}", hop.hop);
            let _ = writeln!(text, "    {FAINT}{}{FAINT:#}", visible(&said));
        }
    }
}

fn place(place: &serde_json::Value) -> String {
    let of = |key: &str| place[key].as_str().unwrap_or_default();
    format!(
        "{} {}/{} {}",
        of("kind"),
        of("namespace"),
        of("name"),
        of("path")
    )
    .trim_end()
    .to_owned()
}

/// A finding: what to change, then why, then the evidence.
fn told(finding: &Finding, report: &Report) -> String {
    let (style, word) = match finding.severity {
        Severity::Error => (BAD, "error"),
        Severity::Warning => (UNSURE, "warning"),
        Severity::Info => (FAINT, "note"),
    };
    let mut text = format!(
        "{style}{word} {}{style:#} {BOLD}{}{BOLD:#}\n",
        finding.code,
        visible(&finding.title)
    );
    if let Some(fix) = &finding.fix {
        let _ = writeln!(text, "  {BOLD}Change:{BOLD:#} {}", visible(&fix.summary));
        for command in &fix.commands {
            let _ = writeln!(text, "    {}", visible(command));
        }
    }
    let sure = match finding.confidence {
        Confidence::Certain => "",
        Confidence::Likely => " (likely)",
        Confidence::Possible => " (possible)",
    };
    let _ = writeln!(
        text,
        "  {BOLD}Why:{BOLD:#} {}{sure}",
        visible(&finding.message)
    );
    for place in &finding.objects {
        let _ = writeln!(text, "  {FAINT}- {}{FAINT:#}", visible(&place.to_string()));
    }
    for fact in &finding.evidence {
        let _ = writeln!(text, "  {FAINT}- {}{FAINT:#}", visible(fact));
    }
    if !finding.explains.is_empty() {
        let codes: Vec<&str> = finding.explains.iter().map(|c| c.0).collect();
        let _ = writeln!(
            text,
            "  {FAINT}- also explains {}{FAINT:#}",
            codes.join(", ")
        );
    }
    if report.paths.len() > 1 {
        let _ = writeln!(
            text,
            "  {FAINT}- on {} of {} paths{FAINT:#}",
            finding.paths.len(),
            report.paths.len()
        );
    }
    text
}

/// The checks that could not look, each reason once; what was said of all that could not be read is
/// not said again.
fn skipped(report: &Report) -> Vec<String> {
    let mut reasons: Vec<(&str, Vec<&str>)> = Vec::new();
    for line in report.checks.iter().filter(|c| c.status == Status::Skip) {
        match reasons.iter_mut().find(|(why, _)| *why == line.reason) {
            Some((_, codes)) => codes.push(line.code.0),
            None => reasons.push((&line.reason, vec![line.code.0])),
        }
    }
    reasons.retain(|(why, _)| {
        !report
            .incomplete
            .iter()
            .any(|line| line.contains(why.trim_end()))
    });
    let say = |(why, codes): (&str, Vec<&str>)| {
        let more = codes.len().saturating_sub(NAMED);
        let names = codes[..codes.len() - more].join(", ");
        let names = if more == 0 {
            names
        } else {
            format!("{names} and {more} more checks")
        };
        format!("{names}: {}", why.trim_end())
    };
    reasons.into_iter().map(say).collect()
}

fn rest(text: &mut String, report: &Report) {
    let skipped = skipped(report);
    if !report.incomplete.is_empty() || !skipped.is_empty() {
        let _ = writeln!(text, "\n{UNSURE}not checked:{UNSURE:#}");
        for line in report.incomplete.iter().chain(&skipped) {
            let _ = writeln!(text, "  {}", visible(line).replace('\n', "\n  "));
        }
    }
    if report.suppressed > 0 {
        let _ = writeln!(
            text,
            "\n{} suppressed",
            if report.suppressed == 1 {
                "1 finding".into()
            } else {
                format!("{} findings", report.suppressed)
            }
        );
    }
    for note in &report.notes {
        let _ = writeln!(text, "note: {}", visible(note));
    }
}
