//! Which hosts a guest may send requests to: the entries of Spin's `allowed_outbound_hosts`.
//!
//! An entry is `scheme://host:port`. The scheme is a name or `*`. The host is a name, an address, a network such as
//! `10.0.0.0/8`, `*.` before a name (any name below it, not the name itself) or `*`. The port is a number, a range `from..to` (the end not
//! included) or `*`; without it, it is the scheme's own, and `*` as a scheme needs one. What no entry allows is denied.

use std::net::{IpAddr, SocketAddr};

/// One entry.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct AllowedHost {
    scheme: Option<String>,
    host: Host,
    ports: Ports,
}

#[derive(Clone, Debug, Eq, PartialEq)]
enum Host {
    Any,
    Below(String),
    Exactly(String),
    /// The addresses that begin with as many bits of this one.
    Network(IpAddr, u8),
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Ports {
    Any,
    Between(u16, u16),
}

impl AllowedHost {
    /// Reads an entry.
    ///
    /// # Errors
    /// With what is wrong with it, in a few words.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        if text == "insecure:allow-all" {
            return Ok(Self { scheme: None, host: Host::Any, ports: Ports::Any });
        }
        let (scheme, rest) = text.split_once("://").ok_or("it has no scheme, such as `https://`")?;
        let scheme = match scheme {
            "*" => None,
            _ if is_scheme(scheme) => Some(scheme.to_ascii_lowercase()),
            _ => return Err("its scheme is neither a name nor `*`"),
        };
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        if let Some((network, port)) = network(rest) {
            let ports = ports(scheme.as_deref(), port)?;
            return Ok(Self { scheme, host: network, ports });
        }
        if rest.contains(['/', '?', '#']) {
            return Err("it names a path, but what is allowed is a whole host");
        }
        if rest.contains('@') {
            return Err("it has user information");
        }
        let (host, port) = authority(rest)?;
        let ports = ports(scheme.as_deref(), port)?;
        let host = match (host, host.strip_prefix("*.")) {
            ("", _) => return Err("it has no host"),
            ("*", _) => Host::Any,
            (_, Some(below)) if !below.is_empty() && !below.contains('*') => {
                Host::Below(below.to_ascii_lowercase())
            }
            (host, _) if host.contains('*') => {
                return Err("`*` can only stand for a host or before its first dot");
            }
            (host, _) => Host::Exactly(host.to_ascii_lowercase()),
        };
        Ok(Self { scheme, host, ports })
    }

    /// Whether it allows a request with `scheme` to `host` (an IPv6 address in brackets), at `port` or the scheme's
    /// own.
    pub fn allows(&self, scheme: &str, host: &str, port: Option<u16>) -> bool {
        let Some(port) = port.or_else(|| default_port(scheme)) else {
            return false;
        };
        let scheme_fits = self.scheme.as_deref().is_none_or(|allowed| allowed.eq_ignore_ascii_case(scheme));
        let port_fits = match self.ports {
            Ports::Any => true,
            Ports::Between(from, to) => (from..=to).contains(&port),
        };
        scheme_fits && port_fits && self.host.fits(host)
    }
}

impl AllowedHost {
    /// Whether it is for any scheme, and so for sockets too.
    pub(crate) fn allows_sockets(&self) -> bool {
        self.scheme.is_none()
    }

    /// Whether it allows a socket to reach this address.
    pub(crate) fn allows_address(&self, address: SocketAddr) -> bool {
        let host = match address.ip().to_canonical() {
            IpAddr::V4(address) => address.to_string(),
            IpAddr::V6(address) => format!("[{address}]"),
        };
        self.allows_sockets() && self.allows("*", &host, Some(address.port()))
    }

    /// Whether it allows all that another entry allows.
    pub fn covers(&self, other: &Self) -> bool {
        let scheme = self.scheme.is_none() || self.scheme == other.scheme;
        let ports = match (self.ports, other.ports) {
            (Ports::Any, _) => true,
            (Ports::Between(..), Ports::Any) => false,
            (Ports::Between(from, to), Ports::Between(first, last)) => from <= first && last <= to,
        };
        let host = match &other.host {
            Host::Any => self.host == Host::Any,
            Host::Exactly(host) => self.host.fits(host),
            Host::Network(network, bits) => match self.host {
                Host::Network(own, fewer) => fewer <= *bits && same_network(own, *network, fewer),
                _ => self.host == Host::Any,
            },
            Host::Below(host) => {
                self.host == other.host || self.host.fits(host) && !matches!(self.host, Host::Exactly(_))
            }
        };
        scheme && ports && host
    }
}

impl Host {
    fn fits(&self, host: &str) -> bool {
        // A name with a dot at its end is the same name, made absolute.
        let host = host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase();
        match self {
            Self::Any => true,
            Self::Exactly(allowed) => *allowed == host,
            Self::Network(network, bits) => {
                let host = host.strip_prefix('[').and_then(|it| it.strip_suffix(']')).unwrap_or(&host);
                host.parse().is_ok_and(|address| same_network(*network, address, *bits))
            }
            Self::Below(allowed) => {
                host.strip_suffix(allowed.as_str()).is_some_and(|rest| rest.len() > 1 && rest.ends_with('.'))
            }
        }
    }
}

/// An address such as `10.0.0.0/8` or `[fd00::]/8` at the beginning of an entry, and the port after it.
fn network(text: &str) -> Option<(Host, Option<&str>)> {
    let (address, rest) = text.split_once('/')?;
    let (bits, port) = match rest.split_once(':') {
        Some((bits, port)) => (bits, Some(port)),
        None => (rest, None),
    };
    let address = address.strip_prefix('[').and_then(|it| it.strip_suffix(']')).unwrap_or(address);
    let address: IpAddr = address.parse().ok()?;
    let bits = bits.parse().ok().filter(|bits| *bits <= if address.is_ipv4() { 32 } else { 128 })?;
    Some((Host::Network(address, bits), port))
}

/// Whether two addresses are of one kind and have the same first bits.
fn same_network(one: IpAddr, other: IpAddr, bits: u8) -> bool {
    let shift = |length: u8| u32::from(length.saturating_sub(bits));
    match (one, other) {
        (IpAddr::V4(one), IpAddr::V4(other)) => {
            (one.to_bits() ^ other.to_bits()).checked_shr(shift(32)).unwrap_or(0) == 0
        }
        (IpAddr::V6(one), IpAddr::V6(other)) => {
            (one.to_bits() ^ other.to_bits()).checked_shr(shift(128)).unwrap_or(0) == 0
        }
        _ => false,
    }
}

fn ports(scheme: Option<&str>, port: Option<&str>) -> Result<Ports, &'static str> {
    match (port, scheme) {
        (Some("*"), _) => Ok(Ports::Any),
        (Some(port), _) => range(port),
        (None, None) => Err("with `*` as the scheme it needs a port, such as `:443` or `:*`"),
        (None, Some(scheme)) => {
            default_port(scheme).map(|port| Ports::Between(port, port)).ok_or("its scheme needs a port")
        }
    }
}

fn is_scheme(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
}

fn authority(text: &str) -> Result<(&str, Option<&str>), &'static str> {
    if let Some(rest) = text.strip_prefix('[') {
        let end = rest.find(']').ok_or("its address has no closing bracket")?;
        let (host, rest) = text.split_at(end + 2);
        return match rest.strip_prefix(':') {
            None if rest.is_empty() => Ok((host, None)),
            None => Err("something follows its address"),
            Some(port) => Ok((host, Some(port))),
        };
    }
    match text.split_once(':') {
        Some((_, port)) if port.contains(':') => Err("an IPv6 address stands in brackets"),
        Some((host, port)) => Ok((host, Some(port))),
        None => Ok((text, None)),
    }
}

fn range(text: &str) -> Result<Ports, &'static str> {
    const WRONG: &str = "its port is neither a number, nor a range such as `8000..9000`, nor `*`";
    let number = |text: &str| text.parse::<u16>().map_err(|_| WRONG);
    match text.split_once("..") {
        None => number(text).map(|port| Ports::Between(port, port)),
        Some((from, to)) => {
            let (from, to) = (number(from)?, number(to)?);
            if from < to { Ok(Ports::Between(from, to - 1)) } else { Err("its range of ports is empty") }
        }
    }
}

fn default_port(scheme: &str) -> Option<u16> {
    Some(match scheme.to_ascii_lowercase().as_str() {
        "http" => 80,
        "https" => 443,
        "redis" => 6379,
        "rediss" => 6380,
        "postgres" | "postgresql" => 5432,
        "mysql" => 3306,
        "mqtt" => 1883,
        "mqtts" => 8883,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allows(entry: &str, scheme: &str, host: &str, port: Option<u16>) -> bool {
        AllowedHost::parse(entry).unwrap().allows(scheme, host, port)
    }

    #[test]
    fn scheme_host_and_port_must_fit() {
        assert!(allows("https://example.com", "https", "example.com", None));
        assert!(allows("https://example.com/", "HTTPS", "EXAMPLE.com.", Some(443)));
        assert!(!allows("https://example.com", "http", "example.com", Some(443)));
        assert!(!allows("https://example.com", "https", "example.com", Some(8443)));
        assert!(!allows("https://example.com", "https", "example.org", None));
        assert!(!allows("https://example.com", "https", "www.example.com", None));
        assert!(allows("http://127.0.0.1:8080", "http", "127.0.0.1", Some(8080)));
        assert!(allows("http://[::1]:8080", "http", "[::1]", Some(8080)));
    }

    #[test]
    fn wildcards_and_ranges() {
        assert!(allows("*://*:*", "http", "anything", Some(1)));
        assert!(allows("insecure:allow-all", "http", "anything", Some(1)));
        assert!(allows("https://*", "https", "anything", None));
        assert!(!allows("https://*", "http", "anything", None));
        assert!(allows("https://*.example.com", "https", "a.b.example.com", None));
        assert!(!allows("https://*.example.com", "https", "example.com", None));
        assert!(!allows("https://*.example.com", "https", "badexample.com", None));
        assert!(!allows("https://*.example.com", "https", ".example.com", None));
        assert!(allows("http://h:8000..8010", "http", "h", Some(8009)));
        assert!(!allows("http://h:8000..8010", "http", "h", Some(8010)));
        assert!(allows("*://h:80", "http", "h", None));
        assert!(allows("http://10.0.0.0/8:80", "http", "10.1.2.3", None));
        assert!(allows("http://[fd00::]/8", "http", "[fd12::1]", None));
        assert!(allows("http://0.0.0.0/0", "http", "1.2.3.4", None));
        assert!(!allows("http://10.0.0.0/8", "http", "11.0.0.0", None));
        assert!(!allows("http://10.0.0.0/8", "http", "10.example.com", None));
        assert!(!allows("http://127.0.0.1/32", "http", "127.0.0.2", None));
    }

    #[test]
    fn an_entry_covers_what_allows_no_more() {
        let covers = |entry: &str, other: &str| {
            AllowedHost::parse(entry).unwrap().covers(&AllowedHost::parse(other).unwrap())
        };
        for (entry, other) in [
            ("https://example.com", "https://example.com:443"),
            ("*://*:*", "https://example.com"),
            ("insecure:allow-all", "redis://*:1..9"),
            ("https://*", "https://*.example.com"),
            ("https://*.example.com", "https://*.example.com"),
            ("https://*.example.com", "https://*.a.example.com"),
            ("https://*.example.com", "https://a.example.com"),
            ("http://h:8000..9000", "http://h:8100..8200"),
            ("http://10.0.0.0/8", "http://10.1.0.0/16"),
            ("http://10.0.0.0/8", "http://10.1.2.3"),
        ] {
            assert!(covers(entry, other), "{entry} covers {other}");
        }
        for (entry, other) in [
            ("https://example.com", "http://example.com"),
            ("https://example.com", "https://*.example.com"),
            ("https://*.example.com", "https://example.com"),
            ("https://*.a.example.com", "https://*.example.com"),
            ("https://*.example.com", "https://*"),
            ("http://h:8000..9000", "http://h:*"),
            ("http://h:8000..9000", "http://h:8999..9001"),
            ("https://example.com", "*://example.com:443"),
            ("http://10.1.0.0/16", "http://10.0.0.0/8"),
        ] {
            assert!(!covers(entry, other), "{entry} does not cover {other}");
        }
    }

    #[test]
    fn what_is_no_entry_is_refused() {
        for (entry, reason) in [
            ("example.com", "it has no scheme, such as `https://`"),
            ("ht!tp://example.com", "its scheme is neither a name nor `*`"),
            ("https://example.com/path", "it names a path, but what is allowed is a whole host"),
            ("https://user@example.com", "it has user information"),
            ("https://", "it has no host"),
            ("*://example.com", "with `*` as the scheme it needs a port, such as `:443` or `:*`"),
            ("https://a.*.com", "`*` can only stand for a host or before its first dot"),
            (
                "https://example.com:99999",
                "its port is neither a number, nor a range such as `8000..9000`, nor `*`",
            ),
            ("https://example.com:10..10", "its range of ports is empty"),
            ("https://[::1", "its address has no closing bracket"),
            ("https://::1", "an IPv6 address stands in brackets"),
            ("gopher://example.com", "its scheme needs a port"),
        ] {
            assert_eq!(AllowedHost::parse(entry), Err(reason), "{entry}");
        }
    }
}
