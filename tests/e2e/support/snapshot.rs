//! One text of a whole run, with what differs from machine to machine taken out.

use std::fmt::Write;
use std::path::Path;
use std::sync::LazyLock;

use regex::{Captures, Regex};

use super::world::Run;

/// Exit code, standard output and standard error of `run`, which happened below `root`.
///
/// Digests are numbered by their first appearance, so that a snapshot still tells two of them apart.
pub(crate) fn text(run: &Run, root: &Path) -> String {
    let code = run.code.map_or_else(|| "killed".to_owned(), |code| code.to_string());
    let mut text = format!("exit: {code}\n");
    for (name, stream) in [("stdout", &run.stdout), ("stderr", &run.stderr)] {
        if !stream.is_empty() {
            write!(text, "--- {name}\n{stream}").expect("a String takes everything");
            if !stream.ends_with('\n') {
                text.push_str("[no newline]\n");
            }
        }
    }
    without_sizes(&filter(&text, root))
}

/// Replaces paths below `root`, ports, digests, durations and our own version.
pub(crate) fn filter(text: &str, root: &Path) -> String {
    // In full wherever it stands, a file's name included; shortened only behind its algorithm.
    static DIGEST: LazyLock<Regex> = LazyLock::new(|| {
        regex(r"(?P<algorithm>\bsha256:)(?P<hex>[0-9a-f]{8,64})|\b(?P<bare>[0-9a-f]{64})\b")
    });

    let text = text.replace(&root.display().to_string(), "[DIR]");
    let text = text.replace(concat!("spin-deps ", env!("CARGO_PKG_VERSION")), "spin-deps [VERSION]");
    let text = without_times_and_ports(&text);
    let mut known: Vec<String> = Vec::new();
    DIGEST
        .replace_all(&text, |found: &Captures| {
            let algorithm = found.name("algorithm").map_or("", |text| text.as_str());
            let hex = found.name("hex").or(found.name("bare")).map_or("", |text| text.as_str());
            // A digest may be shown in full in one place and shortened in the next.
            let number =
                known.iter().position(|other| other.starts_with(hex) || hex.starts_with(other.as_str()));
            let number = number.unwrap_or_else(|| {
                known.push(hex.to_owned());
                known.len() - 1
            });
            format!("{algorithm}[DIGEST-{}]", number + 1)
        })
        .into_owned()
}

/// Replaces durations and the ports of loopback addresses.
pub(crate) fn without_times_and_ports(text: &str) -> String {
    static PORT: LazyLock<Regex> = LazyLock::new(|| regex(r"(127\.0\.0\.1|localhost|\[::1\]):\d{2,5}\b"));
    // As a registry's name is written within the name of a variable.
    static NAME: LazyLock<Regex> = LazyLock::new(|| regex(r"127_0_0_1_\d{2,5}_"));
    static TIME: LazyLock<Regex> = LazyLock::new(|| regex(r"\b\d+(\.\d+)?\s?(ns|µs|us|ms|s)\b"));
    let text = PORT.replace_all(text, "$1:[PORT]");
    let text = NAME.replace_all(&text, "127_0_0_1_[PORT]_");
    TIME.replace_all(&text, "[TIME]").into_owned()
}

/// Replaces sizes, which are those of fixtures and so of the encoder that made them.
pub(crate) fn without_sizes(text: &str) -> String {
    static SIZE: LazyLock<Regex> = LazyLock::new(|| regex(r"\b\d+\.\d [KMG]iB \(\d+ bytes\)|\b\d+ bytes\b"));
    SIZE.replace_all(text, "[SIZE] bytes").into_owned()
}

fn regex(pattern: &str) -> Regex {
    Regex::new(pattern).expect("a pattern that is part of this file")
}

#[test]
fn what_differs_between_machines_is_filtered_and_the_rest_stays() {
    let hex = "5".repeat(64);
    let text = format!(
        "wrote /t/x/spin-deps.lock in 12.5 ms\nfrom http://127.0.0.1:4711/v2\nsha256:{hex}\nsha256:aaaaaaaaaaaa\n\
         sha256:{}\nacme:base@1.0.0 5 packages",
        &hex[..12]
    );
    insta::assert_snapshot!(filter(&text, Path::new("/t/x")), @r"
    wrote [DIR]/spin-deps.lock in [TIME]
    from http://127.0.0.1:[PORT]/v2
    sha256:[DIGEST-1]
    sha256:[DIGEST-2]
    sha256:[DIGEST-1]
    acme:base@1.0.0 5 packages
    ");
}
