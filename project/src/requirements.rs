//! What the manifest asks for: requirements on packages, content behind URLs, and who asks.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::ErrorKind,
    path::PathBuf,
};

use semver::VersionReq;
use spin_deps_component::ImportPattern;
use spin_deps_lockfile::{Dependency as Locked, HttpSource, Lockfile};
use spin_deps_manifest::{Component, ComponentSource, Dependency, Manifest, Route, Source, Span};
use spin_deps_resolver::{Change, Failure, Requirement};
use url::Url;
use wasm_pkg_common::{digest::ContentDigest, package::PackageRef, registry::Registry};

use crate::{
    Error, Project,
    bindings::import_pattern,
    content::{Facts, Unit, without_secrets},
    grants::Grants,
    overrides::{Effective, Overrides},
};

/// Everything that a manifest asks for.
pub(crate) struct Requirements {
    /// Requirements on packages, in the order of the manifest.
    pub(crate) packages: Vec<Requirement>,
    /// Where in the manifest each of them stands.
    pub(crate) places: Vec<Span>,
    /// The imports that each of them is for, by its index in `packages`, where they are known.
    pub(crate) demands: BTreeMap<usize, Demand>,
    /// Those of content behind a URL. Their place shows the URL, in which there may be a secret.
    pub(crate) behind_urls: BTreeSet<usize>,
    /// The options of `spin-deps add` that let it replace the entry of a requirement, where it can.
    pub(crate) options: BTreeMap<usize, String>,
    /// Content behind URLs; the versions of its dependencies are not chosen yet.
    pub(crate) http: Vec<HttpRequirement>,
    /// Registries that entries and overrides name for a package, for the whole app.
    pub(crate) registries: BTreeMap<PackageRef, Registry>,
    /// What takes the place of packages; the requirements are those after that.
    pub(crate) overrides: Overrides,
    /// The packages that were asked for, before that.
    pub(crate) asked: BTreeSet<PackageRef>,
    /// What the entries pass on of what their components have.
    pub(crate) grants: Grants,
}

/// The imports that a requirement is for: what is chosen has to export them with their types.
#[derive(Clone, Debug)]
pub(crate) struct Demand {
    /// Whose imports they are.
    pub(crate) importer: Importer,
    /// Which of its imports.
    pub(crate) wanted: Wanted,
    /// The importer, as it stands in a sentence: component `api`.
    pub(crate) who: String,
    /// The component with the command that builds the importer, so that its file may be of yesterday.
    pub(crate) build: Option<String>,
}

/// What imports, and is not a release.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Importer {
    /// A file, which may not be there yet.
    File(PathBuf),
    /// Content behind a URL, with its digest.
    Url(Url, String),
}

/// Which imports are meant.
#[derive(Clone, Debug)]
pub(crate) enum Wanted {
    /// Those that entries of the manifest name, and the export that stands for them if it has another name.
    Named { patterns: Vec<ImportPattern>, export: Option<String> },
    /// Those that the requirement was made from; these are all needs of the importer.
    Needed(Vec<(PackageRef, VersionReq)>),
}

/// Content behind a URL, with what it needs.
pub(crate) struct HttpRequirement {
    pub(crate) url: Url,
    pub(crate) digest: ContentDigest,
    pub(crate) size: u64,
    pub(crate) facts: Facts,
}

impl HttpRequirement {
    /// The lockfile's entry, once `choose` knows the version for each need.
    pub(crate) fn locked(
        &self,
        overrides: &Overrides,
        choose: impl Fn(&PackageRef, &VersionReq) -> Option<semver::Version>,
    ) -> HttpSource {
        let needs = || self.facts.needs.iter();
        let dependencies = needs()
            .filter(|(package, _)| !overrides.contains(package))
            .filter_map(|(package, req)| {
                let version = choose(package, req)?;
                Some(Locked { package: package.clone(), req: req.clone(), version })
            })
            .collect();
        HttpSource {
            url: self.url.clone(),
            digest: self.digest.clone(),
            size: self.size,
            capabilities: self.facts.capabilities.clone(),
            imports: self.facts.imports.clone(),
            granted: Vec::new(),
            dependencies,
            overridden: self.facts.overridden(overrides),
        }
    }
}

/// One place in the manifest that names content, with the words for it.
struct Asked<'a> {
    origin: String,
    /// The options of `spin-deps add` for this entry, where it can replace it.
    options: Option<String>,
    source: AskedSource<'a>,
    span: Span,
    /// The component whose imports it is for, and the entry that says which.
    entry: Option<(&'a Component, &'a Dependency)>,
}

enum AskedSource<'a> {
    Dependency(&'a Source),
    Component(&'a ComponentSource),
}

impl Project {
    /// Reads everything that `manifest` asks for. Files are inspected; what is behind a URL is taken from `lock`
    /// where it has it, else fetched.
    pub(crate) async fn requirements(
        &self,
        manifest: &Manifest,
        lock: Option<&Lockfile>,
    ) -> Result<Requirements, Error> {
        self.check_siblings(manifest)?;
        let overrides = self.overrides_of(manifest);
        let mut found = Requirements {
            packages: Vec::new(),
            places: Vec::new(),
            demands: BTreeMap::new(),
            behind_urls: BTreeSet::new(),
            options: BTreeMap::new(),
            http: Vec::new(),
            registries: BTreeMap::new(),
            overrides: Overrides::new(&overrides),
            asked: BTreeSet::new(),
            grants: Grants::of(manifest),
        };
        for it in &overrides {
            if let Source::Registry { package, registry: Some(registry), .. } = &it.source {
                found.registry(package, registry)?;
            }
        }
        for asked in asked(manifest) {
            match asked.source {
                AskedSource::Dependency(Source::Registry { package, req, registry, .. }) => {
                    let demand = asked.demand(self);
                    let origin = (&*asked.origin, &asked.span);
                    // What an override decides is not changed by changing the entry.
                    let options = asked.options.filter(|_| !found.overrides.contains(package));
                    found.options.extend(options.map(|options| (found.packages.len(), options)));
                    found.package(origin, package, req, registry.as_ref(), demand)?;
                }
                AskedSource::Component(ComponentSource::Registry { package, version, registry }) => {
                    let req = &exactly(version);
                    let origin = (&*asked.origin, &asked.span);
                    found.package(origin, package, req, registry.as_ref(), None)?;
                }
                AskedSource::Dependency(Source::Url { url, digest })
                | AskedSource::Component(ComponentSource::Url { url, digest }) => {
                    self.url(&mut found, &asked, url, digest, lock).await?;
                }
                AskedSource::Dependency(Source::Path(path)) => {
                    let origin = format!("the file {path} of {}", asked.origin);
                    self.file(&mut found, &asked, path, &origin, None).await?;
                }
                // The app's own components are often not built yet when a dependency is added: what such a one
                // needs is locked as soon as its file is there.
                AskedSource::Dependency(Source::Component(id)) => {
                    if let Some(component) = manifest.components.get(id)
                        && let ComponentSource::Path(path) = &component.source
                        && self.resolve_path(path).is_file()
                    {
                        let build = component.build.is_some().then(|| id.clone());
                        let origin = format!("component `{id}` (for {})", asked.origin);
                        self.file(&mut found, &asked, path, &origin, build).await?;
                    }
                }
                AskedSource::Component(ComponentSource::Path(_)) => {}
            }
        }
        // Files that stand for packages: what such a one needs, the app needs.
        for it in &overrides {
            if let Source::Path(path) = &it.source {
                let origin = format!("the file {path} in place of {}", it.package);
                let asked = Asked {
                    origin: origin.clone(),
                    options: None,
                    source: AskedSource::Dependency(&it.source),
                    span: it.span.clone(),
                    entry: None,
                };
                self.file(&mut found, &asked, path, &origin, None).await?;
            }
        }
        found.http.sort_by_cached_key(|it| (it.url.clone(), it.digest.to_string()));
        found.http.dedup_by(|a, b| a.url == b.url && a.digest == b.digest);
        Ok(found)
    }

    async fn file(
        &self,
        found: &mut Requirements,
        asked: &Asked<'_>,
        path: &str,
        origin: &str,
        build: Option<String>,
    ) -> Result<(), Error> {
        let unit = Unit::File(path.to_owned());
        let outline = match self.outline(&unit, &Lockfile::default()).await {
            Err(Error::Io(io)) if io.kind() == ErrorKind::NotFound => {
                let hint = if self.is_of_sibling(path) {
                    "it belongs to the workspace: `spin-deps sync` builds it".to_owned()
                } else {
                    format!(
                        "build it first, or correct the path, which is relative to {}",
                        self.manifest_name()
                    )
                };
                let message = format!("the file {path} does not exist");
                let missing = Error::Unknown { message, hint: Some(hint) };
                return Err(self.at(&asked.span, "its imports tell what it needs", &missing));
            }
            Err(error) if is_about_content(&error) => {
                return Err(self.at(&asked.span, "a component is needed here", &error));
            }
            read => read.map_err(|error| self.at(&asked.span, "its imports tell what it needs", &error))?,
        };
        let facts = Facts::of_inspection(&outline.inspection());
        let needs = facts.needs.clone();
        found.grants.file(path, facts);
        for (package, req) in &needs {
            let demand = Demand {
                importer: Importer::File(self.resolve_path(path)),
                wanted: Wanted::Needed(needs.clone()),
                who: path.to_owned(),
                build: build.clone(),
            };
            found.package((origin, &asked.span), package, req, None, Some(demand))?;
        }
        Ok(())
    }

    async fn url(
        &self,
        found: &mut Requirements,
        asked: &Asked<'_>,
        url: &Url,
        digest: &ContentDigest,
        lock: Option<&Lockfile>,
    ) -> Result<(), Error> {
        // Without an excerpt of the manifest, which would show them.
        if !url.username().is_empty() || url.password().is_some() {
            return Err(Error::Unknown {
                message: format!(
                    "the URL {} of {} contains credentials, which would get into spin-deps.lock",
                    without_secrets(url),
                    asked.origin
                ),
                hint: Some(
                    "leave them out, or publish the component to a registry that asks for them".into(),
                ),
            });
        }
        let locked = lock.and_then(|lock| lock.http.iter().find(|it| it.url == *url && it.digest == *digest));
        let (size, facts) = if let Some(locked) = locked {
            let needs = locked.needs().map(|(package, req)| (package.clone(), req.clone())).collect();
            let (capabilities, imports) = (locked.capabilities.clone(), locked.imports.clone());
            (locked.size, Facts { wit_only: false, needs, capabilities, imports })
        } else {
            let unit = Unit::Url(url.clone(), digest.to_string());
            let outline = match self.outline(&unit, &Lockfile::default()).await {
                Err(error) if is_about_content(&error) => {
                    return Err(self.at(&asked.span, "a component is needed here", &error));
                }
                read => read?,
            };
            (outline.size(), Facts::of_inspection(&outline.inspection()))
        };
        for (package, req) in &facts.needs {
            let demand = Demand {
                importer: Importer::Url(url.clone(), digest.to_string()),
                wanted: Wanted::Needed(facts.needs.clone()),
                who: without_secrets(url),
                build: None,
            };
            let origin = without_secrets(url);
            let at = found.packages.len();
            found.package((&origin, &asked.span), package, req, None, Some(demand))?;
            found.behind_urls.extend(at..found.packages.len());
        }
        found.http.push(HttpRequirement { url: url.clone(), digest: digest.clone(), size, facts });
        Ok(())
    }
}

impl Project {
    /// A failed resolution with the first entry of the manifest that takes part in it, and with the commands that
    /// change what could be changed.
    pub(crate) fn with_entry(&self, requirements: &Requirements, error: Error) -> Error {
        let Error::Resolve(failure) = &error else { return error };
        let Failure::NoSolution { requirements: taking_part, changes, .. } = &**failure else { return error };
        let Some(first) = taking_part.first().filter(|first| !requirements.behind_urls.contains(first))
        else {
            return error;
        };
        let Some(place) = requirements.places.get(*first) else { return error };
        let mut placed = self.at(place, "asked for here", &error);
        if let Error::Place { hint: Some(hint), .. } = &mut placed
            && let Some(commands) = requirements.commands(changes)
        {
            *hint = format!("run {commands} to {hint}");
        }
        placed
    }
}

impl Asked<'_> {
    /// The imports that a dependency's entry is for.
    fn demand(&self, project: &Project) -> Option<Demand> {
        let (component, entry) = self.entry?;
        let patterns = vec![import_pattern(&entry.name)];
        project.demand(component, patterns, entry.export.clone())
    }
}

impl Project {
    /// The imports of a component that match patterns, for what is chosen to meet them.
    pub(crate) fn demand(
        &self,
        component: &Component,
        patterns: Vec<ImportPattern>,
        export: Option<String>,
    ) -> Option<Demand> {
        let ComponentSource::Path(path) = &component.source else { return None };
        Some(Demand {
            importer: Importer::File(self.resolve_path(path)),
            wanted: Wanted::Named { patterns, export },
            who: format!("component `{}`", component.id),
            build: component.build.as_ref().map(|_| component.id.clone()),
        })
    }
}

impl Requirements {
    fn package(
        &mut self,
        (origin, place): (&str, &Span),
        package: &PackageRef,
        req: &VersionReq,
        registry: Option<&Registry>,
        demand: Option<Demand>,
    ) -> Result<(), Error> {
        self.asked.insert(package.clone());
        let Effective::Release { package: effective, req, .. } = self.overrides.effective(package, req)
        else {
            return Ok(());
        };
        // An override that names a registry has the last word, and one by another package has nothing to do with this.
        let overridden = effective != *package || self.overrides.names_registry(package);
        if let (Some(registry), false) = (registry, overridden) {
            self.registry(package, registry)?;
        }
        self.places.push(place.clone());
        self.push(Requirement { package: effective, req, origin: origin.to_owned() }, demand);
        Ok(())
    }

    /// Takes a package from a registry, for the whole app.
    fn registry(&mut self, package: &PackageRef, registry: &Registry) -> Result<(), Error> {
        let first = self.registries.entry(package.clone()).or_insert_with(|| registry.clone());
        if first == registry {
            return Ok(());
        }
        Err(Error::TwoRegistries { package: package.clone(), first: first.clone(), second: registry.clone() })
    }

    /// Adds a requirement, and the imports that it is for if they are known.
    pub(crate) fn push(&mut self, requirement: Requirement, demand: Option<Demand>) {
        if let Some(demand) = demand {
            self.demands.insert(self.packages.len(), demand);
        }
        self.packages.push(requirement);
    }

    /// The commands that make these changes, any of which would do; `None` if one of them takes more than commands.
    fn commands(&self, changes: &[Change]) -> Option<String> {
        let command = |at: &usize, change: &Change| {
            let (package, options) = (&self.packages.get(*at)?.package, self.options.get(at)?);
            Some(format!("`spin-deps add {package}@{} {options}`", change.req))
        };
        let all_of_one = |change: &Change| {
            let commands: Option<Vec<String>> =
                change.requirements.iter().map(|at| command(at, change)).collect();
            commands.map(|commands| commands.join(" and "))
        };
        let each: Option<Vec<String>> = changes.iter().map(all_of_one).collect();
        each.filter(|each| !each.is_empty()).map(|each| each.join(", or "))
    }
}

/// Whether the bytes are there, but are no component.
fn is_about_content(error: &Error) -> bool {
    matches!(error, Error::Inspect { .. } | Error::NotComponent { .. })
}

/// The requirement that only this version meets.
pub(crate) fn exactly(version: &semver::Version) -> VersionReq {
    VersionReq {
        comparators: vec![semver::Comparator {
            op: semver::Op::Exact,
            major: version.major,
            minor: Some(version.minor),
            patch: Some(version.patch),
            pre: version.pre.clone(),
        }],
    }
}

/// Who asks for a package by name in a manifest, and for which versions.
pub(crate) fn asked_of(manifest: &Manifest, package: &PackageRef) -> Vec<(String, VersionReq)> {
    let requirement = |asked: Asked<'_>| match asked.source {
        AskedSource::Dependency(Source::Registry { package: of, req, .. }) if of == package => {
            Some((asked.origin, req.clone()))
        }
        AskedSource::Component(ComponentSource::Registry { package: of, version, .. }) if of == package => {
            Some((asked.origin, exactly(version)))
        }
        _ => None,
    };
    asked(manifest).into_iter().filter_map(requirement).collect()
}

/// Every place of a manifest that names content, in its order.
fn asked(manifest: &Manifest) -> Vec<Asked<'_>> {
    let mut asked = Vec::new();
    for (id, component) in &manifest.components {
        asked.push(Asked {
            origin: format!("the source of component `{id}`"),
            options: None,
            source: AskedSource::Component(&component.source),
            span: component.span.clone(),
            entry: None,
        });
        for dependency in &component.dependencies {
            let name = dependency.name.to_string();
            let (mut origin, mut options) = (format!("component `{id}`"), format!("--to {id}"));
            if let Source::Registry { package, registry, .. } = &dependency.source {
                // In the user's words: the manifest calls it by this name.
                if name != package.to_string() {
                    origin = format!("component `{id}` (dependency `{name}`)");
                    options = format!("{options} --import {name}");
                }
                if let Some(registry) = registry {
                    options = format!("{options} --registry {registry}");
                }
            }
            asked.push(Asked {
                origin,
                options: Some(options),
                source: AskedSource::Dependency(&dependency.source),
                span: dependency.span.clone(),
                entry: Some((component, dependency)),
            });
        }
    }
    for trigger in &manifest.triggers {
        let place = match trigger.http.as_ref().map(|http| &http.route) {
            Some(Route::Path(route)) => format!("route `{route}`"),
            _ => format!("trigger `{}`", trigger.id),
        };
        for middleware in &trigger.middleware {
            asked.push(Asked {
                origin: format!("the middleware of {place}"),
                options: None,
                source: AskedSource::Dependency(&middleware.source),
                span: middleware.span.clone(),
                entry: None,
            });
        }
    }
    asked
}
