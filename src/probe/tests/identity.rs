//! How clients prove themselves, and where issuers say they should.

use super::{
    server::{Ca, Server, json, read_request},
    *,
};

/// Answers metadata at its well-known place and a token everywhere else.
fn issuer(metadata: impl Fn(&str) -> Option<String> + Send + Sync + 'static) -> Server {
    Server::start(None, move |stream| {
        let request = read_request(stream)?;
        let path = request.split(' ').nth(1).unwrap_or_default();
        let answer = match (path.contains("/.well-known/"), metadata(path)) {
            (false, _) => json("200 OK", TOKEN),
            (true, Some(metadata)) => json("200 OK", &metadata),
            (true, None) => json("404 Not Found", "{}"),
        };
        stream.write_all(answer.as_bytes())
    })
}

fn metadata(issuer: &str, token_endpoint: &str) -> String {
    serde_json::json!({"issuer": issuer, "token_endpoint": token_endpoint}).to_string()
}

/// An issuer whose metadata names itself; `place` is the one path that answers.
fn own_issuer(place: &'static str) -> (Server, String) {
    issuer_that_takes(place, &serde_json::Value::Null)
}

/// The same with these `token_endpoint_auth_methods_supported`.
fn issuer_that_takes(place: &'static str, methods: &serde_json::Value) -> (Server, String) {
    let (address, methods) = (Arc::new(std::sync::OnceLock::<String>::new()), methods.clone());
    let known = Arc::clone(&address);
    let server = issuer(move |path| {
        let base = known.get().cloned().unwrap_or_default();
        let (issuer, endpoint) = (format!("{base}/realms/a"), format!("{base}/t"));
        let metadata = serde_json::json!({
            "issuer": issuer, "token_endpoint": endpoint, "token_endpoint_auth_methods_supported": methods,
        });
        (path == place).then(|| metadata.to_string())
    });
    let base = format!("http://{}", server.address);
    address.set(base.clone()).unwrap();
    (server, format!("{base}/realms/a"))
}

fn requests(server: &Server, text: &str) -> usize {
    server.received().iter().filter(|received| received.starts_with(text)).count()
}

#[tokio::test]
async fn an_issuer_is_asked_once_however_many_apps_name_it() {
    for place in ["/realms/a/.well-known/openid-configuration", "/.well-known/oauth-authorization-server/realms/a"] {
        let (server, url) = own_issuer(place);
        let apps: Vec<App> = (0..20).map(|_| issuer_app(&url)).collect();
        let prober = Prober::new(options(), secrets(&[("SECRET", CANARY)])).unwrap();
        let seen = prober.run(&subjects(&apps), |_| ()).await;
        assert!(seen.iter().all(|seen| answer(seen).meaning == Meaning::Token && seen.attempts == 1));
        assert_eq!(requests(&server, &format!("GET {place}")), 1);
        assert_eq!(requests(&server, "POST /t"), 20);
    }
}

#[tokio::test]
async fn who_takes_the_secret_in_the_form_alone_gets_it_there_unless_the_app_declares_otherwise() {
    let (basic, post) = ("client_secret_basic", "client_secret_post");
    for (methods, is_usual, sent) in [
        (serde_json::json!([post, "private_key_jwt"]), true, "client_secret="),
        (serde_json::json!([post]), false, "authorization: Basic "),
        (serde_json::json!([post, basic]), true, "authorization: Basic "),
        (serde_json::json!([]), true, "authorization: Basic "),
        (serde_json::Value::Null, true, "authorization: Basic "),
    ] {
        let (server, url) = issuer_that_takes("/realms/a/.well-known/openid-configuration", &methods);
        let auth_method = AuthMethod::ClientSecretBasic;
        let seen = probe(&App { auth_method, auth_method_is_usual: is_usual, ..issuer_app(&url) }, options()).await;
        assert_eq!(answer(&seen).meaning, Meaning::Token);
        assert!(server.received().concat().contains(sent), "{methods}: {:?}", server.received());
    }
}

#[tokio::test]
async fn metadata_that_names_no_safe_endpoint_is_not_followed() {
    let other = Server::saying(json("200 OK", TOKEN));
    let endpoint = other.url();
    for (body, reason) in [
        (metadata("http://127.0.0.1:1", &endpoint), "the issuer's metadata is that of another issuer"),
        ("<html>".to_owned(), "the issuer publishes no metadata"),
        ("x".repeat(300 * 1024), "the issuer publishes no metadata"),
    ] {
        let server = issuer(move |_| Some(body.clone()));
        let seen = probe(&issuer_app(&format!("http://{}", server.address)), options()).await;
        let sentence = format!("{reason} ({})", server.address);
        assert_eq!(seen.outcome, Outcome::Unreachable(Unreachable::Discovery(sentence)));
        assert_eq!(seen.attempts, 0);
    }
    assert_eq!(other.received(), Vec::<String>::new());
}

#[tokio::test]
async fn a_discovered_host_obeys_the_allow_list() {
    let (server, url) = own_issuer("/realms/a/.well-known/openid-configuration");
    let allow = Some(vec![HostPattern("id.example.org".to_owned())]);
    let seen = probe(&issuer_app(&url), Options { allow, ..options() }).await;
    assert_eq!(seen.outcome, Outcome::NotTested(NotTested::HostNotAllowed { host: "127.0.0.1".to_owned() }));
    assert_eq!((seen.attempts, requests(&server, "POST")), (0, 0));
}

#[tokio::test]
async fn an_issuer_that_is_down_is_asked_again_and_not_by_every_app() {
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let apps: Vec<App> = (0..30).map(|_| issuer_app(&format!("http://{closed}"))).collect();
    let prober = Prober::new(options(), secrets(&[("SECRET", CANARY)])).unwrap();
    let seen = prober.run(&subjects(&apps), |_| ()).await;
    assert!(
        seen.iter()
            .all(|seen| matches!(seen.outcome, Outcome::Unreachable(Unreachable::Connect(_))) && seen.attempts == 0)
    );
}

#[tokio::test]
async fn each_method_proves_the_client_in_its_own_way_and_in_no_other() {
    let client = Ca::new().sign(&["svc"], |_| ()).pem();
    for (method, reference, present, absent) in [
        (AuthMethod::ClientSecretPost, "env:SECRET", "client_secret=", "authorization:"),
        (AuthMethod::ClientSecretBasic, "env:SECRET", "authorization: Basic ", "client_secret="),
        (AuthMethod::ClientSecretJwt, "env:SECRET", "client_assertion=ey", "client_secret="),
        (AuthMethod::PrivateKeyJwt, "pem:PEM", "client_assertion=ey", "client_secret="),
    ] {
        let server = Server::saying(json("200 OK", TOKEN));
        let mut app =
            App { auth_method: method, credentials: vec![credential(reference)], ..app("oauth2", &server.url()) };
        app.scope = Some("api.read".into());
        app.params.insert("resource".to_owned(), "https://api.example.org".to_owned());
        let seen = probe_with(&app, options(), secrets(&[("SECRET", CANARY), ("PEM", &client)])).await;
        assert_eq!(answer(&seen).meaning, Meaning::Token, "{method:?}");
        let sent = server.received().concat();
        assert!(sent.contains(present) && !sent.contains(absent), "{method:?}: {sent}");
        assert!(sent.ends_with("&scope=api.read&resource=https%3A%2F%2Fapi.example.org"), "{sent}");
    }
}

#[tokio::test]
async fn offline_nothing_is_sent_and_a_certificate_still_tells_its_end() {
    let server = Server::saying(json("200 OK", TOKEN));
    let client = Ca::new().sign(&["svc"], |params| params.not_after = rcgen::date_time_ymd(2035, 6, 7)).pem();
    let by = |method, reference| App {
        auth_method: method,
        credentials: vec![credential(reference)],
        ..app("oauth2", &server.url())
    };
    for (app, has_end) in [
        (by(AuthMethod::ClientSecretPost, "env:SECRET"), false),
        (by(AuthMethod::PrivateKeyJwt, "pem:PEM"), true),
        (by(AuthMethod::PrivateKeyJwt, "pem:ABSENT"), false),
    ] {
        let seen = probe_with(&app, Options { offline: true, ..options() }, secrets(&[("PEM", &client)])).await;
        assert_eq!((seen.outcome, seen.certificate_end.is_some()), (Outcome::NotTested(NotTested::Offline), has_end));
    }
    assert_eq!(server.received(), Vec::<String>::new());
}

#[tokio::test]
async fn the_token_of_one_test_can_be_had_for_its_claims() {
    let server = Server::saying(json("200 OK", TOKEN));
    let app = [app("oauth2", &server.url())];
    let prober = Prober::new(options(), secrets(&[("SECRET", CANARY)])).unwrap();
    let (seen, token) = prober.run_one(subjects(&app)[0]).await;
    assert_eq!(answer(&seen).meaning, Meaning::Token);
    assert_eq!(token.unwrap().expose(), "canary-token-9f8e7d6c5b4a");
}
