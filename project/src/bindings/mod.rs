//! The generated files: `spin-dependencies.wit` beside each component's build, and the bindings made from it.
//!
//! The WIT file has the name, the place and the meaning that Spin gives it, so that `spin_sdk::dependencies!()`
//! and the JavaScript build tools find what they expect. Bindings are generated for the language that the component's
//! folder shows, or that `[component.ID.tool.deps] bindings` names. In a component's own project the WIT is its
//! author's, and the bindings are for that world.
//!
//! What somebody asked for has to be done; what was only found out is done where it can be, else a warning says why
//! not. So an app with a Python component can be synced on a machine that builds none.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use spin_deps_component::{BindingsOptions, GeneratedFile, GuestWorld, Language, WitError, bindings};
use spin_deps_lockfile::Lockfile;
use spin_deps_manifest::{Authored, Component};
use tokio::task::block_in_place;

mod folder;
mod language;
mod modules;
mod python;
mod wit;

pub(crate) use self::wit::{import_pattern, wit_dependencies};
use self::{
    folder::{Place, Putting},
    language::Choice,
};
use crate::{Error, LockOutcome, Project, change::Change};

/// The name of the generated WIT file (SIP 020).
const WIT_FILE: &str = "spin-dependencies.wit";

/// What was generated.
#[derive(Debug, Default)]
pub(crate) struct Generated {
    pub(crate) written: Vec<PathBuf>,
    pub(crate) removed: Vec<PathBuf>,
    pub(crate) bindings: Vec<BoundComponent>,
    pub(crate) warnings: Vec<String>,
}

/// The bindings of one component.
#[derive(Clone, Debug)]
pub struct BoundComponent {
    /// The component's id.
    pub component: String,
    /// The language that they are for.
    pub language: Language,
    /// The folder that they lie in.
    pub folder: PathBuf,
    /// All of their files, sorted, written now or before.
    pub files: Vec<PathBuf>,
}

/// What bindings are asked for.
#[derive(Clone, Debug, Default)]
pub struct BindOptions {
    /// The components, or none for all that have a language.
    pub components: Vec<String>,
    /// The language, instead of what the manifest says or the folder shows.
    pub language: Option<Language>,
    /// Files that were edited by hand are overwritten.
    pub force: bool,
    /// Nothing is written, and files that are not up to date are an error.
    pub check: bool,
}

/// What `bindings` did.
#[derive(Debug)]
pub struct BindOutcome {
    /// What happened to the lockfile.
    pub lock: LockOutcome,
    /// What there is now.
    pub bindings: Vec<BoundComponent>,
    /// Files that were written.
    pub written: Vec<PathBuf>,
    /// Files that were removed, since nothing needs them any more.
    pub removed: Vec<PathBuf>,
    /// What the user should know.
    pub warnings: Vec<String>,
}

/// The world that bindings are made for.
enum World {
    /// What the dependencies of an app's component export.
    Dependencies { text: String, guest: GuestWorld },
    /// What an author's component imports and exports.
    Authored { source: String, folder: PathBuf, guest: GuestWorld },
}

impl World {
    fn guest(&self) -> &GuestWorld {
        match self {
            Self::Dependencies { guest, .. } | Self::Authored { guest, .. } => guest,
        }
    }

    /// What generated files say that they come from.
    fn source(&self) -> &str {
        match self {
            Self::Dependencies { .. } => WIT_FILE,
            Self::Authored { source, .. } => source,
        }
    }
}

/// How to generate: by `bindings`, or by the commands that do it beside other things.
#[derive(Clone, Copy, Default)]
struct Asked<'a> {
    /// By the command that does nothing else.
    by_name: Option<&'a BindOptions>,
    putting: Putting,
}

impl Project {
    /// Makes the lockfile fit, fetches what is locked and writes bindings, nothing else.
    pub async fn bindings(&mut self, options: &BindOptions) -> Result<BindOutcome, Error> {
        let components = &self.manifest().components;
        if let Some(unknown) = options.components.iter().find(|id| !components.contains_key(*id)) {
            return Err(self.unknown_component(unknown));
        }
        let mut change = Change::default();
        let lock = self.lock_within(&mut change).await?;
        self.bring_all(&lock.lockfile).await?;
        let putting = Putting { force: options.force, check: options.check };
        let asked = Asked { by_name: Some(options), putting };
        let generated = self.generate_as(&lock.lockfile, asked, &mut change).await?;
        let Generated { written, removed, bindings, warnings } = generated;
        if !options.check {
            change.keep();
        } else if !written.is_empty() || !removed.is_empty() {
            let files = written.into_iter().chain(removed);
            let shown = |path: PathBuf| path.strip_prefix(self.directory()).unwrap_or(&path).to_path_buf();
            return Err(Error::StaleBindings { files: files.map(shown).collect() });
        }
        Ok(BindOutcome { lock, bindings, written, removed, warnings })
    }

    /// Writes the WIT and the bindings of every component, and removes those that are no longer needed.
    pub(crate) async fn generate(&self, lock: &Lockfile, change: &mut Change) -> Result<Generated, Error> {
        self.generate_with(lock, false, change).await
    }

    /// [`Self::generate`], which with `force` overwrites bindings that were edited by hand.
    pub(crate) async fn generate_with(
        &self,
        lock: &Lockfile,
        force: bool,
        change: &mut Change,
    ) -> Result<Generated, Error> {
        let asked = Asked { by_name: None, putting: Putting { force, check: false } };
        self.generate_as(lock, asked, change).await
    }

    async fn generate_as(
        &self,
        lock: &Lockfile,
        asked: Asked<'_>,
        change: &mut Change,
    ) -> Result<Generated, Error> {
        if let Some(authored) = self.authored() {
            let mut generated = self.generate_authored(authored, lock, change).await?;
            let world = match self.world(authored) {
                // A world that does not fit its dependencies yet, or no longer, is for its author to mend: what was
                // made of it before stays, and `check_world` says why.
                Err(_) if asked.by_name.is_none() => return Ok(generated),
                world => world?,
            };
            let folder = self.directory().to_path_buf();
            if let Some(component) = self.manifest().components.values().next() {
                self.bind((&folder, component, world), asked, change, &mut generated).await?;
            }
            return Ok(generated);
        }
        let mut generated = Generated::default();
        for (folder, (component, wit)) in self.places(lock, &mut generated).await? {
            if asked.by_name.is_none() {
                write_wit(&folder.join(WIT_FILE), wit.as_deref(), change, &mut generated)?;
            }
            let world = match wit {
                Some(text) => {
                    Some(World::Dependencies { guest: GuestWorld::from_dependencies(&text)?, text })
                }
                None => None,
            };
            self.bind((&folder, component, world), asked, change, &mut generated).await?;
        }
        Ok(generated)
    }

    /// The folders that components are built in, each with the component that it serves and its WIT.
    async fn places<'a>(
        &'a self,
        lock: &Lockfile,
        generated: &mut Generated,
    ) -> Result<BTreeMap<PathBuf, (&'a Component, Option<String>)>, Error> {
        let mut places: BTreeMap<PathBuf, (&Component, Option<String>)> = BTreeMap::new();
        for (id, component) in &self.manifest().components {
            let folder = self.build_directory(component);
            let wit = self.component_wit(component, lock).await?;
            match places.get(&folder) {
                Some((other, Some(text))) if wit.as_ref().is_some_and(|wit| wit != text) => {
                    let place = folder.join(WIT_FILE);
                    generated.warnings.push(format!(
                        "the components `{}` and `{id}` share a build directory, so {} holds the dependencies of `{id}` only; give each its own `build.workdir`",
                        other.id,
                        place.strip_prefix(self.directory()).unwrap_or(&place).display()
                    ));
                    places.insert(folder, (component, wit));
                }
                Some((_, Some(_))) => {}
                _ => {
                    places.insert(folder, (component, wit));
                }
            }
        }
        Ok(places)
    }

    /// The world of an author's component.
    fn world(&self, authored: &Authored) -> Result<Option<World>, Error> {
        let folder = self.directory().join(&authored.wit);
        let guest = self.authored_world(authored)?;
        Ok(guest.map(|guest| World::Authored { source: authored.wit.clone(), folder, guest }))
    }

    /// Writes the bindings of a component that is built in `build`, and removes those of before.
    async fn bind(
        &self,
        (build, component, world): (&Path, &Component, Option<World>),
        asked: Asked<'_>,
        change: &mut Change,
        generated: &mut Generated,
    ) -> Result<(), Error> {
        let named = asked.by_name.is_some_and(|options| options.components.contains(&component.id));
        if asked.by_name.is_some_and(|options| !options.components.is_empty()) && !named {
            return Ok(());
        }
        let mut wanted = BTreeMap::new();
        let source = world.as_ref().map_or(WIT_FILE, World::source);
        if let Some(world) = &world {
            let choice = match asked.by_name.and_then(|options| options.language) {
                Some(language) => Choice::Asked(language),
                None => self.choice(component, build)?,
            };
            let language = match choice {
                Choice::Asked(language) | Choice::Detected(language) => Some(language),
                Choice::Nothing | Choice::OwnBindings => None,
                Choice::Unknown if named => return Err(no_language(component)),
                // What a run with `--lang` has left stays.
                Choice::Unknown => return Ok(()),
            };
            if let Some(language) = language {
                let folder = folder::folder(component, language);
                let must = asked.by_name.is_some() || matches!(choice, Choice::Asked(_));
                let files = match self.files(world, language, build, folder).await {
                    Ok(files) => files,
                    Err(error) if !must && is_of_generator(&error) => {
                        generated.warnings.push(format!(
                            "the component `{}` is left without bindings: {error}; with `bindings = false` in its `tool.deps` none are looked for",
                            component.id
                        ));
                        return Ok(());
                    }
                    Err(error) => return Err(error),
                };
                let folder = build.join(folder);
                wanted.extend(files.into_iter().map(|file| (folder.join(&file.path), file)));
                generated.bindings.push(BoundComponent {
                    component: component.id.clone(),
                    language,
                    folder,
                    files: wanted.keys().cloned().collect(),
                });
            }
        }
        let place = Place { project: self.directory(), build, component };
        folder::put(&wanted, source, &place, asked.putting, change, generated)
    }

    /// The files of the bindings for a world, relative to their folder, which is relative to `build`.
    async fn files(
        &self,
        world: &World,
        language: Language,
        build: &Path,
        folder: &str,
    ) -> Result<Vec<GeneratedFile>, Error> {
        let import_path = match language {
            Language::Python => {
                let search_path = self.settings.environment.get("PATH");
                return python::python(world, search_path.as_deref()).await;
            }
            Language::Go => Some(modules::go(self.directory(), build, folder)?),
            Language::Moonbit => Some(modules::moonbit(build, folder)?),
            _ => None,
        };
        Ok(block_in_place(|| bindings(world.guest(), language, &BindingsOptions { import_path }))?)
    }

    /// The directory that a component is built in.
    fn build_directory(&self, component: &Component) -> PathBuf {
        match component.build.as_ref().and_then(|build| build.workdir.as_deref()) {
            Some(workdir) => self.directory().join(workdir),
            None => self.directory().to_path_buf(),
        }
    }
}

/// Whether bindings fail for a reason of the generator's, and not of the project's.
fn is_of_generator(error: &Error) -> bool {
    matches!(
        error,
        Error::Wit(WitError::Generator { .. }) | Error::NoProgram { .. } | Error::ProgramFailed { .. }
    )
}

fn no_language(component: &Component) -> Error {
    Error::Unanswered {
        message: format!("nothing shows the language of the component `{}`", component.id),
        hint: format!(
            "name it with `--lang`, or once for all with `bindings = \"…\"` in its `tool.deps`: {}",
            Language::ALL.map(Language::name).join(", ")
        ),
    }
}

/// Writes the WIT of a component's dependencies, or removes what is left of it.
fn write_wit(
    path: &Path,
    wit: Option<&str>,
    change: &mut Change,
    generated: &mut Generated,
) -> Result<(), Error> {
    match wit {
        Some(wit) if change.write(path, wit.as_bytes())? => generated.written.push(path.to_path_buf()),
        None if is_generated(path) && change.remove(path)? => generated.removed.push(path.to_path_buf()),
        _ => {}
    }
    Ok(())
}

/// Whether a WIT file says that it was generated, by us or by Spin, so that it may be removed.
fn is_generated(path: &Path) -> bool {
    let Ok(text) = fs_err::read_to_string(path) else {
        return false;
    };
    let first = text.lines().next().unwrap_or_default().to_ascii_lowercase();
    first.starts_with("//") && first.contains("generated")
}
