//! What a release is: from its metadata where they tell all of it, else from its Wasm.

use std::collections::BTreeSet;

use semver::{Version, VersionReq};
use spin_deps_component::{
    ANNOTATION, DependencyTable, ExternKind, Kind, Metadata, Outline, TYPES_ANNOTATION, Types, capabilities,
    needs,
};
use spin_deps_registry::{Content, Listed, Registries, ReleaseInfo};
use wasm_pkg_common::{package::PackageRef, registry::Registry};

use crate::{Error, content::KIND_ANNOTATION, known::no_package};

/// A release and what is in it.
pub(crate) struct Described {
    pub(crate) content: Content,
    /// It was withdrawn.
    pub(crate) yanked: bool,
    /// Why, where its author said so.
    pub(crate) reason: Option<String>,
    pub(crate) kind: Kind,
    pub(crate) metadata: Metadata,
    pub(crate) types: Types,
    /// The names of the imports.
    pub(crate) imports: Vec<String>,
    /// The names of the exports; those of interfaces and worlds for a WIT package.
    pub(crate) exports: Vec<String>,
    /// The worlds among them.
    pub(crate) worlds: Vec<String>,
    /// Keys of the capabilities that the imports reach.
    pub(crate) capabilities: Vec<String>,
    /// What it needs of other packages.
    pub(crate) needs: Vec<(PackageRef, VersionReq)>,
}

/// The newest release that `req` admits, pre-releases and then yanked ones only when there is nothing else.
pub(crate) fn choose(
    package: &PackageRef,
    listed: &[Listed],
    req: Option<&VersionReq>,
) -> Result<Listed, Error> {
    let fits = |it: &&Listed| req.map_or(!it.yanked, |req| req.matches(&it.version));
    listed.iter().filter(fits).max_by(|a, b| rank(a).cmp(&rank(b))).cloned().ok_or_else(|| {
        let mut available: Vec<Version> = listed.iter().map(|it| it.version.clone()).collect();
        available.sort();
        let req = req.cloned().unwrap_or(VersionReq::STAR);
        Error::NoVersion { package: package.clone(), req, available }
    })
}

/// How much a release is wanted: one that is not yanked before one that is, then no pre-release, then the newest.
pub(crate) fn rank(listed: &Listed) -> (bool, bool, &Version) {
    (!listed.yanked, listed.version.pre.is_empty(), &listed.version)
}

/// Learns what a listed release is.
pub(crate) async fn describe(
    registries: &Registries,
    package: &PackageRef,
    listed: Listed,
    registry: &Registry,
) -> Result<Described, Error> {
    let Listed { version, yanked, reason } = listed;
    let release = registries.release(package, &version, registry).await?;
    let Some(release) = release else { return Err(no_package(registries, package, registry).await) };
    let content = Content::of(package, &version, registry, &release);
    let described = match of_metadata(&content, &release) {
        Some(described) => described,
        None => of_outline(&content, &outline(registries, &content).await?),
    };
    Ok(Described { yanked, reason, ..described })
}

/// The types of a release: of what is in the store already, else of its metadata, else of its Wasm.
pub(crate) async fn types_of(registries: &Registries, content: &Content) -> Result<Types, Error> {
    if !registries.store().contains(&content.digest).await? {
        let (package, version, registry) = (&content.package, &content.version, &content.registry);
        if let Ok(Some(release)) = registries.release(package, version, registry).await
            && release.digest == content.digest
            && let Some(types) = published_types(&release)
        {
            return Ok(types);
        }
    }
    Ok(Types::of(&outline(registries, content).await?))
}

async fn outline(registries: &Registries, content: &Content) -> Result<Outline, Error> {
    let outline = registries.read(content, |reader| Outline::read(reader)).await?;
    let what = || format!("{} {}", content.package, content.version);
    outline.map_err(|error| Error::Inspect { what: what(), error })
}

/// The types that were published with a release, if they can be used.
fn published_types(release: &ReleaseInfo) -> Option<Types> {
    Types::from_json(release.annotations.get(TYPES_ANNOTATION)?).ok()
}

/// What is in a release according to its metadata, if that is all there is to know.
fn of_metadata(content: &Content, release: &ReleaseInfo) -> Option<Described> {
    let config = release.component.as_ref()?;
    let types = published_types(release)?;
    let (kind, needs) = match release.annotations.get(KIND_ANNOTATION)?.as_str() {
        "wit" => (Kind::WitPackage, Vec::new()),
        "component" => {
            let table = DependencyTable::from_json(release.annotations.get(ANNOTATION)?).ok()?;
            (Kind::Component, table.dependencies.into_iter().map(|it| (it.package, it.version)).collect())
        }
        _ => return None,
    };
    let interfaces: BTreeSet<&str> = types.exports().collect();
    let is_world = |name: &&String| kind == Kind::WitPackage && !interfaces.contains(name.as_str());
    let worlds: Vec<_> = config.exports.iter().filter(is_world).cloned().collect();
    // Two descriptions that contradict each other are none.
    let imports: BTreeSet<&str> = types.imports().collect();
    let is_one = types.kind() == kind
        && imports == config.imports.iter().map(String::as_str).collect()
        && interfaces.len() + worlds.len() == config.exports.len();
    let text = |key: &str| release.annotations.get(&format!("org.opencontainers.image.{key}")).cloned();
    is_one.then(|| Described {
        content: content.clone(),
        yanked: false,
        reason: None,
        kind,
        metadata: Metadata {
            description: text("description"),
            licenses: text("licenses"),
            authors: text("authors"),
            source: text("source"),
            homepage: text("url"),
            revision: text("revision"),
            ..Metadata::default()
        },
        imports: config.imports.clone(),
        exports: config.exports.clone(),
        worlds,
        capabilities: capabilities(imports.into_iter()).into_iter().map(str::to_owned).collect(),
        types: types.clone(),
        needs,
    })
}

fn of_outline(content: &Content, outline: &Outline) -> Described {
    let inspection = outline.inspection();
    let worlds = inspection
        .exports
        .iter()
        .filter(|it| inspection.kind == Kind::WitPackage && !matches!(it.kind, ExternKind::Interface { .. }));
    Described {
        content: content.clone(),
        yanked: false,
        reason: None,
        kind: inspection.kind,
        types: Types::of(outline),
        imports: inspection.imports.iter().map(|it| it.name.clone()).collect(),
        exports: inspection.exports.iter().map(|it| it.name.clone()).collect(),
        worlds: worlds.map(|it| it.name.clone()).collect(),
        capabilities: inspection.capabilities.iter().map(|key| (*key).to_owned()).collect(),
        needs: needs(&inspection).into_iter().map(|need| (need.package, need.req)).collect(),
        metadata: inspection.metadata,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use spin_deps_component::table_of_needs;
    use spin_deps_fixtures::{library, wit_package};
    use spin_deps_registry::ComponentConfig;

    use super::*;

    /// A release as it is published, and what its Wasm says.
    fn published(bytes: &[u8]) -> (ReleaseInfo, Described) {
        let digest: wasm_pkg_common::digest::ContentDigest =
            format!("sha256:{}", "0".repeat(64)).parse().unwrap();
        let outline = Outline::read(bytes).unwrap();
        let size = outline.size();
        let release = ReleaseInfo {
            digest,
            size,
            manifest: None,
            signers: None,
            annotations: BTreeMap::new(),
            component: None,
        };
        let content = content(&release);
        let described = of_outline(&content, &outline);
        let metadata = &described.metadata;
        let mut annotations = BTreeMap::from([
            (TYPES_ANNOTATION.to_owned(), described.types.to_json()),
            (ANNOTATION.to_owned(), table_of_needs(&needs(&outline.inspection())).to_json()),
            (
                KIND_ANNOTATION.to_owned(),
                if described.kind == Kind::WitPackage { "wit" } else { "component" }.to_owned(),
            ),
        ]);
        for (key, text) in [
            ("description", &metadata.description),
            ("licenses", &metadata.licenses),
            ("url", &metadata.homepage),
        ] {
            annotations
                .extend(text.iter().map(|text| (format!("org.opencontainers.image.{key}"), text.clone())));
        }
        let config = ComponentConfig {
            exports: described.exports.clone(),
            imports: described.imports.clone(),
            target: None,
        };
        (ReleaseInfo { annotations, component: Some(config), ..release }, described)
    }

    fn content(release: &ReleaseInfo) -> Content {
        Content::of(
            &"acme:hash".parse().unwrap(),
            &Version::new(1, 0, 0),
            &"acme.example".parse().unwrap(),
            release,
        )
    }

    #[test]
    fn metadata_and_content_say_the_same() {
        let wit = "package acme:wit@1.0.0; interface api { f: func(); } world app { export api; }";
        for bytes in [
            library::with_origin(&library::chain("acme:app", "1.0.0", &[("acme:hash", "1.2.0")])).unwrap(),
            library::environment_reader("acme:env", "0.3.0").unwrap(),
            wit_package(wit).unwrap(),
        ] {
            let (release, own) = published(&bytes);
            let found = of_metadata(&content(&release), &release).unwrap();
            assert_eq!((found.kind, &found.types), (own.kind, &own.types));
            assert_eq!(
                (&found.imports, &found.exports, &found.worlds),
                (&own.imports, &own.exports, &own.worlds)
            );
            assert_eq!((&found.capabilities, &found.needs), (&own.capabilities, &own.needs));
            assert_eq!(found.metadata.homepage, own.metadata.homepage);
            assert_eq!(found.metadata.description, own.metadata.description);
        }
    }

    #[test]
    fn metadata_that_do_not_say_all_are_not_enough() {
        let (release, _) = published(&library::chain("acme:app", "1.0.0", &[("acme:hash", "1.2.0")]));
        let with = |key: &str, value: Option<&str>| {
            let mut release = release.clone();
            release.annotations.remove(key);
            release.annotations.extend(value.map(|value| (key.to_owned(), value.to_owned())));
            of_metadata(&content(&release), &release).is_some()
        };
        assert!(with("other", Some("x")));
        for key in [TYPES_ANNOTATION, ANNOTATION, KIND_ANNOTATION] {
            assert!(!with(key, None) && !with(key, Some("x")), "{key}");
        }
        assert!(!with(KIND_ANNOTATION, Some("wit")), "it contradicts the types");
        let other = published(&library::chain("acme:app", "1.0.0", &[])).0;
        assert!(!with(TYPES_ANNOTATION, other.annotations.get(TYPES_ANNOTATION).map(String::as_str)));
    }
}
