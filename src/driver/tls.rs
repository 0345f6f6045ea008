//! TLS: who we are, and whom we believe.
//!
//! The cryptography is ring's. Verification can be left out for peers on loopback only.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::ClientCertVerifier;
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, ServerConfig, SignatureScheme};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName, UnixTime};
use tokio_rustls::{TlsAcceptor, TlsConnector};

/// What TLS links of the node use; the default neither accepts nor opens any.
#[derive(Clone, Default)]
pub struct Tls {
    acceptor: Option<TlsAcceptor>,
    /// What HTTP accepts with; it may ask clients for certificates, which SIP does not.
    door: Option<TlsAcceptor>,
    identity: Option<Arc<Identity>>,
    verified: Option<Connectors>,
    loopback: Option<Connectors>,
}

/// HTTP/2 and HTTP/1.1, as ALPN names them.
pub(super) const ALPN_TWO: &[u8] = b"h2";
const ALPN_ONE: &[u8] = b"http/1.1";

/// What opens connections, without and with a choice between versions of HTTP.
#[derive(Clone)]
struct Connectors {
    plain: TlsConnector,
    http: TlsConnector,
}

impl Connectors {
    fn new(mut config: ClientConfig) -> Self {
        let plain = TlsConnector::from(Arc::new(config.clone()));
        config.alpn_protocols = vec![ALPN_TWO.to_vec(), ALPN_ONE.to_vec()];
        let http = TlsConnector::from(Arc::new(config));
        Self { plain, http }
    }
}

/// A certificate chain and its key.
struct Identity {
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
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
        let identity = Identity { chain, key };
        let anyone = WebPkiClientVerifier::no_client_auth;
        self.door = Some(identity.acceptor(anyone(), true)?);
        self.acceptor = Some(identity.acceptor(anyone(), false)?);
        self.identity = Some(Arc::new(identity));
        Ok(self)
    }

    /// Asks clients of HTTP for a certificate that leads to one of the file's; who has none may come all the same.
    ///
    /// # Errors
    /// When the file cannot be read or holds no certificate, or when nothing is served yet.
    pub fn know_clients(mut self, roots: &Path) -> Result<Self, TlsError> {
        let bad = |error: &dyn core::fmt::Display| TlsError::Certificate(error.to_string());
        let store = Arc::new(read_roots(roots)?);
        let verifier = WebPkiClientVerifier::builder_with_provider(store, provider())
            .allow_unauthenticated()
            .build()
            .map_err(|error| bad(&error))?;
        let identity = self.identity.as_ref();
        let identity = identity.ok_or_else(|| bad(&"no certificate is served"))?;
        self.door = Some(identity.acceptor(verifier, true)?);
        Ok(self)
    }

    /// Opens links to servers whose certificate leads to one of the file's.
    ///
    /// # Errors
    /// When the file cannot be read or holds no certificate.
    pub fn trust_file(mut self, roots: &Path) -> Result<Self, TlsError> {
        let store = read_roots(roots)?;
        let config = ClientConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .map_err(|error| TlsError::Certificate(error.to_string()))?
            .with_root_certificates(store)
            .with_no_client_auth();
        self.verified = Some(Connectors::new(config));
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
        self.loopback = Some(Connectors::new(config));
        Ok(self)
    }

    pub(super) const fn door(&self) -> Option<&TlsAcceptor> {
        self.door.as_ref()
    }

    pub(super) const fn acceptor(&self) -> Option<&TlsAcceptor> {
        self.acceptor.as_ref()
    }

    /// What opens a link to that address, when anything may.
    pub(super) fn connector(&self, target: SocketAddr) -> Option<&TlsConnector> {
        Some(&self.connectors(target)?.plain)
    }

    /// The same, offering HTTP/2 and HTTP/1.1.
    pub(super) fn http_connector(&self, target: SocketAddr) -> Option<&TlsConnector> {
        Some(&self.connectors(target)?.http)
    }

    fn connectors(&self, target: SocketAddr) -> Option<&Connectors> {
        if is_loopback(target.ip()) && self.loopback.is_some() {
            self.loopback.as_ref()
        } else {
            self.verified.as_ref()
        }
    }
}

impl Identity {
    fn acceptor(
        &self,
        verifier: Arc<dyn ClientCertVerifier>,
        is_http: bool,
    ) -> Result<TlsAcceptor, TlsError> {
        let (chain, key) = (self.chain.clone(), self.key.clone_key());
        let mut config = ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .and_then(|builder| {
                let builder = builder.with_client_cert_verifier(verifier);
                builder.with_single_cert(chain, key)
            })
            .map_err(|error| TlsError::Certificate(error.to_string()))?;
        if is_http {
            config.alpn_protocols = vec![ALPN_TWO.to_vec(), ALPN_ONE.to_vec()];
        }
        Ok(TlsAcceptor::from(Arc::new(config)))
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

fn read_roots(path: &Path) -> Result<RootCertStore, TlsError> {
    let mut store = RootCertStore::empty();
    for certificate in read_certificates(path)? {
        store.add(certificate).map_err(|error| TlsError::File {
            path: path.to_owned(),
            why: error.to_string(),
        })?;
    }
    Ok(store)
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

#[cfg(test)]
mod tests {
    use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
    use tokio::io::duplex;

    use super::*;
    use crate::driver::x509::common_name;

    /// Shakes hands with a client that has this certificate: the name that the server sees.
    async fn seen(tls: &Tls, own: Option<(CertificateDer<'static>, KeyPair)>) -> Option<String> {
        let builder = ClientConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .unwrap()
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(Anyone(provider())));
        let config = match own {
            Some((certificate, key)) => {
                let key = PrivatePkcs8KeyDer::from(key.serialize_der());
                builder
                    .with_client_auth_cert(vec![certificate], key.into())
                    .unwrap()
            }
            None => builder.with_no_client_auth(),
        };
        let (near, far) = duplex(1 << 16);
        let connector = TlsConnector::from(Arc::new(config));
        let name = ServerName::try_from("localhost").unwrap();
        let client = connector.connect(name, near);
        let (server, client) = tokio::join!(tls.door().unwrap().accept(far), client);
        let _client = client;
        let server = server.ok()?;
        let shown = server.get_ref().1.peer_certificates();
        shown.map(|shown| common_name(&shown[0]).unwrap())
    }

    #[tokio::test]
    async fn a_client_is_known_by_a_certificate_of_an_issuer_that_is_trusted() {
        let issuer = |name: &str| {
            let mut ca = CertificateParams::new(Vec::new()).unwrap();
            ca.distinguished_name.push(DnType::CommonName, name);
            ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
            let key = KeyPair::generate().unwrap();
            let pem = ca.self_signed(&key).unwrap().pem();
            (Issuer::new(ca, key), pem)
        };
        let ((ours, pem), (strange, _)) = (issuer("ours"), issuer("strange"));
        let client = |issuer: &Issuer<'_, KeyPair>| {
            let mut own = CertificateParams::new(Vec::new()).unwrap();
            own.distinguished_name
                .push(DnType::CommonName, "shop.example");
            let key = KeyPair::generate().unwrap();
            let made = own.signed_by(&key, issuer).unwrap();
            (made.der().clone(), key)
        };
        let file = std::env::temp_dir().join(format!("sirgate-clients-{}.pem", std::process::id()));
        std::fs::write(&file, pem).unwrap();
        let (tls, _) = Tls::default().serve_self_signed(&["localhost"]).unwrap();
        let tls = tls.know_clients(&file).unwrap();
        std::fs::remove_file(&file).unwrap();
        let known = seen(&tls, Some(client(&ours))).await;
        assert_eq!(known.as_deref(), Some("shop.example"));
        assert_eq!(seen(&tls, Some(client(&strange))).await, None);
        assert_eq!(seen(&tls, None).await, None);
        assert!(Tls::default().know_clients(&file).is_err());
    }
}
