//! Guests that fail, and components that do not fit.

use std::time::Duration;

use spin_deps_fixtures::{
    http::{app_importing, p2_app, p3_counter_app, p3_middleware, probe_app, silent},
    library::{core_module, wit_only},
};
use spin_deps_host::{HostError, Options, start};

use crate::support::{app, component, lines, refused, run, say};

#[tokio::test]
async fn a_trap_is_a_500_and_the_next_request_is_served() {
    for (bytes, after) in [(probe_app(), "200 1"), (p3_counter_app(), "200 1")] {
        let (output, lines) = lines();
        let options = Options { output, ..Options::default() };
        let running = start(app(component(bytes)), options).await.unwrap();
        assert_eq!(say(&running, "/trap").await, "500 the component failed to answer\n");
        assert_eq!(say(&running, "/").await, after);
        running.shutdown().await;
        let lines = lines.lock().unwrap();
        let [line] = &lines[..] else { panic!("one line for one trap: {lines:?}") };
        assert!(line.starts_with("web Trap ") && line.contains("unreachable"), "{line}");
    }
}

#[tokio::test]
async fn an_endless_loop_is_stopped_and_does_not_stop_others() {
    let (output, lines) = lines();
    let options = Options {
        output,
        request_timeout: Some(Duration::from_millis(200)..=Duration::from_millis(200)),
        ..Options::default()
    };
    let running = start(app(component(probe_app())), options).await.unwrap();
    let (slow, quick) = tokio::join!(say(&running, "/loop"), say(&running, "/"));
    assert_eq!(slow, "504 the component took too long to answer\n");
    assert_eq!(quick, "200 1");
    running.shutdown().await;
    assert!(lines.lock().unwrap().iter().any(|line| line == "web Trap no answer within 0.2 s"));
}

#[tokio::test]
async fn memory_has_a_limit() {
    let options = Options { max_memory: Some(4 << 20), ..Options::default() };
    let running = start(app(component(probe_app())), options).await.unwrap();
    assert_eq!(say(&running, "/heap").await, "500 the component failed to answer\n");
    assert_eq!(say(&running, "/").await, "200 1");
}

#[tokio::test]
async fn what_is_not_provided_is_named() {
    let error = refused(app(component(app_importing("fermyon:spin/llm@2.0.0", "infer").unwrap()))).await;
    assert_eq!(
        error.to_string(),
        "the embedded host does not provide `fermyon:spin/llm@2.0.0`, which the component `web` imports"
    );
    assert!(error.hint().unwrap().contains("`spin up`"));

    let error = refused(app(component(p2_app(&[("acme:hash", "1.0.0")])))).await;
    assert_eq!(
        error.to_string(),
        "the embedded host does not provide `acme:hash/api@1.0.0`, which the component `web` imports"
    );
    assert!(error.hint().unwrap().contains("`spin-deps add`"));

    let error = refused(app(component(p3_middleware("x", "y")))).await;
    assert!(error.to_string().contains("`wasi:http/handler@0.3.0`"), "{error}");

    // The name is provided, but no such function.
    let error = refused(app(component(app_importing("wasi:random/random@0.2.0", "dice").unwrap()))).await;
    assert!(matches!(&error, HostError::Link { component, .. } if component == "web"), "{error}");
}

#[tokio::test]
async fn what_is_no_http_component_is_named() {
    let error = refused(app(component(silent()))).await;
    assert_eq!(error.to_string(), "the component `web` exports no HTTP handler");
    for bytes in [core_module().unwrap(), b"(component)".to_vec(), Vec::new()] {
        let error = refused(app(component(bytes))).await;
        assert!(matches!(&error, HostError::Compile { component, .. } if component == "web"), "{error}");
    }
    let error = refused(app(component(wit_only("acme:hash", "1.0.0").unwrap()))).await;
    assert!(matches!(error, HostError::NoHandler { .. }), "{error}");
}

#[tokio::test]
async fn bytes_with_another_digest_are_not_run() {
    let mut web = component(p2_app(&[]));
    web.digest = component(silent()).digest;
    let error = refused(app(web)).await;
    assert!(matches!(&error, HostError::Digest { component } if component == "web"), "{error}");

    let mut two = app(component(p2_app(&[])));
    let other = component(silent());
    let lying = spin_deps_host::Component { digest: component(p2_app(&[])).digest, ..other };
    two.components.insert("zzz".to_owned(), lying);
    let error = refused(two).await;
    assert!(matches!(&error, HostError::Digest { component } if component == "zzz"), "{error}");
}

#[tokio::test]
async fn an_address_in_use_is_named() {
    let running = run(app(component(p2_app(&[])))).await;
    let options = Options { listen: running.address(), ..Options::default() };
    let error = start(app(component(p2_app(&[]))), options).await.unwrap_err();
    assert_eq!(error.to_string(), format!("cannot listen on {}", running.address()));
    assert!(error.hint().unwrap().contains("--listen"));
}
