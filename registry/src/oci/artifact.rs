//! The Wasm OCI artifact: a manifest, a config object and one layer.
//!
//! The form is the CNCF's: config `application/vnd.wasm.config.v0+json`, one layer `application/wasm` (older tools
//! wrote `application/vnd.wasm.content.layer.v1+wasm`). Reading is lenient about what we do not need and strict about
//! what we rely on: exactly one layer, of Wasm, with a SHA-256 digest. The config object is a courtesy of the
//! publisher; what cannot be understood there counts as absent, and the edges are read from the Wasm instead.
//!
//! Writing is reproducible: the same release gives the same bytes on every machine. `created` must be there for
//! wkg to read the object at all, so it is `SOURCE_DATE_EPOCH` or the epoch, never the clock.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use wasm_pkg_common::digest::ContentDigest;

use crate::source::{ComponentConfig, Publication};
use crate::store::digest_of;
use crate::text::printable;

pub(crate) const MANIFEST_TYPE: &str = "application/vnd.oci.image.manifest.v1+json";
pub(crate) const CONFIG_TYPE: &str = "application/vnd.wasm.config.v0+json";
pub(crate) const LAYER_TYPE: &str = "application/wasm";
const LAYER_TYPE_OLD: &str = "application/vnd.wasm.content.layer.v1+wasm";
const INDEX_TYPES: [&str; 2] =
    ["application/vnd.oci.image.index.v1+json", "application/vnd.docker.distribution.manifest.list.v2+json"];

/// What we ask for: manifests that we can use, and the others, so that the message can say what is there.
pub(crate) const ACCEPT: &str = "application/vnd.oci.image.manifest.v1+json, application/vnd.oci.image.index.v1+json, \
                                 application/vnd.docker.distribution.manifest.v2+json, \
                                 application/vnd.docker.distribution.manifest.list.v2+json";

/// Bounds for annotations, which callers keep and parse.
const MAX_ANNOTATIONS: usize = 1_000;
const MAX_KEY: usize = 1_024;
const MAX_VALUE: usize = 256 * 1024;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ManifestJson {
    media_type: Option<String>,
    config: Option<DescriptorJson>,
    layers: Option<Vec<DescriptorJson>>,
    manifests: Option<Value>,
    annotations: Option<BTreeMap<String, String>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct DescriptorJson {
    #[serde(default)]
    media_type: String,
    digest: String,
    size: i64,
}

/// A part of the artifact: its digest and its size in bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Part {
    pub(crate) digest: ContentDigest,
    pub(crate) size: u64,
}

/// What a manifest says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Artifact {
    pub(crate) layer: Part,
    /// The config object, if it is one of a Wasm artifact.
    pub(crate) config: Option<Part>,
    pub(crate) annotations: BTreeMap<String, String>,
}

/// Reads a manifest. The error is a reason that completes "it is not a Wasm package: …".
pub(crate) fn parse(bytes: &[u8]) -> Result<Artifact, String> {
    let manifest: ManifestJson =
        serde_json::from_slice(bytes).map_err(|_| "its manifest cannot be understood".to_owned())?;
    let media_type = manifest.media_type.unwrap_or_default();
    if manifest.manifests.is_some() || INDEX_TYPES.contains(&media_type.as_str()) {
        return Err("it is an image index, which names images for several platforms".to_owned());
    }
    let layers = manifest.layers.unwrap_or_default();
    let [layer] = layers.as_slice() else {
        return Err(format!("it has {} layers, a Wasm package has exactly one", layers.len()));
    };
    if layer.media_type != LAYER_TYPE && layer.media_type != LAYER_TYPE_OLD {
        return Err(format!("its layer is of the type `{}`", printable(&layer.media_type, 80)));
    }
    let layer = part(layer).ok_or("its layer has no valid SHA-256 digest or size")?;
    let config = match manifest.config {
        Some(config) if config.media_type == CONFIG_TYPE => {
            Some(part(&config).ok_or("its config object has no valid SHA-256 digest or size")?)
        }
        _ => None,
    };
    let annotations = manifest.annotations.unwrap_or_default();
    if annotations.len() > MAX_ANNOTATIONS
        || annotations.iter().any(|(key, value)| key.len() > MAX_KEY || value.len() > MAX_VALUE)
    {
        return Err("its annotations are too many or too long".to_owned());
    }
    Ok(Artifact { layer, config, annotations })
}

/// The config object of a manifest, of whichever type.
pub(crate) fn config_of(manifest: &[u8]) -> Option<Part> {
    serde_json::from_slice::<ManifestJson>(manifest).ok()?.config.as_ref().and_then(part)
}

fn part(descriptor: &DescriptorJson) -> Option<Part> {
    let digest = descriptor.digest.parse().ok()?;
    let size = u64::try_from(descriptor.size).ok()?;
    Some(Part { digest, size })
}

/// What the config object says of the component; `None` if it says nothing that can be understood.
pub(crate) fn parse_config(bytes: &[u8]) -> Option<ComponentConfig> {
    #[derive(Deserialize)]
    struct Config {
        component: Option<ComponentConfig>,
    }
    serde_json::from_slice::<Config>(bytes).ok()?.component
}

/// The config object and the manifest of a publication, as bytes.
pub(crate) struct Built {
    pub(crate) config: Vec<u8>,
    pub(crate) manifest: Vec<u8>,
    pub(crate) manifest_digest: ContentDigest,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ConfigOut<'a> {
    created: String,
    architecture: &'a str,
    os: &'a str,
    layer_digests: [String; 1],
    component: &'a ComponentConfig,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ManifestOut<'a> {
    schema_version: u32,
    media_type: &'a str,
    config: DescriptorOut<'a>,
    layers: [DescriptorOut<'a>; 1],
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    annotations: &'a BTreeMap<String, String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct DescriptorOut<'a> {
    media_type: &'a str,
    digest: String,
    size: u64,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    annotations: BTreeMap<&'a str, String>,
}

/// Builds the artifact; `epoch` is its time in seconds since 1970.
pub(crate) fn build(publication: &Publication, epoch: u64) -> Result<Built, serde_json::Error> {
    let layer = publication.content.digest().to_string();
    let config = serde_json::to_vec(&ConfigOut {
        created: rfc3339(epoch),
        architecture: "wasm",
        os: "wasip2",
        layer_digests: [layer.clone()],
        component: &publication.config,
    })?;
    let title =
        publication.layer_title.clone().unwrap_or_else(|| format!("{}.wasm", publication.package.name()));
    let manifest = serde_json::to_vec(&ManifestOut {
        schema_version: 2,
        media_type: MANIFEST_TYPE,
        config: DescriptorOut {
            media_type: CONFIG_TYPE,
            digest: digest_of(&config).to_string(),
            size: config.len() as u64,
            annotations: BTreeMap::new(),
        },
        layers: [DescriptorOut {
            media_type: LAYER_TYPE,
            digest: layer,
            size: publication.content.size(),
            annotations: BTreeMap::from([(oci_client::annotations::ORG_OPENCONTAINERS_IMAGE_TITLE, title)]),
        }],
        annotations: &publication.annotations,
    })?;
    let manifest_digest = digest_of(&manifest);
    Ok(Built { config, manifest, manifest_digest })
}

/// Seconds since 1970 as a date and time in UTC, by the civil calendar.
fn rfc3339(epoch: u64) -> String {
    // No later than the year 9999, so that the text keeps its form.
    let epoch = epoch.min(253_402_300_799);
    let (mut days, seconds) = (epoch / 86_400, epoch % 86_400);
    let is_leap =
        |year: u64| (year.is_multiple_of(4) && !year.is_multiple_of(100)) || year.is_multiple_of(400);
    let mut year = 1970;
    loop {
        let length = if is_leap(year) { 366 } else { 365 };
        if days < length {
            break;
        }
        days -= length;
        year += 1;
    }
    let february = if is_leap(year) { 29 } else { 28 };
    let mut month = 1;
    for length in [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] {
        if days < length {
            break;
        }
        days -= length;
        month += 1;
    }
    let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    format!("{year:04}-{month:02}-{:02}T{hour:02}:{minute:02}:{second:02}Z", days + 1)
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    fn publication() -> Publication {
        Publication {
            package: "acme:base".parse().unwrap(),
            version: "1.0.0".parse().unwrap(),
            content: Bytes::from_static(b"\0asm").into(),
            config: ComponentConfig {
                exports: vec!["acme:base/digest@1.0.0".into()],
                imports: vec![],
                target: None,
            },
            annotations: BTreeMap::from([("org.opencontainers.image.version".into(), "1.0.0".into())]),
            layer_title: None,
        }
    }

    #[test]
    fn the_bytes_of_a_publication_are_always_the_same() {
        let built = build(&publication(), 0).unwrap();
        insta::assert_snapshot!(String::from_utf8(built.config).unwrap(), @r#"{"created":"1970-01-01T00:00:00Z","architecture":"wasm","os":"wasip2","layerDigests":["sha256:cd5d4935a48c0672cb06407bb443bc0087aff947c6b864bac886982c73b3027f"],"component":{"exports":["acme:base/digest@1.0.0"],"imports":[]}}"#);
        insta::assert_snapshot!(String::from_utf8(built.manifest).unwrap(), @r#"{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{"mediaType":"application/vnd.wasm.config.v0+json","digest":"sha256:6411c7755ed3d259378d9bd714d46c42ef299cd383242d9768820c585ceab42e","size":225},"layers":[{"mediaType":"application/wasm","digest":"sha256:cd5d4935a48c0672cb06407bb443bc0087aff947c6b864bac886982c73b3027f","size":4,"annotations":{"org.opencontainers.image.title":"base.wasm"}}],"annotations":{"org.opencontainers.image.version":"1.0.0"}}"#);
    }

    #[test]
    fn what_we_write_we_read() {
        let built = build(&publication(), 1_700_000_000).unwrap();
        let artifact = parse(&built.manifest).unwrap();
        assert_eq!(artifact.layer, Part { digest: digest_of(b"\0asm"), size: 4 });
        assert_eq!(artifact.config.unwrap().digest, digest_of(&built.config));
        assert_eq!(artifact.annotations, publication().annotations);
        assert_eq!(parse_config(&built.config).unwrap(), publication().config);
        assert!(String::from_utf8(built.config).unwrap().contains("2023-11-14T22:13:20Z"));
    }

    #[test]
    fn dates_follow_the_calendar() {
        for (epoch, expected) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (1_709_251_199, "2024-02-29T23:59:59Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"),
            (u64::MAX, "9999-12-31T23:59:59Z"),
        ] {
            assert_eq!(rfc3339(epoch), expected);
        }
    }

    fn reason(json: &str) -> String {
        parse(json.as_bytes()).unwrap_err()
    }

    #[test]
    fn what_is_not_a_wasm_package_is_told_apart() {
        insta::assert_snapshot!(reason("<html>"), @"its manifest cannot be understood");
        insta::assert_snapshot!(reason(r#"{"schemaVersion": 2, "manifests": []}"#), @"it is an image index, which names images for several platforms");
        insta::assert_snapshot!(reason(r#"{"schemaVersion": 2, "layers": []}"#), @"it has 0 layers, a Wasm package has exactly one");
        insta::assert_snapshot!(
            reason(r#"{"layers": [{"mediaType": "application/\u001b[31mtar", "digest": "sha256:00", "size": 1}]}"#), @"its layer is of the type `application/�[31mtar`"
        );
        insta::assert_snapshot!(
            reason(r#"{"layers": [{"mediaType": "application/wasm", "digest": "../../etc/passwd", "size": 1}]}"#), @"its layer has no valid SHA-256 digest or size"
        );
    }

    #[test]
    fn old_layers_and_foreign_config_objects_are_read() {
        let digest = digest_of(b"");
        let json = format!(
            r#"{{"config": {{"mediaType": "application/vnd.oci.image.config.v1+json", "digest": "{digest}", "size": 2}},
                 "layers": [{{"mediaType": "{LAYER_TYPE_OLD}", "digest": "{digest}", "size": 0, "urls": ["x"]}}]}}"#
        );
        assert_eq!(parse(json.as_bytes()).unwrap().config, None);
        assert_eq!(parse_config(b"{}"), None);
        assert_eq!(parse_config(br#"{"component": {"exports": 1}}"#), None);
        assert_eq!(parse_config(br#"{"component": {}}"#), Some(ComponentConfig::default()));
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes: Vec<u8>) {
            let _ = parse(&bytes);
            let _ = parse_config(&bytes);
        }
    }
}
