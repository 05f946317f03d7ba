//! An OCI image layout, copied into another registry by a tool that knows nothing of us.

use serde_json::Value;

use crate::support::library::{ANSWER, DEPENDENCIES, IMPORTS, publish_all};
use crate::support::oci::digest;
use crate::support::process::Process;
use crate::support::registry::Registry;
use crate::support::world::{Sandbox, files_below, wkg_configuration};

/// Copies an image of the layout to `host`, into the repository's place below `mirror/`.
#[track_caller]
fn copy(sandbox: &Sandbox, reference: &str, host: &str) {
    let mut skopeo = sandbox.command_of("skopeo");
    skopeo.args(["--insecure-policy", "--tmpdir"]).arg(sandbox.root()).args([
        "copy",
        "--quiet",
        "--preserve-digests",
        "--dest-tls-verify=false",
        &format!("oci:images:{reference}"),
        &format!("docker://{host}/mirror/{reference}"),
    ]);
    let copied = Process::start(&mut skopeo).expect("`skopeo` is not installed: apt-get install -y skopeo");
    let copied = copied.finish();
    assert!(copied.status.success(), "{}", copied.stderr);
}

fn locked(sandbox: &Sandbox) -> String {
    sandbox.read("spin-deps.lock")
}

#[test]
fn standard_tools_copy_it_to_another_registry_where_the_lock_still_holds() {
    let (first, second) = (Registry::open(), Registry::open());
    let sandbox = Sandbox::new();
    sandbox.use_registry(&first);
    publish_all(&sandbox);
    sandbox.write_app(IMPORTS, DEPENDENCIES, ANSWER);
    sandbox.run(&["lock"]).done();
    let run = sandbox.run(&["vendor", "--oci-layout", "images"]).done();
    insta::assert_snapshot!(sandbox.snapshot(&run), @"
    exit: 0
    --- stdout
    Wrote images: 8 files, [SIZE] bytes
      acme/base:1.1.0 sha256:[DIGEST-1]
      acme/middle:1.0.0 sha256:[DIGEST-2]
    --- stderr
    Copy each release to another registry: `skopeo copy oci:images:acme/base:1.1.0 docker://HOST/acme/base:1.1.0`
    ");
    let images = sandbox.project().join("images");
    for (path, bytes) in files_below(&images) {
        if let Some(hex) = path.strip_prefix("blobs/sha256/") {
            assert_eq!(digest(&bytes), format!("sha256:{hex}"));
        }
    }
    let report =
        sandbox.run(&["vendor", "--oci-layout", "images", "--check", "--format", "json"]).done().json();
    let releases = report["releases"].as_array().expect("releases");
    assert_eq!(releases.len(), 2);
    for release in releases {
        copy(&sandbox, release["reference"].as_str().expect("a reference"), &second.host());
    }

    // Another machine, which can reach the second registry only.
    let other = Sandbox::new();
    let mirror = wkg_configuration(&second.host(), None)
        .replace("oci = { registry", "oci = { namespacePrefix = \"mirror/\", registry");
    other.configure(&mirror);
    other.write_app(IMPORTS, DEPENDENCIES, ANSWER);
    other.run(&["verify"]).done();
    assert_eq!(locked(&other), locked(&sandbox), "versions and digests are the same, the manifests' too");
    let kept = Sandbox::new();
    kept.configure(&mirror);
    kept.write_app(IMPORTS, DEPENDENCIES, ANSWER);
    kept.write("spin-deps.lock", locked(&sandbox));
    kept.run(&["verify", "--locked"]).done();
}

#[test]
fn what_no_oci_registry_has_gets_the_manifest_that_publishing_would_make() {
    let sandbox = Sandbox::new();
    sandbox.use_folder();
    publish_all(&sandbox);
    sandbox.write_app(IMPORTS, DEPENDENCIES, ANSWER);
    sandbox.run(&["vendor", "--oci-layout", "images"]).done();
    let index: Value = serde_json::from_str(&sandbox.read("images/index.json")).expect("JSON");
    let registry = Registry::open();
    sandbox.use_registry(&registry);
    publish_all(&sandbox);
    for (repository, tag) in [("acme/base", "1.1.0"), ("acme/middle", "1.0.0")] {
        let pushed = registry.manifest_digest(repository, tag);
        let listed = index["manifests"].as_array().expect("manifests").iter().find(|it| {
            it["annotations"]["org.opencontainers.image.ref.name"] == format!("{repository}:{tag}")
        });
        assert_eq!(listed.expect("a listed release")["digest"], pushed);
    }
}

#[test]
fn with_all_in_the_store_no_request_is_made() {
    let registry = Registry::open();
    let sandbox = Sandbox::new();
    sandbox.use_registry(&registry);
    publish_all(&sandbox);
    sandbox.write_app(IMPORTS, DEPENDENCIES, ANSWER);
    sandbox.run(&["vendor", "--oci-layout", "one"]).done();
    drop(registry);
    sandbox.run(&["vendor", "--oci-layout", "two", "--frozen"]).done();
    let (one, two) = (sandbox.project().join("one"), sandbox.project().join("two"));
    assert!(files_below(&one) == files_below(&two), "the bytes differ");
}

#[test]
fn what_another_tool_put_into_the_layout_is_not_lost() {
    let sandbox = Sandbox::new();
    sandbox.use_folder();
    publish_all(&sandbox);
    sandbox.write_app(IMPORTS, DEPENDENCIES, ANSWER);
    sandbox.run(&["vendor", "--oci-layout", "images"]).done();
    let mut index: Value = serde_json::from_str(&sandbox.read("images/index.json")).expect("JSON");
    let mut foreign = index["manifests"][0].clone();
    foreign["annotations"] = serde_json::json!({ "org.opencontainers.image.ref.name": "theirs" });
    index["manifests"].as_array_mut().expect("manifests").push(foreign);
    sandbox.write("images/index.json", index.to_string());
    let before = sandbox.files();
    let refused = sandbox.run(&["vendor", "--oci-layout", "images"]).failed();
    insta::assert_snapshot!(sandbox.snapshot(&refused), @"
    exit: 1
    --- stderr
    error: [DIR]/project/images is there and was not made by `spin-deps vendor`

    hint: move it away, or name another folder
    ");
    assert!(sandbox.files() == before);
}
