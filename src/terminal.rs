//! What may reach a terminal: names and messages in a cluster are written by others, and a terminal
//! obeys what it is sent.

use std::borrow::Cow;

/// The text with control characters made visible; line feeds and tabs stay.
pub fn escape(text: &str) -> String {
    visible(text).into_owned()
}

/// The same, without a copy where there is nothing to do.
pub fn visible(text: &str) -> Cow<'_, str> {
    if text.chars().all(harmless) {
        return Cow::Borrowed(text);
    }
    let shown = |c: char| {
        if harmless(c) {
            vec![c]
        } else {
            c.escape_unicode().collect()
        }
    };
    Cow::Owned(text.chars().flat_map(shown).collect())
}

/// Whether a terminal shows the character and does nothing else.
pub fn harmless(c: char) -> bool {
    c == '\n' || c == '\t' || !(c.is_control() || reorders(c))
}

/// Characters that reorder what is shown after them.
fn reorders(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_terminal_gets_no_control_characters_from_a_cluster() {
        assert_eq!(escape("a\u{1b}[31mb\u{202e}c"), "a\\u{1b}[31mb\\u{202e}c");
        assert_eq!(escape("plain\n\ttext"), "plain\n\ttext");
    }
}
