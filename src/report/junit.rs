//! For CI: JUnit's XML, a suite for each path and a case for each check that concerned it.

use super::markup::markup;
use super::{PathReport, Report};
use crate::checks::finding::{CheckLine, Finding, Severity, Status};
use crate::checks::registry;
use std::fmt::Write;

/// The report as test suites. A check that only warns, or only notes, has passed.
pub(super) fn junit(report: &Report) -> String {
    let mut body = String::new();
    let mut total = (0, 0, 0);
    for (at, path) in report.paths.iter().enumerate() {
        let lines: Vec<&CheckLine> = report
            .checks
            .iter()
            .filter(|line| line.paths.contains(&at))
            .collect();
        let mut cases = String::new();
        let mut counts = (0, 0, 0);
        for line in lines {
            let (failed, skipped) = case(&mut cases, line, (report, at));
            counts = (
                counts.0 + 1,
                counts.1 + usize::from(failed),
                counts.2 + usize::from(skipped),
            );
        }
        for finding in report
            .findings
            .iter()
            .filter(|f| f.paths.contains(&at) && unlisted(report, f, at))
        {
            let failed = failure(&mut cases, finding.code.0, finding);
            counts = (counts.0 + 1, counts.1 + usize::from(failed), counts.2);
        }
        let _ = writeln!(
            body,
            "  <testsuite name=\"{}\" {}>\n{cases}  </testsuite>",
            name(path),
            attributes(counts)
        );
        total = (total.0 + counts.0, total.1 + counts.1, total.2 + counts.2);
    }
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"kubectl egress doctor\" \
         {}>\n{body}</testsuites>",
        attributes(total)
    )
}

fn attributes((tests, failures, skipped): (usize, usize, usize)) -> String {
    format!("tests=\"{tests}\" failures=\"{failures}\" errors=\"0\" skipped=\"{skipped}\"")
}

fn name(path: &PathReport) -> String {
    markup(&format!("{} → {}:{}", path.from, path.host, path.port)).into_owned()
}

/// Whether the finding's check has no line of its own for that path.
fn unlisted(report: &Report, finding: &Finding, path: usize) -> bool {
    !report
        .checks
        .iter()
        .any(|line| line.code == finding.code && line.paths.contains(&path))
}

fn case(text: &mut String, line: &CheckLine, (report, path): (&Report, usize)) -> (bool, bool) {
    let code = line.code.0;
    let found = report
        .findings
        .iter()
        .find(|f| f.code == line.code && f.paths.contains(&path));
    match (line.status, found) {
        (Status::Skip, _) => {
            let reason = markup(&line.reason);
            let _ = writeln!(
                text,
                "    <testcase {}><skipped message=\"{reason}\"/></testcase>",
                title(code)
            );
            (false, true)
        }
        (Status::Fail, Some(finding)) => (failure(text, code, finding), false),
        // Folded: its cause is the one that fails.
        (Status::Fail, None) | (Status::Pass, _) => {
            let _ = writeln!(text, "    <testcase {}/>", title(code));
            (false, false)
        }
    }
}

fn failure(text: &mut String, code: &str, finding: &Finding) -> bool {
    let fix = finding
        .fix
        .as_ref()
        .map_or(String::new(), |fix| format!("\nchange: {}", fix.summary));
    let objects: Vec<String> = finding.objects.iter().map(ToString::to_string).collect();
    let words = format!(
        "{}{fix}\n{}\n{}",
        finding.message,
        objects.join("\n"),
        finding.evidence.join("\n")
    );
    let failed = finding.breaks();
    let element = if failed { "failure" } else { "system-out" };
    let kind = match finding.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Info => "info",
    };
    let attributes = if failed {
        format!(" type=\"{kind}\" message=\"{}\"", markup(&finding.title))
    } else {
        String::new()
    };
    let _ = writeln!(
        text,
        "    <testcase {}><{element}{attributes}>{}</{element}></testcase>",
        title(code),
        markup(words.trim_end())
    );
    failed
}

fn title(code: &str) -> String {
    let title = registry::find(code).map_or("", |check| check.title);
    format!("classname=\"{code}\" name=\"{}\"", markup(title))
}
