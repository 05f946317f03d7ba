//! What a user types as the source of a dependency, and the bytes that it stands for now.

use std::path::Path;

use semver::VersionReq;
use spin_deps_component::{ImportPattern, Inspection};
use spin_deps_lockfile::Lockfile;
use spin_deps_manifest::{DependencyName, Document, Source, parse_requirement};
use url::Url;
use wasm_pkg_common::{digest::ContentDigest, package::PackageRef};

use super::AddOptions;
use crate::{
    Error, Project,
    content::{Outlined, Unit, component, select},
    describe::choose,
    index::RegistryIndex,
    lock::solve,
    overrides::Effective,
    requirements::{Demand, Requirements},
    suggest,
};

/// The source as it was understood.
#[derive(Clone)]
pub(super) enum Asked {
    Registry { package: PackageRef, req: Option<VersionReq> },
    Path(String),
    Url(Url, Option<ContentDigest>),
    Component(String),
}

/// A source with the bytes that it stands for now.
pub(super) struct Found {
    pub(super) source: Source,
    pub(super) chosen: String,
    pub(super) inspection: Inspection,
    /// What the user should know about the choice.
    pub(super) warnings: Vec<String>,
}

impl Project {
    pub(super) fn understand(&self, options: &AddOptions) -> Result<Asked, Error> {
        let text = options.source.as_str();
        if text.starts_with("https://") || text.starts_with("http://") {
            let url = Url::parse(text).map_err(|error| Error::Unknown {
                message: format!("the URL cannot be understood: {error}"),
                hint: None,
            })?;
            if !url.username().is_empty() || url.password().is_some() {
                let url = crate::content::without_secrets(&url);
                return Err(Error::Unknown {
                    message: format!("the URL {url} contains credentials, which would get into spin.toml"),
                    hint: Some(
                        "leave them out, or publish the component to a registry that asks for them".into(),
                    ),
                });
            }
            return Ok(Asked::Url(url, options.digest.clone()));
        }
        let looks_like_path =
            text.contains(['/', '\\']) || Path::new(text).extension().is_some_and(|it| it == "wasm");
        if !looks_like_path && text.contains(':') {
            let (name, req) = match text.split_once('@') {
                Some((name, req)) => {
                    let req = parse_requirement(req).map_err(|error| Error::Unknown {
                        message: error.to_string(),
                        hint: Some(error.hint()),
                    })?;
                    (name, Some(req))
                }
                None => (text, None),
            };
            let package =
                name.parse().map_err(|error: wasm_pkg_common::Error| unusable(name, &error.to_string()))?;
            return Ok(Asked::Registry { package, req });
        }
        if looks_like_path {
            return Ok(Asked::Path(self.relative_to_manifest(text)?));
        }
        if self.manifest().components.contains_key(text) {
            return Ok(Asked::Component(text.to_owned()));
        }
        Err(Error::Unknown {
            message: format!("`{text}` is neither a component of the app nor a package, a path or a URL"),
            hint: Some(self.meant(text).unwrap_or_else(|| {
                "a package is written `ns:name`, a path has a `/`, such as `./lib.wasm`".into()
            })),
        })
    }

    /// What was probably meant by a bare word: a component, or a package without its namespace.
    fn meant(&self, text: &str) -> Option<String> {
        let bare = |name: &String| name.rsplit(':').next().unwrap_or_default().to_owned();
        let known = self.manifest().components.keys().cloned().chain(self.known_packages());
        let meant = suggest::closest(text, known.map(|name| (bare(&name), name)))?;
        Some(format!("did you mean `{meant}`?"))
    }

    /// The packages that the app asks for or has locked.
    fn known_packages(&self) -> Vec<String> {
        let sources =
            self.manifest().components.values().flat_map(|it| &it.dependencies).map(|it| &it.source);
        let asked = sources.filter_map(|source| match source {
            Source::Registry { package, .. } => Some(package.to_string()),
            _ => None,
        });
        asked.chain(self.lock.iter().flat_map(|it| &it.packages).map(|it| it.name.to_string())).collect()
    }

    /// That there is no such package, with the one that was probably meant.
    fn no_package(&self, error: Error) -> Error {
        let Error::NoPackage { package, .. } = &error else { return error };
        let known = self.known_packages().into_iter().filter(|name| *name != package.to_string());
        match suggest::closest(&package.to_string(), known.map(|name| (name.clone(), name))) {
            Some(meant) => {
                Error::Unknown { message: error.to_string(), hint: Some(format!("did you mean `{meant}`?")) }
            }
            None => error,
        }
    }

    /// A path that is typed in the current directory, as the manifest writes it.
    pub(crate) fn relative_to_manifest(&self, path: &str) -> Result<String, Error> {
        let absolute =
            fs_err::canonicalize(self.settings.current_dir.join(path)).map_err(|error| {
                match error.kind() {
                    std::io::ErrorKind::NotFound => Error::Unknown {
                        message: format!("there is no file `{path}`"),
                        hint: Some(
                            "a path starts in the current directory; a package is written `ns:name`".into(),
                        ),
                    },
                    _ => error.into(),
                }
            })?;
        let base = fs_err::canonicalize(self.directory())?;
        Ok(crate::files::relative(&base, &absolute))
    }

    /// Finds the bytes that a source stands for now, for `components` or, without one, for whatever it turns out to be.
    pub(super) async fn find(
        &self,
        asked: Asked,
        options: &AddOptions,
        components: &[String],
    ) -> Result<Found, Error> {
        let nothing = Lockfile::default();
        let lock = self.lock.as_ref().unwrap_or(&nothing);
        match asked {
            Asked::Registry { package, req } => self.find_package(package, req, options, components).await,
            Asked::Path(path) => {
                let read = self.read(&Unit::File(path.clone()), lock).await?;
                Found::new(Source::Path(path.clone()), path, read)
            }
            Asked::Url(url, None) => Err(Error::Unpinned(Box::new(self.unpinned(&url).await?))),
            Asked::Url(url, Some(digest)) => {
                let read = self.read(&Unit::Url(url.clone(), digest.to_string()), lock).await?;
                let chosen = crate::content::without_secrets(&url);
                Found::new(Source::Url { url, digest }, chosen, read)
            }
            Asked::Component(id) => {
                let source = Source::Component(id.clone());
                let read = self.read(&self.unit(&source, lock)?, lock).await?;
                Found::new(source, format!("component `{id}`"), read)
            }
        }
    }

    /// Chooses the release of a package with everything else that the app needs, and fetches it.
    async fn find_package(
        &self,
        package: PackageRef,
        req: Option<VersionReq>,
        options: &AddOptions,
        components: &[String],
    ) -> Result<Found, Error> {
        let registry = options.registry.clone();
        let others = self.without_replaced(&package, options, components)?;
        let mut requirements = self.requirements(others.manifest(), self.lock.as_ref()).await?;
        if let Some(registry) = &registry {
            requirements.registries.insert(package.clone(), registry.clone());
        }
        let index = self.index(&requirements);
        let is_given = req.is_some();
        let mut req = if let Some(req) = req {
            req
        } else {
            let newest = self.newest(&package, &requirements, &index).await;
            newest.map_err(|error| self.no_package(error))?
        };
        let is_fixed = is_given || requirements.overrides.contains(&package);
        let (chosen, wanted) = match requirements.overrides.effective(&package, &req) {
            // Whatever release it would be, a file stands for it.
            Effective::File(path) => {
                let read = self.read(&Unit::File(path.clone()), &Lockfile::default()).await?;
                let source = Source::Registry { package, explicit_package: false, req, registry };
                return Found::new(source, path, read);
            }
            Effective::Release { package, req, .. } => (package, req),
        };
        let asked_before = requirements.packages.len();
        let origins = components.iter().map(|id| (format!("component `{id}`"), Some(id.as_str())));
        let unknown = components.is_empty().then(|| ("what is added".to_owned(), None));
        for (origin, component) in origins.chain(unknown) {
            let requirement =
                spin_deps_resolver::Requirement { package: chosen.clone(), req: wanted.clone(), origin };
            requirements.push(requirement, self.demand_of_new(&package, options, component));
        }
        let mut warnings = Vec::new();
        let resolution = match solve(&requirements, self.lock.as_ref(), &index).await {
            // Nobody asked for the newest release; where its types do not fit, an older one may.
            Err(Error::Resolve(failure)) if !is_fixed => {
                for new in requirements.packages.iter_mut().skip(asked_before) {
                    new.req = VersionReq::STAR;
                }
                match solve(&requirements, self.lock.as_ref(), &index).await {
                    Ok(resolution)
                        if !resolution.warnings.is_empty() && is_one(&resolution.roots[asked_before..]) =>
                    {
                        if let Some(version) = resolution.roots.last() {
                            req = caret(version)?;
                        }
                        warnings.clone_from(&resolution.warnings);
                        resolution
                    }
                    _ => return Err(Error::Resolve(failure)),
                }
            }
            result => result?,
        };
        let none = || Error::NoVersion { package: chosen.clone(), req: req.clone(), available: Vec::new() };
        let version = resolution.roots.last().cloned().ok_or_else(none)?;
        let loaded = index.load(&chosen, &version).await?.ok_or_else(none)?;
        let read = self.read_release(&loaded.content(&chosen, &version)).await?;
        let chosen = format!("{chosen} {version}");
        let source = Source::Registry { package, explicit_package: false, req, registry };
        Ok(Found { warnings, ..Found::new(source, chosen, read)? })
    }

    /// The imports that the new entries will be for: those that were named, else all of the package.
    fn demand_of_new(
        &self,
        package: &PackageRef,
        options: &AddOptions,
        component: Option<&str>,
    ) -> Option<Demand> {
        let component = self.manifest().components.get(component?)?;
        let mut patterns: Vec<ImportPattern> =
            options.imports.iter().chain(&options.rename).filter_map(|it| it.parse().ok()).collect();
        if patterns.is_empty() {
            patterns.push(ImportPattern::Package {
                package: package.clone(),
                interface: None,
                version: None,
            });
        }
        self.demand(component, patterns, options.export.clone())
    }

    /// The manifest without the entries that the new one takes the place of: what they require no longer counts.
    fn without_replaced(
        &self,
        package: &PackageRef,
        options: &AddOptions,
        components: &[String],
    ) -> Result<Document, Error> {
        let mut document = self.document.clone();
        let parents = components.iter().filter_map(|id| Some((id, self.manifest().components.get(id)?)));
        for (id, entry) in parents.flat_map(|(id, it)| it.dependencies.iter().map(move |entry| (id, entry))) {
            let same_package = matches!(&entry.source, Source::Registry { package: it, .. } if it == package);
            let is_all = options.imports.is_empty() && options.rename.is_none();
            let mut imports = options.imports.iter().chain(&options.rename);
            if same_package && (is_all || imports.any(|name| *name == entry.name.to_string())) {
                let removed = document.remove_dependency(id, &entry.name);
                removed.map_err(|error| Error::Manifest { excerpt: Box::new(self.excerpt()), error })?;
            }
        }
        Ok(document)
    }

    /// The requirement for a package that was named without one: the locked release's, else the newest's.
    async fn newest(
        &self,
        package: &PackageRef,
        requirements: &Requirements,
        index: &RegistryIndex,
    ) -> Result<VersionReq, Error> {
        let nothing = Lockfile::default();
        if let Some(locked) = select(self.lock.as_ref().unwrap_or(&nothing), package, &VersionReq::STAR) {
            return caret(&locked.version);
        }
        let registry = requirements.registries.get(package).cloned().or_else(|| index.registry(package));
        let registry = registry.ok_or_else(|| {
            Error::Registry(spin_deps_registry::Error::NotConfigured { package: package.clone() })
        })?;
        let versions = crate::info::listed(&self.registries, package, &registry).await?;
        caret(&choose(package, &versions, None)?.version)
    }
}

impl Found {
    fn new(source: Source, chosen: String, read: Outlined) -> Result<Self, Error> {
        let inspection = component(&chosen, read)?.inspection();
        Ok(Self { source, chosen, inspection, warnings: Vec::new() })
    }

    /// The source under a name: the package is written out where the name does not imply it.
    pub(super) fn source_for(&self, name: &DependencyName) -> Source {
        match (&self.source, name) {
            (Source::Registry { package, req, registry, .. }, name) => {
                let implied =
                    matches!(name, DependencyName::Package { package: named, .. } if named == package);
                Source::Registry {
                    package: package.clone(),
                    explicit_package: !implied,
                    req: req.clone(),
                    registry: registry.clone(),
                }
            }
            (other, _) => other.clone(),
        }
    }
}

/// Whether all versions are the same.
fn is_one(versions: &[semver::Version]) -> bool {
    versions.windows(2).all(|pair| pair[0] == pair[1])
}

/// The requirement for a version and what is compatible with it.
fn caret(version: &semver::Version) -> Result<VersionReq, Error> {
    format!("^{}.{}.{}{}", version.major, version.minor, version.patch, pre(version))
        .parse()
        .map_err(|error: semver::Error| unusable(&version.to_string(), &error.to_string()))
}

fn pre(version: &semver::Version) -> String {
    if version.pre.is_empty() { String::new() } else { format!("-{}", version.pre) }
}

pub(super) fn unusable(text: &str, reason: &str) -> Error {
    Error::Unknown { message: format!("`{text}` cannot be used: {reason}"), hint: None }
}
