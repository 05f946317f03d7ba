//! What can be wrong with a lock.

use std::ops::Range;

use wasm_pkg_common::package::PackageRef;

use crate::Dependency;

/// What is wrong with the text of a lock. [`span`](Self::span) says where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LockError {
    /// The text is longer than any lock.
    #[error("the lock is {size} bytes long, more than the {limit} that can be read")]
    TooLarge {
        /// Its length, in bytes.
        size: usize,
        /// The longest that is read, in bytes.
        limit: usize,
    },
    /// A merge left its conflict markers.
    #[error("the lock contains the markers of a merge conflict")]
    MergeConflict {
        /// The first marker.
        span: Range<usize>,
    },
    /// It is not TOML.
    #[error("the lock is not valid TOML: {message}")]
    Syntax {
        /// What the TOML reader says.
        message: String,
        /// Where reading stopped.
        span: Range<usize>,
    },
    /// The format is newer than this program.
    #[error("the lock has version {found}: it was written by a newer spin-deps")]
    Newer {
        /// The version of the format.
        found: i64,
        /// The number.
        span: Range<usize>,
    },
    /// A field that is not part of the format.
    #[error("unknown field `{field}` in {place}")]
    UnknownField {
        /// The field.
        field: String,
        /// The part of the lock.
        place: String,
        /// The key.
        span: Range<usize>,
    },
    /// A field that must be there.
    #[error("{place} has no `{field}`")]
    MissingField {
        /// The field.
        field: &'static str,
        /// The part of the lock.
        place: String,
        /// The part of the lock.
        span: Range<usize>,
    },
    /// A value of another type.
    #[error("`{field}` in {place} is not {expected}")]
    WrongType {
        /// The field.
        field: String,
        /// The part of the lock.
        place: String,
        /// What it should be, with its article.
        expected: &'static str,
        /// The value.
        span: Range<usize>,
    },
    /// A value that does not mean anything.
    #[error("`{field}` in {place} is not {expected}: {reason}")]
    InvalidValue {
        /// The field.
        field: &'static str,
        /// The part of the lock.
        place: String,
        /// What it should be, with its article.
        expected: &'static str,
        /// What is wrong with it.
        reason: String,
        /// The value.
        span: Range<usize>,
    },
    /// A release or an HTTP source that is there twice.
    #[error("{what} is in the lock twice")]
    Duplicate {
        /// The release or the source.
        what: String,
        /// The second one.
        span: Range<usize>,
    },
    /// Releases of one package that come from several registries or signers, where only one can be meant.
    #[error("the releases of {name} in the lock have different {what}")]
    Differ {
        /// The package.
        name: PackageRef,
        /// In what they differ, in the plural.
        what: &'static str,
        /// The one that differs from the first.
        span: Range<usize>,
    },
    /// A dependency on a release that is not in the lock.
    #[error("{dependent} depends on {} {}, which is not in the lock", dependency.package, dependency.version)]
    Dangling {
        /// What has the dependency.
        dependent: String,
        /// The dependency.
        dependency: Box<Dependency>,
        /// Where the dependency is.
        span: Range<usize>,
    },
    /// A dependency on a version that it does not accept.
    #[error(
        "{dependent} depends on {} {}, but is locked to {}, which does not match",
        dependency.package, dependency.req, dependency.version
    )]
    Unsatisfied {
        /// What has the dependency.
        dependent: String,
        /// The dependency.
        dependency: Box<Dependency>,
        /// Where the dependency is.
        span: Range<usize>,
    },
    /// A need of a package that is overridden, met by a release nevertheless.
    #[error("{dependent} depends on {package}, which is overridden, in a version of its own")]
    Overridden {
        /// What has the need.
        dependent: String,
        /// The package.
        package: PackageRef,
        /// Where the need is.
        span: Range<usize>,
    },
    /// A need that an override meets which is not there.
    #[error("{dependent} depends on {package} as overridden, but the lock has no override of it")]
    NotOverridden {
        /// What has the need.
        dependent: String,
        /// The package.
        package: PackageRef,
        /// Where the need is.
        span: Range<usize>,
    },
}

impl LockError {
    /// Where in the text it is, in bytes. Empty if it is the text as a whole.
    pub fn span(&self) -> Range<usize> {
        match self {
            Self::TooLarge { .. } => 0..0,
            Self::MergeConflict { span }
            | Self::Syntax { span, .. }
            | Self::Newer { span, .. }
            | Self::UnknownField { span, .. }
            | Self::MissingField { span, .. }
            | Self::WrongType { span, .. }
            | Self::InvalidValue { span, .. }
            | Self::Duplicate { span, .. }
            | Self::Differ { span, .. }
            | Self::Dangling { span, .. }
            | Self::Unsatisfied { span, .. }
            | Self::Overridden { span, .. }
            | Self::NotOverridden { span, .. } => span.clone(),
        }
    }

    /// Whether a merge of two sound locks can end in it. Then what is sound can be told from what is not.
    pub(crate) fn is_of_merging(&self) -> bool {
        match self {
            Self::MergeConflict { .. }
            | Self::Syntax { .. }
            | Self::MissingField { .. }
            | Self::Duplicate { .. }
            | Self::Dangling { .. }
            | Self::Unsatisfied { .. }
            | Self::Overridden { .. }
            | Self::NotOverridden { .. } => true,
            Self::TooLarge { .. }
            | Self::Newer { .. }
            | Self::UnknownField { .. }
            | Self::WrongType { .. }
            | Self::InvalidValue { .. }
            | Self::Differ { .. } => false,
        }
    }

    /// What the user could do about it.
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::MergeConflict { .. } => {
                "merge spin.toml first, then run `spin-deps lock`: it keeps what both sides agree on or only one has, \
                 and chooses the rest anew"
            }
            Self::Newer { .. } => {
                "update spin-deps, or have whoever wrote the lock use your version; deleting the lock and \
                 running `spin-deps lock` writes it anew, with the newest versions that fit"
            }
            Self::UnknownField { .. } => {
                "remove the field, or update spin-deps if a newer one wrote the lock"
            }
            Self::Unsatisfied { .. }
            | Self::Duplicate { .. }
            | Self::Dangling { .. }
            | Self::Overridden { .. }
            | Self::NotOverridden { .. } => {
                "the lock was merged or edited by hand: run `spin-deps lock`, which keeps what is sound and chooses \
                 the rest anew, or restore it from version control"
            }
            Self::Syntax { .. } | Self::MissingField { .. } => {
                "restore the lock from version control, or run `spin-deps lock`, which keeps the entries that can be \
                 read and chooses the rest anew"
            }
            Self::Differ { .. } => {
                "the lock was merged or edited by hand: restore it from version control, or delete it and run \
                 `spin-deps lock` to write it anew"
            }
            Self::TooLarge { .. } | Self::WrongType { .. } | Self::InvalidValue { .. } => {
                "restore the lock from version control, or delete it and run `spin-deps lock` to write it anew"
            }
        };
        Some(hint.to_owned())
    }
}
