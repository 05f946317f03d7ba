//! What a command prints: text for people or JSON for scripts, on stdout, in one piece.

use std::{fmt::Write as _, io::Write as _, process::ExitCode};

use anstyle::{AnsiColor, Style};
use serde_json::Value;

use crate::{args::Format, charset, program::as_called, report::Failure};

/// Names of packages and the like.
pub(crate) const NAME: Style = Style::new().bold();
/// What went well.
pub(crate) const GOOD: Style = AnsiColor::Green.on_default();
/// What went badly.
pub(crate) const BAD: Style = AnsiColor::Red.on_default().bold();
/// What needs attention.
pub(crate) const WARN: Style = AnsiColor::Yellow.on_default().bold();
/// What matters less.
pub(crate) const DIM: Style = Style::new().dimmed();

/// The result of a command.
#[derive(Debug)]
pub(crate) struct Output {
    text: String,
    json: Value,
    note: Option<String>,
    status: u8,
    failures: Vec<Failure>,
}

impl Output {
    /// Nothing to print.
    pub(crate) fn nothing() -> Self {
        Self::new(Value::Null)
    }

    /// A result whose text is to be written line by line.
    pub(crate) fn new(json: Value) -> Self {
        Self { text: String::new(), json, note: None, status: 0, failures: Vec::new() }
    }

    /// Adds a line of text.
    pub(crate) fn line(&mut self, line: impl std::fmt::Display) -> &mut Self {
        // Writing to a string cannot fail.
        let _ = writeln!(self.text, "{line}");
        self
    }

    /// Adds lines of text.
    pub(crate) fn lines(&mut self, lines: impl IntoIterator<Item = String>) -> &mut Self {
        for line in lines {
            self.line(line);
        }
        self
    }

    /// What was written so far, as a part of something else.
    pub(crate) fn into_lines(self) -> Vec<String> {
        self.text.lines().map(str::to_owned).collect()
    }

    /// Says on stderr, after the result and what was said before, what else there is to know.
    pub(crate) fn note(&mut self, note: &str) {
        self.note = Some(match self.note.take() {
            Some(before) => format!("{before}\n{note}"),
            None => note.to_owned(),
        });
    }

    /// The command did its work, and the result is bad.
    pub(crate) fn bad(mut self) -> Self {
        self.status = 1;
        self
    }

    /// The command ends as the one that it ran did. Of a status, the system keeps eight bits.
    pub(crate) fn status(mut self, status: i32) -> Self {
        self.status = u8::try_from(status & 0xff).unwrap_or(1);
        self
    }

    /// The result says what was found; what that means is a failure, or several. The first says how the command ends.
    pub(crate) fn failed(mut self, failure: Failure) -> Self {
        self.failures.push(failure);
        self
    }

    /// The result for scripts.
    pub(crate) fn json(&self) -> &Value {
        &self.json
    }

    /// Prints the result. A reader that went away (`| head`) is no error.
    pub(crate) fn print(self, format: Format, quiet: bool) -> ExitCode {
        let text = match format {
            Format::Json if self.json.is_null() => String::new(),
            Format::Json => format!("{:#}\n", self.json),
            Format::Human => charset::shown(&self.text),
            Format::Mermaid | Format::Dot => self.text,
        };
        let mut stdout = anstream::stdout().lock();
        let _ = stdout.write_all(as_called(&text).as_bytes()).and_then(|()| stdout.flush());
        if let Some(note) = self.note.filter(|_| !quiet) {
            crate::report::note(&note);
        }
        let mut told = Vec::new();
        for failure in &self.failures {
            if !told.is_empty() && format == Format::Human {
                crate::report::raw("\n");
            }
            told.push(crate::report::fail(failure, format));
        }
        told.first().copied().unwrap_or_else(|| ExitCode::from(self.status))
    }
}

/// A text with a style.
pub(crate) fn styled(style: Style, text: impl std::fmt::Display) -> String {
    format!("{style}{text}{style:#}")
}

/// Text from outside without anything that a terminal would act on.
pub(crate) fn clean(text: &str) -> String {
    text.chars()
        .map(|c| if (c.is_control() && c != '\n' && c != '\t') || is_hidden(c) { '\u{FFFD}' } else { c })
        .collect()
}

/// The same for text that has one line to stand on.
pub(crate) fn clean_line(text: &str) -> String {
    clean(&text.split_whitespace().collect::<Vec<_>>().join(" "))
}

/// What is not seen on the screen, or reorders what is, so that a name reads as another one.
fn is_hidden(c: char) -> bool {
    matches!(c, '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{FEFF}')
}

/// A number with its noun.
pub(crate) fn count(number: usize, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}s") }
}

#[cfg(test)]
mod tests {
    use super::clean;

    #[test]
    fn escape_sequences_do_not_reach_the_terminal() {
        assert_eq!(clean("a\u{1b}[31mb\u{202e}c\nd"), "a\u{FFFD}[31mb\u{FFFD}c\nd");
        assert_eq!(clean("ac\u{200d}me"), "ac\u{FFFD}me");
    }
}
