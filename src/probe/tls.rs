//! TLS for everything that leaves: the system's CAs, the private one, and what a client shows of itself.

use std::{fs, io, path::Path, sync::Arc};

use rustls::{
    ClientConfig,
    crypto::{CryptoProvider, aws_lc_rs},
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};
use rustls_platform_verifier::Verifier;

use super::{SetupFault, Unreadable};

/// Whom to trust; read once, used by every client.
#[derive(Clone)]
pub(super) struct Trust {
    provider: Arc<CryptoProvider>,
    verifier: Arc<Verifier>,
}

impl Trust {
    /// # Errors
    /// The CA file or the system's certificates cannot be used.
    pub(super) fn new(ca: Option<&Path>) -> Result<Self, SetupFault> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let extra = ca.map(roots).transpose()?.unwrap_or_default();
        let verifier = Verifier::new_with_extra_roots(extra, Arc::clone(&provider)).map_err(|_| match ca {
            None => SetupFault::Tls,
            Some(path) => ca_fault(path, "there is a certificate in it that is no CA's"),
        })?;
        Ok(Self { provider, verifier: Arc::new(verifier) })
    }

    /// A client that is known by nothing but what it says.
    pub(super) fn anonymous(&self) -> Result<ClientConfig, SetupFault> {
        let config = ClientConfig::builder_with_provider(Arc::clone(&self.provider))
            .with_safe_default_protocol_versions()
            .map_err(|_| SetupFault::Tls)?
            .dangerous()
            .with_custom_certificate_verifier(Arc::clone(&self.verifier) as _)
            .with_no_client_auth();
        Ok(with_both_protocols(config))
    }

    /// A client that shows the certificate of this PEM.
    pub(super) fn identified(&self, pem: &str) -> Result<ClientConfig, Unreadable> {
        let unusable = |reason: &str| Unreadable::BadKey(reason.to_owned());
        let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem.as_bytes()).collect();
        let certificates = certificates.ok().filter(|certificates| !certificates.is_empty());
        let (certificates, key) = certificates
            .zip(PrivateKeyDer::from_pem_slice(pem.as_bytes()).ok())
            .ok_or_else(|| unusable("the PEM needs a certificate and its private key, unencrypted"))?;
        let misfit = |_| unusable("the certificate and the private key in the PEM do not fit together");
        let config = ClientConfig::builder_with_provider(Arc::clone(&self.provider))
            .with_safe_default_protocol_versions()
            .map_err(misfit)?
            .dangerous()
            .with_custom_certificate_verifier(Arc::clone(&self.verifier) as _)
            .with_client_auth_cert(certificates, key)
            .map_err(misfit)?;
        Ok(with_both_protocols(config))
    }
}

/// HTTP/2 where the server speaks it (RFC 7301).
fn with_both_protocols(mut config: ClientConfig) -> ClientConfig {
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    config
}

fn roots(path: &Path) -> Result<Vec<CertificateDer<'static>>, SetupFault> {
    let pem = fs::read(path).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => ca_fault(path, "there is no such file"),
        kind => ca_fault(path, &format!("it cannot be read: {kind}")),
    })?;
    let roots: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    match roots {
        Err(_) => Err(ca_fault(path, "it is not readable PEM")),
        Ok(roots) if roots.is_empty() => Err(ca_fault(path, "there is no certificate in it")),
        Ok(roots) => Ok(roots),
    }
}

fn ca_fault(path: &Path, reason: &str) -> SetupFault {
    SetupFault::Ca { path: path.to_owned(), reason: reason.to_owned() }
}
