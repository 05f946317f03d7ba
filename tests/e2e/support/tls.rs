//! A company's own certificate authority, and a server certificate for `127.0.0.1` that it signed.
//!
//! Nobody's system knows the authority: who speaks to a server with this certificate was told about it, in
//! `extra_root_certificates` of the configuration.

use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose,
};
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{ClientConfig, RootCertStore, ServerConfig, crypto::ring};
use tokio_rustls::{TlsAcceptor, TlsConnector};

/// The authority, with its one server certificate.
pub(crate) struct Authority {
    root: CertificateDer<'static>,
    root_pem: String,
    certificate: CertificateDer<'static>,
    certificate_pem: String,
    key: KeyPair,
}

impl Authority {
    /// A new one, with keys of its own.
    pub(crate) fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, "The tests' authority");
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let issuer = CertifiedIssuer::self_signed(params, new_key()).expect("a root certificate");

        let mut params = CertificateParams::new(["127.0.0.1".to_owned()]).expect("an address");
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let key = new_key();
        let certificate = params.signed_by(&key, &issuer).expect("a server certificate");
        Self {
            root: issuer.as_ref().der().clone(),
            root_pem: issuer.as_ref().pem(),
            certificate_pem: certificate.pem(),
            certificate: certificate.into(),
            key,
        }
    }

    /// The root certificate, as a configuration has it.
    pub(crate) fn root_pem(&self) -> &str {
        &self.root_pem
    }

    /// The server's certificate, for a server that reads it from a file.
    pub(crate) fn certificate_pem(&self) -> &str {
        &self.certificate_pem
    }

    /// Its key.
    pub(crate) fn key_pem(&self) -> String {
        self.key.serialize_pem()
    }

    /// The server's side of a connection.
    pub(crate) fn acceptor(&self) -> TlsAcceptor {
        let key = PrivateKeyDer::try_from(self.key.serialize_der()).expect("a key in PKCS #8");
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("the provider's own versions")
            .with_no_client_auth()
            .with_single_cert(vec![self.certificate.clone()], key)
            .expect("a certificate and its key");
        TlsAcceptor::from(Arc::new(config))
    }

    /// The client's side, which trusts this authority and no other.
    pub(crate) fn connector(&self) -> TlsConnector {
        let mut roots = RootCertStore::empty();
        roots.add(self.root.clone()).expect("a root certificate");
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("the provider's own versions")
            .with_root_certificates(roots)
            .with_no_client_auth();
        TlsConnector::from(Arc::new(config))
    }
}

fn new_key() -> KeyPair {
    KeyPair::generate().expect("a key from the system's randomness")
}
