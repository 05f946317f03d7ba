//! The languages that bindings can be had for.

use std::{fmt, str::FromStr};

/// A language that bindings are generated for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Language {
    /// Rust, with the crate `wit-bindgen`.
    Rust,
    /// JavaScript and TypeScript: types in `.d.ts` files.
    Js,
    /// Python, through `componentize-py`.
    Python,
    /// Go, with the module `go.bytecodealliance.org/pkg`.
    Go,
    /// C.
    C,
    /// C++.
    Cpp,
    /// C#.
    Csharp,
    /// MoonBit.
    Moonbit,
}

/// There are no bindings for what was named.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("bindings for `{name}` cannot be generated")]
pub struct UnknownLanguage {
    /// What was named.
    pub name: String,
}

impl Language {
    /// All of them, in the order in which they are listed to users.
    pub const ALL: [Self; 8] =
        [Self::Rust, Self::Js, Self::Python, Self::Go, Self::C, Self::Cpp, Self::Csharp, Self::Moonbit];

    /// Its name in `spin.toml` and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Rust => "rust",
            Self::Js => "js",
            Self::Python => "python",
            Self::Go => "go",
            Self::C => "c",
            Self::Cpp => "cpp",
            Self::Csharp => "csharp",
            Self::Moonbit => "moonbit",
        }
    }
}

impl fmt::Display for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Language {
    type Err = UnknownLanguage;

    /// Reads [`Language::name`] and the other names that people use.
    fn from_str(name: &str) -> Result<Self, Self::Err> {
        match name {
            "ts" | "javascript" | "typescript" => Ok(Self::Js),
            "py" => Ok(Self::Python),
            "golang" => Ok(Self::Go),
            "c++" => Ok(Self::Cpp),
            "c#" | "cs" => Ok(Self::Csharp),
            _ => (Self::ALL.into_iter().find(|language| language.name() == name))
                .ok_or_else(|| UnknownLanguage { name: name.to_owned() }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Language;

    #[test]
    fn names_are_read_back() {
        for language in Language::ALL {
            assert_eq!(language.to_string().parse(), Ok(language));
        }
        assert_eq!("typescript".parse(), Ok(Language::Js));
        assert!("cobol".parse::<Language>().is_err());
    }
}
