//! Client assertions: a signed statement in the secret's place (RFC 7523 section 2.2 and 3).

use chrono::{DateTime, Utc};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde::Serialize;
use uuid::Uuid;

use super::key::{self, Certificate, SigningKey};
use crate::{inventory::SigningAlgorithm, provider::AssertionProfile, secret::Secret};

/// Seconds an assertion is good for: what the strictest servers still take, and what MSAL gives itself.
const fn lifetime(profile: AssertionProfile) -> i64 {
    match profile {
        AssertionProfile::Rfc7523 => 300,
        AssertionProfile::Entra => 600,
    }
}

#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    sub: &'a str,
    aud: &'a str,
    jti: String,
    iat: i64,
    nbf: i64,
    exp: i64,
}

/// What is stated: who the client is, to whom, and when.
#[derive(Clone, Copy)]
pub(super) struct Statement<'a> {
    pub(super) client_id: &'a str,
    pub(super) audience: &'a str,
    pub(super) now: DateTime<Utc>,
}

/// The assertion of a client that signs in with the key of a PEM, as the profile prefers it.
///
/// # Errors
/// A sentence: the PEM holds no usable key, or not the certificate that the profile needs.
pub fn client_assertion(
    pem: &Secret,
    client_id: &str,
    audience: &str,
    profile: AssertionProfile,
    now: DateTime<Utc>,
) -> Result<Secret, String> {
    let (certificate, key) = (key::certificate(pem.expose())?, key::signing_key(pem.expose())?);
    let statement = Statement { client_id, audience, now };
    statement.by_key(&key, certificate.as_ref(), None, profile, None).map(Secret::new)
}

impl Statement<'_> {
    /// Signed with the client secret (`client_secret_jwt`).
    ///
    /// # Errors
    /// A sentence: the declared algorithm needs another kind of key.
    pub(super) fn by_secret(self, secret: &str, declared: Option<SigningAlgorithm>) -> Result<String, String> {
        let algorithm = declared.unwrap_or(SigningAlgorithm::HS256);
        let key = EncodingKey::from_secret(secret.as_bytes());
        let lifetime = lifetime(AssertionProfile::Rfc7523);
        self.signed(&Header::new(jose(algorithm)), &key, lifetime).ok_or_else(|| {
            format!("assertion_alg {algorithm:?} needs a private key; a client secret signs with HS256, HS384 or HS512")
        })
    }

    /// Signed with a private key (`private_key_jwt`), naming the key as the provider wants it.
    ///
    /// # Errors
    /// A sentence: the certificate is missing, or the key cannot sign so.
    pub(super) fn by_key(
        self,
        key: &SigningKey,
        certificate: Option<&Certificate>,
        key_id: Option<&str>,
        profile: AssertionProfile,
        declared: Option<SigningAlgorithm>,
    ) -> Result<String, String> {
        let mut header = Header::new(Algorithm::default());
        header.kid = key_id.map(str::to_owned);
        if profile == AssertionProfile::Entra {
            let certificate = certificate.ok_or_else(|| {
                "there is no certificate in the PEM; Entra finds the key by its thumbprint".to_owned()
            })?;
            header.x5t_s256 = Some(certificate.thumbprint.clone());
        }
        let preferred = (profile == AssertionProfile::Entra).then_some(SigningAlgorithm::PS256);
        let candidates = declared
            .map_or_else(|| preferred.into_iter().chain(key.algorithms.iter().copied()).collect(), |it| vec![it]);
        let fitting = candidates.into_iter().filter(|algorithm| key.algorithms.contains(algorithm));
        let mut assertions = fitting.filter_map(|algorithm| {
            header.alg = jose(algorithm);
            self.signed(&header, &key.key, lifetime(profile))
        });
        assertions.next().ok_or_else(|| match declared {
            Some(declared) => format!("the private key in the PEM cannot sign with {declared:?} (assertion_alg)"),
            None => "the private key in the PEM cannot sign".to_owned(),
        })
    }

    fn signed(self, header: &Header, key: &EncodingKey, lifetime: i64) -> Option<String> {
        let now = self.now.timestamp();
        let claims = Claims {
            iss: self.client_id,
            sub: self.client_id,
            aud: self.audience,
            jti: Uuid::new_v4().to_string(),
            iat: now,
            nbf: now,
            exp: now + lifetime,
        };
        jsonwebtoken::encode(header, &claims, key).ok()
    }
}

const fn jose(algorithm: SigningAlgorithm) -> Algorithm {
    match algorithm {
        SigningAlgorithm::HS256 => Algorithm::HS256,
        SigningAlgorithm::HS384 => Algorithm::HS384,
        SigningAlgorithm::HS512 => Algorithm::HS512,
        SigningAlgorithm::RS256 => Algorithm::RS256,
        SigningAlgorithm::RS384 => Algorithm::RS384,
        SigningAlgorithm::RS512 => Algorithm::RS512,
        SigningAlgorithm::PS256 => Algorithm::PS256,
        SigningAlgorithm::PS384 => Algorithm::PS384,
        SigningAlgorithm::PS512 => Algorithm::PS512,
        SigningAlgorithm::ES256 => Algorithm::ES256,
        SigningAlgorithm::ES384 => Algorithm::ES384,
        SigningAlgorithm::EdDSA => Algorithm::EdDSA,
    }
}

#[cfg(test)]
mod tests;
