//! The characters that trees, paths, bars and the places of errors are drawn with.
//!
//! Everything is written in Unicode. Where the locale cannot show it, what we draw with is replaced at the very end by
//! what every terminal has, in one place: no command has to think of it. Only text for people is touched.

use std::sync::OnceLock;

use clap::ValueEnum;
use spin_deps_project::Environment;

use crate::settings;

/// The characters that trees and paths are drawn with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Charset {
    /// Lines and arrows
    Utf8,
    /// What every terminal has
    Ascii,
}

/// What we draw with, and what takes its place.
const DRAWN: &[(char, &str)] = &[
    ('→', "->"),
    ('…', "..."),
    ('✓', "ok:"),
    ('✗', "failed:"),
    ('├', "|"),
    ('└', "`"),
    ('│', "|"),
    ('─', "-"),
    // The frame around the place of an error.
    ('╭', ","),
    ('╰', "`"),
    ('┬', "|"),
    ('▲', "^"),
    ('·', ":"),
    ('╞', "|"),
    ('╯', "'"),
];

static CURRENT: OnceLock<Charset> = OnceLock::new();

/// Draws with these characters from now on, whatever the locale says.
pub(crate) fn choose(charset: Charset) {
    // Chosen once, before anything is drawn.
    let _ = CURRENT.set(charset);
}

/// The characters to draw with.
pub(crate) fn current() -> Charset {
    *CURRENT.get_or_init(settings::charset)
}

/// A text for people, with nothing drawn in it that they would not see.
pub(crate) fn shown(text: &str) -> String {
    match current() {
        Charset::Utf8 => text.to_owned(),
        Charset::Ascii => in_ascii(text),
    }
}

fn in_ascii(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        match DRAWN.iter().find(|(drawn, _)| *drawn == c) {
            Some((_, instead)) => shown.push_str(instead),
            None => shown.push(c),
        }
    }
    shown
}

impl Charset {
    /// What the user's locale can show, by the [variables of POSIX] that say so: the first of them that is set counts.
    ///
    /// [variables of POSIX]: https://pubs.opengroup.org/onlinepubs/9799919799/basedefs/V1_chap08.html#tag_08_02
    pub(crate) fn of_locale(environment: &Environment) -> Self {
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"].iter().find_map(|name| environment.get(name));
        let locale = locale.unwrap_or_default().to_ascii_lowercase();
        // The console of Windows has no locale; it is written to in Unicode.
        if cfg!(windows) || locale.contains("utf-8") || locale.contains("utf8") {
            Self::Utf8
        } else {
            Self::Ascii
        }
    }
}

#[cfg(all(test, not(windows)))]
mod tests {
    use super::*;

    #[test]
    fn the_first_variable_that_is_set_counts() {
        let charset = |variables: &[(&str, &str)]| {
            Charset::of_locale(&variables.iter().copied().collect::<Environment>())
        };
        assert_eq!(charset(&[("LANG", "en_GB.UTF-8")]), Charset::Utf8);
        assert_eq!(charset(&[("LC_ALL", "C"), ("LANG", "en_GB.UTF-8")]), Charset::Ascii);
        assert_eq!(charset(&[("LC_ALL", ""), ("LC_CTYPE", "C.utf8"), ("LANG", "C")]), Charset::Utf8);
        assert_eq!(charset(&[("LANG", "de_DE@euro")]), Charset::Ascii);
        assert_eq!(charset(&[]), Charset::Ascii);
    }

    #[test]
    fn what_is_drawn_is_drawn_in_ascii_and_letters_stay() {
        assert_eq!(in_ascii("├── größer → 2\n└── …"), "|-- größer -> 2\n`-- ...");
    }
}
