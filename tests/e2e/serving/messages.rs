//! Heads, trailers and connections: what is small in an exchange, and has to be exactly right.

use http::{HeaderMap, HeaderValue, Request};
use http_body_util::BodyExt as _;
use hyper::body::Frame;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::Served;
use super::client::{Body, Connection, channel, empty, read, whole};
use crate::support::http::block_on;

fn request(method: &str, path: &str, body: Body) -> Request<Body> {
    Request::builder().method(method).uri(path).body(body).expect("a request")
}

/// Asks apps of both generations over both protocols.
fn each_way(ask: &impl AsyncFn(&mut Connection, &str)) {
    for served in Served::both() {
        block_on(async {
            ask(&mut Connection::one(&served.address).await, &served.address).await;
            ask(&mut Connection::two(&served.address).await, &served.address).await;
        });
        served.end_well();
    }
}

#[test]
fn headers_arrive_as_they_were_sent() {
    each_way(&async |connection, address| {
        let mut sent = request("PATCH", "/echo", whole("body"));
        let large = "v".repeat(12 << 10);
        for (name, value) in [("x-twice", "one"), ("x-twice", "two, three"), ("x-large", &large)] {
            sent.headers_mut().append(name, HeaderValue::from_str(value).expect("a value"));
        }
        let octets = HeaderValue::from_bytes(b"caf\xe9 \x80").expect("a value that is no UTF-8");
        sent.headers_mut().append("x-octets", octets.clone());
        let response = connection.send(sent, address).await;
        assert_eq!(response.status(), 200);
        let values: Vec<_> = response.headers().get_all("x-twice").iter().collect();
        assert_eq!(values, ["one", "two, three"]);
        assert_eq!(response.headers()["x-large"], large.as_str());
        assert_eq!(response.headers()["x-octets"], octets);
        assert_eq!(response.headers()["x-method"], "Method::Patch");
        assert_eq!(read(response).await.0, "body");

        let response = connection.send(request("GET", "/headers/1000", empty()), address).await;
        let own = response.headers().keys().filter(|name| name.as_str().starts_with("x-")).count();
        assert_eq!(own, 1000);
        assert_eq!(read(response).await.0, "");
    });
}

#[test]
fn a_status_is_passed_on_and_where_there_is_no_body_none_is_sent() {
    each_way(&async |connection, address| {
        for status in [200, 201, 204, 205, 304, 404, 418, 503, 599] {
            let path = format!("/status/{status}");
            let response = connection.send(request("GET", &path, empty()), address).await;
            assert_eq!(response.status(), status);
            assert_eq!(read(response).await.0, "");
        }
        // The connection is good for more: nothing of a body was sent that nobody expects.
        let response = connection.send(request("HEAD", "/bytes/10000", empty()), address).await;
        assert_eq!(response.status(), 200);
        assert_eq!(read(response).await.0, "");
        let response = connection.send(request("GET", "/greet/Ada", empty()), address).await;
        assert_eq!(read(response).await.0, "Hello, Ada!");
    });
}

#[test]
fn trailers_go_both_ways() {
    each_way(&async |connection, address| {
        for path in ["/echo", "/pass"] {
            let (sender, body) = channel();
            let mut sent = request("POST", path, body);
            sent.headers_mut().insert("te", HeaderValue::from_static("trailers"));
            sent.headers_mut().insert("trailer", HeaderValue::from_static("x-sum"));
            let sending = async {
                let trailers = HeaderMap::from_iter([(
                    "x-sum".parse().expect("a name"),
                    HeaderValue::from_static("42"),
                )]);
                for frame in [Frame::data("data".into()), Frame::trailers(trailers)] {
                    sender.send(frame).await.expect("somebody who reads");
                }
                drop(sender);
            };
            let (response, ()) = tokio::join!(connection.send(sent, address), sending);
            let (bytes, trailers) = read(response).await;
            assert_eq!(bytes, "data");
            assert_eq!(trailers.expect("trailers")["x-sum"], "42", "{path}");
        }
    });
}

#[test]
fn an_answer_begins_before_the_request_ends() {
    each_way(&async |connection, address| {
        for path in ["/echo", "/pass"] {
            let (sender, body) = channel();
            // Without the first bytes the app has nothing to say.
            sender.send(Frame::data("0".into())).await.expect("room for one");
            let response = connection.send(request("POST", path, body), address).await;
            let mut answer = response.into_body();
            let mut next = async || {
                let frame = answer.frame().await.expect("more to come").expect("a whole body");
                frame.into_data().expect("no trailers")
            };
            assert_eq!(next().await, "0");
            for round in 1..50 {
                let text = format!("chunk {round}");
                sender.send(Frame::data(text.clone().into())).await.expect("somebody who reads");
                // Each is answered while the next is not sent, and not even made.
                let mut got = Vec::new();
                while got.len() < text.len() {
                    got.extend(next().await);
                }
                assert_eq!(String::from_utf8(got).expect("text"), text);
            }
            drop(sender);
            assert_eq!(answer.collect().await.expect("a whole body").to_bytes(), "");
        }
    });
}

#[test]
fn an_app_passes_a_request_on_to_another() {
    let [p2, p3] = Served::both();
    block_on(async {
        for (first, second) in [(&p2, &p3), (&p3, &p2), (&p3, &p3)] {
            let mut connection = Connection::one(&first.address).await;
            let path = format!("/proxy/{}/echo", second.address);
            let mut sent = request("PUT", &path, whole(vec![b'z'; 1 << 20]));
            sent.headers_mut().append("x-way", HeaderValue::from_static("there and back"));
            let response = connection.send(sent, &first.address).await;
            assert_eq!(response.status(), 200);
            assert_eq!(response.headers()["x-way"], "there and back");
            assert_eq!(response.headers()["x-method"], "Method::Put");
            let (body, _) = read(response).await;
            assert!(body.len() == 1 << 20 && body.iter().all(|byte| *byte == b'z'));

            let path = format!("/proxy/{}/status/418", second.address);
            let response = connection.send(request("GET", &path, empty()), &first.address).await;
            assert_eq!(response.status(), 418);
            read(response).await;
        }
    });
    p2.end_well();
    p3.end_well();
}

/// Reads so many answers of HTTP/1.1 whose bodies end with `!`.
async fn answers(stream: &mut TcpStream, count: usize) -> String {
    let mut text = Vec::new();
    while text.split(|byte| *byte == b'!').count() <= count || !text.ends_with(b"0\r\n\r\n") {
        assert_ne!(stream.read_buf(&mut text).await.expect("a connection that stays"), 0, "it was closed");
    }
    String::from_utf8(text).expect("text")
}

#[test]
fn a_connection_is_kept_and_its_requests_are_answered_in_order() {
    for served in Served::both() {
        block_on(async {
            let mut stream = TcpStream::connect(&served.address).await.expect("a connection");
            let get = |name: &str| format!("GET /greet/{name} HTTP/1.1\r\nhost: demo\r\n\r\n");
            for name in ["Ada", "Grace"] {
                stream.write_all(get(name).as_bytes()).await.expect("a connection that stays");
                assert!(answers(&mut stream, 1).await.contains(&format!("Hello, {name}!")));
            }
            // Three at once, before anything is answered.
            let names = ["Barbara", "Frances", "Radia"];
            let all: String = names.into_iter().map(get).collect();
            stream.write_all(all.as_bytes()).await.expect("a connection that stays");
            let text = answers(&mut stream, 3).await;
            let places = names.map(|name| text.find(&format!("Hello, {name}!")).expect("an answer"));
            assert!(places.is_sorted(), "{text}");
        });
        served.end_well();
    }
}

#[test]
fn a_client_may_take_a_byte_at_a_time() {
    for served in Served::both() {
        block_on(async {
            let mut stream = TcpStream::connect(&served.address).await.expect("a connection");
            stream.set_nodelay(true).expect("a socket");
            let text =
                "POST /count HTTP/1.1\r\nhost: demo\r\ncontent-length: 300\r\nconnection: close\r\n\r\n";
            for byte in text.bytes().chain([b'b'; 300]) {
                stream.write_all(&[byte]).await.expect("a connection that stays");
                stream.flush().await.expect("a connection that stays");
            }
            let mut answer = Vec::new();
            while let Ok(byte) = stream.read_u8().await {
                answer.push(byte);
            }
            let answer = String::from_utf8(answer).expect("text");
            assert!(answer.starts_with("HTTP/1.1 200 OK") && answer.contains("\r\n300\r\n"), "{answer}");
        });
        served.end_well();
    }
}
