//! Finding packages by name or interface, over the registries that can list.
//!
//! A registry's list has names only; what a package is, and which interfaces its newest release exports, takes
//! requests for each. So names are compared first, and looked at are only the packages whose names match, the best
//! first and no more than are shown. Interfaces are looked at where the text names one, or where fewer names match
//! than could be shown; then in a bounded number of packages, beginning with those of the interface's own namespace.
//! What was not searched is part of the answer, because "nothing found" would mean too much else.

mod query;

use futures::StreamExt as _;
use semver::Version;
use serde::Serialize;
use spin_deps_component::inspect_reader;
use spin_deps_registry::{Catalog, Content, Listing, Progress, Registries, ReleaseInfo};
use wasm_pkg_common::{package::PackageRef, registry::Registry};

use self::query::{Query, Rank};
use crate::{Error, describe::rank};

/// How many packages are looked at side by side.
const PARALLEL: usize = 16;
/// How many packages are looked at for their interfaces.
const MAX_INTERFACES: usize = 200;
/// How many packages whose names match may turn out to be none, beyond those that are shown.
const MAX_OTHERS: usize = 100;
/// The annotation that has the description of an OCI artifact.
const DESCRIPTION: &str = "org.opencontainers.image.description";

/// What to look for.
#[derive(Clone, Debug)]
pub struct SearchOptions {
    /// A part of a name, or an interface.
    pub text: String,
    /// The only registry to look in; else all that the configuration names.
    pub registry: Option<Registry>,
    /// At most so many packages are given.
    pub limit: usize,
}

/// What was found, and where nobody could look.
#[derive(Clone, Debug, Default, Serialize)]
pub struct SearchResult {
    /// The packages, best first.
    pub packages: Vec<Found>,
    /// How many more packages match by their names.
    pub more: usize,
    /// The registries that told what they have.
    pub searched: Vec<Registry>,
    /// What was not searched.
    pub not_searched: Vec<NotSearched>,
    /// Of how many packages the interfaces should have been looked at, and were not.
    pub not_looked_at: usize,
}

/// A package that matches. All text of it is from outside: bounded, but not made fit to be shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Found {
    /// The package.
    pub package: PackageRef,
    /// The registry that has it.
    pub registry: Registry,
    /// The configuration takes the package from this registry. If not, it has to be named.
    pub configured: bool,
    /// Its newest release: a pre-release or a yanked one only if there is nothing else.
    pub version: Version,
    /// That release was withdrawn, and so was every other one.
    pub yanked: bool,
    /// What it is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The interfaces that it exports and that match.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub interfaces: Vec<String>,
}

/// A registry that was not searched, or not to its end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NotSearched {
    /// The registry.
    pub registry: Registry,
    /// What happened, in words that go on after its name.
    pub reason: String,
}

/// A package of a list.
struct Candidate<'a> {
    package: PackageRef,
    registry: &'a Registry,
    /// How its name matches, if it does.
    rank: Option<Rank>,
    described: bool,
}

/// Searches the registries.
pub async fn search(
    registries: &Registries,
    progress: &dyn Progress,
    options: &SearchOptions,
) -> Result<SearchResult, Error> {
    let query = Query::parse(&options.text)?;
    let _task = progress.begin("listing packages", None);
    let mut lists = registries.packages(options.registry.as_ref()).await?;
    if let [(_, Err(_))] = lists.as_slice()
        && let Some((_, Err(error))) = lists.pop()
    {
        return Err(error.into());
    }
    let (mut result, mut candidates) = (SearchResult::default(), Vec::new());
    for (registry, list) in &lists {
        let reason = match list {
            Ok(Catalog::Found { packages, cut, described }) => {
                result.searched.push(registry.clone());
                candidates.extend(packages.iter().map(|package| Candidate {
                    rank: query.rank(package),
                    package: package.clone(),
                    registry,
                    described: *described,
                }));
                cut.as_ref().map(|cut| format!("was searched in part: {cut}"))
            }
            Ok(Catalog::Refused { reason }) => Some(format!("cannot list its packages: {reason}")),
            Ok(Catalog::Offline) => {
                Some(format!("was not searched: {}", registries.offline().unwrap_or_default()))
            }
            Err(error) => Some(format!("was not searched: {error}")),
        };
        let unsearched = reason.map(|reason| NotSearched { registry: registry.clone(), reason });
        result.not_searched.extend(unsearched.filter(|it| !result.not_searched.contains(it)));
    }
    result.searched.dedup();
    if result.searched.is_empty() {
        return Err(nowhere(&result.not_searched));
    }
    candidates.sort_by_cached_key(|it| (query.reading_order(it.rank, &it.package), it.package.clone()));
    find(registries, &query, candidates, options.limit, &mut result).await;
    Ok(result)
}

/// No registry told what it has.
fn nowhere(not_searched: &[NotSearched]) -> Error {
    if not_searched.is_empty() {
        return Error::Unknown {
            message: "there is no registry to search: none is configured".to_owned(),
            hint: Some(
                "name one with `--registry`, or map packages to one in spin.toml or wkg's config.toml".into(),
            ),
        };
    }
    let each: Vec<_> = not_searched.iter().map(|it| format!("\n  - {} {}", it.registry, it.reason)).collect();
    Error::Unknown {
        message: format!("there is no registry that could be searched:{}", each.concat()),
        hint: Some("a package whose name you know needs no search: `spin-deps info ns:name`".into()),
    }
}

/// Looks at the candidates, which are in the order in which that is worth the requests.
async fn find(
    registries: &Registries,
    query: &Query,
    candidates: Vec<Candidate<'_>>,
    limit: usize,
    result: &mut SearchResult,
) {
    let mut found: Vec<(Rank, Found)> = Vec::new();
    let (named, others): (Vec<_>, Vec<_>) = candidates.into_iter().partition(|it| it.rank.is_some());
    let mut unread = named.len();
    // Asked for only as far as it is consumed, but for those that are under way.
    let looks =
        named.into_iter().take(limit.saturating_add(MAX_OTHERS)).map(|it| look_at(registries, query, it));
    let mut looks = futures::stream::iter(looks).buffered(PARALLEL);
    while found.len() < limit
        && let Some(looked) = looks.next().await
    {
        unread -= 1;
        found.extend(looked);
    }
    drop(looks);
    result.more = unread;
    if found.len() < limit {
        let (readable, unreadable): (Vec<_>, Vec<_>) = others.into_iter().partition(|it| it.described);
        result.not_looked_at = readable.len().saturating_sub(MAX_INTERFACES);
        for registry in unreadable.iter().map(|it| it.registry) {
            let reason =
                "was searched by name only: it does not tell interfaces without downloads".to_owned();
            let unsearched = NotSearched { registry: registry.clone(), reason };
            if !result.not_searched.contains(&unsearched) {
                result.not_searched.push(unsearched);
            }
        }
        let looks = readable.into_iter().take(MAX_INTERFACES).map(|it| look_at(registries, query, it));
        let looked: Vec<_> = futures::stream::iter(looks).buffered(PARALLEL).collect().await;
        found.extend(looked.into_iter().flatten());
    }
    found.sort_by_cached_key(|(rank, it)| (*rank, it.package.clone(), it.registry.to_string()));
    result.more += found.len().saturating_sub(limit);
    result.packages = found.into_iter().take(limit).map(|(_, found)| found).collect();
}

/// What a candidate is, if it matches; `None` also where that cannot be told.
async fn look_at(registries: &Registries, query: &Query, candidate: Candidate<'_>) -> Option<(Rank, Found)> {
    let Candidate { package, registry, rank, described } = candidate;
    match read(registries, &package, registry, described).await {
        Ok(Some(release)) => {
            let interfaces = query.interfaces(&release.exports);
            let by_interface = interfaces.iter().map(|(rank, _)| *rank).min();
            let rank = rank.into_iter().chain(by_interface).min()?;
            let found = Found {
                configured: registries.registry_of(&package).as_ref() == Some(registry),
                registry: registry.clone(),
                version: release.version,
                yanked: release.yanked,
                description: release.description,
                interfaces: interfaces.into_iter().map(|(_, name)| name).collect(),
                package,
            };
            Some((rank, found))
        }
        Ok(None) => None,
        Err(error) => {
            tracing::debug!(%package, %registry, %error, "could not be looked at");
            None
        }
    }
}

/// What is to be known of a package's newest release.
struct Newest {
    version: Version,
    yanked: bool,
    description: Option<String>,
    exports: Vec<String>,
}

/// Asks for the newest release of a package; `None` if it has none that is a package.
async fn read(
    registries: &Registries,
    package: &PackageRef,
    registry: &Registry,
    described: bool,
) -> Result<Option<Newest>, Error> {
    let Listing::Found(versions) = registries.versions(package, registry).await? else { return Ok(None) };
    let newest = versions.into_iter().max_by(|a, b| rank(a).cmp(&rank(b)));
    let Some(newest) = newest else { return Ok(None) };
    let mut read =
        Newest { version: newest.version, yanked: newest.yanked, description: None, exports: Vec::new() };
    if described {
        let Some(release) = registries.release(package, &read.version, registry).await? else {
            return Ok(None);
        };
        (read.description, read.exports) =
            describe(registries, package, registry, &read.version, release).await?;
    }
    Ok(Some(read))
}

/// The description and the exports of a release: by its metadata, or by the file of a folder.
async fn describe(
    registries: &Registries,
    package: &PackageRef,
    registry: &Registry,
    version: &Version,
    release: ReleaseInfo,
) -> Result<(Option<String>, Vec<String>), Error> {
    if release.manifest.is_some() {
        let exports = release.component.map(|component| component.exports).unwrap_or_default();
        return Ok((release.annotations.get(DESCRIPTION).cloned(), exports));
    }
    let content = Content::of(package, version, registry, &release);
    let inspection = registries.read(&content, |reader| inspect_reader(reader)).await?;
    let what = format!("{package} {version}");
    let inspection = inspection.map_err(|error| Error::Inspect { what, error })?;
    let exports = inspection.exports.iter().map(|it| it.name.clone()).collect();
    Ok((inspection.metadata.description.clone(), exports))
}
