//! The locked releases as an [OCI image layout], which standard tools copy from one registry into another.
//!
//! A release of an OCI registry has the manifest there that the lockfile knows it by, byte for byte, so that its digests
//! are the same in every registry that it is copied to. One of a folder or a warg registry gets the manifest that
//! publishing it would make.
//!
//! [OCI image layout]: https://github.com/opencontainers/image-spec/blob/v1.1.1/image-layout.md

use bytes::Bytes;
use serde_json::{Value, json};
use spin_deps_lockfile::{Lockfile, Package};
use spin_deps_registry::{OciArtifact, digest_of};
use wasm_pkg_common::digest::ContentDigest;

use super::{
    VendoredRelease,
    folder::{INDEX, LAYOUT, Listed, Tree},
};
use crate::{
    Error, Project,
    content::{Unit, content_of, without_secrets},
    publish::publication,
};

/// The annotation that names a release in the list of the layout: `acme:hash@1.4.0`.
pub(super) const PACKAGE: &str = "dev.spin-deps.package";
/// The annotation by which tools find an entry of the list.
const REFERENCE: &str = "org.opencontainers.image.ref.name";

/// The layout, what is in it, and what the user should know.
pub(super) async fn layout(
    project: &Project,
    lock: &Lockfile,
) -> Result<(Listed, Vec<VendoredRelease>, Vec<String>), Error> {
    let mut tree = Tree::default();
    let mut releases = Vec::new();
    let mut manifests = Vec::new();
    for package in &lock.packages {
        let bytes =
            project.bytes(&Unit::Package(package.name.clone(), package.version.clone()), lock).await?;
        let OciArtifact { manifest, config } = artifact(project, package, &bytes).await?;
        let release = VendoredRelease {
            reference: reference(package),
            manifest: digest_of(&manifest),
            digest: package.digest.clone(),
        };
        manifests.push(descriptor(package, &release, &manifest));
        for blob in [manifest, config, bytes] {
            tree.put(blob_path(&digest_of(&blob)), blob)?;
        }
        releases.push(release);
    }
    let index = json!({
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.index.v1+json",
        "manifests": manifests,
    });
    tree.put(INDEX.to_owned(), format!("{index:#}\n"))?;
    tree.put(LAYOUT.to_owned(), "{\"imageLayoutVersion\":\"1.0.0\"}\n")?;
    let warnings = lock.http.iter().map(|it| {
        format!("{} is no release of a registry, and is not in the layout", without_secrets(&it.url))
    });
    Ok((tree.listed().await?, releases, warnings.collect()))
}

/// The manifest and the config object of a release.
async fn artifact(project: &Project, package: &Package, bytes: &Bytes) -> Result<OciArtifact, Error> {
    if package.manifest.is_some() {
        let found = project.registries().artifact(&content_of(package)).await?;
        return found.ok_or_else(|| Error::Unknown {
            message: format!(
                "the manifest of {} {} is no longer in {}",
                package.name, package.version, package.registry
            ),
            hint: Some(format!("choose another release: `spin-deps update {}`", package.name)),
        });
    }
    let (file, registries) = (tempfile::NamedTempFile::new()?, project.registries());
    fs_err::write(file.path(), bytes)?;
    let path = file.path().to_path_buf();
    let publication = publication(registries, path, &package.name, &package.version).await?;
    Ok(registries.packed(&publication)?)
}

fn descriptor(package: &Package, release: &VendoredRelease, manifest: &Bytes) -> Value {
    // One that says nothing of itself is of the format's own type.
    let said = serde_json::from_slice::<Value>(manifest).ok();
    let said = said.as_ref().and_then(|it| it.get("mediaType")?.as_str());
    json!({
        "mediaType": said.unwrap_or("application/vnd.oci.image.manifest.v1+json"),
        "digest": release.manifest.to_string(),
        "size": manifest.len(),
        "annotations": {
            PACKAGE: format!("{}@{}", package.name, package.version),
            REFERENCE: release.reference,
        },
    })
}

/// The repository and the tag that a release has in an OCI registry without a prefix.
fn reference(package: &Package) -> String {
    // A tag has no `+`.
    let tag = package.version.to_string().replace('+', "_");
    format!("{}/{}:{tag}", package.name.namespace(), package.name.name())
}

fn blob_path(digest: &ContentDigest) -> String {
    let ContentDigest::Sha256 { hex } = digest;
    format!("blobs/sha256/{hex}")
}
