//! Sockets, and services that are not here.

use std::net::TcpListener;

use super::{told, tool};

#[test]
fn sockets_reach_what_is_allowed_and_nothing_else() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = listener.local_addr().expect("its address").port().to_string();
    let allowed = tool(&format!("allowed_outbound_hosts = [\"*://127.0.0.1:{port}\"]"), "");
    assert_eq!(
        told(&allowed, &["sockets", &port]),
        "sockets 0.2: Ok(())\nsockets 0.3: Ok(())\nname: Ok(1)\n"
    );
    let other = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let elsewhere = other.local_addr().expect("its address").port().to_string();
    let denied = "sockets 0.2: Err(ErrorCode { code: 1, name: \"access-denied\", message: \"\" })\n\
                  sockets 0.3: Err(ErrorCode::AccessDenied)\n";
    assert!(told(&allowed, &["sockets", &elsewhere]).starts_with(denied));
    // Requests are not sockets.
    let requests = tool(&format!("allowed_outbound_hosts = [\"http://127.0.0.1:{port}\"]"), "");
    assert!(told(&requests, &["sockets", &port]).starts_with(denied));
}

#[test]
fn a_service_that_is_not_here_answers_with_its_own_error_and_is_named() {
    let run = super::up(&tool("", ""), &[], &["missing"]).done();
    insta::assert_snapshot!(run.stdout, @r#"
    llm: Err(Error::RuntimeError("the embedded host of spin-deps does not have this service"))
    postgres: Err(Error::Other("the embedded host of spin-deps does not have this service"))
    "#);
    insta::assert_snapshot!(run.stderr, @"warning: component `tool` imports what the embedded host does not have, and gets an error when it calls it: PostgreSQL (spin:postgres/postgres@4.2.0), language models (fermyon:spin/llm@2.0.0)");
}
