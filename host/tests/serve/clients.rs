//! Clients: of both versions of HTTP, slow ones, and those that go away.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Empty};
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use spin_deps_fixtures::http::{bad_app, p2_app, p3_app, p3_bad_app, probe_app};
use spin_deps_host::{Options, Running, start};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::support::{app, component, lines, run, say};

/// A connection of HTTP/2 with prior knowledge.
async fn http2(running: &Running) -> http2::SendRequest<Empty<Bytes>> {
    let stream = TcpStream::connect(running.address()).await.unwrap();
    let (sender, connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    sender
}

fn request(running: &Running, method: &str, path: &str) -> http::Request<Empty<Bytes>> {
    let uri = format!("http://{}{path}", running.address());
    http::Request::builder().method(method).uri(uri).body(Empty::new()).unwrap()
}

#[tokio::test]
async fn http_2_is_served_on_the_same_port() {
    for bytes in [p2_app(&[]), p3_app(&[])] {
        let running = run(app(component(bytes))).await;
        let mut sender = http2(&running).await;
        let mut answers = tokio::task::JoinSet::new();
        for count in 0..50 {
            let answer = sender.send_request(request(&running, "GET", &format!("/{count}")));
            answers.spawn(async move {
                let response = answer.await.unwrap();
                assert_eq!((response.version(), response.status().as_u16()), (http::Version::HTTP_2, 200));
                let body = response.into_body().collect().await.unwrap().to_bytes();
                assert_eq!(body, format!("path: /{count}"));
            });
        }
        answers.join_all().await;
        assert_eq!(say(&running, "/x").await, "200 path: /x");

        let response = sender.send_request(request(&running, "HEAD", "/")).await.unwrap();
        assert_eq!(response.headers()["content-type"], "text/plain");
        assert!(response.into_body().collect().await.unwrap().to_bytes().is_empty());
        running.shutdown().await;
    }
}

#[tokio::test]
async fn a_body_that_breaks_off_is_an_error_in_http_2() {
    let running = run(app(component(bad_app()))).await;
    let mut sender = http2(&running).await;
    // The reset of the stream may overtake the head.
    if let Ok(response) = sender.send_request(request(&running, "GET", "/breaks")).await {
        assert!(response.into_body().collect().await.is_err());
    }
    let response = sender.send_request(request(&running, "GET", "/")).await.unwrap();
    assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), "hello");
}

#[tokio::test]
async fn a_shutdown_lets_a_body_over_http_2_finish() {
    let running = run(app(component(p3_bad_app()))).await;
    let mut sender = http2(&running).await;
    let response = sender.send_request(request(&running, "GET", "/large")).await.unwrap();
    let next = request(&running, "GET", "/");
    let shutdown = tokio::spawn(running.shutdown());
    // Nothing new is taken before the body has come.
    while sender.send_request(next.clone()).await.is_ok() {}
    assert_eq!(response.into_body().collect().await.unwrap().to_bytes().len(), 4 << 20);
    shutdown.await.unwrap();
}

async fn send(running: &Running, text: &str) -> TcpStream {
    let mut stream = TcpStream::connect(running.address()).await.unwrap();
    stream.write_all(text.as_bytes()).await.unwrap();
    stream
}

/// Waits until no instance is left, without telling any of them to go.
async fn freed(running: Running) {
    let gone = async {
        while !running.is_idle() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_mins(1), gone).await.expect("all instances go");
    running.shutdown().await;
}

#[tokio::test]
async fn a_guest_ends_with_its_client() {
    for (bytes, path) in [
        (probe_app(), "/loop"),
        (p3_bad_app(), "/loop"),
        (p3_bad_app(), "/never"),
        (bad_app(), "/endless"),
        (p3_bad_app(), "/large"),
    ] {
        let (output, lines) = lines();
        let options = Options { output, request_timeout: None, ..Options::default() };
        let running = start(app(component(bytes)), options).await.unwrap();
        let mut stream = send(&running, &format!("GET {path} HTTP/1.1\r\nhost: a\r\n\r\n")).await;
        if matches!(path, "/endless" | "/large") {
            stream.read_exact(&mut [0; 4096]).await.unwrap();
        }
        // Another one has the server's attention meanwhile.
        say(&running, "/").await;
        drop(stream);
        freed(running).await;
        assert_eq!(*lines.lock().unwrap(), [""; 0], "{path}: the guest did nothing wrong");
    }
}

#[tokio::test]
async fn a_client_that_goes_leaves_the_others_of_its_instance_alone() {
    let options = Options { request_timeout: None, ..Options::default() };
    let running = start(app(component(p3_bad_app())), options).await.unwrap();
    let mut large = send(&running, "GET /large HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n").await;
    let mut head = [0; 15];
    large.read_exact(&mut head).await.unwrap();
    assert_eq!(&head, b"HTTP/1.1 200 OK");
    let never = send(&running, "GET /never HTTP/1.1\r\nhost: a\r\n\r\n").await;
    say(&running, "/").await;
    drop(never);
    let mut rest = Vec::new();
    large.read_to_end(&mut rest).await.unwrap();
    assert!(rest.ends_with(b"\r\n0\r\n\r\n"), "whole, in chunks");
    assert!(rest.len() > 4 << 20);
    freed(running).await;
}

#[tokio::test]
async fn a_body_that_nobody_reads_holds_nobody_up() {
    for bytes in [p2_app(&[]), p3_app(&[])] {
        let running = run(app(component(bytes))).await;
        // The client waits for leave to send, and does not get it.
        let mut waits = send(
            &running,
            "POST /x HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: 1000000\r\n\r\n",
        )
        .await;
        let mut head = [0; 15];
        waits.read_exact(&mut head).await.unwrap();
        assert_eq!(&head, b"HTTP/1.1 200 OK");
        // And one that sends a part and then listens.
        let head = "POST /x HTTP/1.1\r\nhost: a\r\ncontent-length: 1000000\r\n\r\n";
        let mut sends = send(&running, &format!("{head}{}", "x".repeat(10_000))).await;
        let mut head = [0; 15];
        sends.read_exact(&mut head).await.unwrap();
        assert_eq!(&head, b"HTTP/1.1 200 OK");
        assert_eq!(say(&running, "/y").await, "200 path: /y");
        drop((waits, sends));
        freed(running).await;
    }
}

#[tokio::test]
async fn a_slow_reader_is_not_too_slow_while_it_reads() {
    let limit = Duration::from_millis(300);
    let options = Options { request_timeout: Some(limit..=limit), ..Options::default() };
    let running = start(app(component(p3_bad_app())), options).await.unwrap();
    let mut large = send(&running, "GET /large HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n").await;
    let mut read = 0;
    let mut piece = vec![0; 256 << 10];
    loop {
        let count = large.read(&mut piece).await.unwrap();
        if count == 0 {
            break;
        }
        read += count;
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(read > 4 << 20, "{read} bytes");
    running.shutdown().await;
}
