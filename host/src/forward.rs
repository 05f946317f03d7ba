//! What a component learns about a request beside the request: Spin's headers.
//!
//! They say which route was taken and how. A client could send them too, so whatever it sent under these names is
//! removed first; a component can trust them.

use std::net::SocketAddr;

use http::{HeaderMap, HeaderName, HeaderValue, Uri, header, uri::Authority};

use crate::route::Match;

const PARAMETER: &str = "spin-path-match-";

const NAMES: [&str; 7] = [
    "spin-path-info",
    "spin-full-url",
    "spin-matched-route",
    "spin-base-path",
    "spin-raw-component-route",
    "spin-component-route",
    "spin-client-addr",
];

/// The host that the request is for: from its target, or its `Host` header, or else `listening`, the server's own
/// address. `None` when it names something that is no host, or two.
pub(crate) fn authority(uri: &Uri, headers: &HeaderMap, listening: SocketAddr) -> Option<Authority> {
    let plain = |authority: &Authority| !authority.as_str().contains('@');
    if let Some(authority) = uri.authority() {
        return Some(authority.clone()).filter(plain);
    }
    let mut hosts = headers.get_all(header::HOST).iter();
    match (hosts.next(), hosts.next()) {
        (None, _) => listening.to_string().parse().ok(),
        (Some(host), None) => host.to_str().ok()?.parse().ok().filter(plain),
        _ => None,
    }
}

/// Replaces Spin's headers in `headers`. `uri` is the whole URL of the request.
pub(crate) fn set_headers<T>(headers: &mut HeaderMap, uri: &Uri, route: &Match<'_, T>, client: SocketAddr) {
    let sent: Vec<HeaderName> =
        headers.keys().filter(|name| name.as_str().starts_with(PARAMETER)).cloned().collect();
    for name in &sent {
        headers.remove(name);
    }
    let values = [
        route.rest.as_str(),
        &uri.to_string(),
        route.route,
        "/",
        route.route,
        route.prefix(),
        &client.to_string(),
    ];
    headers.reserve(NAMES.len() + route.parameters.len());
    for (name, value) in NAMES.into_iter().zip(values) {
        set(headers, HeaderName::from_static(name), value);
    }
    for (name, value) in &route.parameters {
        let name = format!("{PARAMETER}{}", name.replace('_', "-").to_ascii_lowercase());
        if let Ok(name) = name.parse() {
            set(headers, name, value);
        }
    }
}

/// Sets a header, or removes it where the value cannot stand in one.
fn set(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    match HeaderValue::from_str(value) {
        Ok(value) => drop(headers.insert(name, value)),
        Err(_) => drop(headers.remove(name)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::route::Router;

    const CLIENT: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 7777);

    #[test]
    fn the_headers_say_how_the_route_was_taken() {
        let router = Router::new([("/shop/:item_id/...".to_owned(), ())]).unwrap();
        let uri: Uri = "http://example.com:3000/shop/42/reviews/?page=2".parse().unwrap();
        let route = router.find(uri.path()).unwrap();
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("spin-client-addr", "6.6.6.6:1"),
            ("spin-client-addr", "6.6.6.7:1"),
            ("spin-path-match-admin", "yes"),
            ("spin-path-match-item-id", "1"),
            ("accept", "text/plain"),
        ] {
            headers.append(name, value.parse().unwrap());
        }
        set_headers(&mut headers, &uri, &route, CLIENT);
        let mut shown: Vec<String> =
            headers.iter().map(|(name, value)| format!("{name}: {}", value.to_str().unwrap())).collect();
        shown.sort();
        assert_eq!(
            shown,
            [
                "accept: text/plain",
                "spin-base-path: /",
                "spin-client-addr: 127.0.0.1:7777",
                "spin-component-route: /shop/:item_id",
                "spin-full-url: http://example.com:3000/shop/42/reviews/?page=2",
                "spin-matched-route: /shop/:item_id/...",
                "spin-path-info: /reviews/",
                "spin-path-match-item-id: 42",
                "spin-raw-component-route: /shop/:item_id/...",
            ]
        );
    }

    #[test]
    fn the_host_is_one_and_valid() {
        let find = |uri: &str, hosts: &[&str]| {
            let mut headers = HeaderMap::new();
            for host in hosts {
                headers.append(header::HOST, host.parse().unwrap());
            }
            authority(&uri.parse().unwrap(), &headers, CLIENT).map(|authority| authority.to_string())
        };
        assert_eq!(find("/", &["example.com"]).as_deref(), Some("example.com"));
        assert_eq!(find("http://a.test/", &["b.test"]).as_deref(), Some("a.test"));
        assert_eq!(find("/", &[]).as_deref(), Some("127.0.0.1:7777"));
        assert_eq!(find("/", &["a.test", "b.test"]), None);
        assert_eq!(find("/", &["not a host"]), None);
        assert_eq!(find("/", &["user@a.test"]), None);
        assert_eq!(find("http://user@a.test/", &[]), None);
    }
}
