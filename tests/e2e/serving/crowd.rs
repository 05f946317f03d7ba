//! Many at once: connections, and streams within one.

use bytes::Bytes;
use futures::future::join_all;
use http::Request;
use http_body_util::BodyExt as _;
use hyper::body::Frame;

use super::Served;
use super::client::{Connection, channel, empty, read};
use crate::support::http::block_on;

/// How many clients there are.
const CLIENTS: usize = 1000;

#[test]
fn a_thousand_connections_are_served() {
    for served in Served::both() {
        block_on(async {
            let clients = (0..CLIENTS).map(async |client| {
                let mut connection = Connection::one(&served.address).await;
                let request = Request::get(format!("/greet/{client}")).body(empty()).expect("a request");
                let (body, _) = read(connection.send(request, &served.address).await).await;
                assert_eq!(body, format!("Hello, {client}!"));
            });
            join_all(clients).await;
        });
        served.end_well();
    }
}

/// All of them have the beginning of their answer before one has ended its request.
#[test]
fn a_thousand_requests_are_under_way_at_once() {
    let [_, served] = Served::both();
    block_on(async {
        let begun = join_all((0..CLIENTS).map(async |client| {
            let mut connection = Connection::one(&served.address).await;
            let (sender, body) = channel();
            sender.send(Frame::data(Bytes::from(format!("{client}")))).await.expect("room for one");
            let request = Request::post("/echo").body(body).expect("a request");
            let mut answer = connection.send(request, &served.address).await.into_body();
            let first = answer.frame().await.expect("a body").expect("a good one");
            assert_eq!(first.into_data().expect("no trailers"), format!("{client}"));
            (sender, answer, connection)
        }))
        .await;
        join_all(begun.into_iter().map(async |(sender, answer, _connection)| {
            sender.send(Frame::data("end".into())).await.expect("somebody who reads");
            drop(sender);
            assert_eq!(answer.collect().await.expect("a whole body").to_bytes(), "end");
        }))
        .await;
    });
    served.end_well();
}

#[test]
fn one_connection_of_http_2_carries_many_requests_at_once() {
    for served in Served::both() {
        block_on(async {
            let Connection::Two(sender) = Connection::two(&served.address).await else {
                panic!("it was to be HTTP/2");
            };
            join_all((0..150).map(async |stream| {
                let mut connection = Connection::Two(sender.clone());
                let request = Request::get(format!("/greet/{stream}")).body(empty()).expect("a request");
                let (body, _) = read(connection.send(request, &served.address).await).await;
                assert_eq!(body, format!("Hello, {stream}!"));
            }))
            .await;
        });
        served.end_well();
    }
}
