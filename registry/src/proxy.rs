//! The proxies of the environment, by the rules of Docker and other programs in Go.
//!
//! `HTTPS_PROXY` and `HTTP_PROXY` name the proxy for each scheme, `ALL_PROXY` the one for both; `NO_PROXY` lists hosts,
//! domains and address ranges that are spoken to directly. Each is read in capitals, then in small letters. This
//! machine is never reached through a proxy, whatever they say: curl would, but the registry that somebody runs on
//! `localhost` is not the one that a proxy finds under that name.
//!
//! `HTTP_PROXY` in capitals is not trusted in a CGI program, where `REQUEST_METHOD` is set: there it is a header of
//! whoever asks.

use crate::settings::Environment;

/// What is always spoken to directly.
const HERE: &str = "localhost,127.0.0.0/8,::1";

/// The proxies to use.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Proxies {
    https: Option<Proxy>,
    http: Option<Proxy>,
    direct: Option<String>,
}

/// A proxy's URL, which may hold a password, and the variable that named it.
#[derive(Clone, PartialEq, Eq)]
struct Proxy {
    url: String,
    variable: &'static str,
}

impl std::fmt::Debug for Proxy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.variable)
    }
}

impl Proxies {
    pub(crate) fn of(environment: &Environment) -> Self {
        let first = |names: [&'static str; 2]| {
            let mut found = names.into_iter().filter_map(|name| environment.get(name).map(|url| (name, url)));
            found.next().map(|(variable, url)| Proxy { url: url.trim().to_owned(), variable })
        };
        let all = first(["ALL_PROXY", "all_proxy"]);
        let in_cgi = environment.get("REQUEST_METHOD").is_some();
        let http = if in_cgi { first(["http_proxy"; 2]) } else { first(["HTTP_PROXY", "http_proxy"]) };
        Self {
            https: first(["HTTPS_PROXY", "https_proxy"]).or_else(|| all.clone()),
            http: http.or(all),
            direct: environment.get("NO_PROXY").or_else(|| environment.get("no_proxy")),
        }
    }

    /// The proxy for https, for a client that takes it as text.
    pub(crate) fn https(&self) -> Option<String> {
        self.https.as_ref().map(|proxy| proxy.url.clone())
    }

    /// The proxy for http.
    pub(crate) fn http(&self) -> Option<String> {
        self.http.as_ref().map(|proxy| proxy.url.clone())
    }

    /// What is spoken to directly, as `NO_PROXY` has it.
    pub(crate) fn direct(&self) -> String {
        match &self.direct {
            Some(listed) => format!("{HERE},{listed}"),
            None => HERE.to_owned(),
        }
    }

    /// The client with these proxies and no others; the error names the variable that is wrong.
    pub(crate) fn apply(&self, mut client: reqwest::ClientBuilder) -> Result<reqwest::ClientBuilder, String> {
        client = client.no_proxy();
        let direct = reqwest::NoProxy::from_string(&self.direct());
        for (proxy, make) in [
            (&self.https, reqwest::Proxy::https as fn(String) -> reqwest::Result<reqwest::Proxy>),
            (&self.http, reqwest::Proxy::http),
        ] {
            if let Some(Proxy { url, variable }) = proxy {
                let proxy =
                    make(url.clone()).map_err(|_| format!("the proxy in `{variable}` cannot be used"))?;
                client = client.proxy(proxy.no_proxy(direct.clone()));
            }
        }
        Ok(client)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proxies(variables: &[(&str, &str)]) -> Proxies {
        Proxies::of(&variables.iter().copied().collect())
    }

    #[test]
    fn each_scheme_has_its_variable_and_all_stands_in() {
        let found = proxies(&[("HTTPS_PROXY", "http://a"), ("all_proxy", "http://c")]);
        assert_eq!((found.https().unwrap(), found.http().unwrap()), ("http://a".into(), "http://c".into()));
        let found = proxies(&[("http_proxy", "http://small"), ("HTTP_PROXY", "http://capital")]);
        assert_eq!((found.https(), found.http().unwrap()), (None, "http://capital".into()));
        let in_cgi = proxies(&[("HTTP_PROXY", "http://a-header"), ("REQUEST_METHOD", "GET")]);
        assert_eq!(in_cgi, Proxies::default());
    }

    #[test]
    fn this_machine_is_always_spoken_to_directly() {
        assert_eq!(proxies(&[]).direct(), HERE);
        assert_eq!(proxies(&[("no_proxy", ".corp")]).direct(), format!("{HERE},.corp"));
    }

    #[test]
    fn a_proxy_that_is_none_is_named_by_its_variable_and_never_shown() {
        let wrong = proxies(&[("https_proxy", "http://me:secret@[")]);
        assert!(!format!("{wrong:?}").contains("secret"));
        let error = wrong.apply(reqwest::Client::builder()).unwrap_err();
        assert_eq!(error, "the proxy in `https_proxy` cannot be used");
    }
}
