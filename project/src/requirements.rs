//! What the manifest asks for: requirements on packages, content behind URLs, and who asks.

use std::{collections::BTreeMap, io::ErrorKind};

use semver::VersionReq;
use spin_deps_lockfile::{Dependency, HttpSource, Lockfile};
use spin_deps_manifest::{ComponentSource, Manifest, Source, Span};
use spin_deps_resolver::Requirement;
use url::Url;
use wasm_pkg_common::{digest::ContentDigest, package::PackageRef, registry::Registry};

use crate::{
    Error, Project,
    content::{Facts, Unit, without_secrets},
};

/// Everything that a manifest asks for.
pub(crate) struct Requirements {
    /// Requirements on packages, in the order of the manifest.
    pub(crate) packages: Vec<Requirement>,
    /// Content behind URLs; the versions of its dependencies are not chosen yet.
    pub(crate) http: Vec<HttpRequirement>,
    /// Registries that entries name for a package, for the whole app.
    pub(crate) registries: BTreeMap<PackageRef, Registry>,
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
        choose: impl Fn(&PackageRef, &VersionReq) -> Option<semver::Version>,
    ) -> HttpSource {
        let dependencies = self
            .facts
            .needs
            .iter()
            .filter_map(|(package, req)| {
                let version = choose(package, req)?;
                Some(Dependency { package: package.clone(), req: req.clone(), version })
            })
            .collect();
        HttpSource {
            url: self.url.clone(),
            digest: self.digest.clone(),
            size: self.size,
            capabilities: self.facts.capabilities.clone(),
            dependencies,
        }
    }
}

/// One place in the manifest that names content, with the words for it.
struct Asked<'a> {
    origin: String,
    source: AskedSource<'a>,
    span: Span,
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
        let mut found = Requirements { packages: Vec::new(), http: Vec::new(), registries: BTreeMap::new() };
        for asked in asked(manifest) {
            match asked.source {
                AskedSource::Dependency(Source::Registry { package, req, registry, .. }) => {
                    found.package(&asked.origin, package, req.clone(), registry.as_ref())?;
                }
                AskedSource::Component(ComponentSource::Registry { package, version, registry }) => {
                    let req = exactly(version);
                    found.package(&asked.origin, package, req, registry.as_ref())?;
                }
                AskedSource::Dependency(Source::Url { url, digest })
                | AskedSource::Component(ComponentSource::Url { url, digest }) => {
                    self.url(&mut found, &asked, url, digest, lock).await?;
                }
                AskedSource::Dependency(Source::Path(path)) => self.file(&mut found, &asked, path).await?,
                // The app's own components are often not built yet when a dependency is added: what such a one
                // needs is locked as soon as its file is there.
                AskedSource::Dependency(Source::Component(id)) => {
                    if let Some(ComponentSource::Path(path)) =
                        manifest.components.get(id).map(|it| &it.source)
                        && self.resolve_path(path).is_file()
                    {
                        self.file(&mut found, &asked, path).await?;
                    }
                }
                AskedSource::Component(ComponentSource::Path(_)) => {}
            }
        }
        found.http.sort_by_cached_key(|it| (it.url.clone(), it.digest.to_string()));
        found.http.dedup_by(|a, b| a.url == b.url && a.digest == b.digest);
        Ok(found)
    }

    async fn file(&self, found: &mut Requirements, asked: &Asked<'_>, path: &str) -> Result<(), Error> {
        let unit = Unit::File(path.to_owned());
        let outline = match self.outline(&unit, &Lockfile::default()).await {
            Err(Error::Io(io)) if io.kind() == ErrorKind::NotFound => {
                let missing = Error::Unknown {
                    message: format!("the file {path} does not exist"),
                    hint: Some("build it first, or correct the path, which is relative to spin.toml".into()),
                };
                return Err(self.at(&asked.span, "its imports tell what it needs", &missing));
            }
            Err(error) if is_about_content(&error) => {
                return Err(self.at(&asked.span, "a component is needed here", &error));
            }
            read => read.map_err(|error| self.at(&asked.span, "its imports tell what it needs", &error))?,
        };
        for (package, req) in Facts::of_inspection(&outline.inspection()).needs {
            found.package(&format!("{path}, {}", asked.origin), &package, req, None)?;
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
            let needs = locked.dependencies.iter().map(|it| (it.package.clone(), it.req.clone())).collect();
            let facts = Facts { wit_only: false, needs, capabilities: locked.capabilities.clone() };
            (locked.size, facts)
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
            found.package(&without_secrets(url), package, req.clone(), None)?;
        }
        found.http.push(HttpRequirement { url: url.clone(), digest: digest.clone(), size, facts });
        Ok(())
    }
}

impl Project {
    /// A failed resolution with the first entry of the manifest that its explanation names.
    pub(crate) fn with_entry(&self, manifest: &Manifest, error: Error) -> Error {
        let Error::Resolve(failure) = &error else { return error };
        let explanation = failure.to_string();
        let named = asked(manifest).into_iter().find_map(|asked| match asked.source {
            AskedSource::Dependency(Source::Registry { package, .. })
            | AskedSource::Component(ComponentSource::Registry { package, .. }) => {
                explanation.contains(&format!("{} depends on {package} ", asked.origin)).then_some(asked.span)
            }
            _ => None,
        });
        match named {
            Some(span) => self.at(&span, "asked for here", &error),
            None => error,
        }
    }
}

impl Requirements {
    fn package(
        &mut self,
        origin: &str,
        package: &PackageRef,
        req: VersionReq,
        registry: Option<&Registry>,
    ) -> Result<(), Error> {
        if let Some(registry) = registry {
            let first = self.registries.entry(package.clone()).or_insert_with(|| registry.clone());
            if first != registry {
                return Err(Error::TwoRegistries {
                    package: package.clone(),
                    first: first.clone(),
                    second: registry.clone(),
                });
            }
        }
        self.packages.push(Requirement { package: package.clone(), req, origin: origin.to_owned() });
        Ok(())
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

/// Every place of a manifest that names content, in its order.
fn asked(manifest: &Manifest) -> Vec<Asked<'_>> {
    let mut asked = Vec::new();
    for (id, component) in &manifest.components {
        asked.push(Asked {
            origin: format!("the source of component `{id}`"),
            source: AskedSource::Component(&component.source),
            span: component.span.clone(),
        });
        for dependency in &component.dependencies {
            asked.push(Asked {
                origin: format!("component `{id}`"),
                source: AskedSource::Dependency(&dependency.source),
                span: dependency.span.clone(),
            });
        }
    }
    for trigger in &manifest.triggers {
        for middleware in &trigger.middleware {
            asked.push(Asked {
                origin: format!("the middleware of trigger `{}`", trigger.id),
                source: AskedSource::Dependency(&middleware.source),
                span: middleware.span.clone(),
            });
        }
    }
    asked
}
