//! Markdown on a terminal: heads in bold, code apart from prose, everything else as it is.

use anstyle::{AnsiColor, Style};
use std::fmt::Write;

const HEAD: Style = Style::new().bold();
const CODE: Style = AnsiColor::Cyan.on_default();

/// The text with colours, which the stream drops where nobody sees them.
pub fn markdown(text: &str) -> String {
    let mut shown = String::new();
    let mut code = false;
    for line in text.lines() {
        if line.starts_with("```") {
            code = !code;
            continue;
        }
        let _ = match (code, line.strip_prefix('#')) {
            (true, _) if line.is_empty() => writeln!(shown),
            (true, _) => writeln!(shown, "    {CODE}{line}{CODE:#}"),
            (false, Some(head)) => writeln!(
                shown,
                "{HEAD}{}{HEAD:#}",
                head.trim_start_matches('#').trim()
            ),
            (false, None) => writeln!(shown, "{}", spans(line)),
        };
    }
    shown
}

/// `code` and *emphasis* inside a line; pages have no other use for a star in prose.
fn spans(line: &str) -> String {
    let mut shown = String::new();
    for (at, part) in line.split('`').enumerate() {
        if at % 2 == 1 {
            let _ = write!(shown, "{CODE}{part}{CODE:#}");
        } else {
            shown.push_str(&part.replace('*', ""));
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_without_colours_reads_well() {
        let text =
            markdown("# A head\n\nSome `code` and *words*.\n\n```yaml\na: 1\n```\n- one\n- two\n");
        let plain = anstream::adapter::strip_str(&text).to_string();
        assert_eq!(
            plain,
            "A head\n\nSome code and words.\n\n    a: 1\n- one\n- two\n"
        );
    }
}
