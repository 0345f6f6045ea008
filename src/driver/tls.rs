//! TLS: who we are, and whom we believe.
//!
//! The cryptography is ring's. Verification can be left out for peers on loopback only.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, ServerConfig, SignatureScheme};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName, UnixTime};
use tokio_rustls::{TlsAcceptor, TlsConnector};

/// What TLS links of the node use; the default neither accepts nor opens any.
#[derive(Clone, Default)]
pub struct Tls {
    acceptor: Option<TlsAcceptor>,
    verified: Option<TlsConnector>,
    loopback: Option<TlsConnector>,
}

impl core::fmt::Debug for Tls {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Tls")
            .field("accepts", &self.acceptor.is_some())
            .field("verifies", &self.verified.is_some())
            .field("trusts_loopback", &self.loopback.is_some())
            .finish()
    }
}

/// Why TLS could not be set up.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    /// A file could not be read, or holds nothing of what it should.
    #[error("{path}: {why}")]
    File {
        /// The file.
        path: PathBuf,
        /// What was wrong.
        why: String,
    },
    /// Certificate and key do not serve.
    #[error("the certificate cannot be used: {0}")]
    Certificate(String),
}

impl Tls {
    /// Accepts links with the certificate chain and the key of two PEM files.
    ///
    /// # Errors
    /// When a file cannot be read or the two do not fit.
    pub fn serve_files(self, certificates: &Path, key: &Path) -> Result<Self, TlsError> {
        let chain = read_certificates(certificates)?;
        let key = PrivateKeyDer::from_pem_file(key).map_err(|error| TlsError::File {
            path: key.to_owned(),
            why: error.to_string(),
        })?;
        self.serve(chain, key)
    }

    /// Accepts links with a certificate made now for these host names and addresses; gives its PEM text for clients
    /// that want to verify it.
    ///
    /// # Errors
    /// When a name is none.
    pub fn serve_self_signed(self, names: &[&str]) -> Result<(Self, String), TlsError> {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let made = rcgen::generate_simple_self_signed(names)
            .map_err(|error| TlsError::Certificate(error.to_string()))?;
        let key = PrivatePkcs8KeyDer::from(made.signing_key.serialize_der());
        let text = made.cert.pem();
        let tls = self.serve(vec![made.cert.der().clone()], key.into())?;
        Ok((tls, text))
    }

    fn serve(
        mut self,
        chain: Vec<CertificateDer<'static>>,
        key: PrivateKeyDer<'static>,
    ) -> Result<Self, TlsError> {
        let config = ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, key))
            .map_err(|error| TlsError::Certificate(error.to_string()))?;
        self.acceptor = Some(TlsAcceptor::from(Arc::new(config)));
        Ok(self)
    }

    /// Opens links to servers whose certificate leads to one of the file's.
    ///
    /// # Errors
    /// When the file cannot be read or holds no certificate.
    pub fn trust_file(mut self, roots: &Path) -> Result<Self, TlsError> {
        let mut store = RootCertStore::empty();
        for certificate in read_certificates(roots)? {
            store.add(certificate).map_err(|error| TlsError::File {
                path: roots.to_owned(),
                why: error.to_string(),
            })?;
        }
        let config = ClientConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .map_err(|error| TlsError::Certificate(error.to_string()))?
            .with_root_certificates(store)
            .with_no_client_auth();
        self.verified = Some(TlsConnector::from(Arc::new(config)));
        Ok(self)
    }

    /// Believes whatever a server on loopback presents; for labs.
    ///
    /// # Errors
    /// When the cryptography does not serve.
    pub fn trust_loopback(mut self) -> Result<Self, TlsError> {
        let config = ClientConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .map_err(|error| TlsError::Certificate(error.to_string()))?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(Anyone(provider())))
            .with_no_client_auth();
        self.loopback = Some(TlsConnector::from(Arc::new(config)));
        Ok(self)
    }

    pub(super) const fn acceptor(&self) -> Option<&TlsAcceptor> {
        self.acceptor.as_ref()
    }

    /// What opens a link to that address, when anything may.
    pub(super) fn connector(&self, target: SocketAddr) -> Option<&TlsConnector> {
        if is_loopback(target.ip()) && self.loopback.is_some() {
            self.loopback.as_ref()
        } else {
            self.verified.as_ref()
        }
    }
}

/// True for 127.0.0.0/8 and ::1, also when written as an IPv4-mapped address.
pub(super) const fn is_loopback(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => address.is_loopback(),
        IpAddr::V6(address) => match address.to_ipv4_mapped() {
            Some(mapped) => mapped.is_loopback(),
            None => address.is_loopback(),
        },
    }
}

/// The name a server's certificate must be valid for.
pub(super) fn server_name(
    name: Option<&str>,
    target: SocketAddr,
) -> io::Result<ServerName<'static>> {
    match name {
        None => Ok(ServerName::IpAddress(target.ip().into())),
        Some(name) => ServerName::try_from(name.trim_matches(['[', ']']).to_owned())
            .map_err(|_| io::Error::from(io::ErrorKind::InvalidInput)),
    }
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

fn read_certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let bad = |why: String| TlsError::File {
        path: path.to_owned(),
        why,
    };
    let chain: Vec<_> = CertificateDer::pem_file_iter(path)
        .map_err(|error| bad(error.to_string()))?
        .collect::<Result<_, _>>()
        .map_err(|error| bad(error.to_string()))?;
    if chain.is_empty() {
        return Err(bad("no certificate in it".to_owned()));
    }
    Ok(chain)
}

/// Believes every certificate; signatures are still checked, so a handshake is a handshake.
#[derive(Debug)]
struct Anyone(Arc<CryptoProvider>);

impl ServerCertVerifier for Anyone {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(
            message,
            cert,
            dss,
            &self.0.signature_verification_algorithms,
        )
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(
            message,
            cert,
            dss,
            &self.0.signature_verification_algorithms,
        )
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
