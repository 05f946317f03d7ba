//! Pushing by hand, for what no publisher would let through: text as a layer, a core module, a second layer.
//!
//! The requests are those of the OCI distribution specification ("Pushing a blob monolithically", "Pushing manifests").

use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::http::{self, answer};
use super::registry::Registry;

/// `sha256:…` of `bytes`.
pub(crate) fn digest(bytes: &[u8]) -> String {
    use std::fmt::Write;
    Sha256::digest(bytes).iter().fold(String::from("sha256:"), |mut text, byte| {
        write!(text, "{byte:02x}").expect("a String takes everything");
        text
    })
}

/// Pushes `layer` as the one layer of `repository:tag`, dressed as the component that has these imports and exports, and
/// gives the manifest's digest. Nothing is checked: that is what it is for.
pub(crate) fn push(
    registry: &Registry,
    repository: &str,
    tag: &str,
    layer: &[u8],
    imports: &[&str],
    exports: &[&str],
) -> String {
    push_with(registry, repository, tag, layer, (imports, exports), &json!({}))
}

/// The same with annotations of the manifest.
pub(crate) fn push_with(
    registry: &Registry,
    repository: &str,
    tag: &str,
    layer: &[u8],
    (imports, exports): (&[&str], &[&str]),
    annotations: &Value,
) -> String {
    let config = json!({
        "architecture": "wasm",
        "os": "wasip2",
        "layerDigests": [digest(layer)],
        "component": { "imports": imports, "exports": exports },
    })
    .to_string();
    let manifest = json!({
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": {
            "mediaType": "application/vnd.wasm.config.v0+json",
            "digest": digest(config.as_bytes()),
            "size": config.len(),
        },
        "layers": [{ "mediaType": "application/wasm", "digest": digest(layer), "size": layer.len() }],
        "annotations": annotations,
    })
    .to_string();
    http::block_on(async {
        push_blob(registry, repository, layer).await;
        push_blob(registry, repository, config.as_bytes()).await;
        let url = format!("http://{}/v2/{repository}/manifests/{tag}", registry.host());
        let request = request(registry, Method::PUT, &url)
            .header("content-type", "application/vnd.oci.image.manifest.v1+json")
            .body(manifest.clone());
        let done = answer(request).await;
        assert_eq!(done.status, 201, "the manifest: {}", done.text());
    });
    digest(manifest.as_bytes())
}

async fn push_blob(registry: &Registry, repository: &str, bytes: &[u8]) {
    let start = format!("http://{}/v2/{repository}/blobs/uploads/", registry.host());
    let session = answer(request(registry, Method::POST, &start).body(Vec::new())).await;
    assert_eq!(session.status, 202, "an upload: {}", session.text());
    let location = &session.headers["location"];
    let separator = if location.contains('?') { '&' } else { '?' };
    let end = format!("{location}{separator}digest={}", digest(bytes));
    let upload = request(registry, Method::PUT, &end)
        .header("content-type", "application/octet-stream")
        .body(bytes.to_vec());
    let done = answer(upload).await;
    assert_eq!(done.status, 201, "the blob: {}", done.text());
}

fn request(registry: &Registry, method: Method, url: &str) -> RequestBuilder {
    let request = http::client().request(method, url);
    match registry.credentials() {
        Some(credentials) => request.basic_auth(&credentials.user, Some(&credentials.password)),
        None => request,
    }
}
