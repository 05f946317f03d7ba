//! Shared by the tests: small manifests, and errors as a terminal would show them.

use std::fmt::Write as _;

use spin_deps_manifest::ManifestError;

/// A manifest with one HTTP trigger and the component `api`, then the given text.
pub(crate) fn app(rest: &str) -> String {
    format!(
        "spin_manifest_version = 2\n\n[application]\nname = \"shop\"\n\n\
         [[trigger.http]]\nroute = \"/...\"\ncomponent = \"api\"\n\n{rest}"
    )
}

/// The message, the line with the place marked, and the hint.
pub(crate) fn show(text: &str, error: &ManifestError) -> String {
    let mut shown = format!("{error}\n");
    if let Some(span) = error.span() {
        assert!(text.is_char_boundary(span.start) && text.is_char_boundary(span.end), "{span:?}");
        let start = text[..span.start].rfind('\n').map_or(0, |at| at + 1);
        let end = text[start..].find('\n').map_or(text.len(), |at| start + at);
        let number = text[..start].matches('\n').count() + 1;
        let line = text[start..end].trim_end_matches('\r');
        let marks = "^".repeat(span.end.min(end).saturating_sub(span.start).max(1));
        let blanks = " ".repeat(span.start - start);
        writeln!(shown, "{number:>3} | {line}\n    | {blanks}{marks} {}", error.label()).unwrap();
    }
    if let Some(hint) = error.hint() {
        writeln!(shown, "hint: {hint}").unwrap();
    }
    shown
}
