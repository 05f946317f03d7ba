//! The manual pages.

use crate::support::world::{Sandbox, files_below};

/// The requests that the pages use: those of man(7) and a few of roff itself.
const REQUESTS: &[&str] =
    &[".ie", ".el", ".TH", ".SH", ".PP", ".TP", ".RS", ".RE", ".IP", ".br", ".nf", ".fi"];

#[track_caller]
fn assert_sound(name: &str, page: &str) {
    assert!(page.is_ascii(), "{name} has other characters than ASCII");
    for line in page.lines() {
        let request = line.split(' ').next().unwrap_or_default();
        assert!(
            !line.starts_with(['.', '\'']) || REQUESTS.contains(&request),
            "{name} asks for what is no request: {line}"
        );
    }
    for heading in [".SH NAME", ".SH SYNOPSIS", ".SH DESCRIPTION"] {
        assert!(page.contains(heading), "{name} has no {heading}");
    }
}

#[test]
fn there_is_a_page_for_every_command() {
    let sandbox = Sandbox::new();
    sandbox.write("here/other.1", "not ours");
    insta::assert_snapshot!(
        sandbox.snapshot(&sandbox.run(&["man", "--dir", "here"]).done()).replace(char::is_numeric, "#"),
        @"
    exit: #
    --- stdout
    Wrote ## pages into here
    "
    );
    let pages = files_below(&sandbox.project().join("here"));
    assert_eq!(pages["other.1"], b"not ours");
    for name in ["spin-deps", "spin-deps-add", "spin-deps-man", "spin-deps-cache", "spin-deps-cache-clean"] {
        assert!(pages.contains_key(&format!("{name}.1")), "{name} has no page: {:?}", pages.keys());
    }
    assert!(
        !pages.keys().any(|name| name.contains("generate-docs") || name.contains("help")),
        "{:?}",
        pages.keys()
    );
    for (name, page) in pages.iter().filter(|(name, _)| *name != "other.1") {
        let page = String::from_utf8_lossy(page);
        assert_sound(name, &page);
        // Each is what its command alone prints.
        let words: Vec<_> = match name.trim_end_matches(".1").strip_prefix("spin-deps-") {
            Some(command) => command.split('-').collect(),
            None => Vec::new(),
        };
        assert_eq!(
            sandbox.run(&[&["man"], words.as_slice()].concat()).done().stdout.trim_end(),
            page.trim_end()
        );
    }
    // The same again, over what is there.
    sandbox.run(&["man", "--dir", "here"]).done();
    assert!(files_below(&sandbox.project().join("here")) == pages);
}

#[test]
fn examples_keep_their_layout() {
    let page = Sandbox::new().run(&["man", "yank"]).done().stdout;
    let at = page.find(".SH EXAMPLES").expect("examples");
    insta::assert_snapshot!(page[at..].trim_end(), @r#"
    .SH EXAMPLES
    .nf
      spin\-deps yank acme:hash@1.2.0 \-\-reason \*(Aqwrong digests for empty input\*(Aq
      spin\-deps yank acme:hash@1.2.0 \-\-undo
    .fi
    .SH "SEE ALSO"
    \fBspin\-deps\fR(1)
    "#);
}

#[test]
fn a_page_of_a_command_that_is_not_there_is_none() {
    let sandbox = Sandbox::new();
    let texts = [["man", "ad"].as_slice(), &["man", "cache", "cler"], &["man", "add", "--dir", "x"]]
        .map(|arguments| sandbox.snapshot(&sandbox.run(arguments).misused()));
    insta::assert_snapshot!(texts.join("\n"), @"
    exit: 2
    --- stderr
    error: there is no command `ad`

    hint: `spin-deps help` lists the commands

    exit: 2
    --- stderr
    error: there is no command `cler`

    hint: `spin-deps help` lists the commands

    exit: 2
    --- stderr
    error: the argument '[COMMAND]...' cannot be used with '--dir <DIR>'

    Usage: spin-deps man <COMMAND>...

    For more information, try '--help'.
    ");
}
