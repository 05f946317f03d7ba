//! `add`: from what a user types to an entry in the manifest, a lockfile that has it, and its WIT.
//!
//! The order is: resolve with the new requirement, fetch what was chosen, learn its exports from its bytes, name
//! the entry, and only then write. Whatever fails or is interrupted after the first write, everything is put back.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use semver::VersionReq;
use spin_deps_component::{Extern, ExternKind, Inspection};
use spin_deps_lockfile::Lockfile;
use spin_deps_manifest::{Capability, DependencyName, Inherit, Route, Source, Trigger};
use spin_deps_registry::{Content, Listing};
use url::Url;
use wasm_pkg_common::{digest::ContentDigest, package::PackageRef, registry::Registry};

use crate::{
    Error, Project, SyncOutcome,
    change::Change,
    content::{Unit, inspect_component, select},
    index::RegistryIndex,
    lock::solve,
    requirements::Requirements,
};

/// What is to be added, as the command line has it.
#[derive(Clone, Debug, Default)]
pub struct AddOptions {
    /// `ns:name[@REQ]`, a path, an `http(s)` URL or the id of a component of the app.
    pub source: String,
    /// The component that gets the dependency; the only one if not given.
    pub to: Option<String>,
    /// Dependency names; the exports of the source decide if not given.
    pub imports: Vec<String>,
    /// The export that meets the import, where it has another name.
    pub export: Option<String>,
    /// Capabilities that pass: keys, or `all`, or `none`; nothing written if empty.
    pub inherit: Vec<String>,
    /// The registry that the package comes from, where it is not the configured one.
    pub registry: Option<Registry>,
    /// The digest of what is behind a URL.
    pub digest: Option<ContentDigest>,
    /// Add it as middleware of the trigger with this route.
    pub route: Option<String>,
    /// The place in the middleware pipeline, 0 is outermost; last if not given.
    pub position: Option<usize>,
}

/// Where something was added.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// As a dependency of a component.
    Component(String),
    /// As middleware of the trigger for a route.
    Middleware {
        /// The route.
        route: String,
        /// The place in the pipeline, 0 is outermost.
        position: usize,
    },
}

/// One entry that was added or updated.
#[derive(Clone, Debug)]
pub struct Addition {
    /// The entry's name, or what the middleware is.
    pub name: String,
    /// What was chosen: `ns:name 1.2.0`, a path or a URL.
    pub chosen: String,
    /// Where.
    pub target: Target,
}

/// What `add` did.
#[derive(Debug)]
pub struct Added {
    /// The entries.
    pub additions: Vec<Addition>,
    /// What happened to the lockfile and the generated files.
    pub sync: SyncOutcome,
    /// What the user should know.
    pub warnings: Vec<String>,
}

/// The source as it was understood.
enum Asked {
    Registry { package: PackageRef, req: Option<VersionReq> },
    Path(String),
    Url(Url, ContentDigest),
    Component(String),
}

/// A source with the bytes that it stands for now.
struct Found {
    source: Source,
    chosen: String,
    inspection: Inspection,
}

impl Project {
    /// Adds a dependency to a component, or middleware to a trigger, and brings lockfile and WIT up to date.
    pub async fn add(&mut self, options: &AddOptions) -> Result<Added, Error> {
        let asked = self.understand(options)?;
        if let Some(route) = &options.route {
            let trigger = self.trigger_of(route)?.id.clone();
            let found = self.find(asked, options).await?;
            return self.add_middleware(&trigger, route, found, options).await;
        }
        let component = self.component_for(options.to.as_deref())?;
        let found = self.find(asked, options).await?;
        if is_middleware(&found.inspection) && options.imports.is_empty() {
            return Err(Error::Unanswered {
                message: format!("{} is middleware: it imports and exports wasi:http/handler", found.chosen),
                hint: "name the route that it is for with `--route`".into(),
            });
        }
        self.add_dependency(&component, found, options).await
    }

    async fn add_dependency(&mut self, component: &str, found: Found, options: &AddOptions) -> Result<Added, Error> {
        let names = dependency_names(&found, &options.imports)?;
        let inherit = inherit(&options.inherit, &found.inspection)?;
        let mut document = self.document.clone();
        let mut additions = Vec::new();
        for name in &names {
            document
                .set_dependency(component, name, &found.source_for(name), options.export.as_deref(), &inherit)
                .map_err(|error| Error::Manifest { excerpt: self.excerpt(), error })?;
            additions.push(Addition {
                name: name.to_string(),
                chosen: found.chosen.clone(),
                target: Target::Component(component.to_owned()),
            });
        }
        let warnings = self.capability_warnings(component, &names, &document, &found);
        let sync = self.write_manifest_and_sync(document).await?;
        Ok(Added { additions, sync, warnings })
    }

    async fn add_middleware(
        &mut self,
        trigger: &str,
        route: &str,
        found: Found,
        options: &AddOptions,
    ) -> Result<Added, Error> {
        if !is_middleware(&found.inspection) {
            return Err(Error::Unknown {
                message: format!("{} is not middleware: it must import and export wasi:http/handler", found.chosen),
                hint: Some("leave out `--route` to add it as a dependency of a component".into()),
            });
        }
        let pipeline = self.manifest().triggers.iter().find(|it| it.id == trigger).map_or(0, |it| it.middleware.len());
        let position = options.position.unwrap_or(pipeline);
        if position > pipeline {
            return Err(Error::Unanswered {
                message: format!("the pipeline of {route} has {pipeline} middleware, so position {position} is out of range"),
                hint: format!("give `--position` a number from 0, the outermost, to {pipeline}"),
            });
        }
        let mut document = self.document.clone();
        document
            .insert_middleware(trigger, position, &found.source, &inherit(&options.inherit, &found.inspection)?)
            .map_err(|error| Error::Manifest { excerpt: self.excerpt(), error })?;
        let addition = Addition {
            name: found.chosen.clone(),
            chosen: found.chosen.clone(),
            target: Target::Middleware { route: route.to_owned(), position },
        };
        let sync = self.write_manifest_and_sync(document).await?;
        Ok(Added { additions: vec![addition], sync, warnings: Vec::new() })
    }

    /// Writes the changed manifest and everything that follows from it; on failure nothing has changed.
    pub(crate) async fn write_manifest_and_sync(
        &mut self,
        document: spin_deps_manifest::Document,
    ) -> Result<SyncOutcome, Error> {
        let mut change = Change::default();
        let before = (self.document.clone(), self.lock.clone());
        change.write(&self.manifest_path, document.text().as_bytes())?;
        self.document = document;
        match self.sync_within(&mut change).await {
            Ok(outcome) => {
                change.keep();
                Ok(outcome)
            }
            Err(error) => {
                (self.document, self.lock) = before;
                Err(error)
            }
        }
    }

    fn understand(&self, options: &AddOptions) -> Result<Asked, Error> {
        let text = options.source.as_str();
        if text.starts_with("https://") || text.starts_with("http://") {
            let url = Url::parse(text).map_err(|error| unusable(text, &error.to_string()))?;
            let digest = options.digest.clone().ok_or_else(|| Error::Unanswered {
                message: format!("the digest of {} is not known", crate::content::without_secrets(&url)),
                hint: "give it with `--digest sha256:…`; the manifest records it, so that the content can never change unnoticed".into(),
            })?;
            return Ok(Asked::Url(url, digest));
        }
        let looks_like_path = text.contains(['/', '\\']) || text.ends_with(".wasm");
        if !looks_like_path && text.contains(':') {
            let (name, req) = match text.split_once('@') {
                Some((name, req)) => {
                    let req = VersionReq::parse(req).map_err(|error| unusable(req, &error.to_string()))?;
                    (name, Some(req))
                }
                None => (text, None),
            };
            let package = name.parse().map_err(|error: wasm_pkg_common::Error| unusable(name, &error.to_string()))?;
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
            hint: Some("a package is written `ns:name`, a path has a `/`, such as `./lib.wasm`".into()),
        })
    }

    /// A path that is typed in the current directory, as the manifest writes it.
    fn relative_to_manifest(&self, path: &str) -> Result<String, Error> {
        let absolute = fs_err::canonicalize(self.settings.current_dir.join(path))?;
        let base = fs_err::canonicalize(self.directory())?;
        let mut up = base.as_path();
        let mut steps = 0;
        let rest = loop {
            if let Ok(rest) = absolute.strip_prefix(up) {
                break rest;
            }
            match up.parent() {
                Some(parent) => up = parent,
                None => return Ok(absolute.display().to_string()),
            }
            steps += 1;
        };
        let rest = rest.components().map(|it| it.as_os_str().to_string_lossy()).collect::<Vec<_>>().join("/");
        Ok(if steps == 0 { format!("./{rest}") } else { format!("{}{rest}", "../".repeat(steps)) })
    }

    fn component_for(&self, to: Option<&str>) -> Result<String, Error> {
        let components = &self.manifest().components;
        match to {
            Some(id) if components.contains_key(id) => Ok(id.to_owned()),
            Some(id) => Err(self.unknown_component(id)),
            None => match components.keys().collect::<Vec<_>>().as_slice() {
                [only] => Ok((*only).clone()),
                [] => Err(Error::Unknown { message: "the app has no component".into(), hint: None }),
                several => Err(Error::Unanswered {
                    message: "the app has several components".into(),
                    hint: format!(
                        "name the one that gets the dependency with `--to`: {}",
                        several.iter().map(|id| format!("`{id}`")).collect::<Vec<_>>().join(", ")
                    ),
                }),
            },
        }
    }

    /// The trigger for a route.
    pub(crate) fn trigger_of(&self, route: &str) -> Result<&Trigger, Error> {
        let routes = || {
            self.manifest().triggers.iter().filter_map(|trigger| match &trigger.http.as_ref()?.route {
                Route::Path(path) => Some((path.as_str(), trigger)),
                Route::Private => None,
            })
        };
        routes().find(|(path, _)| *path == route).map(|(_, trigger)| trigger).ok_or_else(|| Error::Unknown {
            message: format!("no HTTP trigger has the route `{route}`"),
            hint: Some(format!(
                "the app has {}",
                routes().map(|(path, _)| format!("`{path}`")).collect::<Vec<_>>().join(", ")
            )),
        })
    }

    /// Finds the bytes that a source stands for now.
    async fn find(&self, asked: Asked, options: &AddOptions) -> Result<Found, Error> {
        let nothing = Lockfile::default();
        let lock = self.lock.as_ref().unwrap_or(&nothing);
        match asked {
            Asked::Registry { package, req } => self.find_package(package, req, options.registry.clone()).await,
            Asked::Path(path) => {
                let bytes = self.bytes(&Unit::File(path.clone()), lock).await?;
                Found::new(Source::Path(path.clone()), path, &bytes)
            }
            Asked::Url(url, digest) => {
                let bytes = self.registries.fetch_url(&url, &digest).await?;
                let chosen = crate::content::without_secrets(&url);
                Found::new(Source::Url { url, digest }, chosen, &bytes)
            }
            Asked::Component(id) => {
                let source = Source::Component(id.clone());
                let bytes = self.bytes(&self.unit(&source, lock)?, lock).await?;
                Found::new(source, format!("component `{id}`"), &bytes)
            }
        }
    }

    /// Chooses the release of a package with everything else that the app needs, and fetches it.
    async fn find_package(
        &self,
        package: PackageRef,
        req: Option<VersionReq>,
        registry: Option<Registry>,
    ) -> Result<Found, Error> {
        let mut requirements = self.requirements(self.manifest(), self.lock.as_ref()).await?;
        if let Some(registry) = &registry {
            requirements.registries.insert(package.clone(), registry.clone());
        }
        let index = self.index(&requirements);
        let req = match req {
            Some(req) => req,
            None => self.newest(&package, &requirements, &index).await?,
        };
        requirements.packages.push(spin_deps_resolver::Requirement {
            package: package.clone(),
            req: req.clone(),
            origin: "what is to be added".into(),
        });
        let resolution = solve(&requirements, self.lock.as_ref(), &index).await?;
        let version = resolution.roots.last().cloned().ok_or_else(|| Error::NoVersion {
            package: package.clone(),
            req: req.clone(),
            available: Vec::new(),
        })?;
        let loaded = index.load(&package, &version).await?.ok_or_else(|| Error::NoVersion {
            package: package.clone(),
            req: req.clone(),
            available: Vec::new(),
        })?;
        let content = Content {
            package: package.clone(),
            version: version.clone(),
            registry: loaded.registry.clone(),
            digest: loaded.digest.clone(),
            size: loaded.size,
            manifest: loaded.manifest.clone(),
        };
        let bytes = self.registries.fetch(&content).await?;
        let chosen = format!("{package} {version}");
        Found::new(Source::Registry { package, explicit_package: false, req, registry }, chosen, &bytes)
    }

    /// The requirement for a package that was named without one: the locked release's, else the newest's.
    async fn newest(
        &self,
        package: &PackageRef,
        requirements: &Requirements,
        index: &RegistryIndex,
    ) -> Result<VersionReq, Error> {
        let caret = |version: &semver::Version| -> Result<VersionReq, Error> {
            format!("^{}.{}.{}{}", version.major, version.minor, version.patch, pre(version))
                .parse()
                .map_err(|error: semver::Error| unusable(&version.to_string(), &error.to_string()))
        };
        let nothing = Lockfile::default();
        if let Some(locked) = select(self.lock.as_ref().unwrap_or(&nothing), package, &VersionReq::STAR) {
            return caret(&locked.version);
        }
        let registry = requirements.registries.get(package).cloned().or_else(|| index.registry(package));
        let registry = registry.ok_or_else(|| {
            Error::Registry(spin_deps_registry::Error::NotConfigured { package: package.clone() })
        })?;
        let versions = match self.registries.versions(package, &registry).await? {
            Listing::Found(versions) => versions,
            Listing::NotFound => return Err(Error::NoPackage { package: package.clone(), registry }),
            Listing::Offline => {
                return Err(Error::Unknown {
                    message: format!("the versions of {package} are not known, and {} forbids to ask for them", self.settings.offline_because().unwrap_or("--offline")),
                    hint: Some("run it once with the network".into()),
                });
            }
        };
        let usable = || versions.iter().filter(|it| !it.yanked).map(|it| &it.version);
        let newest = usable().filter(|it| it.pre.is_empty()).max().or_else(|| usable().max());
        match newest {
            Some(version) => caret(version),
            None => Err(Error::NoVersion { package: package.clone(), req: VersionReq::STAR, available: Vec::new() }),
        }
    }

    /// Says what the dependency will be refused, and what it inherits that its parent does not have itself.
    fn capability_warnings(
        &self,
        component: &str,
        names: &[DependencyName],
        document: &spin_deps_manifest::Document,
        found: &Found,
    ) -> Vec<String> {
        let Some(parent) = document.manifest().components.get(component) else { return Vec::new() };
        let mut warnings = BTreeSet::new();
        for dependency in parent.dependencies.iter().filter(|it| names.contains(&it.name)) {
            let spin_deps_manifest::Grant::Only(granted) = parent.granted(dependency) else { continue };
            let granted: BTreeSet<_> = granted.iter().map(ToString::to_string).collect();
            let refused: Vec<_> =
                found.inspection.capabilities.iter().copied().filter(|key| !granted.contains(*key)).collect();
            if !refused.is_empty() {
                warnings.insert(format!(
                    "{} reaches for {}, which it is not granted; if it may, add `--inherit {}`",
                    found.chosen,
                    refused.iter().map(|key| format!("`{key}`")).collect::<Vec<_>>().join(", "),
                    refused.join(",")
                ));
            }
        }
        warnings.into_iter().collect()
    }
}

impl Found {
    fn new(source: Source, chosen: String, bytes: &Bytes) -> Result<Self, Error> {
        let inspection = inspect_component(&chosen, bytes)?;
        Ok(Self { source, chosen, inspection })
    }

    /// The source under a name: the package is written out where the name does not imply it.
    fn source_for(&self, name: &DependencyName) -> Source {
        match (&self.source, name) {
            (Source::Registry { package, req, registry, .. }, name) => {
                let implied = matches!(name, DependencyName::Package { package: named, .. } if named == package);
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

/// The names of the entries: what the user named, else the package whose interfaces are exported.
fn dependency_names(found: &Found, imports: &[String]) -> Result<Vec<DependencyName>, Error> {
    if !imports.is_empty() {
        return imports
            .iter()
            .map(|name| name.parse().map_err(|error: spin_deps_manifest::InvalidName| unusable(name, &error.to_string())))
            .collect();
    }
    // Exports of the host's own interfaces are for the host to call, not for a component to import.
    let mut packages: BTreeMap<String, (PackageRef, Vec<&Extern>)> = BTreeMap::new();
    for export in &found.inspection.exports {
        if let (ExternKind::Interface { .. }, Some(interface)) = (&export.kind, &export.interface)
            && !spin_deps_component::is_host_provided(&interface.package)
        {
            let key = interface.package.to_string();
            packages.entry(key).or_insert_with(|| (interface.package.clone(), Vec::new())).1.push(export);
        }
    }
    let own = match &found.source {
        Source::Registry { package, .. } => packages.get(&package.to_string()),
        _ => None,
    };
    let only = (packages.len() == 1).then(|| packages.values().next()).flatten();
    match own.or(only) {
        Some((package, _)) => {
            Ok(vec![DependencyName::Package { package: package.clone(), interface: None, version: None }])
        }
        None => {
            let exports: Vec<_> = found.inspection.exports.iter().map(|it| format!("`{}`", it.name)).collect();
            Err(Error::Unanswered {
                message: if exports.is_empty() {
                    format!("{} exports nothing that a component could import", found.chosen)
                } else {
                    format!("which of its exports is wanted is not clear: {} exports {}", found.chosen, exports.join(", "))
                },
                hint: "name what the component imports with `--import`, once for each".into(),
            })
        }
    }
}

/// Middleware imports and exports `wasi:http/handler` (SIP 023).
fn is_middleware(inspection: &Inspection) -> bool {
    let handler = |it: &Extern| it.name.starts_with("wasi:http/handler@0.3.");
    inspection.imports.iter().any(handler) && inspection.exports.iter().any(handler)
}

/// The capabilities that pass, as an explicit list: `all` is what the source reaches for now, never `true`.
fn inherit(keys: &[String], inspection: &Inspection) -> Result<Inherit, Error> {
    let keys: Vec<&str> = match keys {
        [] => return Ok(Inherit::Default),
        [only] if only == "none" => Vec::new(),
        [only] if only == "all" => inspection.capabilities.iter().copied().collect(),
        keys => keys.iter().map(String::as_str).collect(),
    };
    keys.into_iter()
        .map(|key| {
            key.parse().map_err(|_| Error::Unknown {
                message: format!("`{key}` is not a capability"),
                hint: Some(format!(
                    "there are {}",
                    Capability::ALL.iter().map(|key| format!("`{key}`")).collect::<Vec<_>>().join(", ")
                )),
            })
        })
        .collect::<Result<_, _>>()
        .map(Inherit::Only)
}

fn pre(version: &semver::Version) -> String {
    if version.pre.is_empty() { String::new() } else { format!("-{}", version.pre) }
}

fn unusable(text: &str, reason: &str) -> Error {
    Error::Unknown { message: format!("`{text}` cannot be used: {reason}"), hint: None }
}
