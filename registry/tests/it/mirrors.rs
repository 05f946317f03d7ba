//! Mirrors: content from them, names from the registry, and nothing that its digest does not vouch for.

use spin_deps_registry::{Content, Error, Listing, Registries};

use crate::support::{
    Answer, Asked, DockerRegistry, Server, World, content, environment, open, package, publication, registry,
    version,
};

/// A registry with a release, behind a server that counts.
async fn origin() -> (DockerRegistry, Server) {
    let upstream = DockerRegistry::start();
    let publisher = World::new(upstream.address());
    let publication = publication("acme:base", "1.0.0", content(5, 100_000));
    publisher.open().await.publish(&publication, &publisher.registry).await.unwrap();
    let server = Server::counting(upstream.address()).await;
    (upstream, server)
}

/// A world that reads the registry through these mirrors, spoken to over plain http.
fn mirrored(origin: &Server, mirrors: &[&str]) -> World {
    let world = World::with(origin.address(), &format!("mirrors = {mirrors:?}"));
    let path = world.settings.config_file.as_ref().unwrap();
    let mut config = fs_err::read_to_string(path).unwrap();
    for mirror in mirrors {
        let host = mirror.split('/').next().unwrap();
        config.extend(["[registry.\"", host, "\".oci]\nprotocol = \"http\"\n"]);
    }
    fs_err::write(path, config).unwrap();
    world
}

async fn read(registries: &Registries, world: &World) -> Result<Content, Error> {
    let (name, number) = (package("acme:base"), version("1.0.0"));
    let Listing::Found(_) = registries.versions(&name, &world.registry).await? else { panic!() };
    let release = registries.release(&name, &number, &world.registry).await?.unwrap();
    let wanted = Content::of(&name, &number, &world.registry, &release);
    assert_eq!(registries.fetch(&wanted).await?, content(5, 100_000));
    Ok(wanted)
}

fn blobs(asked: &[String]) -> usize {
    asked.iter().filter(|ask| ask.contains("/blobs/")).count()
}

/// A mirror that holds all that the registry holds, below `cache/`.
async fn whole_mirror(upstream: &DockerRegistry) -> Server {
    let address = upstream.address().to_owned();
    Server::start(move |ask| {
        // Redirected, so that the mirror itself need not be a registry.
        let path = ask.path.strip_prefix("/v2/cache/")?;
        Some(Answer::new(307, "").header("location", format!("http://{address}/v2/{path}")))
    })
    .await
}

#[tokio::test]
async fn content_comes_from_the_mirror_and_names_from_the_registry() {
    let (upstream, origin) = origin().await;
    let mirror = whole_mirror(&upstream).await;
    let world = mirrored(&origin, &[&format!("{}/cache", mirror.address())]);
    let locked = read(&world.open().await, &world).await.unwrap();
    let (at_origin, at_mirror) = (origin.take(), mirror.take());
    assert_eq!((blobs(&at_origin), blobs(&at_mirror)), (0, 2), "{at_origin:#?} {at_mirror:#?}");
    assert!(at_origin.iter().any(|ask| ask.contains("/tags/list")), "{at_origin:#?}");
    assert!(at_origin.iter().any(|ask| ask.contains("/manifests/1.0.0")), "{at_origin:#?}");
    assert!(
        at_mirror.iter().all(|ask| !ask.contains("/tags/") && !ask.contains("/manifests/")),
        "{at_mirror:#?}"
    );

    // With a lock, the registry is not asked for anything; it might as well be gone.
    let clean = mirrored(&origin, &[&format!("{}/cache/", mirror.address())]);
    let registries = clean.open().await;
    let manifest = locked.manifest.as_ref().unwrap();
    let (name, number) = (&locked.package, &locked.version);
    let release = registries.release_by_manifest(name, number, &clean.registry, manifest).await.unwrap();
    assert_eq!(release.unwrap().digest, locked.digest);
    registries.fetch(&locked).await.unwrap();
    let asked = origin.take();
    assert!(asked.iter().all(|ask| !ask.contains("/v2/")), "{asked:#?}");
    assert!(mirror.take().iter().any(|ask| ask.contains(&format!("/manifests/{manifest}"))));
}

#[tokio::test]
async fn mirrors_that_lack_it_lie_or_are_gone_are_passed_over() {
    let (_upstream, origin) = origin().await;
    let empty = Server::start(|_| None).await;
    let lying =
        Server::start(|ask| Some(Answer::new(200, if ask.path == "/v2/" { "" } else { "evil" }))).await;
    let longer = Server::start(|_| Some(Answer::new(200, content(6, 100_001)))).await;
    let refusing = Server::start(|_| Some(Answer::new(403, ""))).await;
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    for mirror in [empty.address(), lying.address(), longer.address(), refusing.address(), closed.as_str()] {
        let world = mirrored(&origin, &[mirror]);
        let registries = world.open().await;
        read(&registries, &world).await.unwrap();
        assert_eq!(blobs(&origin.take()), 2);
        assert!(registries.store().verify().await.unwrap().is_empty());
    }
    let all = [closed.as_str(), empty.address(), lying.address()];
    let world = mirrored(&origin, &all);
    read(&world.open().await, &world).await.unwrap();
    assert_eq!(blobs(&origin.take()), 2);
}

#[tokio::test]
async fn a_mirror_that_is_not_there_is_not_asked_again() {
    let (_upstream, origin) = origin().await;
    let down = Server::start(|_| Some(Answer::new(500, ""))).await;
    let world = mirrored(&origin, &[down.address()]);
    read(&world.open().await, &world).await.unwrap();
    // The three attempts of the first question.
    assert_eq!(down.take().len(), 3);
}

#[tokio::test]
async fn a_mirror_has_credentials_of_its_own_and_sees_no_others() {
    let upstream = DockerRegistry::with_user("me", "secret");
    let publisher = World::with(upstream.address(), "auth = { username = \"me\", password = \"secret\" }");
    let publication = publication("acme:base", "1.0.0", content(5, 100_000));
    publisher.open().await.publish(&publication, &publisher.registry).await.unwrap();
    let origin = Server::counting(upstream.address()).await;
    let of_mirror = |ask: &Asked| ask.authorization() == Some("Bearer for-the-mirror");
    let mirror = Server::start(move |ask| (!of_mirror(ask)).then(|| Answer::new(401, ""))).await;
    let world = mirrored(&origin, &[mirror.address()]);
    let path = world.settings.config_file.as_ref().unwrap();
    let config = fs_err::read_to_string(path).unwrap();
    let auth = "auth = { username = \"me\", password = \"secret\" }\nmirrors";
    fs_err::write(path, config.replacen("mirrors", auth, 1)).unwrap();

    read(&world.open().await, &world).await.unwrap();
    let asked = mirror.take_all();
    assert!(!asked.is_empty());
    assert!(asked.iter().all(|ask| ask.authorization().is_none()), "{asked:#?}");

    let variable =
        format!("WKG_REGISTRY_{}_AUTH_BEARER", mirror.address().replace(|c: char| !c.is_ascii_digit(), "_"));
    let mut settings = world.settings.clone();
    settings.cache_dir = world.dir.path().join("other");
    settings.environment = environment(&[(variable.as_str(), "for-the-mirror")]);
    read(&open(&settings).await, &world).await.unwrap();
    let asked = mirror.take_all();
    assert!(!asked.is_empty());
    assert!(asked.iter().all(of_mirror), "{asked:#?}");
}

#[tokio::test]
async fn wkg_reads_the_same_file() {
    let config =
        "[registry.\"reg.example\".oci]\nmirrors = [\"mirror.example/cache\"]\nprotocol = \"http\"\n";
    let config = wasm_pkg_common::config::Config::from_toml(config).unwrap();
    let of_registry = config.registry_config(&registry("reg.example")).unwrap();
    assert_eq!(of_registry.default_backend(), Some("oci"));
    wasm_pkg_client::oci::OciRegistryConfig::try_from(of_registry).unwrap();
}

#[tokio::test]
async fn a_mirror_that_is_no_host_is_refused() {
    let world = World::with("127.0.0.1:1", "mirrors = [\"https://mirror.example\"]");
    let error = world.list().await.unwrap_err();
    assert!(error.to_string().contains("`mirrors` must be a list of hosts"), "{error}");
}
