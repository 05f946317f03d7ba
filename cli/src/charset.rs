//! The characters that trees and paths are drawn with.

use clap::ValueEnum;
use spin_deps_project::Environment;

/// The characters that trees and paths are drawn with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Charset {
    /// Lines and arrows
    Utf8,
    /// What every terminal has
    Ascii,
}

/// One set of them.
pub(crate) struct Strokes {
    /// Before one of several.
    pub(crate) tee: &'static str,
    /// Before the last of several.
    pub(crate) elbow: &'static str,
    /// Beside what is below one of several.
    pub(crate) rail: &'static str,
    /// From one step of a path to the next.
    pub(crate) arrow: &'static str,
    /// For what is left out.
    pub(crate) more: &'static str,
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

    /// The characters.
    pub(crate) fn strokes(self) -> Strokes {
        match self {
            Self::Utf8 => {
                Strokes { tee: "├── ", elbow: "└── ", rail: "│   ", arrow: "→", more: "…" }
            }
            Self::Ascii => Strokes { tee: "|-- ", elbow: "`-- ", rail: "|   ", arrow: "->", more: "..." },
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
}
