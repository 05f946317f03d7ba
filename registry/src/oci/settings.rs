//! `[registry."NAME".oci]`: how to speak to an OCI registry.

use oci_client::client::{Certificate, CertificateEncoding, ClientConfig, ClientProtocol};
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use serde::Deserialize;

use super::mirrors::MirrorAddress;
use crate::credentials::{ConfiguredAuth, Credential};
use crate::http::{HttpOptions, USER_AGENT};

/// The table as it is written.
#[derive(Default, Deserialize)]
pub(crate) struct OciTable {
    auth: Option<ConfiguredAuth>,
    protocol: Option<String>,
    #[serde(default)]
    accept_invalid_certificates: bool,
    #[serde(default)]
    extra_root_certificates: Vec<CertificateTable>,
    /// Ours alone; wkg does not look at it.
    #[serde(default)]
    mirrors: Vec<String>,
}

#[derive(Deserialize)]
struct CertificateTable {
    encoding: Encoding,
    data: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Encoding {
    Der,
    Pem,
}

/// The settings of a registry.
#[derive(Clone, Debug, Default)]
pub(crate) struct OciSettings {
    pub(crate) credential: Option<Credential>,
    /// Why the user's own credentials (of the environment, of Docker) are held back, if they are.
    pub(crate) caution: Option<String>,
    /// Whether the configuration says `http` (`true`) or `https` (`false`).
    pub(crate) plain: Option<bool>,
    accept_invalid_certificates: bool,
    certificates: Vec<Certificate>,
    pub(crate) mirrors: Vec<MirrorAddress>,
}

impl OciSettings {
    /// Checks the table; the error is a reason that repeats no secret.
    pub(crate) fn new(table: OciTable) -> Result<Self, String> {
        let plain = match table.protocol.as_deref() {
            None => None,
            Some("https") => Some(false),
            Some("http") => Some(true),
            Some(_) => return Err("`protocol` must be \"https\" or \"http\"".to_owned()),
        };
        let certificates = table
            .extra_root_certificates
            .into_iter()
            .map(|certificate| match certificate.encoding {
                Encoding::Pem => {
                    Certificate { encoding: CertificateEncoding::Pem, data: certificate.data.into_bytes() }
                }
                Encoding::Der => {
                    Certificate { encoding: CertificateEncoding::Der, data: der(certificate.data) }
                }
            })
            .collect();
        let mirrors = table.mirrors.iter().map(|mirror| MirrorAddress::parse(mirror)).collect::<Option<_>>();
        Ok(Self {
            mirrors: mirrors.ok_or(
                "`mirrors` must be a list of hosts, each with an optional path: \"mirror.example/path\"",
            )?,
            credential: table.auth.map(ConfiguredAuth::credential).transpose()?,
            caution: None,
            plain,
            accept_invalid_certificates: table.accept_invalid_certificates,
            certificates,
        })
    }

    /// The scheme of the registry's URLs. Without a word in the configuration it is https, also for this machine,
    /// as with wkg.
    pub(crate) fn scheme(&self) -> &'static str {
        if self.plain == Some(true) { "http" } else { "https" }
    }

    /// Whether the connection is less protected than https with the system's certificates.
    pub(crate) fn is_relaxed(&self) -> bool {
        !self.is_usual()
    }

    /// Whether the usual client does: https, with the system's certificates.
    pub(crate) fn is_usual(&self) -> bool {
        self.plain != Some(true) && !self.accept_invalid_certificates && self.certificates.is_empty()
    }

    /// The settings for our own requests; what the table does not say is as `usual`.
    pub(crate) fn http(&self, usual: &HttpOptions) -> Result<HttpOptions, String> {
        let mut extra_root_certificates = Vec::new();
        for certificate in &self.certificates {
            let read = authorities(certificate);
            extra_root_certificates
                .extend(read.ok_or("a certificate of `extra_root_certificates` cannot be read")?);
        }
        Ok(HttpOptions {
            plain: self.plain == Some(true),
            accept_invalid_certificates: self.accept_invalid_certificates,
            extra_root_certificates,
            ..usual.clone()
        })
    }

    /// The same for `oci-client`.
    pub(crate) fn client(&self, options: &HttpOptions) -> ClientConfig {
        ClientConfig {
            protocol: if self.plain == Some(true) { ClientProtocol::Http } else { ClientProtocol::Https },
            accept_invalid_certificates: self.accept_invalid_certificates,
            extra_root_certificates: self.certificates.clone(),
            platform_resolver: None,
            connect_timeout: Some(options.limits.connect),
            read_timeout: Some(options.limits.read),
            https_proxy: options.proxies.https(),
            http_proxy: options.proxies.http(),
            no_proxy: Some(options.proxies.direct()),
            user_agent: USER_AGENT,
            // Tokens are renewed by us, and given to the client before each use.
            default_token_expiration_secs: 60 * 60,
            ..ClientConfig::default()
        }
    }
}

/// The authorities of an entry: one, or in PEM any number of them. The client looks at them only when it is built, and
/// passes over what it cannot read.
fn authorities(entry: &Certificate) -> Option<Vec<reqwest::Certificate>> {
    let ders: Vec<CertificateDer<'_>> = match entry.encoding {
        CertificateEncoding::Pem => {
            CertificateDer::pem_slice_iter(&entry.data).collect::<Result<_, _>>().ok()?
        }
        CertificateEncoding::Der => vec![CertificateDer::from_slice(&entry.data)],
    };
    let mut readable = RootCertStore::empty();
    for der in &ders {
        readable.add(der.clone()).ok()?;
    }
    let certificates =
        ders.iter().map(|der| reqwest::Certificate::from_der(der)).collect::<Result<_, _>>().ok();
    certificates.filter(|_| !ders.is_empty())
}

/// A DER certificate is binary, which TOML cannot hold: base64 of it, or, as wkg has it, the text itself.
fn der(text: String) -> Vec<u8> {
    let compact: String = text.split_whitespace().collect();
    base64::Engine::decode(&base64::engine::general_purpose::STANDARD, compact)
        .unwrap_or_else(|_| text.into_bytes())
}
