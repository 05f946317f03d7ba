//! Lines of a text, and replacements in it.

use crate::Span;

/// A replacement of a range of the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Patch {
    pub(super) span: Span,
    pub(super) text: String,
}

impl Patch {
    pub(super) fn insert(at: usize, text: impl Into<String>) -> Self {
        Self { span: at..at, text: text.into() }
    }

    pub(super) fn remove(span: Span) -> Self {
        Self { span, text: String::new() }
    }
}

/// Applies replacements that do not overlap.
pub(super) fn apply(text: &str, mut patches: Vec<Patch>) -> String {
    patches.sort_by_key(|patch| patch.span.start);
    let mut result = String::with_capacity(text.len() + 64);
    let mut done = 0;
    for patch in patches {
        result.push_str(text.get(done..patch.span.start).unwrap_or_default());
        result.push_str(&patch.text);
        done = patch.span.end;
    }
    result.push_str(text.get(done..).unwrap_or_default());
    result
}

/// Where the line of a place begins.
pub(super) fn line_start(text: &str, at: usize) -> usize {
    text.get(..at).and_then(|before| before.rfind('\n')).map_or(0, |newline| newline + 1)
}

/// Where the line of a place ends, behind its newline.
pub(super) fn line_end(text: &str, at: usize) -> usize {
    text.get(at..).and_then(|after| after.find('\n')).map_or(text.len(), |newline| at + newline + 1)
}

/// The blanks at the beginning of the line of a place.
pub(super) fn indentation(text: &str, at: usize) -> &str {
    let line = text.get(line_start(text, at)..at).unwrap_or_default();
    let blanks = line.len() - line.trim_start_matches([' ', '\t']).len();
    line.get(..blanks).unwrap_or_default()
}

/// Whether only blanks stand before a place on its line.
pub(super) fn is_first_on_line(text: &str, at: usize) -> bool {
    text.get(line_start(text, at)..at).is_some_and(|line| line.chars().all(|c| c == ' ' || c == '\t'))
}

/// The newline to use for a line behind the one that ends at a place: the same, else the first of the text.
pub(super) fn newline_like(text: &str, line_end: usize) -> &'static str {
    let before = text.get(..line_end).unwrap_or_default();
    let first = text.find('\n').map(|at| text.get(..=at).unwrap_or_default());
    let like = if before.ends_with('\n') { Some(before) } else { first };
    if like.is_some_and(|line| line.ends_with("\r\n")) { "\r\n" } else { "\n" }
}

/// Inserts whole lines behind the line that ends at a place. At the end of a file without a last
/// newline the new lines have none either.
pub(super) fn insert_lines(text: &str, line_end: usize, lines: &[String]) -> Patch {
    let newline = newline_like(text, line_end);
    let before = text.get(..line_end).unwrap_or_default();
    let mut inserted = String::new();
    if before.is_empty() || before.ends_with('\n') {
        for line in lines {
            inserted.push_str(line);
            inserted.push_str(newline);
        }
    } else {
        for line in lines {
            inserted.push_str(newline);
            inserted.push_str(line);
        }
    }
    Patch::insert(line_end, inserted)
}

/// Removes whole lines, the inverse of [`insert_lines`].
pub(super) fn remove_lines(text: &str, mut span: Span) -> Patch {
    let removed = text.get(span.clone()).unwrap_or_default();
    if span.end == text.len() && !removed.ends_with('\n') {
        let before = text.get(..span.start).unwrap_or_default();
        let kept = before.strip_suffix('\n').unwrap_or(before);
        span.start = kept.strip_suffix('\r').unwrap_or(kept).len();
    }
    Patch::remove(span)
}

/// The beginning of the empty line above the line that begins at a place, if there is one.
pub(super) fn empty_line_above(text: &str, line_start: usize) -> Option<usize> {
    let before = text.get(..line_start)?.strip_suffix('\n')?;
    let before = before.strip_suffix('\r').unwrap_or(before);
    (before.is_empty() || before.ends_with('\n')).then_some(before.len())
}

/// A TOML string in double quotes, on one line.
pub(super) fn quoted(text: &str) -> String {
    use std::fmt::Write as _;

    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for c in text.chars() {
        match c {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            c if c.is_control() => {
                // Writing to a string cannot fail.
                let _ = write!(quoted, "\\u{:04X}", u32::from(c));
            }
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_in_and_out() {
        for text in ["", "a", "a\n", "a\r\n", "a\n\nb", "a\r\nb\r\n"] {
            for at in [line_end(text, 0), text.len()] {
                let with = apply(text, vec![insert_lines(text, at, &["x".into(), "y".into()])]);
                let start = with.find('x').unwrap();
                let end = line_end(&with, with.find('y').unwrap());
                assert_eq!(apply(&with, vec![remove_lines(&with, start..end)]), text, "{with:?}");
                assert_eq!(with.contains("\r\n"), text.contains("\r\n"));
                assert_eq!(with.matches('\n').count(), text.matches('\n').count() + 2);
            }
        }
    }

    #[test]
    fn empty_lines_above() {
        assert_eq!(empty_line_above("a\n\nb", 3), Some(2));
        assert_eq!(empty_line_above("a\r\n\r\nb", 5), Some(3));
        assert_eq!(empty_line_above("\nb", 1), Some(0));
        assert_eq!(empty_line_above("a\nb", 2), None);
        assert_eq!(empty_line_above("b", 0), None);
    }

    #[test]
    fn quoted_text_reads_back() {
        for text in ["a", "a\"b\\c", "x\ty\r\n\u{1b}\u{7f}\u{85}", "é"] {
            let value: toml_edit::Value = quoted(text).parse().unwrap();
            assert_eq!(value.as_str(), Some(text));
        }
    }
}
