use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{DecodingKey, Validation};
use serde_json::Value;

use super::{super::key, *};

const STATEMENT: Statement<'static> = Statement {
    client_id: "etl",
    audience: "https://id.example.org/token",
    now: DateTime::from_timestamp(1_800_000_000, 0).unwrap(),
};

fn pem(algorithm: &'static rcgen::SignatureAlgorithm) -> (String, String) {
    let key = rcgen::KeyPair::generate_for(algorithm).unwrap();
    let certificate = rcgen::CertificateParams::new(vec![]).unwrap().self_signed(&key).unwrap();
    (key.serialize_pem() + &certificate.pem(), key.public_key_pem())
}

fn part(assertion: &str, index: usize) -> Value {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(assertion.split('.').nth(index).unwrap()).unwrap()).unwrap()
}

fn signed(pem: &str, profile: AssertionProfile, declared: Option<SigningAlgorithm>) -> Result<String, String> {
    let certificate = key::certificate(pem).unwrap();
    STATEMENT.by_key(&key::signing_key(pem).unwrap(), certificate.as_ref(), Some("key-1"), profile, declared)
}

fn is_signed_by(assertion: &str, key: &DecodingKey, algorithm: Algorithm) -> bool {
    let mut validation = Validation::new(algorithm);
    validation.set_audience(&[STATEMENT.audience]);
    validation.validate_exp = false;
    validation.validate_nbf = false;
    jsonwebtoken::decode::<Value>(assertion, key, &validation).is_ok()
}

#[test]
fn the_claims_are_those_of_rfc_7523() {
    let assertion = STATEMENT.by_secret("canary-canary-canary", None).unwrap();
    let mut claims = part(&assertion, 1);
    let jti = claims["jti"].take();
    assert_eq!(Uuid::try_parse(jti.as_str().unwrap()).unwrap().get_version_num(), 4);
    insta::assert_snapshot!(claims, @r#"{"iss":"etl","sub":"etl","aud":"https://id.example.org/token","jti":null,"iat":1800000000,"nbf":1800000000,"exp":1800000300}"#);
    insta::assert_snapshot!(part(&assertion, 0), @r#"{"typ":"JWT","alg":"HS256"}"#);
    assert!(is_signed_by(&assertion, &DecodingKey::from_secret(b"canary-canary-canary"), Algorithm::HS256));
    assert_ne!(STATEMENT.by_secret("x", None), STATEMENT.by_secret("x", None), "never the same twice");
}

#[test]
fn each_kind_of_key_signs_with_what_fits_it() {
    type Decoder = fn(&[u8]) -> jsonwebtoken::errors::Result<DecodingKey>;
    let cases: [(_, _, Decoder); 4] = [
        (&rcgen::PKCS_RSA_SHA256, Algorithm::RS256, DecodingKey::from_rsa_pem),
        (&rcgen::PKCS_ECDSA_P256_SHA256, Algorithm::ES256, DecodingKey::from_ec_pem),
        (&rcgen::PKCS_ECDSA_P384_SHA384, Algorithm::ES384, DecodingKey::from_ec_pem),
        (&rcgen::PKCS_ED25519, Algorithm::EdDSA, DecodingKey::from_ed_pem),
    ];
    for (kind, algorithm, decoder) in cases {
        let (pem, public) = pem(kind);
        let assertion = signed(&pem, AssertionProfile::Rfc7523, None).unwrap();
        assert!(is_signed_by(&assertion, &decoder(public.as_bytes()).unwrap(), algorithm), "{algorithm:?}");
        assert_eq!(part(&assertion, 0)["kid"], "key-1");
        assert_eq!(part(&assertion, 0).get("x5t#S256"), None);
    }
}

#[test]
fn entra_finds_the_key_by_the_certificates_thumbprint() {
    let (pem, public) = pem(&rcgen::PKCS_RSA_SHA256);
    let assertion = signed(&pem, AssertionProfile::Entra, None).unwrap();
    assert!(is_signed_by(&assertion, &DecodingKey::from_rsa_pem(public.as_bytes()).unwrap(), Algorithm::PS256));
    assert_eq!(part(&assertion, 0)["x5t#S256"].as_str().unwrap().len(), 43);
    assert_eq!(part(&assertion, 1)["exp"].as_i64().unwrap() - 1_800_000_000, 600);
    let key_alone = pem.split("-----BEGIN CERT").next().unwrap();
    insta::assert_snapshot!(signed(key_alone, AssertionProfile::Entra, None).unwrap_err(), @"there is no certificate in the PEM; Entra finds the key by its thumbprint");
}

#[test]
fn a_declared_algorithm_is_used_or_refused_with_its_name() {
    let (pem, _) = pem(&rcgen::PKCS_RSA_SHA256);
    let declared = |algorithm| signed(&pem, AssertionProfile::Rfc7523, Some(algorithm));
    assert_eq!(part(&declared(SigningAlgorithm::PS384).unwrap(), 0)["alg"], "PS384");
    insta::assert_snapshot!(declared(SigningAlgorithm::ES256).unwrap_err(), @"the private key in the PEM cannot sign with ES256 (assertion_alg)");
    insta::assert_snapshot!(STATEMENT.by_secret("s", Some(SigningAlgorithm::RS256)).unwrap_err(), @"assertion_alg RS256 needs a private key; a client secret signs with HS256, HS384 or HS512");
    assert_eq!(part(&STATEMENT.by_secret("s", Some(SigningAlgorithm::HS512)).unwrap(), 0)["alg"], "HS512");
}

/// Written by `openssl ecparam -genkey`, `genrsa -traditional` and `genpkey`.
#[test]
fn keys_as_openssl_writes_them_sign() {
    for (name, pem) in [
        ("sec1 p256", include_str!("keys/ec-p256-sec1.pem")),
        ("sec1 p384", include_str!("keys/ec-p384-sec1.pem")),
        ("pkcs1", include_str!("keys/rsa-pkcs1.pem")),
        ("pkcs8 ed25519", include_str!("keys/ed25519.pem")),
    ] {
        assert!(signed(pem, AssertionProfile::Rfc7523, None).is_ok(), "{name}");
    }
}

#[test]
fn a_sign_in_of_our_own_is_signed_as_the_profile_prefers() {
    let (pem, public) = pem(&rcgen::PKCS_RSA_SHA256);
    let assert = |profile| {
        client_assertion(&Secret::new(pem.clone()), "etl", STATEMENT.audience, profile, STATEMENT.now).unwrap()
    };
    let (assertion, plain) = (assert(AssertionProfile::Entra), assert(AssertionProfile::Rfc7523));
    let (assertion, plain) = (assertion.expose(), plain.expose());
    let thumbprint = key::certificate(&pem).unwrap().unwrap().thumbprint;
    assert_eq!(part(assertion, 0)["x5t#S256"], thumbprint.as_str());
    let key = DecodingKey::from_rsa_pem(public.as_bytes()).unwrap();
    assert!(is_signed_by(assertion, &key, Algorithm::PS256));
    assert!(is_signed_by(plain, &key, Algorithm::RS256));
    let bare = Secret::new(rcgen::KeyPair::generate().unwrap().serialize_pem());
    let fault = client_assertion(&bare, "etl", STATEMENT.audience, AssertionProfile::Entra, STATEMENT.now).unwrap_err();
    assert_eq!(fault, "there is no certificate in the PEM; Entra finds the key by its thumbprint");
}
