//! Which component answers, and what it is told about the way.

use bytes::Bytes;
use spin_deps_fixtures::http::{p2_app, p3_app, probe_app};
use spin_deps_host::{App, Handler, HostError, Pattern, Request, Route, ask};

use crate::support::{app, component, get, refused, route, run, say};

fn three() -> App {
    App {
        name: "test".to_owned(),
        routes: vec![
            route("/wild/...", "two"),
            route("/users/:id", "three"),
            route("/exact", "two"),
            Route {
                pattern: Pattern::Private,
                handler: Handler::Component("three".to_owned()),
                trigger: "private".to_owned(),
            },
            Route {
                pattern: Pattern::Path("/static".to_owned()),
                handler: Handler::Static {
                    status: 418,
                    headers: vec![
                        ("x-tea".to_owned(), "yes".to_owned()),
                        ("x-tea".to_owned(), "pot".to_owned()),
                    ],
                    body: Bytes::from_static(b"short and stout"),
                },
                trigger: "static".to_owned(),
            },
        ],
        components: [
            ("two".to_owned(), component(p2_app(&[]))),
            ("three".to_owned(), component(p3_app(&[]))),
        ]
        .into(),
        ..App::default()
    }
}

#[tokio::test]
async fn each_kind_of_route_is_served() {
    let running = run(three()).await;
    assert_eq!(say(&running, "/exact?q=1").await, "200 path: /exact?q=1");
    assert_eq!(say(&running, "/wild/a/b").await, "200 path: /wild/a/b");
    assert_eq!(say(&running, "/users/7").await, "200 path: /users/7");
    assert_eq!(say(&running, "/users/7/x").await, "404 no route of this app matches the path\n");
    assert_eq!(say(&running, "/").await, "404 no route of this app matches the path\n");

    let response = get(&running, "/static").await;
    assert_eq!((response.status, &response.body[..]), (418, &b"short and stout"[..]));
    let tea: Vec<_> =
        response.headers.iter().filter(|(name, _)| name == "x-tea").map(|(_, value)| value).collect();
    assert_eq!(tea, ["yes", "pot"]);
    running.shutdown().await;
}

#[tokio::test]
async fn a_component_answers_with_its_own_headers() {
    let running = run(three()).await;
    for path in ["/exact", "/users/7"] {
        let response = get(&running, path).await;
        assert!(
            response.headers.contains(&("content-type".to_owned(), "text/plain".to_owned())),
            "{path}: {:?}",
            response.headers
        );
    }
}

#[tokio::test]
async fn spins_headers_are_set_and_the_clients_copies_dropped() {
    let mut app = app(component(probe_app()));
    app.routes = vec![route("/:what/...", "web")];
    let running = run(app).await;
    let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let request = Request {
        path: "/headers/a/b?c=d".to_owned(),
        headers: vec![
            header("host", "example.test"),
            header("spin-client-addr", "6.6.6.6:66"),
            header("spin-path-match-role", "admin"),
            header("x-own", "kept"),
        ],
        ..Request::default()
    };
    let response = ask(running.address(), &request).await.unwrap();
    let body = String::from_utf8(response.body.to_vec()).unwrap();
    let mut headers: Vec<&str> = body.lines().collect();
    headers.sort_unstable();
    let client =
        headers.iter().position(|header| header.starts_with("spin-client-addr: 127.0.0.1:")).unwrap();
    headers.remove(client);
    assert_eq!(
        headers,
        [
            "spin-base-path: /",
            "spin-component-route: /:what",
            "spin-full-url: http://example.test/headers/a/b?c=d",
            "spin-matched-route: /:what/...",
            "spin-path-info: /a/b",
            "spin-path-match-what: headers",
            "spin-raw-component-route: /:what/...",
            "x-own: kept",
        ]
    );
}

#[tokio::test]
async fn a_request_for_no_host_is_refused() {
    let running = run(app(component(p2_app(&[])))).await;
    let request = Request { headers: vec![("host".to_owned(), "no host".to_owned())], ..Request::default() };
    assert_eq!(ask(running.address(), &request).await.unwrap().status, 400);
}

#[tokio::test]
async fn routes_that_cannot_be_are_refused() {
    let mut twice = three();
    twice.routes.push(route("/users/:name", "two"));
    let error = refused(twice).await;
    assert_eq!(
        error.to_string(),
        "the triggers `trigger-/users/:id` and `trigger-/users/:name` both answer the route `/users/:name`"
    );
    assert!(error.hint().is_some());

    let mut unknown = three();
    unknown.routes.push(route("/x", "four"));
    assert_eq!(
        refused(unknown).await.to_string(),
        "the trigger `trigger-/x` names the component `four`, which the app does not have"
    );

    let mut relative = three();
    relative.routes.push(route("x", "two"));
    assert_eq!(
        refused(relative).await.to_string(),
        "the route `x` of trigger `trigger-x` is not valid: it must begin with `/`"
    );

    let mut header = three();
    header.routes.push(Route {
        pattern: Pattern::Path("/s".to_owned()),
        handler: Handler::Static {
            status: 200,
            headers: vec![("x".to_owned(), "a\r\nb".to_owned())],
            body: Bytes::new(),
        },
        trigger: "s".to_owned(),
    });
    assert!(matches!(refused(header).await, HostError::BadResponse { trigger, .. } if trigger == "s"));
}
