//! What can be wrong with a manifest.
//!
//! An error has three parts that a terminal shows in three places: the sentence
//! ([`Display`](std::fmt::Display)), the label under the offending text ([`ManifestError::label`])
//! and the advice below ([`ManifestError::hint`]). The [`ErrorKind`] is for programs.

use std::fmt;

use crate::Span;

/// How far apart two names may be, in edits, for one to be offered for the other.
const SIMILAR: usize = 3;

/// Why a manifest was rejected or could not be changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The text is longer than this crate reads.
    #[error("the manifest is {length} bytes long; at most {limit} are read")]
    TooLong {
        /// The length in bytes.
        length: usize,
        /// The limit in bytes.
        limit: usize,
    },
    /// Keys, tables and arrays are nested deeper than this crate reads.
    #[error("tables and arrays are nested deeper than {limit} levels")]
    TooDeep {
        /// The limit in levels.
        limit: usize,
    },
    /// The text is not TOML.
    #[error("invalid TOML: {0}")]
    Syntax(String),
    /// `spin_manifest_version` is not 2; the value as it was written.
    #[error("`spin_manifest_version` must be 2, not {0}")]
    UnsupportedVersion(String),
    /// `component_manifest_version` is not 1; the value as it was written.
    #[error("`component_manifest_version` must be 1, not {0}")]
    UnsupportedComponentVersion(String),
    /// A field that must be there is not.
    #[error("{table} has no `{field}`")]
    MissingField {
        /// What lacks the field, in words.
        table: String,
        /// The field's name.
        field: String,
    },
    /// A field that does not exist.
    #[error("unknown field `{field}` in {table}")]
    UnknownField {
        /// What has the field, in words.
        table: String,
        /// The field's name.
        field: String,
    },
    /// A value of the wrong type.
    #[error("{value} must be {expected}, not {found}")]
    WrongType {
        /// The value, in words.
        value: String,
        /// The type that fits, with its article.
        expected: String,
        /// The type that is there, with its article.
        found: String,
    },
    /// Two fields, or two forms, of which there may be only one.
    #[error("{table} has both `{first}` and `{second}`")]
    Exclusive {
        /// What has both, in words.
        table: String,
        /// One field.
        first: String,
        /// The other.
        second: String,
    },
    /// A value that does not follow the rules of its kind: an id, a version, a digest, a URL.
    #[error("invalid {what} `{value}`: {reason}")]
    Invalid {
        /// The kind of value, in words.
        what: &'static str,
        /// The value as it was written.
        value: String,
        /// The rule that it breaks.
        reason: String,
    },
    /// A key of `inherit_configuration` that no capability has.
    #[error("unknown capability `{0}`")]
    UnknownCapability(String),
    /// A field that only the manifest of an application can have.
    #[error("{table} has `{field}`, which only an application can say")]
    OnlyInApplication {
        /// What has the field, in words.
        table: String,
        /// The field's name.
        field: &'static str,
    },
    /// A dependency without any source.
    #[error("{0} has no source")]
    NoSource(String),
    /// A package-level name together with `export`.
    #[error("the dependency `{0}` names a whole package and cannot have an `export`")]
    ExportOfPackage(String),
    /// A plain name whose entry does not say which package is meant.
    #[error("the dependency `{0}` does not say which package it is")]
    PlainNameNeedsPackage(String),
    /// Packages that are overridden by one another, so that none of them can be chosen.
    #[error("overrides lead in a circle: {}", .0.join(" -> "))]
    OverrideCircle(
        /// The packages, each replaced by the next; the last is the first.
        Vec<String>,
    ),
    /// Two dependency names that can match one import.
    #[error("the dependencies `{first}` and `{second}` of component `{component}` can match the same import")]
    ConflictingNames {
        /// The component's id.
        component: String,
        /// The name that comes first.
        first: String,
        /// The name that comes later.
        second: String,
    },
    /// `dependencies_inherit_configuration` together with a dependency's own `inherit_configuration`.
    #[error(
        "component `{component}` sets both `dependencies_inherit_configuration` and the `inherit_configuration` of `{dependency}`"
    )]
    MixedInheritance {
        /// The component's id.
        component: String,
        /// The dependency that has a setting of its own.
        dependency: String,
    },
    /// A reference to a component that the manifest does not define.
    #[error("there is no component `{0}`")]
    UnknownComponent(String),
    /// A component as the dependency of itself.
    #[error("component `{0}` cannot be a dependency of itself")]
    OwnDependency(String),
    /// A component with resources or dependencies of its own as a dependency.
    #[error("component `{component}` cannot be used as a dependency: it has {}", quoted_list(.fields))]
    UnusableComponent {
        /// The component's id.
        component: String,
        /// The fields that stand in the way.
        fields: Vec<&'static str>,
    },
    /// A role of trigger dependencies other than `middleware`.
    #[error("unknown role `{0}` of a trigger's dependencies")]
    UnknownRole(String),
    /// An HTTP trigger with neither `component` nor `static_response`.
    #[error("the trigger `{0}` has neither `component` nor `static_response`")]
    NothingToRun(String),
    /// A variable that is neither required nor has a default.
    #[error("the variable `{0}` has no `default` and is not `required`")]
    NoDefault(String),
    /// A profile that no component defines.
    #[error("no component defines the profile `{0}`")]
    UnknownProfile(String),
    /// No trigger has the id.
    #[error("there is no trigger `{0}`")]
    UnknownTrigger(String),
    /// Several triggers have the id, so that it does not say which to change.
    #[error("several triggers have the id `{0}`")]
    AmbiguousTrigger(String),
    /// A place in a trigger's middleware that does not exist.
    #[error("the trigger `{trigger}` has {count} middleware components; there is no place {position}")]
    NoSuchMiddleware {
        /// The trigger's id.
        trigger: String,
        /// The place asked for, counted from 0.
        position: usize,
        /// How many there are.
        count: usize,
    },
    /// The layout of the manifest at this place is one that the edit cannot extend.
    #[error("cannot change {0} in the layout that it has; change it by hand")]
    Uneditable(String),
}

/// What is wrong with a manifest, where, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ManifestError(Box<Inner>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Inner {
    kind: ErrorKind,
    span: Option<Span>,
    label: String,
    hint: Option<String>,
}

impl ManifestError {
    pub(crate) fn new(kind: ErrorKind, span: impl Into<Option<Span>>, label: impl Into<String>) -> Self {
        Self(Box::new(Inner { kind, span: span.into(), label: label.into(), hint: None }))
    }

    /// An error that has no place in the text: the caller asked for something that is not there.
    pub(crate) fn request(kind: ErrorKind) -> Self {
        Self::new(kind, None, "")
    }

    pub(crate) fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.0.hint = Some(hint.into());
        self
    }

    pub(crate) fn with_hint_if(mut self, hint: Option<String>) -> Self {
        if hint.is_some() {
            self.0.hint = hint;
        }
        self
    }

    /// The span of an error about a text that was never shown to anyone says nothing.
    pub(crate) fn without_span(mut self) -> Self {
        self.0.span = None;
        self
    }

    /// What is wrong, for programs.
    pub fn kind(&self) -> &ErrorKind {
        &self.0.kind
    }

    /// The offending text, in bytes of what was given to [`Document::parse`](crate::Document::parse).
    ///
    /// `None` if the error is about a change that was asked for, not about the text.
    pub fn span(&self) -> Option<Span> {
        self.0.span.clone()
    }

    /// What is at [`span`](Self::span), in a few words; empty without a span.
    pub fn label(&self) -> &str {
        &self.0.label
    }

    /// What to do next.
    pub fn hint(&self) -> Option<String> {
        self.0.hint.clone()
    }
}

impl fmt::Display for ManifestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.kind.fmt(f)
    }
}

impl std::error::Error for ManifestError {}

/// `a`, `b` and `c`, each in backquotes.
pub(crate) fn quoted_list<S: AsRef<str>>(words: &[S]) -> String {
    let mut text = String::new();
    for (index, word) in words.iter().enumerate() {
        if index > 0 {
            text.push_str(if index + 1 == words.len() { " and " } else { ", " });
        }
        text.push('`');
        text.push_str(word.as_ref());
        text.push('`');
    }
    text
}

/// The known name that was probably meant, as advice.
pub(crate) fn did_you_mean<S: AsRef<str>>(
    written: &str,
    known: impl IntoIterator<Item = S>,
) -> Option<String> {
    let nearest = known
        .into_iter()
        .map(|name| (strsim::damerau_levenshtein(written, name.as_ref()), name))
        // A short name is near to any other short name.
        .filter(|(distance, name)| *distance <= SIMILAR.min(name.as_ref().len().saturating_sub(1)))
        .min_by_key(|(distance, _)| *distance);
    nearest.map(|(_, name)| format!("did you mean `{}`?", name.as_ref()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_near_names_are_offered() {
        let known = ["source", "files", "id"];
        assert_eq!(did_you_mean("sorce", known).as_deref(), Some("did you mean `source`?"));
        assert_eq!(did_you_mean("elephant", known), None);
        assert_eq!(did_you_mean("xy", known), None);
    }

    #[test]
    fn lists_read_as_a_sentence() {
        assert_eq!(quoted_list(&["a"]), "`a`");
        assert_eq!(quoted_list(&["a", "b", "c"]), "`a`, `b` and `c`");
    }
}
