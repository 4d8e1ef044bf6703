//! Text inside XML and HTML.

use std::borrow::Cow;

/// The text as the content of an element or a quoted attribute. Characters that XML 1.0 has no way
/// to write are replaced.
pub(super) fn markup(text: &str) -> Cow<'_, str> {
    if !text.contains(|c: char| matches!(c, '&' | '<' | '>' | '"' | '\'') || unwritable(c)) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            c if unwritable(c) => safe.push('\u{fffd}'),
            c => safe.push(c),
        }
    }
    Cow::Owned(safe)
}

fn unwritable(c: char) -> bool {
    !crate::terminal::harmless(c) || matches!(c, '\u{fffe}' | '\u{ffff}')
}
