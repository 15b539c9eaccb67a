//! A PEM as people keep it: certificate, chain and private key in one text, in any order.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, Utc};
use jsonwebtoken::EncodingKey;
use rustls::pki_types::{CertificateDer, PrivateSec1KeyDer, pem::PemObject};
use sha2::{Digest, Sha256};
use x509_parser::prelude::{FromDer, X509Certificate};
use zeroize::Zeroizing;

use crate::inventory::SigningAlgorithm;

/// What an assertion and a judgement need to know of a certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Certificate {
    /// notAfter
    pub(super) end: DateTime<Utc>,
    /// `x5t#S256` (RFC 7515 section 4.1.8).
    pub(super) thumbprint: String,
}

/// The first certificate of a PEM, which is the client's own; `None` where there is none.
///
/// # Errors
/// A sentence that says what is wrong with it.
pub(super) fn certificate(pem: &str) -> Result<Option<Certificate>, String> {
    let Some(first) = CertificateDer::pem_slice_iter(pem.as_bytes()).next() else { return Ok(None) };
    let unreadable = || "the certificate in the PEM cannot be read".to_owned();
    let der = first.map_err(|_| unreadable())?;
    let (_, certificate) = X509Certificate::from_der(&der).map_err(|_| unreadable())?;
    let end = DateTime::from_timestamp(certificate.validity().not_after.timestamp(), 0).ok_or_else(unreadable)?;
    Ok(Some(Certificate { end, thumbprint: URL_SAFE_NO_PAD.encode(Sha256::digest(&der)) }))
}

/// A private key and the algorithms that fit it, best first.
pub(super) struct SigningKey {
    pub(super) key: EncodingKey,
    pub(super) algorithms: &'static [SigningAlgorithm],
}

const RSA: &[SigningAlgorithm] = {
    use SigningAlgorithm::{PS256, PS384, PS512, RS256, RS384, RS512};
    &[RS256, PS256, RS384, RS512, PS384, PS512]
};
/// The curve decides between the two: only one of them can sign.
const EC: &[SigningAlgorithm] = &[SigningAlgorithm::ES256, SigningAlgorithm::ES384];
const ED25519: &[SigningAlgorithm] = &[SigningAlgorithm::EdDSA];

/// The private key of a PEM.
///
/// # Errors
/// A sentence that says what is missing or unusable.
pub(super) fn signing_key(pem: &str) -> Result<SigningKey, String> {
    let block = private_block(pem).ok_or_else(|| "there is no private key in the PEM".to_owned())?;
    if block.contains("ENCRYPTED") {
        return Err("the private key in the PEM is encrypted; store it without a passphrase".to_owned());
    }
    if let Ok(sec1) = PrivateSec1KeyDer::from_pem_slice(block.as_bytes()) {
        let unusable = || "the EC key in the PEM is on another curve than P-256 or P-384".to_owned();
        let pkcs8 = pkcs8_of(sec1.secret_sec1_der()).ok_or_else(unusable)?;
        return Ok(SigningKey { key: EncodingKey::from_ec_der(&pkcs8), algorithms: EC });
    }
    let block = block.as_bytes();
    let rsa = EncodingKey::from_rsa_pem(block).map(|key| SigningKey { key, algorithms: RSA });
    rsa.or_else(|_| EncodingKey::from_ec_pem(block).map(|key| SigningKey { key, algorithms: EC }))
        .or_else(|_| EncodingKey::from_ed_pem(block).map(|key| SigningKey { key, algorithms: ED25519 }))
        .map_err(|_| "the private key in the PEM is neither RSA nor EC (P-256, P-384) nor Ed25519".to_owned())
}

/// The first block whose label ends in `PRIVATE KEY`.
fn private_block(pem: &str) -> Option<&str> {
    const LABEL: &str = "PRIVATE KEY-----";
    let label = pem.find(LABEL)?;
    let start = pem.get(..label)?.rfind("-----BEGIN ")?;
    let end = label + LABEL.len() + pem.get(label + LABEL.len()..)?.find(LABEL)? + LABEL.len();
    pem.get(start..end)
}

/// The signer reads EC keys in PKCS#8 only (RFC 5208 section 5); `openssl ecparam -genkey` writes SEC 1.
fn pkcs8_of(sec1: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    const EC_PUBLIC_KEY: &[u8] = &[0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
    const P256: &[u8] = &[0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
    const P384: &[u8] = &[0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22];
    let names = |curve: &&[u8]| sec1.windows(curve.len()).any(|part| part == *curve);
    let curve = [P256, P384].into_iter().find(names)?;
    let algorithm = tagged(0x30, &[EC_PUBLIC_KEY, curve])?;
    let key = tagged(0x04, &[sec1])?;
    tagged(0x30, &[&[0x02, 0x01, 0x00], &algorithm, &key])
}

/// A DER value: tag, length, content.
fn tagged(tag: u8, parts: &[&[u8]]) -> Option<Zeroizing<Vec<u8>>> {
    let content = Zeroizing::new(parts.concat());
    let [high, low] = u16::try_from(content.len()).ok()?.to_be_bytes();
    let head: &[u8] = match (high, low) {
        (0, ..0x80) => &[tag, low],
        (0, _) => &[tag, 0x81, low],
        _ => &[tag, 0x82, high, low],
    };
    Some(Zeroizing::new([head, &content].concat()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(algorithm: &'static rcgen::SignatureAlgorithm) -> (String, String) {
        let key = rcgen::KeyPair::generate_for(algorithm).unwrap();
        let mut params = rcgen::CertificateParams::new(vec!["client.example".to_owned()]).unwrap();
        params.not_after = rcgen::date_time_ymd(2031, 2, 3);
        (params.self_signed(&key).unwrap().pem(), key.serialize_pem())
    }

    #[test]
    fn the_end_of_a_certificate_is_read_wherever_it_stands() {
        let (certificate_pem, key_pem) = made(&rcgen::PKCS_ECDSA_P256_SHA256);
        for pem in [format!("{key_pem}{certificate_pem}"), format!("comment\n{certificate_pem}\n\n{key_pem}")] {
            let end = certificate(&pem).unwrap().unwrap().end;
            assert_eq!(crate::clock::rfc3339(end), "2031-02-03T00:00:00Z");
        }
        assert_eq!(certificate(&key_pem), Ok(None));
        let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        assert_eq!(certificate(broken).unwrap_err(), "the certificate in the PEM cannot be read");
    }

    #[test]
    fn a_key_without_use_says_why() {
        let secp521 = "-----BEGIN EC PRIVATE KEY-----\nMAkCAQEEBAECAwQ=\n-----END EC PRIVATE KEY-----\n";
        for (pem, reason) in [
            ("", "there is no private key in the PEM"),
            ("-----BEGIN PRIVATE KEY-----", "there is no private key in the PEM"),
            (
                "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----",
                "the private key in the PEM is encrypted; store it without a passphrase",
            ),
            (
                "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----",
                "the private key in the PEM is neither RSA nor EC (P-256, P-384) nor Ed25519",
            ),
            (secp521, "the EC key in the PEM is on another curve than P-256 or P-384"),
        ] {
            assert_eq!(signing_key(pem).map(|_| ()).unwrap_err(), reason);
        }
    }
}
