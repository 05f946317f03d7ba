//! Why the WIT of a component's dependencies could not be written.

use std::{fmt::Write as _, path::PathBuf};

use crate::{Kind, Language};

/// Why the WIT of the dependencies, or bindings for it, could not be written.
#[derive(Debug, thiserror::Error)]
pub enum WitError {
    /// A dependency is not a component.
    #[error("the dependency `{label}` is {}, not a component", .found.described())]
    NotComponent {
        /// The dependency.
        label: String,
        /// What it is.
        found: Kind,
    },
    /// A dependency does not export what its name in `spin.toml` says.
    #[error("`{label}` does not export `{wanted}`")]
    NoExport {
        /// The dependency.
        label: String,
        /// The export that is looked for.
        wanted: String,
        /// What it does export.
        exports: Vec<String>,
    },
    /// An export is there and is not an interface or function.
    #[error("the export `{export}` of `{label}` is not {wanted}")]
    WrongKind {
        /// The dependency.
        label: String,
        /// The export.
        export: String,
        /// What it should be: "an interface", "a function".
        wanted: &'static str,
    },
    /// A whole package cannot be renamed by `export`.
    #[error(
        "the dependency `{name}` names a whole package, so `export` cannot say which interface stands for it"
    )]
    PackageExport {
        /// The dependency's name in `spin.toml`.
        name: String,
    },
    /// An export cannot be expressed in WIT.
    #[error("the interface `{interface}` of `{label}` cannot be written as WIT: {reason}")]
    Inexpressible {
        /// The dependency.
        label: String,
        /// The interface.
        interface: String,
        /// Why not.
        reason: String,
    },
    /// Two dependencies contradict each other about an interface that both use.
    #[error(transparent)]
    Clash(Box<Clash>),
    /// A folder of WIT cannot be used.
    #[error("the WIT in {} cannot be used: {message}", folder.display())]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// The parser's own words, with the file and the line.
        message: String,
    },
    /// A generator of bindings cannot express what is in the world.
    #[error("bindings for `{language}` cannot be made of this WIT: {message}")]
    Generator {
        /// The language.
        language: Language,
        /// The generator's own words.
        message: String,
    },
    /// The text is not WIT that can be used.
    #[error("the WIT of the dependencies is not valid: {message}")]
    Invalid {
        /// The parser's or generator's own words.
        message: String,
    },
}

impl WitError {
    /// What to do next.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::NotComponent { found: Kind::WitPackage, .. } => {
                Some("a WIT package implements nothing: depend on a package that implements it".to_owned())
            }
            Self::NotComponent { .. } => {
                Some("make a component of it with `spin-deps componentize`".to_owned())
            }
            Self::NoExport { exports, .. } if exports.is_empty() => Some("it exports nothing".to_owned()),
            Self::NoExport { exports, .. } => Some(format!("it exports {}", listed(exports))),
            Self::PackageExport { name } => Some(format!("name the interface: `{name}/…`")),
            Self::Clash(clash) => Some(format!(
                "choose releases of `{}` and `{}` that were built against the same interface",
                clash.first_label, clash.second_label
            )),
            Self::WrongKind { .. }
            | Self::Inexpressible { .. }
            | Self::Folder { .. }
            | Self::Invalid { .. }
            | Self::Generator { .. } => None,
        }
    }
}

/// Two declarations of one item that cannot both hold.
#[derive(Debug, thiserror::Error)]
#[error(
    "`{first_label}` and `{second_label}` disagree on `{item}` in `{interface}`\n  \
     {first_label}: {first}\n  {second_label}: {second}"
)]
pub struct Clash {
    /// The interface.
    pub interface: String,
    /// The type or function.
    pub item: String,
    /// One dependency.
    pub first_label: String,
    /// Its declaration, in WIT.
    pub first: String,
    /// The other dependency.
    pub second_label: String,
    /// Its declaration, in WIT.
    pub second: String,
}

/// At most eight names, quoted.
pub(crate) fn listed(names: &[String]) -> String {
    const SHOWN: usize = 8;
    let mut text = names.iter().take(SHOWN).map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    if names.len() > SHOWN {
        let _ = write!(text, " and {} more", names.len() - SHOWN);
    }
    text
}
