//! A folder as a registry.

use spin_deps_registry::{Content, Error, Listing, ProjectConfig, Registries, Settings, digest_of};
use wasm_pkg_common::registry::Registry;

use crate::support::{offline, open, package, publication, registry, version};

struct Folder {
    dir: tempfile::TempDir,
    settings: Settings,
    registry: Registry,
}

impl Folder {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        fs_err::create_dir_all(dir.path().join("app")).unwrap();
        fs_err::create_dir_all(dir.path().join("registry")).unwrap();
        let toml = "default_registry = \"folder.local\"\n\
                    [registry.\"folder.local\"]\ntype = \"local\"\nlocal = { root = \"../registry\" }\n";
        let project = ProjectConfig { toml: toml.into(), base_dir: dir.path().join("app") };
        let settings = Settings { project_config: Some(project), ..Settings::new(dir.path().join("cache")) };
        Self { dir, settings, registry: registry("folder.local") }
    }

    async fn open(&self) -> Registries {
        open(&self.settings).await
    }

    async fn put(&self, name: &str, number: &str, content: &'static str) {
        let publication = publication(name, number, content);
        self.open().await.publish(&publication, &self.registry).await.unwrap();
    }
}

#[tokio::test]
async fn what_is_published_is_listed_described_and_fetched_also_offline() {
    let folder = Folder::new();
    for number in ["2.0.0", "1.0.0", "1.0.0-rc.1", "1.0.0+build"] {
        folder.put("acme:base", number, "\0asm base").await;
    }
    assert!(folder.dir.path().join("registry/acme/base/1.0.0+build.wasm").is_file());

    let registries = open(&offline(&folder.settings)).await;
    let name = package("acme:base");
    assert_eq!(registries.registry_of(&name), Some(folder.registry.clone()));
    let Listing::Found(listed) = registries.versions(&name, &folder.registry).await.unwrap() else {
        panic!()
    };
    let versions: Vec<String> = listed.iter().map(|listed| listed.version.to_string()).collect();
    assert_eq!(versions, ["1.0.0-rc.1", "1.0.0", "1.0.0+build", "2.0.0"]);

    let release = registries.release(&name, &version("2.0.0"), &folder.registry).await.unwrap().unwrap();
    assert_eq!(
        (release.digest.clone(), release.size, release.manifest.clone()),
        (digest_of(b"\0asm base"), 9, None)
    );
    assert_eq!(release.component, None);
    let content = Content::of(&name, &version("2.0.0"), &folder.registry, &release);
    assert_eq!(registries.fetch(&content).await.unwrap(), "\0asm base");

    // From the store, when the folder is gone.
    fs_err::remove_dir_all(folder.dir.path().join("registry")).unwrap();
    assert_eq!(folder.open().await.fetch(&content).await.unwrap(), "\0asm base");
}

#[tokio::test]
async fn absence_is_an_answer_and_a_missing_folder_is_a_mistake() {
    let folder = Folder::new();
    folder.put("acme:base", "1.0.0", "x").await;
    fs_err::write(folder.dir.path().join("registry/acme/base/notes.txt"), "x").unwrap();
    fs_err::write(folder.dir.path().join("registry/acme/base/v1.wasm"), "x").unwrap();
    let registries = folder.open().await;
    let Listing::Found(listed) = registries.versions(&package("acme:base"), &folder.registry).await.unwrap()
    else {
        panic!()
    };
    assert_eq!(listed.len(), 1);
    let missing = registries.versions(&package("acme:other"), &folder.registry).await.unwrap();
    assert_eq!(missing, Listing::NotFound);
    let missing =
        registries.release(&package("acme:base"), &version("9.0.0"), &folder.registry).await.unwrap();
    assert_eq!(missing, None);

    fs_err::remove_dir_all(folder.dir.path().join("registry")).unwrap();
    let error = folder.open().await.versions(&package("acme:base"), &folder.registry).await.unwrap_err();
    assert!(matches!(error, Error::UnusableRegistry { .. }), "{error}");
    assert!(error.to_string().contains("does not exist"), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_two_publishers_one_wins_and_pre_releases_are_no_exception() {
    let folder = Folder::new();
    let registries = folder.open().await;
    for number in ["1.0.0", "1.0.0-rc.1"] {
        let attempts = (0..8u8).map(|seed| {
            let (registries, registry) = (registries.clone(), folder.registry.clone());
            let publication = publication("acme:base", number, vec![seed; 1000]);
            tokio::spawn(async move { registries.publish(&publication, &registry).await })
        });
        let mut won = 0;
        for attempt in attempts.collect::<Vec<_>>() {
            match attempt.await.unwrap() {
                Ok(published) => won += u32::from(!published.already_there),
                Err(Error::AlreadyExists { .. }) => {}
                Err(error) => panic!("{error}"),
            }
        }
        assert_eq!(won, 1);
    }
    let dir = folder.dir.path().join("registry/acme/base");
    assert_eq!(fs_err::read_dir(dir).unwrap().count(), 2, "nothing temporary remains");
}

#[tokio::test]
async fn the_same_content_again_is_there_already_and_other_content_is_refused() {
    let folder = Folder::new();
    folder.put("acme:base", "1.0.0", "one").await;
    let registries = folder.open().await;
    let same = registries.publish(&publication("acme:base", "1.0.0", "one"), &folder.registry).await.unwrap();
    assert!(same.already_there);
    let error =
        registries.publish(&publication("acme:base", "1.0.0", "two"), &folder.registry).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "acme:base 1.0.0 already exists at registry `folder.local` with other content"
    );
    assert!(error.hint().unwrap().contains("new version"));
}

#[tokio::test]
async fn a_file_changed_after_it_was_locked_is_refused() {
    let folder = Folder::new();
    folder.put("acme:base", "1.0.0", "good").await;
    let registries = folder.open().await;
    let name = package("acme:base");
    let release = registries.release(&name, &version("1.0.0"), &folder.registry).await.unwrap().unwrap();
    let content = Content::of(&name, &version("1.0.0"), &folder.registry, &release);
    let file = folder.dir.path().join("registry/acme/base/1.0.0.wasm");
    fs_err::write(&file, "evil").unwrap();
    let error = registries.fetch(&content).await.unwrap_err();
    assert!(
        matches!(&error, Error::DigestMismatch { origin, .. } if origin.contains("1.0.0.wasm")),
        "{error}"
    );
    fs_err::remove_file(&file).unwrap();
    let error = registries.fetch(&content).await.unwrap_err();
    assert_eq!(error.to_string(), "registry `folder.local` has no acme:base 1.0.0");
}
