//! The small things of WIT's syntax.

use std::{borrow::Cow, collections::BTreeMap, fmt::Write as _};

use wasmparser::PrimitiveValType;

use super::surface::{Form, Key};

/// Words that need a `%` in front of them to be a name.
const KEYWORDS: &[&str] = &[
    "_",
    "as",
    "async",
    "bool",
    "borrow",
    "char",
    "constructor",
    "enum",
    "error-context",
    "export",
    "f32",
    "f64",
    "flags",
    "float32",
    "float64",
    "from",
    "func",
    "future",
    "import",
    "include",
    "interface",
    "list",
    "map",
    "option",
    "own",
    "package",
    "record",
    "resource",
    "result",
    "s16",
    "s32",
    "s64",
    "s8",
    "static",
    "stream",
    "string",
    "tuple",
    "type",
    "u16",
    "u32",
    "u64",
    "u8",
    "use",
    "variant",
    "with",
    "world",
];

/// A name as WIT wants it written.
pub(crate) fn escaped(name: &str) -> String {
    if KEYWORDS.contains(&name) { format!("%{name}") } else { name.to_owned() }
}

/// A qualified interface name as WIT wants it written, keywords in any part included.
pub(crate) fn escaped_path(name: &str) -> String {
    let (path, version) = match name.split_once('@') {
        Some((path, version)) => (path, format!("@{version}")),
        None => (name, String::new()),
    };
    let parts = path.split_inclusive([':', '/']).fold(String::new(), |mut text, part| {
        let (name, end) = part.split_at(part.trim_end_matches([':', '/']).len());
        let _ = write!(text, "{}{end}", escaped(name));
        text
    });
    parts + &version
}

/// A primitive type's name.
pub(crate) fn primitive(ty: PrimitiveValType) -> &'static str {
    match ty {
        PrimitiveValType::Bool => "bool",
        PrimitiveValType::S8 => "s8",
        PrimitiveValType::U8 => "u8",
        PrimitiveValType::S16 => "s16",
        PrimitiveValType::U16 => "u16",
        PrimitiveValType::S32 => "s32",
        PrimitiveValType::U32 => "u32",
        PrimitiveValType::S64 => "s64",
        PrimitiveValType::U64 => "u64",
        PrimitiveValType::F32 => "f32",
        PrimitiveValType::F64 => "f64",
        PrimitiveValType::Char => "char",
        PrimitiveValType::String => "string",
        PrimitiveValType::ErrorContext => "error-context",
    }
}

/// A declaration that is ready to be printed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Declaration {
    pub(crate) form: Form,
    /// Without the closing semicolon.
    pub(crate) text: String,
}

/// Prints the declarations of an interface or world, grouped by form and sorted by name, each line indented.
pub(crate) fn print<'a>(
    text: &mut String,
    items: impl Iterator<Item = (&'a Key, &'a Declaration)>,
    indent: &str,
) {
    let mut members = BTreeMap::<&str, Vec<&str>>::new();
    let mut rest = Vec::new();
    for (key, item) in items {
        match &key.member {
            Some(_) => members.entry(&key.name).or_default().push(&item.text),
            None => rest.push((rank(&item.form), key, item)),
        }
    }
    rest.sort_by_key(|&(rank, key, _)| (rank, key));
    for (_, key, item) in rest {
        let Some(members) = members.get(key.name.as_str()) else {
            let end = if item.text.ends_with('}') && item.form == Form::Type { "" } else { ";" };
            let _ = writeln!(text, "{indent}{}{end}", item.text);
            continue;
        };
        let _ = writeln!(text, "{indent}{} {{", item.text);
        for member in members {
            let _ = writeln!(text, "{indent}  {member};");
        }
        let _ = writeln!(text, "{indent}}}");
    }
}

fn rank(form: &Form) -> u8 {
    match form {
        Form::Use(..) => 0,
        Form::Type => 1,
        Form::Member => 2,
        Form::Function => 3,
    }
}

/// `use acme:types/geometry@1.0.0.{point}` with its local name, from an interface's path as it is written.
pub(crate) fn use_text(path: &str, name: &str, local: &str) -> String {
    let renamed: Cow<'_, str> =
        if name == local { "".into() } else { format!(" as {}", escaped(local)).into() };
    format!("use {path}.{{{}{renamed}}}", escaped(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keywords_are_escaped() {
        assert_eq!(escaped("point"), "point");
        assert_eq!(escaped("type"), "%type");
        assert_eq!(escaped_path("wasi:http/types@0.2.0"), "wasi:http/types@0.2.0");
        assert_eq!(escaped_path("acme:list/import"), "acme:%list/%import");
        assert_eq!(
            use_text("acme:types/geometry@1.0.0", "point", "from"),
            "use acme:types/geometry@1.0.0.{point as %from}"
        );
        assert!(KEYWORDS.is_sorted());
    }
}
