//! oidc-provider: the generic provider, by token endpoint and by discovery.

use crate::{night::Night, server::Server};

#[test]
fn every_method_is_told_right_from_wrong() {
    let Some(server) = Server::started("OIDC_PROVIDER") else { return };
    let mut night = Night::new();
    for name in ["POST", "BASIC", "EXPIRED", "HS"] {
        night.secret(name, &server.tells(name));
    }
    night.secret("WRONG", "canary-op-wrong-c3a9f27b51e84d06b2f1");
    night.inventory(&format!(
        "
version: 1
defaults: {{provider: oauth2, token_endpoint: '{url}/token', expires: never}}
apps:
  - {{name: post, client_id: post, secret: 'env:POST', auth_method: client_secret_post}}
  - {{name: post-wrong, client_id: post, secret: 'env:WRONG', auth_method: client_secret_post}}
  - {{name: basic, client_id: 'basic:app/1 +%', secret: 'env:BASIC', auth_method: client_secret_basic}}
  - {{name: basic-wrong, client_id: 'basic:app/1 +%', secret: 'env:WRONG', auth_method: client_secret_basic}}
  - {{name: expired, client_id: expired, secret: 'env:EXPIRED', auth_method: client_secret_post}}
  - {{name: hs, client_id: hs, secret: 'env:HS', auth_method: client_secret_jwt}}
  - {{name: hs-wrong, client_id: hs, secret: 'env:WRONG', auth_method: client_secret_jwt}}
  - {{name: key, client_id: key, certificate: 'file:{key}', auth_method: private_key_jwt}}
",
        url = server.tells("URL"),
        key = server.file("key.pem"),
    ));
    let (outcome, report) = night.audit(&[]);
    insta::assert_snapshot!(report.verdicts(), @r"
    post: valid, accepted true, 200 -
    post-wrong: invalid_secret, accepted false, 401 invalid_client
    basic: valid, accepted true, 200 -
    basic-wrong: invalid_secret, accepted false, 401 invalid_client
    expired: expired_secret, accepted false, 400 invalid_client
    hs: valid, accepted true, 200 -
    hs-wrong: invalid_secret, accepted false, 401 invalid_client
    key: valid, accepted true, 200 -
    ");
    assert_eq!(outcome.code, 1, "{}", outcome.stderr);
}

#[test]
fn a_key_the_server_does_not_know_is_refused() {
    let Some(server) = Server::started("OIDC_PROVIDER") else { return };
    let night = Night::new();
    night.inventory(&format!(
        "
version: 1
apps:
  - {{name: key, provider: oauth2, token_endpoint: '{}/token', client_id: key, certificate: 'file:{}', auth_method: private_key_jwt}}
",
        server.tells("URL"),
        server.file("key-wrong.pem"),
    ));
    let (outcome, report) = night.audit(&[]);
    insta::assert_snapshot!(report.verdicts(), @"key: assertion_invalid, accepted null, 401 invalid_client");
    assert_eq!(outcome.code, 1, "{}", outcome.stderr);
}

#[test]
fn the_issuer_alone_finds_the_token_endpoint() {
    let Some(server) = Server::started("OIDC_PROVIDER") else { return };
    let mut night = Night::new();
    night.secret("POST", &server.tells("POST"));
    night.inventory(&format!(
        "
version: 1
defaults: {{provider: oauth2, issuer: '{}'}}
apps:
  - {{name: post, client_id: post, secret: 'env:POST', auth_method: client_secret_post}}
  - {{name: key, client_id: key, certificate: 'file:{}', auth_method: private_key_jwt, assertion_audience: issuer}}
",
        server.tells("URL"),
        server.file("key.pem"),
    ));
    let (outcome, report) = night.audit(&[]);
    insta::assert_snapshot!(report.verdicts(), @r"
    post: valid, accepted true, 200 -
    key: valid, accepted true, 200 -
    ");
    assert_eq!(outcome.code, 0, "{}", outcome.stderr);
}
