//! For a ticket or a meeting: one self-contained page with each path drawn. No script, no font,
//! nothing loaded.

use super::markup::markup;
use super::picture::{Mark, picture};
use super::{PathReport, Report, Verdict};
use crate::checks::finding::{Finding, Severity, Status};
use std::fmt::Write;

const STYLE: &str = include_str!("page.css");

/// The report as a page.
pub(super) fn html(report: &Report) -> String {
    let mut body = String::new();
    let _ = writeln!(
        body,
        "<h1>Egress <span class=\"pill {0}\">{0}</span></h1>",
        verdict(report.verdict)
    );
    if report.paths.is_empty() {
        body.push_str("<p>No host is routed through an egress gateway here.</p>\n");
    }
    for (at, path) in report.paths.iter().enumerate() {
        drawn(
            &mut body,
            path,
            report.findings.iter().filter(|f| f.paths.contains(&at)),
        );
    }
    if !report.findings.is_empty() {
        body.push_str("<h2>What is wrong</h2>\n");
    }
    report
        .findings
        .iter()
        .for_each(|finding| card(&mut body, finding, report));
    unseen(&mut body, report);
    checks(&mut body, report);
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta \
         name=\"viewport\" \
         content=\"width=device-width, initial-scale=1\">\n<title>Egress: \
         {}</title>\n<style>\n{STYLE}</style>\n</head>\n\
         <body>\n{body}</body>\n</html>",
        verdict(report.verdict)
    )
}

fn verdict(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Healthy => "healthy",
        Verdict::Broken => "broken",
        Verdict::Unproven => "unproven",
    }
}

fn drawn<'f>(body: &mut String, path: &PathReport, findings: impl Iterator<Item = &'f Finding>) {
    let title = format!("{} → {}:{}", path.from, path.host, path.port);
    let _ = writeln!(
        body,
        "<section class=\"path\">\n<h3>{} <small>{}</small> <span class=\"pill \
         {2}\">{2}</span></h3>\n<ol class=\"hops\">",
        markup(&title),
        path.protocol,
        verdict(path.verdict)
    );
    for stop in picture(path, findings) {
        let class = match stop.mark {
            Mark::Good => "good",
            Mark::Broken => "bad",
            Mark::Beyond => "beyond",
        };
        let sign = match stop.mark {
            Mark::Good => "●",
            Mark::Broken => "✗",
            Mark::Beyond => "○",
        };
        let _ = write!(
            body,
            "<li class=\"{class}\"><b>{sign} {}</b><span>{}</span>",
            stop.hop,
            markup(&stop.words)
        );
        for part in &stop.parts {
            let _ = write!(body, "<em>{}</em>", markup(part));
        }
        body.push_str("</li>\n");
    }
    body.push_str("</ol>\n</section>\n");
}

fn card(body: &mut String, finding: &Finding, report: &Report) {
    let class = match finding.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Info => "info",
    };
    let _ = writeln!(
        body,
        "<article class=\"{class}\">\n<h3><code>{}</code> {}</h3>",
        finding.code,
        markup(&finding.title)
    );
    if let Some(fix) = &finding.fix {
        let _ = writeln!(
            body,
            "<p class=\"change\"><b>Change:</b> {}</p>",
            markup(&fix.summary)
        );
        for command in &fix.commands {
            let _ = writeln!(body, "<pre>{}</pre>", markup(command));
        }
    }
    let _ = writeln!(body, "<p>{}</p>\n<ul>", markup(&finding.message));
    for place in &finding.objects {
        let _ = writeln!(body, "<li><code>{}</code></li>", markup(&place.to_string()));
    }
    for fact in &finding.evidence {
        let _ = writeln!(body, "<li>{}</li>", markup(fact));
    }
    if !finding.explains.is_empty() {
        let codes: Vec<&str> = finding.explains.iter().map(|c| c.0).collect();
        let _ = writeln!(body, "<li>also explains {}</li>", codes.join(", "));
    }
    if report.paths.len() > 1 {
        let _ = writeln!(
            body,
            "<li>on {} of {} paths</li>",
            finding.paths.len(),
            report.paths.len()
        );
    }
    body.push_str("</ul>\n</article>\n");
}

fn unseen(body: &mut String, report: &Report) {
    if report.incomplete.is_empty() {
        return;
    }
    body.push_str("<h2>Not checked</h2>\n<ul>\n");
    for line in &report.incomplete {
        let _ = writeln!(body, "<li>{}</li>", markup(line));
    }
    body.push_str("</ul>\n");
}

fn checks(body: &mut String, report: &Report) {
    if report.checks.is_empty() {
        return;
    }
    body.push_str("<details>\n<summary>What was checked</summary>\n<table>\n");
    for line in &report.checks {
        let (class, word) = match line.status {
            Status::Pass => ("good", "pass"),
            Status::Fail => ("bad", "fail"),
            Status::Skip => ("beyond", "skip"),
        };
        let title = crate::checks::registry::find(line.code.0).map_or("", |check| check.title);
        let _ = writeln!(
            body,
            "<tr><td><code>{}</code></td><td>{}</td><td \
             class=\"{class}\">{word}</td><td>{}</td></tr>",
            line.code,
            markup(title),
            markup(&line.reason)
        );
    }
    body.push_str("</table>\n</details>\n");
}
