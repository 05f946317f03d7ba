//! Text from outside, made fit to be shown.
//!
//! What a registry sends (media types, error messages, tags) can hold escape sequences, bidirectional marks and
//! megabytes. Whatever of it ends in a message goes through here first. URLs lose what may be secret: user
//! information, query and fragment.

use url::Url;

/// `text` with control and direction characters replaced, cut after `max` characters.
pub(crate) fn printable(text: &str, max: usize) -> String {
    let mut shown: String =
        text.trim().chars().take(max).map(|c| if is_hidden(c) { '\u{FFFD}' } else { c }).collect();
    if text.trim().chars().nth(max).is_some() {
        shown.push('…');
    }
    shown
}

fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{FEFF}')
}

/// A URL as it may be shown and logged: no user information, no query, no fragment.
pub(crate) fn show_url(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    printable(&format!("{}://{host}{port}{}", url.scheme(), url.path()), 300)
}

/// Whether the URL's host is this machine: `localhost`, 127.0.0.0/8 or `::1`.
pub(crate) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Domain(name)) => name.eq_ignore_ascii_case("localhost"),
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escape_sequences_and_direction_marks_do_not_reach_the_terminal() {
        assert_eq!(printable("\u{1b}[2Jred\u{202e}", 20), "\u{fffd}[2Jred\u{fffd}");
        assert_eq!(printable("abcdef", 3), "abc…");
        assert_eq!(printable("  abc\n", 3), "abc");
    }

    #[test]
    fn urls_lose_user_information_query_and_fragment() {
        let url = Url::parse("https://user:pass@example.com:8443/a/b?token=1#x").unwrap();
        assert_eq!(show_url(&url), "https://example.com:8443/a/b");
    }

    #[test]
    fn loopback_is_known_by_name_and_by_address() {
        for (text, expected) in [
            ("http://localhost:5000", true),
            ("http://127.1.2.3", true),
            ("http://[::1]:80", true),
            ("http://localhost.example.com", false),
            ("http://10.0.0.1", false),
        ] {
            assert_eq!(is_loopback(&Url::parse(text).unwrap()), expected, "{text}");
        }
    }
}
