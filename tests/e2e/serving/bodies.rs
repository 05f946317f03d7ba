//! Bodies that are larger than any memory they pass through.

use bytes::Bytes;
use http::Request;
use http_body_util::BodyExt as _;
use hyper::body::Frame;

use super::client::{Body, Connection, channel, count, empty, long};
use super::{Served, app, guests};
use crate::running::serve;
use crate::support::http::block_on;
use crate::support::memory::Peak;

/// What is sent, in bytes.
const SIZE: usize = 256 << 20;

/// What the server may fill with it: a third. What it needs itself is in this as well.
const ROOM: u64 = SIZE as u64 / 3;

fn post(path: &str, body: Body) -> Request<Body> {
    Request::post(path).body(body).expect("a request")
}

#[test]
fn a_body_larger_than_the_memory_passes_both_ways() {
    for component in [&*guests::P2, &*guests::P3] {
        let sandbox = app(component);
        let (process, address) = serve(&sandbox, &["--max-memory", "32MiB"]);
        let peak = Peak::of(process.id(), "RssAnon");
        block_on(async {
            let mut connection = Connection::one(&address).await;
            // Sent and read at the same time: the server has to hold the sender back when the reader is slow.
            let response = connection.send(post("/echo", long(SIZE)), &address).await;
            assert_eq!(count(response).await, SIZE);
            let response = connection.send(post("/pass", long(SIZE)), &address).await;
            assert_eq!(count(response).await, SIZE);
        });
        process.interrupt();
        assert_eq!(process.finish().status.code(), Some(0));
        let peak = peak.bytes();
        assert!(peak > 0 && peak < ROOM, "{} MiB", peak >> 20);
    }
}

#[test]
fn what_a_client_does_not_read_is_not_made() {
    for component in [&*guests::P2, &*guests::P3] {
        let sandbox = app(component);
        let (process, address) = serve(&sandbox, &[]);
        let peak = Peak::of(process.id(), "RssAnon");
        let ended = block_on(async {
            // It never ends, and this reads none of it until everything else is done.
            let mut slow = Connection::one(&address).await;
            let endless =
                slow.send(Request::get("/endless").body(empty()).expect("a request"), &address).await;
            let mut other = Connection::one(&address).await;
            for _ in 0..20 {
                let response = other.send(post("/count", long(1 << 20)), &address).await;
                assert_eq!(response.into_body().collect().await.expect("a body").to_bytes(), "1048576");
            }
            let mut endless = endless.into_body();
            let first = endless.frame().await.expect("a body").expect("a good one").into_data();
            assert!(first.expect("no trailers").iter().all(|byte| *byte == b'x'));
            process.interrupt();
            drop(endless);
            drop(slow);
            process.finish()
        });
        assert_eq!(ended.status.code(), Some(0), "{}", ended.stderr);
        let peak = peak.bytes();
        assert!(peak > 0 && peak < ROOM, "{} MiB", peak >> 20);
    }
}

/// Clients that go away in the middle of an answer, of a request, and before there is an answer.
#[test]
fn a_client_that_goes_away_costs_nothing_and_is_no_fault_of_the_app() {
    for served in Served::both() {
        block_on(async {
            for _ in 0..40 {
                let mut connection = Connection::one(&served.address).await;
                let get = Request::get("/endless").body(empty()).expect("a request");
                let mut answer = connection.send(get, &served.address).await.into_body();
                answer.frame().await.expect("a body").expect("a good one");
                drop((answer, connection));

                let (sender, body) = channel();
                let mut connection = Connection::one(&served.address).await;
                sender.send(Frame::data(Bytes::from_static(b"some"))).await.expect("room for one");
                let mut answer = connection.send(post("/echo", body), &served.address).await.into_body();
                answer.frame().await.expect("a body").expect("a good one");
                drop((answer, connection, sender));

                let (sender, body) = channel();
                let mut connection = Connection::one(&served.address).await;
                let request = post("/count", body);
                tokio::select! {
                    biased;
                    _ = connection.send(request, &served.address) => panic!("it was not asked whole"),
                    () = async {
                        for _ in 0..3 {
                            let some = Frame::data(Bytes::from_static(b"some"));
                            sender.send(some).await.expect("somebody who reads");
                        }
                    } => {}
                }
                drop((connection, sender));
            }
            let mut connection = Connection::one(&served.address).await;
            let get = Request::get("/greet/Ada").body(empty()).expect("a request");
            let answer = connection.send(get, &served.address).await.into_body().collect().await;
            assert_eq!(answer.expect("a body").to_bytes(), "Hello, Ada!");
        });
        served.end_well();
    }
}
