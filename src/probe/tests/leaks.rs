//! N13: a server that echoes what it was sent, in every form it can.

use base64::{Engine, engine::general_purpose::STANDARD};

use super::{
    server::{Server, json, read_request},
    *,
};

/// Eight characters of the canary in a row, in any case.
fn leaks(text: &str, secret: &str) -> bool {
    let (text, secret) = (text.to_lowercase(), secret.to_lowercase());
    secret.as_bytes().windows(8).any(|part| text.contains(std::str::from_utf8(part).unwrap()))
}

#[tokio::test]
async fn n13_an_echo_of_the_secret_reaches_no_observation() {
    let forms = [
        CANARY.to_owned(),
        STANDARD.encode(CANARY),
        STANDARD.encode(format!("etl:{CANARY}")),
        url::form_urlencoded::byte_serialize(CANARY.as_bytes()).collect(),
        CANARY.bytes().map(|byte| format!("{byte:02X}")).collect(),
    ];
    for form in &forms {
        let body = serde_json::json!({
            "error": form,
            "error_description": format!("AADSTS7000215: the secret '{form}' is wrong"),
            "trace_id": form,
            "correlation_id": form,
        });
        let server = Server::saying(json("401 Unauthorized", &body.to_string()));
        let seen = probe(&app("oauth2", &server.url()), options()).await;
        let shown = format!("{seen:?}");
        assert!(forms.iter().all(|form| !leaks(&shown, form)), "{shown}");
        let description = answer(&seen).description.as_deref().unwrap();
        assert!(
            description.starts_with("AADSTS7000215: the secret '") && description.ends_with("[redacted]' is wrong"),
            "{description}"
        );
        assert_eq!(answer(&seen).trace_id, None);
    }
}

#[tokio::test]
async fn n13_an_echoed_request_shows_neither_header_nor_assertion() {
    let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap().serialize_pem();
    for method in [AuthMethod::ClientSecretBasic, AuthMethod::ClientSecretJwt, AuthMethod::PrivateKeyJwt] {
        let server = Server::start(None, |stream| {
            let request = read_request(stream)?;
            let proof = |mark| request.split_once(mark).map(|(_, after)| after.split("\r\n").next().unwrap());
            let proof = proof("Basic ").or_else(|| proof("client_assertion=")).unwrap();
            let body = serde_json::json!({"error": "invalid_client", "error_description": proof});
            stream.write_all(json("401 Unauthorized", &body.to_string()).as_bytes())
        });
        let pem = method == AuthMethod::PrivateKeyJwt;
        let credentials = vec![credential(if pem { "pem:KEY" } else { "env:SECRET" })];
        let app = App { auth_method: method, credentials, ..app("oauth2", &server.url()) };
        let seen = probe_with(&app, options(), secrets(&[("SECRET", CANARY), ("KEY", &key)])).await;
        let received = server.received()[0].clone();
        let mark = if method == AuthMethod::ClientSecretBasic { "Basic " } else { "client_assertion=" };
        let (_, proof) = received.split_once(mark).unwrap();
        let proof = proof.split("\r\n").next().unwrap();
        let shown = format!("{seen:?}");
        assert!(shown.contains("[redacted]") && !leaks(&shown, proof) && !leaks(&shown, CANARY), "{method:?}: {shown}");
    }
}

#[tokio::test]
async fn n13_a_refusal_that_brings_a_token_along_does_not_show_it() {
    const TOKEN: &str = "5f0c2f1e-93b4-4c55-8f0e-77aa10cd42e1";
    for name in ["access_token", "refresh_token", "id_token"] {
        for status in ["400 Bad Request", "401 Unauthorized"] {
            let body = serde_json::json!({
                name: TOKEN,
                "error": TOKEN,
                "error_description": format!("the client has {TOKEN} already"),
                "trace_id": TOKEN,
                "correlation_id": TOKEN,
            });
            let server = Server::saying(json(status, &body.to_string()));
            let shown = format!("{:?}", probe(&app("oauth2", &server.url()), options()).await);
            assert!(shown.contains("[redacted] already") && !leaks(&shown, TOKEN), "{name} {status}: {shown}");
        }
    }
}

#[tokio::test]
async fn what_a_server_says_is_kept_short_and_harmless() {
    let body = serde_json::json!({
        "error": "invalid_client",
        "error_description": format!("line\r\n\u{1b}[31m\u{202e}{}", "é".repeat(5000)),
        "trace_id": "2b1a9a5e-6d1f-4f0e-9a5c-1f3d2c4b5a69",
        "correlation_id": "=cmd()",
    });
    let server = Server::saying(json("401 Unauthorized", &body.to_string()));
    let seen = probe(&app("oauth2", &server.url()), options()).await;
    let description = answer(&seen).description.as_deref().unwrap();
    assert!(description.starts_with("line\u{fffd}\u{fffd}\u{fffd}[31m\u{fffd}é"), "{description}");
    assert_eq!(description.chars().count(), 301);
    assert_eq!(answer(&seen).trace_id.as_deref(), Some("2b1a9a5e-6d1f-4f0e-9a5c-1f3d2c4b5a69"));
    assert_eq!(uuid::Uuid::try_parse(seen.correlation_id.as_deref().unwrap()).unwrap().get_version_num(), 4);
}
