//! Which language a component is written in: what its manifest says, else what lies in the folder that it is built in.
//!
//! Only a component that is built here has code of its own to generate bindings for. What is found is a guess, what is
//! written is an order: see [`Choice`].

use std::path::{Path, PathBuf};

use spin_deps_component::Language;
use spin_deps_manifest::Component;

use crate::{Error, Project, error::Excerpt, files, suggest};

/// How many files of a folder of sources are looked at, and how deep.
const MAX_SOURCES: usize = 2000;
const MAX_DEPTH: usize = 8;

/// What to generate for a component.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Choice {
    /// Bindings that somebody asked for.
    Asked(Language),
    /// Bindings for the language that its folder shows.
    Detected(Language),
    /// Nothing, as somebody asked for.
    Nothing,
    /// Nothing, because its code has bindings by itself.
    OwnBindings,
    /// Nothing, because nothing shows its language.
    Unknown,
}

impl Project {
    /// What to generate for a component that is built in `folder`.
    pub(super) fn choice(&self, component: &Component, folder: &Path) -> Result<Choice, Error> {
        match component.deps.bindings.as_deref() {
            Some("none") => Ok(Choice::Nothing),
            Some(name) => match name.parse() {
                Ok(language) => Ok(Choice::Asked(language)),
                Err(error) => Err(Error::Place {
                    excerpt: Box::new(self.excerpt()),
                    span: component.deps.bindings_span.clone().unwrap_or_else(|| component.span.clone()),
                    label: "no such bindings".into(),
                    message: format!("{error}"),
                    hint: Some(suggest::hint(name, Language::ALL.map(Language::name), "there are")),
                }),
            },
            None if component.build.is_none() => Ok(Choice::Unknown),
            None => match detect(folder)? {
                Some(Language::Rust) if uses_macro(&folder.join("src")) => Ok(Choice::OwnBindings),
                Some(language) => Ok(Choice::Detected(language)),
                None => Ok(Choice::Unknown),
            },
        }
    }
}

/// The language of what is built in a folder. The first that shows itself counts: a `package.json` beside a
/// `Cargo.toml` or a `pyproject.toml` is there for tools.
fn detect(folder: &Path) -> Result<Option<Language>, Error> {
    let has = |name: &str| folder.join(name).is_file();
    if has("Cargo.toml") && is_package(&folder.join("Cargo.toml"))? {
        return Ok(Some(Language::Rust));
    }
    let names = names(folder);
    let with = |ends: &[&str]| names.iter().any(|name| ends.iter().any(|end| name.ends_with(end)));
    if has("go.mod") {
        Ok(Some(Language::Go))
    } else if has("moon.mod.json") {
        Ok(Some(Language::Moonbit))
    } else if with(&[".csproj"]) {
        Ok(Some(Language::Csharp))
    } else if has("pyproject.toml") || has("requirements.txt") {
        Ok(Some(Language::Python))
    } else if has("package.json") {
        read_json(&folder.join("package.json"))?;
        Ok(Some(Language::Js))
    } else if has("CMakeLists.txt") || has("Makefile") {
        let sources = self::names(&folder.join("src"));
        let any =
            |ends: &[&str]| with(ends) || sources.iter().any(|it| ends.iter().any(|end| it.ends_with(end)));
        Ok(if any(&[".cpp", ".cc", ".cxx"]) {
            Some(Language::Cpp)
        } else if any(&[".c"]) {
            Some(Language::C)
        } else {
            None
        })
    } else {
        Ok(None)
    }
}

/// Whether a `Cargo.toml` is that of a package: one of a workspace only builds no component.
fn is_package(path: &Path) -> Result<bool, Error> {
    let text = files::read_text(path)?;
    Ok(text.lines().any(|line| line.trim_start().starts_with("[package]")))
}

/// Whether Rust sources generate their bindings from the WIT: with the macro of Spin's SDK, or of `wit-bindgen` itself.
fn uses_macro(folder: &Path) -> bool {
    const MACROS: [&str; 2] = ["dependencies!", "wit_bindgen::generate!"];
    let mut left = MAX_SOURCES;
    sources(folder, MAX_DEPTH, &mut left).iter().any(|path| {
        fs_err::read_to_string(path).is_ok_and(|text| {
            MACROS.iter().flat_map(|name| text.match_indices(name)).any(|(at, name)| {
                text.get(at + name.len()..).is_some_and(|rest| rest.trim_start().starts_with(['(', '{', '[']))
            })
        })
    })
}

fn sources(folder: &Path, depth: usize, left: &mut usize) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for name in names(folder) {
        let path = folder.join(&name);
        if *left == 0 {
            break;
        }
        *left -= 1;
        if path.is_dir() && depth > 0 {
            found.extend(sources(&path, depth - 1, left));
        } else if path.extension().is_some_and(|end| end == "rs") {
            found.push(path);
        }
    }
    found
}

/// The names in a folder, sorted; none if it cannot be read.
fn names(folder: &Path) -> Vec<String> {
    let entries = fs_err::read_dir(folder).into_iter().flatten().flatten();
    let mut names: Vec<_> = entries.filter_map(|entry| entry.file_name().into_string().ok()).collect();
    names.sort();
    names
}

/// Reads a file of JSON that a tool of the language wrote or somebody by hand.
pub(super) fn read_json(path: &Path) -> Result<serde_json::Value, Error> {
    let text = files::read_text(path)?;
    serde_json::from_str(&text).map_err(|error| {
        let start: usize =
            text.split_inclusive('\n').take(error.line().saturating_sub(1)).map(str::len).sum();
        let at = (start + error.column().saturating_sub(1)).min(text.len());
        let at = (0..=at).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
        let end = text.get(at..).and_then(|rest| rest.chars().next()).map_or(at, |next| at + next.len_utf8());
        Error::Place {
            excerpt: Box::new(Excerpt::new(path, &text)),
            span: at..end,
            label: "here".into(),
            message: format!("{} is not JSON: {error}", path.file_name().unwrap_or_default().display()),
            hint: None,
        }
    })
}

#[cfg(test)]
mod tests {
    use spin_deps_component::Language;

    use super::{detect, uses_macro};

    fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = folder.path().join(name);
            fs_err::create_dir_all(path.parent().unwrap()).unwrap();
            fs_err::write(path, text).unwrap();
        }
        folder
    }

    /// Files with their texts, and what they show.
    type Case<'a> = (&'a [(&'a str, &'a str)], Option<Language>);

    #[test]
    fn what_lies_in_the_folder_shows_the_language() {
        let package = ("Cargo.toml", "[package]\nname = \"a\"\n");
        let json = ("package.json", "{}");
        let cases: [Case<'_>; 14] = [
            (&[], None),
            (&[package], Some(Language::Rust)),
            (&[("Cargo.toml", "[workspace]\n")], None),
            (&[("Cargo.toml", "[workspace]\n"), json], Some(Language::Js)),
            (&[package, json], Some(Language::Rust)),
            (&[("go.mod", "module a")], Some(Language::Go)),
            (&[("moon.mod.json", "{}")], Some(Language::Moonbit)),
            (&[("App.csproj", "")], Some(Language::Csharp)),
            (&[("requirements.txt", "")], Some(Language::Python)),
            (&[("pyproject.toml", ""), json], Some(Language::Python)),
            (&[("Makefile", ""), ("src/a.c", "")], Some(Language::C)),
            (&[("CMakeLists.txt", ""), ("a.c", ""), ("b.cpp", "")], Some(Language::Cpp)),
            (&[("Makefile", "")], None),
            (&[("a.c", "")], None),
        ];
        for (files, language) in cases {
            assert_eq!(detect(folder(files).path()).unwrap(), language, "{files:?}");
        }
    }

    #[test]
    fn broken_json_has_a_place() {
        let folder = folder(&[("package.json", "{\n  \"name\": x\n}\n")]);
        let error = detect(folder.path()).unwrap_err();
        let (excerpt, span, _) = error.place().unwrap();
        assert_eq!(&excerpt.text[span], "x");
    }

    #[test]
    fn the_macro_of_the_sdk_is_found() {
        let uses = |text: &str| uses_macro(folder(&[("deep/er/lib.rs", text)]).path());
        assert!(uses("spin_sdk::dependencies!();") && uses("use spin_sdk::*;\ndependencies! {}\n"));
        assert!(uses("wit_bindgen::generate!({ world: \"app\" });"));
        assert!(!uses("fn dependencies() {}") && !uses("// dependencies!"));
    }
}
