//! Withdrawing a release: a marker beside it.
//!
//! ```text
//! acme/base:1.1.0 ◄── subject ── acme/base:yanked-1.1.0   artifactType application/vnd.dev.spin-deps.yank.v1+json
//! ```
//!
//! A registry cannot be told that a release is withdrawn, and many do not let anyone delete. So a small manifest is
//! pushed that refers to the release (`subject`, as signatures do) and says in its annotations which version is meant,
//! whether it is yanked or offered again, and why. Its tag is what a resolver looks for: the list of tags, which it
//! asks for anyway, tells for which versions there is a marker, so that a package without any costs no request more.
//! No tool takes the tag for a version. To offer a release again, the marker is replaced by one that says so.
//!
//! **The tag decides**, and what cannot be understood under it counts as yanked: whoever put it there may push
//! releases too, and a release too few is safer than one too many. The subject is for those who look at the
//! registry by its referrers. Registries that know these answer the push with `OCI-Subject`; for the others the list
//! is kept in an index under the tag `sha256-<hex>`, as the [distribution specification] has it for them. There two
//! who write at once can lose an entry of that index, never a yank.
//!
//! [distribution specification]: https://github.com/opencontainers/distribution-spec/blob/v1.1.0/spec.md#referrers-tag-schema

use std::collections::BTreeMap;

use bytes::Bytes;
use futures::{StreamExt as _, TryStreamExt as _};
use serde::Deserialize;
use serde_json::{Value, json};
use wasm_pkg_common::digest::ContentDigest;
use wasm_pkg_common::package::{PackageRef, Version};

use super::auth::Action;
use super::connection::Get;
use super::tags::{self, Tagged};
use super::upload::{Tally, Uploader};
use super::{OciSource, artifact};
use crate::error::Error;
use crate::settings::NoProgress;
use crate::source::{Listed, Yank, bounded_reason};
use crate::store::digest_of;
use crate::upload::Upload;

const TYPE: &str = "application/vnd.dev.spin-deps.yank.v1+json";
const STATE: &str = "dev.spin-deps.yank.state";
const REASON: &str = "dev.spin-deps.yank.reason";
const VERSION: &str = "org.opencontainers.image.version";
const YANKED: &str = "yanked";
const UNDONE: &str = "undone";

const INDEX_TYPE: &str = "application/vnd.oci.image.index.v1+json";
const EMPTY_TYPE: &str = "application/vnd.oci.empty.v1+json";
/// What the empty descriptor of the image specification stands for.
const EMPTY: &str = "{}";

/// A marker is smaller than this, in bytes.
const LIMIT: u64 = 64 * 1024;
const INDEX_LIMIT: u64 = 4 << 20;
/// Of a package with more markers than this the newest are read; the others count as yanked.
const MAX_READ: usize = 1_000;
const PARALLEL: usize = 16;

/// What a marker says.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Marker {
    yanked: bool,
    reason: Option<String>,
    /// The manifest that it was made for.
    subject: Option<ContentDigest>,
}

/// What a marker says that cannot be understood.
const GARBLED: Marker = Marker { yanked: true, reason: None, subject: None };

fn parse(bytes: &[u8]) -> Marker {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Manifest {
        artifact_type: String,
        subject: Option<Subject>,
        #[serde(default)]
        annotations: BTreeMap<String, String>,
    }
    #[derive(Deserialize)]
    struct Subject {
        digest: String,
    }
    match serde_json::from_slice::<Manifest>(bytes) {
        Ok(manifest) if manifest.artifact_type == TYPE => Marker {
            yanked: manifest.annotations.get(STATE).is_none_or(|state| state != UNDONE),
            reason: manifest.annotations.get(REASON).and_then(|reason| bounded_reason(reason)),
            subject: manifest.subject.and_then(|subject| subject.digest.parse().ok()),
        },
        _ => GARBLED,
    }
}

fn annotations(yank: &Yank) -> BTreeMap<&'static str, String> {
    let state = if yank.undo { UNDONE } else { YANKED };
    let mut annotations = BTreeMap::from([(STATE, state.to_owned()), (VERSION, yank.version.to_string())]);
    annotations.extend(yank.kept_reason().map(|reason| (REASON, reason)));
    annotations
}

/// The marker for the release with this manifest.
fn build(yank: &Yank, release: &ContentDigest, size: usize) -> Bytes {
    let empty = json!({
        "mediaType": EMPTY_TYPE, "digest": digest_of(EMPTY.as_bytes()).to_string(), "size": EMPTY.len(),
    });
    let marker = json!({
        "schemaVersion": 2,
        "mediaType": artifact::MANIFEST_TYPE,
        "artifactType": TYPE,
        "config": empty,
        "layers": [empty],
        "subject": { "mediaType": artifact::MANIFEST_TYPE, "digest": release.to_string(), "size": size },
        "annotations": annotations(yank),
    });
    marker.to_string().into()
}

/// The index of referrers with this marker in place of older ones; `None` if `there` is no such index.
fn index_with(there: Option<&[u8]>, yank: &Yank, marker: &Bytes) -> Option<Bytes> {
    let mut index = match there {
        Some(bytes) => serde_json::from_slice(bytes).ok()?,
        None => json!({ "schemaVersion": 2, "mediaType": INDEX_TYPE, "manifests": [] }),
    };
    let entries = index.get_mut("manifests").and_then(Value::as_array_mut)?;
    entries.retain(|entry| entry.get("artifactType").and_then(Value::as_str) != Some(TYPE));
    entries.push(json!({
        "mediaType": artifact::MANIFEST_TYPE,
        "digest": digest_of(marker).to_string(),
        "size": marker.len(),
        "artifactType": TYPE,
        "annotations": annotations(yank),
    }));
    Some(index.to_string().into())
}

impl OciSource {
    /// The releases with what their markers say; markers are asked for side by side.
    pub(super) async fn listed(
        &self,
        package: &PackageRef,
        versions: Vec<Tagged>,
    ) -> Result<Vec<Listed>, Error> {
        let unread = versions.iter().filter(|it| it.marked).count().saturating_sub(MAX_READ);
        let mut passed = 0;
        let asked = versions.into_iter().map(|Tagged { version, marked }| {
            let read = marked && {
                passed += 1;
                passed > unread
            };
            async move {
                let marker = match marked {
                    true if read => self.marker(package, &version, Action::Pull).await?,
                    true => Some(GARBLED),
                    false => None,
                };
                let marker = marker.filter(|marker| marker.yanked);
                Ok::<_, Error>(Listed {
                    version,
                    yanked: marker.is_some(),
                    reason: marker.and_then(|marker| marker.reason),
                })
            }
        });
        futures::stream::iter(asked.collect::<Vec<_>>()).buffered(PARALLEL).try_collect().await
    }

    /// The marker of a version, if there is one.
    async fn marker(
        &self,
        package: &PackageRef,
        version: &Version,
        action: Action,
    ) -> Result<Option<Marker>, Error> {
        let Some(tag) = tags::marker_of(version) else {
            return Ok(None);
        };
        let request = Get {
            repository: &self.repository(package),
            rest: &format!("manifests/{tag}"),
            accept: artifact::ACCEPT,
            action,
            limit: LIMIT,
            what: &format!("the yank of {package} {version}"),
        };
        match self.connection.get(&request).await {
            Ok(answer) => Ok(answer.map(|answer| parse(&answer.body))),
            Err(Error::TooLarge { .. }) => Ok(Some(GARBLED)),
            Err(error) => Err(error),
        }
    }

    pub(super) async fn mark(&self, yank: &Yank) -> Result<bool, Error> {
        let (package, version) = (&yank.package, &yank.version);
        let missing = || Error::NotFound { registry: self.registry.to_string(), what: yank.title() };
        let release_tag = tags::tag_of(version).ok_or_else(missing)?;
        let Some(tag) = tags::marker_of(version) else {
            return Err(Error::Unyankable {
                package: package.clone().into(),
                version: version.clone().into(),
                reason: "the version is too long for the tag that would say so".to_owned(),
            });
        };
        let release = self.manifest(package, version, &release_tag, Action::Push).await?;
        let (release, manifest) = release.ok_or_else(missing)?;
        let is_so = match self.marker(package, version, Action::Push).await? {
            Some(there) => {
                let reason = yank.kept_reason();
                there.yanked != yank.undo
                    && (yank.undo || reason.is_none() || reason == there.reason)
                    && there.subject.as_ref() == Some(&release)
            }
            None => yank.undo,
        };
        if is_so {
            return Ok(false);
        }

        let marker = build(yank, &release, manifest.len());
        let repository = self.repository(package);
        let what = format!("the yank of {}", yank.title());
        let uploader = Uploader::new(&self.connection, &repository, &what);
        let empty = Upload::from(EMPTY);
        uploader.blob(&empty, &Tally::new(&NoProgress, &what, empty.size())).await?;
        // By its digest first: the tag, which decides, comes when all else is there, so that a yank that broke off
        // is one that can be repeated.
        let digest = digest_of(&marker).to_string();
        let headers = uploader.manifest(&digest, artifact::MANIFEST_TYPE, &marker).await?;
        if !headers.contains_key("oci-subject") {
            self.add_referrer(&uploader, yank, &release, &marker).await?;
        }
        uploader.manifest(&tag, artifact::MANIFEST_TYPE, &marker).await?;
        Ok(true)
    }

    /// Enters the marker into the list of referrers that a registry without one keeps under a tag.
    async fn add_referrer(
        &self,
        uploader: &Uploader<'_>,
        yank: &Yank,
        release: &ContentDigest,
        marker: &Bytes,
    ) -> Result<(), Error> {
        let tag = release.to_string().replace(':', "-");
        let request = Get {
            repository: &self.repository(&yank.package),
            rest: &format!("manifests/{tag}"),
            accept: INDEX_TYPE,
            action: Action::Push,
            limit: INDEX_LIMIT,
            what: &format!("the referrers of {}", yank.title()),
        };
        let there = self.connection.get(&request).await?.map(|answer| answer.body);
        let Some(index) = index_with(there.as_deref(), yank, marker) else {
            tracing::warn!("the tag {tag} is no list of referrers, and was left as it is");
            return Ok(());
        };
        uploader.manifest(&tag, INDEX_TYPE, &index).await.map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn yank(undo: bool, reason: Option<&str>) -> Yank {
        Yank {
            package: "acme:base".parse().unwrap(),
            version: "1.1.0".parse().unwrap(),
            undo,
            reason: reason.map(str::to_owned),
        }
    }

    #[test]
    fn what_is_written_is_read() {
        let release = digest_of(b"release");
        for (undo, reason) in [(false, None), (false, Some(" leaks\n")), (true, None)] {
            let marker = parse(&build(&yank(undo, reason), &release, 7));
            let reason = reason.map(|reason| reason.trim().to_owned());
            assert_eq!(marker, Marker { yanked: !undo, reason, subject: Some(release.clone()) });
        }
        let long = "ä".repeat(3_000);
        assert_eq!(parse(&build(&yank(false, Some(&long)), &release, 7)).reason.unwrap(), "ä".repeat(1_000));
    }

    #[test]
    fn the_form_of_a_marker() {
        let marker = build(&yank(false, Some("leaks memory")), &digest_of(b"release"), 7);
        let marker: Value = serde_json::from_slice(&marker).unwrap();
        insta::assert_json_snapshot!(marker, @r#"
        {
          "annotations": {
            "dev.spin-deps.yank.reason": "leaks memory",
            "dev.spin-deps.yank.state": "yanked",
            "org.opencontainers.image.version": "1.1.0"
          },
          "artifactType": "application/vnd.dev.spin-deps.yank.v1+json",
          "config": {
            "digest": "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a",
            "mediaType": "application/vnd.oci.empty.v1+json",
            "size": 2
          },
          "layers": [
            {
              "digest": "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a",
              "mediaType": "application/vnd.oci.empty.v1+json",
              "size": 2
            }
          ],
          "mediaType": "application/vnd.oci.image.manifest.v1+json",
          "schemaVersion": 2,
          "subject": {
            "digest": "sha256:a4d451ec23463726f72c43d64c710968f6b602cd653b4de8adee1b556240a829",
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "size": 7
          }
        }
        "#);
    }

    #[test]
    fn what_cannot_be_understood_counts_as_yanked() {
        let foreign = r#"{"artifactType": "x", "annotations": {"dev.spin-deps.yank.state": "undone"}}"#;
        let untyped = r#"{"annotations": {"dev.spin-deps.yank.state": "undone"}}"#;
        for text in ["", "<html>", "{}", foreign, untyped] {
            assert_eq!(parse(text.as_bytes()), GARBLED, "{text}");
        }
        let silent = format!(r#"{{"artifactType": "{TYPE}", "subject": {{"digest": "../x"}}}}"#);
        assert_eq!(parse(silent.as_bytes()), GARBLED);
    }

    #[test]
    fn the_list_of_referrers_keeps_what_others_entered() {
        let (first, second) = (yank(false, None), yank(true, None));
        let digest = digest_of(b"release");
        let (one, two) = (build(&first, &digest, 7), build(&second, &digest, 7));
        let foreign = json!({ "digest": "sha256:00", "artifactType": "signature", "x": 1 });
        let there =
            json!({ "schemaVersion": 2, "manifests": [foreign], "annotations": { "a": "b" } }).to_string();
        let index = index_with(Some(there.as_bytes()), &first, &one).unwrap();
        let index: Value = serde_json::from_slice(&index_with(Some(&index), &second, &two).unwrap()).unwrap();
        let entries = index["manifests"].as_array().unwrap();
        assert_eq!(entries.len(), 2, "the older marker is replaced: {index}");
        assert_eq!((&entries[0], &index["annotations"]["a"]), (&foreign, &json!("b")));
        assert_eq!(entries[1]["digest"], digest_of(&two).to_string());
        for garbage in ["", "[]", "{}", r#"{"manifests": 1}"#] {
            assert_eq!(index_with(Some(garbage.as_bytes()), &first, &one), None, "{garbage}");
        }
    }
}
