//! Keycloak: every client authentication method, right and wrong, and TLS by a private CA.

mod kills;
mod nightly;
mod proxy;
pub mod realm;
mod rotation;

use crate::{night::Night, server::Server};

fn night(keycloak: &Server) -> Night {
    let mut night = Night::new();
    for name in ["OK", "DISABLED", "NOSA", "HS"] {
        night.secret(name, &keycloak.tells(name));
    }
    night.secret("WRONG", "canary-kc-wrong-5f0c2b1d7e8a49c3b6");
    // Long enough for HS256.
    night.secret("HS_WRONG", "canary-kc-hs-wrong-0d9e7c5b3a1f2e4d6c8b");
    night
}

#[test]
fn secrets_are_told_right_from_wrong() {
    let Some(keycloak) = Server::started("KEYCLOAK") else { return };
    let night = night(&keycloak);
    night.inventory(&format!(
        "
version: 1
defaults: {{provider: keycloak, base_url: '{}', realm: audit, expires: never}}
apps:
  - {{name: right, client_id: svc-ok, secret: 'env:OK'}}
  - {{name: right-basic, client_id: svc-ok, secret: 'env:OK', auth_method: client_secret_basic}}
  - {{name: wrong, client_id: svc-ok, secret: 'env:WRONG'}}
  - {{name: unknown, client_id: svc-nobody, secret: 'env:WRONG'}}
  - {{name: disabled, client_id: svc-disabled, secret: 'env:DISABLED'}}
  - {{name: no-service-account, client_id: svc-nosa, secret: 'env:NOSA'}}
  - {{name: no-service-account-wrong, client_id: svc-nosa, secret: 'env:WRONG'}}
  - {{name: public, client_id: svc-public, secret: 'env:WRONG'}}
  - {{name: no-realm, realm: elsewhere, client_id: svc-ok, secret: 'env:OK'}}
",
        keycloak.tells("HTTP")
    ));
    let (outcome, report) = night.audit(&[]);
    insta::assert_snapshot!(report.verdicts(), @r"
    right: valid, accepted true, 200 -
    right-basic: valid, accepted true, 200 -
    wrong: invalid_secret, accepted false, 401 unauthorized_client
    unknown: app_not_found, accepted null, 401 invalid_client
    disabled: app_not_found, accepted null, 401 invalid_client
    no-service-account: policy_blocked, accepted true, 401 unauthorized_client
    no-service-account-wrong: invalid_secret, accepted false, 401 unauthorized_client
    public: bad_request, accepted null, 401 unauthorized_client
    no-realm: tenant_not_found, accepted null, 404 Realm does not exist
    ");
    assert_eq!(outcome.code, 1, "{}", outcome.stderr);
}

#[test]
fn signed_assertions_are_told_right_from_wrong() {
    let Some(keycloak) = Server::started("KEYCLOAK") else { return };
    let night = night(&keycloak);
    night.inventory(&format!(
        "
version: 1
defaults: {{provider: keycloak, base_url: '{}', realm: audit, warn: 2d, critical: 1d}}
apps:
  - {{name: hs, client_id: svc-hs, secret: 'env:HS', auth_method: client_secret_jwt}}
  - {{name: hs-wrong, client_id: svc-hs, secret: 'env:HS_WRONG', auth_method: client_secret_jwt}}
  - {{name: key, client_id: svc-jwt, certificate: 'file:{right}', auth_method: private_key_jwt}}
  - {{name: key-ps256, client_id: svc-jwt, certificate: 'file:{right}', auth_method: private_key_jwt, assertion_alg: PS256}}
  - {{name: key-issuer, client_id: svc-jwt, certificate: 'file:{right}', auth_method: private_key_jwt, assertion_audience: issuer}}
  - {{name: key-wrong, client_id: svc-jwt, certificate: 'file:{wrong}', auth_method: private_key_jwt}}
",
        keycloak.tells("HTTP"),
        right = keycloak.file("svc-jwt.pem"),
        wrong = keycloak.file("svc-jwt-wrong.pem"),
    ));
    let (outcome, report) = night.audit(&[]);
    insta::assert_snapshot!(report.verdicts(), @r"
    hs: valid, accepted true, 200 -
    hs-wrong: invalid_secret, accepted false, 400 unauthorized_client
    key: valid, accepted true, 200 -
    key-ps256: valid, accepted true, 200 -
    key-issuer: valid, accepted true, 200 -
    key-wrong: assertion_invalid, accepted null, 400 invalid_client
    ");
    assert_eq!(outcome.code, 1, "{}", outcome.stderr);
}

fn over_tls(keycloak: &Server) -> Night {
    let night = night(keycloak);
    night.inventory(&format!(
        "
version: 1
defaults: {{provider: keycloak, base_url: '{}', realm: audit, warn: 2d, critical: 1d}}
apps:
  - {{name: secret, client_id: svc-ok, secret: 'env:OK'}}
  - {{name: certificate, client_id: svc-mtls, certificate: 'file:{}', auth_method: tls_client_auth}}
  - {{name: other-subject, client_id: svc-mtls, certificate: 'file:{}', auth_method: tls_client_auth}}
",
        keycloak.tells("HTTPS"),
        keycloak.file("svc-mtls.pem"),
        keycloak.file("svc-other.pem"),
    ));
    night
}

#[test]
fn a_private_ca_carries_secrets_and_client_certificates() {
    let Some(keycloak) = Server::started("KEYCLOAK") else { return };
    let night = over_tls(&keycloak);
    night.settings(&format!("version: 1\nca: {}\n", keycloak.file("ca.pem")));
    let (outcome, report) = night.audit(&[]);
    insta::assert_snapshot!(report.verdicts(), @r"
    secret: valid, accepted true, 200 -
    certificate: valid, accepted true, 200 -
    other-subject: app_not_found, accepted null, 401 invalid_client
    ");
    assert_eq!(outcome.code, 1, "{}", outcome.stderr);
}

#[test]
fn without_the_private_ca_nothing_is_sent() {
    let Some(keycloak) = Server::started("KEYCLOAK") else { return };
    let (outcome, report) = over_tls(&keycloak).audit(&[]);
    insta::assert_snapshot!(report.verdicts(), @r"
    secret: unreachable, accepted null, null -
    certificate: unreachable, accepted null, null -
    other-subject: unreachable, accepted null, null -
    ");
    assert_eq!(outcome.code, 3, "{}", outcome.stderr);
}

#[test]
fn one_secret_is_tested_from_stdin() {
    let Some(keycloak) = Server::started("KEYCLOAK") else { return };
    let night = night(&keycloak);
    let base_url = keycloak.tells("HTTP");
    let arguments =
        ["test", "--provider", "keycloak", "--base-url", &base_url, "--realm", "audit", "--client-id", "svc-ok"];
    let mut with_stdin = arguments.to_vec();
    with_stdin.extend(["--secret", "-"]);

    let right = night.run(&with_stdin, &format!("{}\n", keycloak.tells("OK")));
    assert_eq!(right.code, 0, "{}", right.stderr);
    assert!(right.stdout.contains("valid"), "{}", right.stdout);

    let mut with_variable = arguments.to_vec();
    with_variable.extend(["--secret", "env:WRONG"]);
    let wrong = night.run(&with_variable, "");
    assert_eq!(wrong.code, 1, "{}", wrong.stderr);
}
