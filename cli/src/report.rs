//! How errors, warnings and notes look, on stderr.
//!
//! ```text
//! error: what, in the user's words
//!    ╭─[spin.toml:12:5]        the place, where there is one
//! Caused by:                   the chain, where there is one
//!
//! hint: what to do next
//! ```

use std::{
    error::Error as _,
    fmt,
    io::{self, Write as _},
    process::ExitCode,
};

use miette::{GraphicalReportHandler, GraphicalTheme, LabeledSpan, NamedSource, SourceCode};
use serde_json::json;
use spin_deps_project::Error;
use tracing::Level;
use tracing_subscriber::{
    fmt::{FmtContext, FormatEvent, FormatFields, format::Writer},
    registry::LookupSpan,
};

use crate::{
    args::Format,
    charset,
    output::{BAD, GOOD, WARN, clean, styled},
    program::as_called,
    progress::pause,
};

/// Why a command failed.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The project or a registry is at fault.
    Project(Box<Error>),
    /// Anything that has no more than a message.
    Message(String),
    /// The user did not want to go on.
    Interrupted,
}

impl Failure {
    pub(crate) fn message(text: impl Into<String>) -> Self {
        Self::Message(text.into())
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        match error {
            Error::Interrupted => Self::Interrupted,
            error => Self::Project(Box::new(error)),
        }
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::Interrupted => Self::Interrupted,
            _ => Self::Message(error.to_string()),
        }
    }
}

/// The exit status of wrong usage.
const USAGE: u8 = 2;
/// What the shell is told when a signal, or a person, ended the run.
const INTERRUPTED: u8 = 130;

/// Reports that the run was ended, and gives the exit status for it.
pub(crate) fn interrupted() -> ExitCode {
    note("interrupted");
    ExitCode::from(INTERRUPTED)
}

/// Reports a failure and gives the exit status for it: 2 where an option would have helped, 1 for all else.
pub(crate) fn fail(failure: &Failure, format: Format) -> ExitCode {
    let text = match (failure, format) {
        (Failure::Interrupted, _) => return interrupted(),
        (failure, Format::Human | Format::Mermaid | Format::Dot) => charset::shown(&in_words(failure)),
        (Failure::Project(error), Format::Json) => format!("{:#}\n", json!({ "error": as_json(error) })),
        (Failure::Message(message), Format::Json) => {
            let error = json!({ "error": { "message": message, "causes": [], "hint": null } });
            format!("{error:#}\n")
        }
    };
    say(&text);
    match failure {
        Failure::Project(error) if matches!(**error, Error::Unanswered { .. } | Error::Unpinned(_)) => {
            ExitCode::from(USAGE)
        }
        _ => ExitCode::FAILURE,
    }
}

/// An error for a program: what, why, and what to do.
pub(crate) fn as_json(error: &Error) -> serde_json::Value {
    json!({ "message": error.to_string(), "causes": causes(error), "hint": error.hint() })
}

/// A failure as it is shown, with its place, its causes and what to do.
fn in_words(failure: &Failure) -> String {
    let (message, rest) = match failure {
        Failure::Message(message) => (message.clone(), String::new()),
        Failure::Interrupted => ("interrupted".to_owned(), String::new()),
        Failure::Project(error) => (error.to_string(), details(error)),
    };
    format!("{} {}\n{rest}", styled(BAD, "error:"), clean(&message))
}

/// What there is to an error besides its text, as it is shown: its place, its causes and what to do.
pub(crate) fn details(error: &Error) -> String {
    let causes = match causes(error) {
        none if none.is_empty() => String::new(),
        some => format!("\nCaused by:\n    {}\n", clean(&some.join("\n    "))),
    };
    let hint = error.hint().map(|hint| format!("\n{} {}\n", styled(GOOD, "hint:"), clean(&hint)));
    format!("{}{causes}{}", excerpt(error).unwrap_or_default(), hint.unwrap_or_default())
}

/// Reports arguments that cannot be understood to a program.
pub(crate) fn misuse(error: &clap::Error) -> ExitCode {
    let text = error.render().to_string();
    let message = text.split("\n\n").next().unwrap_or_default().trim().trim_start_matches("error: ");
    let hint = text.lines().find_map(|line| line.trim_start().strip_prefix("tip: "));
    let error = json!({ "error": { "message": message, "causes": [], "hint": hint } });
    say(&format!("{error:#}\n"));
    ExitCode::from(USAGE)
}

/// A warning, unless the user asked for quiet.
pub(crate) fn warn(message: &str) {
    if !tracing::enabled!(Level::WARN) {
        return;
    }
    say(&charset::shown(&format!("{} {}\n", styled(WARN, "warning:"), clean(message))));
}

/// A note on what happens.
pub(crate) fn note(message: &str) {
    say(&charset::shown(&format!("{}\n", clean(message))));
}

/// Text that is styled already and whose parts are clean.
pub(crate) fn raw(text: &str) {
    say(text);
}

/// Prints to stderr; when nobody reads it there is nothing to do about that.
fn say(text: &str) {
    let _ = pause(|| anstream::stderr().lock().write_all(as_called(text).as_bytes()));
}

/// The causes below an error that its own text does not say already.
fn causes(error: &Error) -> Vec<String> {
    let mut said = error.to_string();
    let mut causes = Vec::new();
    let mut next = error.source();
    while let Some(cause) = next {
        let text = cause.to_string();
        if !said.contains(&text) {
            causes.push(text.clone());
            said.push_str(&text);
        }
        next = cause.source();
    }
    causes
}

/// The lines of the file that the error is about, with the place marked.
fn excerpt(error: &Error) -> Option<String> {
    let (file, span, label) = error.place()?;
    let here = std::env::current_dir().unwrap_or_default();
    let path = file.path.strip_prefix(here).unwrap_or(&file.path).display().to_string();
    let text = keep_length(&file.text);
    let end = span.end.min(text.len());
    let (text, span) = cut_lines(&text, span.start.min(end)..end);
    let label = (!label.is_empty()).then(|| clean(&label));
    let place =
        Place { source: NamedSource::new(path, text), label: LabeledSpan::new_with_span(label, span) };
    let theme = match anstream::AutoStream::choice(&io::stderr()) {
        anstream::ColorChoice::Never => GraphicalTheme::unicode_nocolor(),
        _ => GraphicalTheme::unicode(),
    };
    let mut rendered = String::new();
    GraphicalReportHandler::new_themed(theme).with_links(false).render_report(&mut rendered, &place).ok()?;
    // The first lines are the message, which is printed already.
    let body: Vec<_> = rendered.lines().skip_while(|line| !line.contains('╭')).map(str::trim_end).collect();
    Some(format!("{}\n", body.join("\n").trim_end()))
}

/// Control characters replaced without moving any byte, so that the places stay right.
fn keep_length(text: &str) -> String {
    text.chars()
        .flat_map(|c| {
            let layout = matches!(c, '\n' | '\r' | '\t');
            let control = !layout && clean(c.encode_utf8(&mut [0; 4])) != c.to_string();
            let (shown, times) = if control { ('?', c.len_utf8()) } else { (c, 1) };
            std::iter::repeat_n(shown, times)
        })
        .collect()
}

/// How much of a line is shown, in bytes, and how much of it after the beginning of the place.
const MAX_LINE: usize = 200;

/// The text with long lines cut at their end, and where the place is in it. What is before the place in its line stays, so
/// that its column is the right one.
fn cut_lines(text: &str, span: std::ops::Range<usize>) -> (String, std::ops::Range<usize>) {
    let mut cut = String::new();
    let (mut start, mut end) = (None, None);
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let content = line.trim_end_matches(['\n', '\r']);
        let limit =
            if (at..at + line.len()).contains(&span.start) { span.start - at + MAX_LINE } else { MAX_LINE };
        let kept = content.get(..content.floor_char_boundary(limit)).unwrap_or(content);
        let place = |offset: usize| (offset - at).min(kept.len()) + cut.len();
        if span.start < at + line.len() {
            start = start.or_else(|| Some(place(span.start)));
        }
        if start.is_some() && span.end <= at + line.len() {
            end = end.or_else(|| Some(place(span.end)));
        }
        cut.push_str(kept);
        if kept.len() < content.len() {
            cut.push('…');
        }
        cut.push_str(line.get(content.len()..).unwrap_or_default());
        at += line.len();
    }
    let start = start.unwrap_or(cut.len());
    let end = end.unwrap_or(cut.len());
    (cut, start..end)
}

/// A place in a file, as the renderer wants it.
#[derive(Debug)]
struct Place {
    source: NamedSource<String>,
    label: LabeledSpan,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("place")
    }
}

impl std::error::Error for Place {}

impl miette::Diagnostic for Place {
    fn source_code(&self) -> Option<&dyn SourceCode> {
        Some(&self.source)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        Some(Box::new(std::iter::once(self.label.clone())))
    }
}

/// Sends log events to stderr: warnings always, more with `-v`.
pub(crate) fn log(verbose: u8, quiet: bool) {
    let filter = match (quiet, verbose) {
        (true, _) => "error",
        (_, 0) => "warn,wasmtime=error,cranelift=error,hyper=error,oci_client=error",
        (_, 1) => "warn,spin_deps_project=debug,spin_deps_registry=debug,spin_deps_host=debug",
        _ => "debug,cranelift=info,wasmtime=info",
    };
    let filter = tracing_subscriber::EnvFilter::new(filter);
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(|| Stderr).event_format(Events);
    // A second subscriber in one process would be a bug of ours, and no reason to stop.
    let _ = log.try_init();
}

/// stderr, while the bars are out of the way.
struct Stderr;

impl io::Write for Stderr {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        pause(|| anstream::stderr().lock().write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        anstream::stderr().flush()
    }
}

/// Log events in the form of our own messages.
struct Events;

impl<S, N> FormatEvent<S, N> for Events
where
    S: tracing::Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &tracing::Event<'_>,
    ) -> fmt::Result {
        let level = match *event.metadata().level() {
            Level::ERROR => styled(BAD, "error:"),
            Level::WARN => styled(WARN, "warning:"),
            Level::INFO => "info:".to_owned(),
            Level::DEBUG => "debug:".to_owned(),
            Level::TRACE => "trace:".to_owned(),
        };
        let mut text = String::new();
        context.format_fields(Writer::new(&mut text), event)?;
        writeln!(writer, "{level} {}", charset::shown(&clean(&text)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lines_are_cut_behind_the_place() {
        let long = "é".repeat(300);
        let text = format!("{long}\r\nshort\n{long}place{long}\nlast");
        let start = text.find("place").unwrap();
        let (cut, span) = cut_lines(&text, start..start + 5);
        assert_eq!(&cut[span], "place");
        let lengths: Vec<_> = cut.lines().map(|line| line.chars().count()).collect();
        assert_eq!(lengths, [101, 5, 300 + 5 + 97 + 1, 4]);
        assert!(cut.contains("…\r\nshort\n"));

        // A place that is longer than what is left of it, one at the end, and one in a text without an end of line.
        let (cut, span) = cut_lines(&long, 2..600);
        assert_eq!((cut.len(), span), (202 + '…'.len_utf8(), 2..202));
        assert_eq!(cut_lines("a\nb\n", 4..4), ("a\nb\n".to_owned(), 4..4));
        assert_eq!(cut_lines("a\nb\n", 2..2), ("a\nb\n".to_owned(), 2..2));
        assert_eq!(cut_lines("", 0..0), (String::new(), 0..0));
    }
}
