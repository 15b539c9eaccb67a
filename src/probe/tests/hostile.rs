//! N8-N11, N13, H3: servers that mean harm or are broken, and what each is called.

use std::time::Duration;

use super::{
    server::{Server, http, json, read_request},
    *,
};

async fn said(answer: impl Into<Vec<u8>>) -> Observation {
    let server = Server::saying(answer);
    probe(&app("oauth2", &server.url()), options()).await
}

fn not_json(observation: &Observation) -> (u16, &str) {
    match &observation.outcome {
        Outcome::BadAnswer(BadAnswer::NotJson { status, what }) => (*status, what),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_token_is_proof_and_is_not_kept() {
    let server = Server::saying(json("200 OK", TOKEN));
    let seen = probe(&app("oauth2", &server.url()), options()).await;
    assert_eq!(answer(&seen).meaning, Meaning::Token);
    assert_eq!((answer(&seen).token_lifetime, seen.attempts, seen.latency.is_some()), (Some(3599), 1, true));
    assert!(!format!("{seen:?}").contains("canary-token"));
    let sent = &server.received()[0];
    assert!(sent.starts_with("POST /token HTTP/1.1\r\n"), "{sent}");
    assert!(sent.contains(&format!("user-agent: credwatch/{}\r\n", env!("CARGO_PKG_VERSION"))), "{sent}");
    assert!(sent.contains(&format!("client-request-id: {}\r\n", seen.correlation_id.unwrap())), "{sent}");
    assert!(sent.ends_with("grant_type=client_credentials&client_id=etl&client_secret=canary%7EZq8%2FVb%2B7Xk.Lm2_Rt9-Wp4%25Hs6+Jd1%26Nc3"), "{sent}");
}

#[tokio::test]
async fn n10_what_is_no_answer_of_a_token_endpoint_is_never_valid() {
    for (body, what) in [
        ("", "an empty body"),
        ("<!doctype html><title>Sign in to the Wi-Fi</title>", "a web page or XML"),
        (r#"{"access_token": "canary"#, "broken or truncated JSON"),
        (r#"{"access_token": ""}"#, "JSON without a token or an error"),
        (r#"{"access_token": null}"#, "JSON without a token or an error"),
        (r#"{"access_token": 7}"#, "JSON without a token or an error"),
        ("[]", "JSON that is no object"),
        (r#"{"access_token": "   "}"#, "JSON without a token or an error"),
        (r#"{"access_token": true}"#, "JSON without a token or an error"),
        (r#"{"access_token": ["canary"]}"#, "JSON without a token or an error"),
        (r#"{"Access_Token": "canary"}"#, "JSON without a token or an error"),
        (r#"{"token": {"access_token": "canary"}}"#, "JSON without a token or an error"),
        (r#"{"access_token": "canary", "access_token": "canary"}"#, "JSON without a token or an error"),
        (r#"{"access_token": "canary", "access_token": null}"#, "JSON without a token or an error"),
        (r#"{"access_token": "canary"} {"access_token": "canary"}"#, "broken or truncated JSON"),
        (r#"{"access_token": "canary",}"#, "broken or truncated JSON"),
        ("{'access_token': 'canary'}", "broken or truncated JSON"),
        ("\u{feff}{\"access_token\": \"canary\"}", "JSON behind a byte order mark"),
        ("access_token=canary&token_type=Bearer", "text that is no JSON"),
        ("\"canary\"", "JSON that is no object"),
        ("null", "JSON that is no object"),
    ] {
        let seen = said(json("200 OK", body)).await;
        assert_eq!(not_json(&seen), (200, what));
        assert_eq!(seen.attempts, 1, "{body}");
    }
}

#[tokio::test]
async fn n10_a_token_in_a_web_page_is_none_and_one_without_a_type_is() {
    let typed = |line: &str| http("200 OK", line, TOKEN);
    for line in ["Content-Type: text/html; charset=utf-8\r\n", "Content-Type: text/xml\r\n"] {
        let seen = said(typed(line)).await;
        assert_eq!(not_json(&seen), (200, "a token under a content type that is not JSON's"));
        assert!(!format!("{seen:?}").contains("canary-token"));
    }
    for line in ["", "Content-Type: text/plain\r\n", "Content-Type: application/json;charset=UTF-8\r\n"] {
        assert_eq!(answer(&said(typed(line)).await).meaning, Meaning::Token, "{line}");
    }
    let refusal = said(http("401 Unauthorized", "Content-Type: text/html\r\n", r#"{"error":"invalid_client"}"#)).await;
    assert_eq!(answer(&refusal).meaning, Meaning::SecretRefused, "a refusal is one under any type");
}

#[tokio::test]
async fn n11_no_redirect_is_followed_with_the_secret() {
    let other = Server::saying(json("200 OK", TOKEN));
    for status in ["301 Moved", "302 Found", "303 See Other", "307 Temporary Redirect", "308 Permanent Redirect"] {
        let seen = said(http(status, &format!("Location: {}\r\n", other.url()), "")).await;
        let expected = status[..3].parse().unwrap();
        assert_eq!(seen.outcome, Outcome::BadAnswer(BadAnswer::Redirect { status: expected }));
        assert_eq!(seen.attempts, 1);
    }
    assert_eq!(other.received(), Vec::<String>::new());
}

#[tokio::test]
async fn n9_a_body_is_read_as_far_as_its_limit_after_decompression() {
    let large = "x".repeat(transport::BODY_LIMIT + 1);
    assert_eq!(said(json("200 OK", &large)).await.outcome, Outcome::BadAnswer(BadAnswer::TooLarge { status: 200 }));

    let endless = Server::start(None, |stream| {
        read_request(stream)?;
        stream.write_all(b"HTTP/1.1 400 Bad Request\r\nTransfer-Encoding: chunked\r\n\r\n")?;
        loop {
            stream.write_all(b"1000\r\n")?;
            stream.write_all(&[b'x'; 0x1000])?;
            stream.write_all(b"\r\n")?;
        }
    });
    let seen = probe(&app("oauth2", &endless.url()), options()).await;
    assert_eq!(seen.outcome, Outcome::BadAnswer(BadAnswer::TooLarge { status: 400 }));
}

#[tokio::test]
async fn n9_a_gzip_bomb_is_cut_while_it_unfolds() {
    let bomb = bomb();
    assert!(bomb.len() < 128 * 1024, "16 MiB once unfolded");
    let mut answer =
        format!("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {}\r\n\r\n", bomb.len()).into_bytes();
    answer.extend_from_slice(&bomb);
    assert_eq!(said(answer).await.outcome, Outcome::BadAnswer(BadAnswer::TooLarge { status: 200 }));
}

#[tokio::test]
async fn n9_a_head_without_end_is_no_answer() {
    let headers: String = (0..100_000).map(|number| format!("X-{number}: {number}\r\n")).collect();
    let seen = said(http("200 OK", &headers, TOKEN)).await;
    let Outcome::BadAnswer(BadAnswer::NotHttp { what }) = seen.outcome else { panic!("{seen:?}") };
    assert!(what.starts_with("the head of the answer is too large ("), "{what}");
}

#[tokio::test]
async fn n9_json_of_any_depth_is_survived() {
    let deep = "[".repeat(100_000);
    assert_eq!(not_json(&said(json("200 OK", &format!(r#"{{"a": {deep}"#))).await).0, 200);
}

#[tokio::test]
async fn n10_an_answer_cut_off_is_told_from_a_refused_connection() {
    let mut cut = json("401 Unauthorized", r#"{"error": "invalid_client"}"#);
    cut.truncate(cut.len() - 5);
    let seen = said(cut).await;
    assert_eq!(seen.outcome, Outcome::BadAnswer(BadAnswer::Truncated { status: 401 }));
    assert_eq!(seen.attempts, 3);

    let seen = said("").await;
    assert!(matches!(&seen.outcome, Outcome::Unreachable(Unreachable::Broken(_))), "{seen:?}");

    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let seen = probe(&app("oauth2", &format!("http://{closed}/token")), options()).await;
    assert_eq!(
        seen.outcome,
        Outcome::Unreachable(Unreachable::Connect(format!("the connection is refused ({closed})")))
    );
    assert_eq!(seen.attempts, 3);
}

#[tokio::test]
async fn what_does_not_speak_http_is_named() {
    let seen = said("SSH-2.0-OpenSSH_9.9\r\n").await;
    let Outcome::BadAnswer(BadAnswer::NotHttp { what }) = seen.outcome else { panic!("{seen:?}") };
    assert!(what.starts_with("the answer is not HTTP ("), "{what}");
}

#[tokio::test]
async fn n8_a_slow_head_or_body_ends_with_the_credentials_time() {
    for head in ["", "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"] {
        let loris = Server::start(None, move |stream| {
            read_request(stream)?;
            stream.write_all(head.as_bytes())?;
            while stream.write_all(b"H").is_ok() {
                std::thread::sleep(Duration::from_millis(50));
            }
            Ok(())
        });
        let began = tokio::time::Instant::now();
        let seen = probe(&app("oauth2", &loris.url()), within(Period::from_millis(600))).await;
        assert!(matches!(seen.outcome, Outcome::Unreachable(Unreachable::Timeout(_))), "{seen:?}");
        assert!(began.elapsed() < Duration::from_secs(5));
    }
}

#[tokio::test]
async fn h3_an_address_of_the_link_is_not_connected_even_as_a_literal() {
    for endpoint in [
        "https://169.254.169.254/token",
        "https://[fe80::1]/token",
        "https://0.0.0.0/token",
        "https://[::ffff:169.254.169.254]/t",
    ] {
        let seen = probe(&app("oauth2", endpoint), options()).await;
        assert!(matches!(seen.outcome, Outcome::Unreachable(Unreachable::ForbiddenAddress(_))), "{seen:?}");
        assert_eq!(seen.attempts, 0);
    }
}

#[tokio::test]
async fn h3_localhost_is_this_machine_and_needs_no_dns() {
    let server = Server::saying(json("200 OK", TOKEN));
    let url = format!("http://localhost:{}/token", server.address.port());
    assert_eq!(answer(&probe(&app("oauth2", &url), options()).await).meaning, Meaning::Token);
}

/// RFC 1951 section 3.2.6: one literal, then copies of it, 258 at a time for 13 bits each.
fn bomb() -> Vec<u8> {
    let mut bits = vec![0, 1, 0]; // not the last block, fixed codes
    bits.extend([1, 0, 1, 0, 1, 0, 0, 0]); // 'x': 0x30 + 120
    for _ in 0..(16 << 20) / 258 {
        bits.extend([1, 1, 0, 0, 0, 1, 0, 1, 0, 0, 0, 0, 0]); // length code 285, distance code 0
    }
    let bytes = bits.chunks(8).map(|chunk| chunk.iter().rev().fold(0_u8, |byte, bit| (byte << 1) | bit));
    [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff].into_iter().chain(bytes).collect()
}
