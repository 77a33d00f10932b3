//! Text that others wrote, made safe to show.

use std::borrow::Cow;

/// Longest piece of foreign text that is kept, in characters.
const LIMIT: usize = 2_000;

/// Makes text from a server or a file safe for a terminal, a log or a mail.
///
/// Control characters (escape sequences among them) and the characters that reorder or hide text become `�`;
/// line breaks and tabs become a space; what exceeds 2,000 characters is cut.
#[must_use]
pub fn printable(text: &str) -> Cow<'_, str> {
    if text.len() <= LIMIT && text.chars().all(|c| !is_treacherous(c)) {
        return Cow::Borrowed(text);
    }
    let mut shown: String = text
        .chars()
        .take(LIMIT)
        .map(|c| match c {
            '\n' | '\r' | '\t' => ' ',
            c if is_treacherous(c) => char::REPLACEMENT_CHARACTER,
            c => c,
        })
        .collect();
    if text.chars().nth(LIMIT).is_some() {
        shown.push('…');
    }
    Cow::Owned(shown)
}

/// Control characters, and Unicode's invisible and direction-changing ones.
fn is_treacherous(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn c52_escape_sequences_are_taken_out() {
        assert_eq!(printable("a\u{1b}[31mb\u{7}\nc"), "a\u{fffd}[31mb\u{fffd} c");
        assert_eq!(printable("user\u{202e}gpj.exe"), "user\u{fffd}gpj.exe");
        assert_eq!(printable("plain Größe"), "plain Größe");
    }

    proptest! {
        #[test]
        fn nothing_treacherous_survives(text in any::<String>()) {
            prop_assert!(!printable(&text).chars().any(is_treacherous));
        }
    }
}
