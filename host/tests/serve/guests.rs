//! What guests can and cannot do.

use std::collections::BTreeMap;

use spin_deps_fixtures::{
    examples::examples,
    http::{env_app, outbound_app, p2_app, p3_app, p3_counter_app, p3_middleware, probe_app, variables_app},
    library::chain,
};
use spin_deps_host::{HostError, Mount, Options, Request, ask, start};
use wac_graph::{CompositionGraph, EncodeOptions, plug, types::Package};

use crate::support::{app, component, get, lines, refused, run, say};

fn plugged(socket: &[u8], plugs: &[&[u8]]) -> Vec<u8> {
    let mut graph = CompositionGraph::new();
    let mut ids = Vec::new();
    for (place, bytes) in plugs.iter().enumerate() {
        let package =
            Package::from_bytes(&format!("fixture:plug{place}"), None, *bytes, graph.types_mut()).unwrap();
        ids.push(graph.register_package(package).unwrap());
    }
    let socket = Package::from_bytes("fixture:socket", None, socket, graph.types_mut()).unwrap();
    let socket = graph.register_package(socket).unwrap();
    plug(&mut graph, ids, socket).unwrap();
    graph.encode(EncodeOptions::default()).unwrap()
}

#[tokio::test]
async fn composed_apps_of_both_generations_answer_through_their_dependencies() {
    let (hash, base) = (chain("acme:hash", "1.0.0", &[]), chain("acme:base", "0.3.1", &[]));
    let imports = [("acme:hash", "1.0.0"), ("acme:base", "0.3.1")];
    for bytes in [p2_app(&imports), p3_app(&imports)] {
        let running = run(app(component(plugged(&bytes, &[&hash, &base])))).await;
        assert_eq!(say(&running, "/x?y").await, "200 acme:hash@1.0.0(/x?y)\nacme:base@0.3.1(/x?y)");
    }
}

#[tokio::test]
async fn middleware_stands_before_an_app() {
    let inner = plugged(&p3_middleware("x-inner", "1"), &[&p3_app(&[])]);
    let running = run(app(component(plugged(&p3_middleware("x-outer", "2"), &[&inner])))).await;
    // More often than an instance has concurrent requests, so that it is reused.
    for _ in 0..20 {
        let response = get(&running, "/x").await;
        assert_eq!((response.status, &response.body[..]), (200, &b"path: /x"[..]));
        for (name, value) in [("x-inner", "1"), ("x-outer", "2"), ("content-type", "text/plain")] {
            assert!(
                response.headers.contains(&(name.to_owned(), value.to_owned())),
                "{:?}",
                response.headers
            );
        }
    }
    running.shutdown().await;
}

#[tokio::test]
async fn the_environment_is_what_was_given_and_nothing_else() {
    let mut web = component(env_app());
    web.environment = vec![("GREETING".to_owned(), "hello".to_owned()), ("EMPTY".to_owned(), String::new())];
    let running = run(app(web)).await;
    assert_eq!(say(&running, "/env/GREETING").await, "200 hello");
    assert_eq!(say(&running, "/env/EMPTY").await, "200 ");
    assert_eq!(say(&running, "/env/PATH").await, "404 not found");
    assert_eq!(say(&running, "/file/x").await, "404 not found", "no files without mounts");
}

#[tokio::test]
async fn files_are_read_only_unless_said_otherwise_and_end_at_their_directory() {
    let directory = tempfile::tempdir().unwrap();
    let mounted = directory.path().join("mounted");
    fs_err::create_dir_all(mounted.join("sub")).unwrap();
    fs_err::write(mounted.join("sub/page.txt"), "a page").unwrap();
    fs_err::write(directory.path().join("secret"), "a secret").unwrap();
    for (read_only, written) in [(true, "404 not found"), (false, "200 written")] {
        let mut web = component(env_app());
        web.files = vec![Mount { host: mounted.clone(), guest: "/".to_owned(), read_only }];
        let running = run(app(web)).await;
        assert_eq!(say(&running, "/file/sub/page.txt").await, "200 a page");
        assert_eq!(say(&running, "/file/../secret").await, "404 not found");
        assert_eq!(say(&running, "/write/new.txt").await, written);
        assert_eq!(mounted.join("new.txt").exists(), !read_only);
    }

    let mut web = component(env_app());
    web.files = vec![Mount { host: mounted.join("absent"), guest: "/".to_owned(), read_only: true }];
    let error = refused(app(web)).await;
    assert!(matches!(&error, HostError::Mount { component, .. } if component == "web"), "{error}");
}

#[tokio::test]
async fn variables_come_through_all_three_interfaces() {
    let mut web = component(variables_app());
    web.variables = BTreeMap::from([("color".to_owned(), "blue".to_owned())]);
    let running = run(app(web)).await;
    for interface in ["fermyon", "spin", "config"] {
        assert_eq!(say(&running, &format!("/{interface}/color")).await, "200 blue", "{interface}");
    }
    for (path, case) in [
        ("/fermyon/Color", "0"),
        ("/fermyon/size", "1"),
        ("/spin/Color", "0"),
        ("/spin/size", "1"),
        ("/config/size", "99"),
    ] {
        assert_eq!(say(&running, path).await, format!("404 {case}"), "{path}");
    }
}

#[tokio::test]
async fn requests_go_out_only_to_allowed_hosts() {
    let target = run(app(component(p2_app(&[])))).await;
    let address = target.address();
    // 15 is `HTTP-request-denied`.
    for (allowed, answer) in [
        (vec![], "200 error 15".to_owned()),
        (vec!["http://127.0.0.1:1".to_owned()], "200 error 15".to_owned()),
        (vec![format!("https://127.0.0.1:{}", address.port())], "200 error 15".to_owned()),
        (vec![format!("http://127.0.0.1:{}", address.port())], "200 status 200".to_owned()),
        (vec!["*://*:*".to_owned()], "200 status 200".to_owned()),
    ] {
        let mut web = component(outbound_app());
        web.allowed_outbound_hosts.clone_from(&allowed);
        let running = run(app(web)).await;
        assert_eq!(say(&running, &format!("/{address}")).await, answer, "{allowed:?}");
    }

    let mut web = component(outbound_app());
    web.allowed_outbound_hosts = vec!["example.com".to_owned()];
    assert_eq!(
        refused(app(web)).await.to_string(),
        "`example.com` in the allowed_outbound_hosts of component `web` is not valid: it has no scheme, such as \
         `https://`"
    );
}

#[tokio::test]
async fn a_failed_handshake_is_an_error_for_the_guest() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { drop(listener.accept().await) });
    let mut web = component(outbound_app());
    web.allowed_outbound_hosts = vec![format!("https://{address}")];
    let running = run(app(web)).await;
    // 12 is `TLS-protocol-error`.
    assert_eq!(say(&running, &format!("/https/{address}")).await, "200 error 12");
}

#[tokio::test(flavor = "multi_thread")]
async fn many_requests_at_once_are_all_answered() {
    for bytes in [p2_app(&[]), p3_app(&[])] {
        let running = run(app(component(bytes))).await;
        let address = running.address();
        let mut requests = tokio::task::JoinSet::new();
        for count in 0..200 {
            requests.spawn(async move {
                let path = format!("/{count}");
                let response =
                    ask(address, &Request { path: path.clone(), ..Request::default() }).await.unwrap();
                assert_eq!(String::from_utf8_lossy(&response.body), format!("path: {path}"));
            });
        }
        requests.join_all().await;
        running.shutdown().await;
    }
}

#[tokio::test]
async fn a_p2_instance_answers_once_and_a_p3_instance_many_times() {
    let running = run(app(component(probe_app()))).await;
    assert_eq!(say(&running, "/").await, "200 1");
    assert_eq!(say(&running, "/").await, "200 1");

    let running = run(app(component(p3_counter_app()))).await;
    for count in 1..=128 {
        assert_eq!(say(&running, "/").await, format!("200 {count}"));
    }
    assert_eq!(say(&running, "/").await, "200 1", "used up after 128 requests");
}

#[tokio::test]
async fn large_bodies_arrive_whole() {
    let running = run(app(component(probe_app()))).await;
    let body = get(&running, "/large").await.body;
    assert_eq!(body.len(), 100_000);
    assert!(body.iter().all(|byte| *byte == b'x'));

    let running = run(app(component(p3_app(&[])))).await;
    let path = format!("/{}", "y".repeat(50_000));
    assert_eq!(say(&running, &path).await, format!("200 path: {path}"));
}

#[tokio::test]
async fn what_guests_print_goes_to_the_output() {
    let (output, lines) = lines();
    let options = Options { output, ..Options::default() };
    let running = start(app(component(probe_app())), options).await.unwrap();
    assert_eq!(say(&running, "/print").await, "200 ");
    running.shutdown().await;
    assert_eq!(*lines.lock().unwrap(), ["web Stdout hello from the guest"]);
}

#[tokio::test]
async fn the_example_greets() {
    let made: BTreeMap<String, Vec<u8>> = examples().unwrap().into_iter().collect();
    let release = |path: &str| made[&format!("registry/acme/{path}.wasm")].as_slice();
    for (greeting, words, answer) in
        [("1.2.0", "0.3.1", "200 Hello, Ada!\n"), ("1.1.0", "0.3.0", "200 Helo, Ada.\n")]
    {
        let greeting =
            plugged(release(&format!("greeting/{greeting}")), &[release(&format!("words/{words}"))]);
        let running = run(app(component(plugged(&made["greeter/greeter.wasm"], &[&greeting])))).await;
        assert_eq!(say(&running, "/hello/Ada?x=/y").await, answer);
    }
}
