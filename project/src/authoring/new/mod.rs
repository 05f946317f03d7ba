//! `new`: a component project that builds and can be published as it is.
//!
//! A project is its `component.toml`, a world in `wit/`, one file of source that implements it, and what its toolchain
//! wants to see. The build commands are those that a person would type; the last one leaves a component at `source`.

mod template;

use std::path::{Path, PathBuf};

use spin_deps_component::Language;
use spin_deps_manifest::Document;
use wasm_pkg_common::package::PackageRef;

use self::template::Template;
use crate::{Asker, Choice, Error, Question, QuestionKind, Settings, change::Change, suggest};

/// What a new component is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NewKind {
    /// It exports interfaces for others to import.
    Library,
    /// It takes HTTP requests and passes them on.
    Middleware,
}

impl NewKind {
    /// All of them.
    const ALL: [Self; 2] = [Self::Library, Self::Middleware];

    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Library => "library",
            Self::Middleware => "middleware",
        }
    }

    /// The languages that there is a template in.
    pub fn languages(self) -> &'static [Language] {
        match self {
            Self::Library => &[Language::Rust, Language::Js, Language::Python, Language::C, Language::Go],
            Self::Middleware => &[Language::Rust, Language::Python, Language::C],
        }
    }
}

/// What is to be made.
#[derive(Clone, Debug)]
pub struct NewOptions {
    /// What it is for; asked for if not given.
    pub kind: Option<NewKind>,
    /// The package, `ns:name`.
    pub name: String,
    /// The language, by a name that [`Language`] reads; asked for if not given.
    pub language: Option<String>,
    /// The folder to make, from the current directory; the package's name if not given.
    pub folder: Option<PathBuf>,
    /// Whether nothing is to be written.
    pub dry_run: bool,
}

/// What was made.
#[derive(Clone, Debug)]
pub struct Created {
    /// The package.
    pub package: PackageRef,
    /// The folder.
    pub folder: PathBuf,
    /// Its files, by their paths in it.
    pub files: Vec<String>,
    /// The commands that come next, in the folder.
    pub next: Vec<String>,
}

/// Makes a component project in a folder that is not there yet, or empty. On failure nothing was made.
pub async fn create(settings: &Settings, options: &NewOptions, asker: &dyn Asker) -> Result<Created, Error> {
    let package = package(&options.name)?;
    let folder = options.folder.clone().unwrap_or_else(|| PathBuf::from(package.name().to_string()));
    let place = settings.current_dir.join(&folder);
    check_free(&place, &folder)?;
    let kind = match options.kind {
        Some(kind) => kind,
        None => ask_kind(asker).await?,
    };
    let language = match &options.language {
        Some(name) => language(kind, name)?,
        None => ask_language(kind, asker).await?,
    };
    let template = Template::new(kind, language, &package);
    let files = template.files();
    if !options.dry_run {
        let mut change = Change::default();
        for (path, text) in &files {
            change.write(&place.join(path), text.as_bytes())?;
        }
        change.keep();
    }
    let files = files.into_iter().map(|(path, _)| path).collect();
    let next = template.next();
    Ok(Created { package, folder: place, files, next })
}

fn package(name: &str) -> Result<PackageRef, Error> {
    let unusable = |reason: &str| Error::Unknown {
        message: format!("`{name}` is not the name of a package{reason}"),
        hint: Some("a package has a namespace and a name, in lower case: `acme:hello`".into()),
    };
    let package: PackageRef = name.parse().map_err(|_| unusable(""))?;
    // What can be published is what the manifest accepts.
    let text = template::manifest(&package);
    Document::parse(&text).map_err(|error| unusable(&format!(": {error}")))?;
    Ok(package)
}

fn language(kind: NewKind, name: &str) -> Result<Language, Error> {
    let known = || kind.languages().iter().map(|language| language.name());
    let there_are = |name: &str| Some(suggest::hint(name, known(), "there are"));
    match name.parse::<Language>() {
        Ok(language) if kind.languages().contains(&language) => Ok(language),
        Ok(Language::Js) => Err(Error::Unknown {
            message: "middleware cannot be written in js: what makes components of it has no asynchronous imports, and the next handler is one".into(),
            hint: there_are(""),
        }),
        Ok(language) => Err(Error::Unknown {
            message: format!("there is no {} in {language}", kind.name()),
            hint: there_are(""),
        }),
        Err(_) => Err(Error::Unknown {
            message: format!("there is no {} in `{name}`", kind.name()),
            hint: there_are(name),
        }),
    }
}

async fn ask_kind(asker: &dyn Asker) -> Result<NewKind, Error> {
    let question = Question {
        text: "What is it for?".into(),
        kind: QuestionKind::One,
        choices: NewKind::ALL.map(|kind| Choice::plain(kind.name())).to_vec(),
        default: None,
        missing: "it is not said what the component is for".into(),
        advice: "name it before the package".into(),
    };
    let chosen = question.answer_one(asker).await?;
    Ok(NewKind::ALL.get(chosen).copied().unwrap_or(NewKind::Library))
}

async fn ask_language(kind: NewKind, asker: &dyn Asker) -> Result<Language, Error> {
    let question = Question {
        text: "In which language?".into(),
        kind: QuestionKind::One,
        choices: kind.languages().iter().map(|language| Choice::plain(language.name())).collect(),
        default: None,
        missing: "the language of the component is not said".into(),
        advice: "name it with `--lang`".into(),
    };
    let chosen = question.answer_one(asker).await?;
    Ok(kind.languages().get(chosen).copied().unwrap_or(Language::Rust))
}

/// Refuses a place where something is already.
fn check_free(place: &Path, shown: &Path) -> Result<(), Error> {
    let taken = match fs_err::symlink_metadata(place) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error.into()),
        Ok(_) if place.is_dir() => fs_err::read_dir(place)?.next().is_some(),
        Ok(_) => true,
    };
    if !taken {
        return Ok(());
    }
    Err(Error::Unknown {
        message: format!("there is something in `{}` already", shown.display()),
        hint: Some("name another folder with `--dir`".into()),
    })
}
