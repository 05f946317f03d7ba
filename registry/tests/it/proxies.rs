//! Proxies: used by both clients, and not for this machine.

use std::sync::{Arc, Mutex};

use spin_deps_registry::{Content, Error, Settings};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::support::{
    Authority, DockerRegistry, RawServer, Reply, Server, World, content, environment, open, package,
    publication, version,
};

/// Publishes, which `oci-client` does, and reads, which we do.
async fn publish_and_fetch(world: &World, variables: &[(&str, &str)]) -> Result<(), Error> {
    let settings = Settings { environment: environment(variables), ..world.settings.clone() };
    let registries = open(&settings).await;
    let bytes = content(1, 20_000);
    registries.publish(&publication("acme:base", "1.0.0", bytes.clone()), &world.registry).await?;
    let (name, number) = (package("acme:base"), version("1.0.0"));
    let release = registries.release(&name, &number, &world.registry).await?.unwrap();
    let content = Content::of(&name, &number, &world.registry, &release);
    assert_eq!(registries.fetch(&content).await?, bytes);
    Ok(())
}

#[tokio::test]
async fn http_goes_through_its_proxy_with_the_proxys_password() {
    let upstream = DockerRegistry::start();
    let proxy = Server::counting(upstream.address()).await;
    for variable in ["HTTP_PROXY", "http_proxy", "ALL_PROXY"] {
        let world = World::new("registry.invalid");
        let address = format!("http://me:secret@{}", proxy.address());
        publish_and_fetch(&world, &[(variable, &address)]).await.unwrap();
        let asked = proxy.take_all();
        let blobs = asked.iter().filter(|ask| ask.path.contains("/blobs/")).count();
        assert!(blobs >= 2, "{variable}: {asked:#?}");
        assert!(asked.iter().all(|ask| ask.header("host") == Some("registry.invalid")));
        // `me:secret` in base64.
        assert!(asked.iter().all(|ask| ask.header("proxy-authorization") == Some("Basic bWU6c2VjcmV0")));
    }
}

/// A proxy that connects whatever is asked for with `upstream`. Gives its address and what was asked for.
async fn tunnel(upstream: String) -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let asked: Arc<Mutex<Vec<String>>> = Arc::default();
    let seen = Arc::clone(&asked);
    tokio::spawn(async move {
        loop {
            let (mut client, _) = listener.accept().await.unwrap();
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                head.push(client.read_u8().await.unwrap());
            }
            let head = String::from_utf8(head).unwrap();
            seen.lock().unwrap().push(head.lines().next().unwrap().to_owned());
            let mut server = TcpStream::connect(&upstream).await.unwrap();
            client.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
            tokio::spawn(async move { tokio::io::copy_bidirectional(&mut client, &mut server).await });
        }
    });
    (address, asked)
}

#[tokio::test]
async fn https_goes_through_a_tunnel_of_its_proxy() {
    let authority = Authority::new();
    let upstream = DockerRegistry::start();
    let server =
        Server::tls_in_front_of(upstream.address(), authority.issue(&["registry.invalid"]).acceptor()).await;
    let (proxy, asked) = tunnel(server.address().to_owned()).await;
    let world = World::new("registry.invalid");
    let config = format!(
        "default_registry = \"registry.invalid\"\n[registry.\"registry.invalid\".oci]\n\
         extra_root_certificates = [{{ encoding = \"pem\", data = '''\n{}''' }}]\n",
        authority.pem()
    );
    fs_err::write(world.settings.config_file.as_ref().unwrap(), config).unwrap();
    // A proxy for the other scheme, where nobody listens, is not asked.
    publish_and_fetch(&world, &[("HTTPS_PROXY", &proxy), ("HTTP_PROXY", "http://127.0.0.1:1")])
        .await
        .unwrap();
    let asked = asked.lock().unwrap().clone();
    assert!(asked.len() >= 2, "one of each client");
    assert!(asked.iter().all(|ask| ask == "CONNECT registry.invalid:443 HTTP/1.1"), "{asked:?}");
}

#[tokio::test]
async fn this_machine_and_what_no_proxy_lists_are_spoken_to_directly() {
    let dead = "http://127.0.0.1:1";
    let upstream = DockerRegistry::start();
    publish_and_fetch(&World::new(upstream.address()), &[("HTTP_PROXY", dead), ("ALL_PROXY", dead)])
        .await
        .unwrap();

    // Another name for this machine, but not one of those that are known as such.
    let port = upstream.address().rsplit(':').next().unwrap();
    let world = World::new(&format!("0.0.0.0:{port}"));
    let error = publish_and_fetch(&world, &[("HTTP_PROXY", dead)]).await.unwrap_err();
    assert!(matches!(error, Error::Unreachable { .. }), "{error}");
    publish_and_fetch(&world, &[("HTTP_PROXY", dead), ("NO_PROXY", "example.com,0.0.0.0")]).await.unwrap();
}

#[tokio::test]
async fn a_proxy_that_is_none_is_named_by_its_variable() {
    let world = World::new("registry.invalid");
    let error = publish_and_fetch(&world, &[("HTTPS_PROXY", "http://me:secret@[")]).await.unwrap_err();
    assert!(error.to_string().ends_with("the proxy in `HTTPS_PROXY` cannot be used"), "{error}");
}

#[tokio::test]
async fn a_proxy_that_refuses_is_what_the_message_is_about() {
    for (status, expected) in [(407, "proxy authorization required"), (403, "unsuccessful")] {
        let proxy = RawServer::start(move |_| Reply::new(status, "").steps()).await;
        let world = World::new("registry.invalid");
        let config = world.settings.config_file.as_ref().unwrap();
        fs_err::write(config, "default_registry = \"registry.invalid\"").unwrap();
        let error = publish_and_fetch(&world, &[("HTTPS_PROXY", proxy.address())]).await.unwrap_err();
        let expected = format!("the proxy did not let it through: {expected}");
        assert!(error.to_string().ends_with(&expected), "{error}");
    }
}
