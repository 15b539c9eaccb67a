//! Through a proxy the name is the proxy's to resolve, TLS is still with the server, and this machine is never behind it.

use std::io::{BufRead, BufReader, Read};

use rustls::{ServerConnection, StreamOwned};

use super::{
    server::{Ca, Server, http, json, read_request},
    *,
};

/// A CONNECT proxy that is the server behind itself as well.
fn proxy(behind: Option<Arc<rustls::ServerConfig>>) -> Server {
    Server::start(None, move |mut stream| {
        let mut head = String::new();
        let mut reader = BufReader::with_capacity(1, Read::by_ref(&mut stream));
        while reader.read_line(&mut head)? > 2 {}
        let Some(config) = behind.clone() else {
            return stream.write_all(http("407 Proxy Authentication Required", "", "").as_bytes());
        };
        stream.write_all(b"HTTP/1.1 200 Connected\r\n\r\n")?;
        let mut inner = StreamOwned::new(ServerConnection::new(config).unwrap(), stream);
        read_request(&mut inner)?;
        std::io::Write::write_all(&mut inner, json("200 OK", TOKEN).as_bytes())
    })
}

fn through(proxy: &Server, ca: &Ca, folder: &tempfile::TempDir) -> Options {
    let path = folder.path().join("ca.pem");
    std::fs::write(&path, ca.pem()).unwrap();
    let mut options = Options { ca: Some(path), ..options() };
    options.http.proxy = Some(format!("http://{}", proxy.address).parse().unwrap());
    options
}

#[tokio::test]
async fn the_proxy_sees_where_to_and_nothing_of_the_secret() {
    let (ca, folder) = (Ca::new(), tempfile::tempdir().unwrap());
    let proxy = proxy(Some(Ca::server(&ca.sign(&["id.example.test"], |_| ()), None, &[])));
    let seen = probe(&app("oauth2", "https://id.example.test/token"), through(&proxy, &ca, &folder)).await;
    assert_eq!(answer(&seen).meaning, Meaning::Token);
    let received = proxy.received().concat();
    assert!(received.starts_with("CONNECT id.example.test:443 HTTP/1.1\r\n"), "{received}");
    assert!(!received.contains("client_secret"));
}

#[tokio::test]
async fn this_machine_is_never_asked_for_through_the_proxy() {
    let (ca, folder) = (Ca::new(), tempfile::tempdir().unwrap());
    let (proxy, server) = (proxy(None), Server::saying(json("200 OK", TOKEN)));
    for host in ["127.0.0.1", "localhost"] {
        let url = format!("http://{host}:{}/token", server.address.port());
        let seen = probe(&app("oauth2", &url), through(&proxy, &ca, &folder)).await;
        assert_eq!(answer(&seen).meaning, Meaning::Token);
    }
    assert_eq!(proxy.received(), Vec::<String>::new());
}

#[tokio::test]
async fn a_proxy_that_refuses_is_named_as_what_it_is() {
    let (ca, folder) = (Ca::new(), tempfile::tempdir().unwrap());
    let demanding = proxy(None);
    let mut options = through(&demanding, &ca, &folder);
    let app = app("oauth2", "https://id.example.test/token");
    let reason = async |options| match probe(&app, options).await.outcome {
        Outcome::Unreachable(Unreachable::Connect(reason)) => reason,
        other => panic!("{other:?}"),
    };
    let mut reasons = vec![reason(options.clone()).await];
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    options.http.proxy = Some(format!("http://{closed}").parse().unwrap());
    reasons.push(reason(options).await);
    insta::assert_snapshot!(reasons.join("\n"), @r#"
    the proxy demands a sign-in; write it into the proxy's URL (id.example.test)
    the proxy cannot be reached (id.example.test)
    "#);
}

#[tokio::test]
async fn the_proxy_is_signed_in_to_with_what_its_url_says_and_knows_who_asks() {
    let (ca, folder) = (Ca::new(), tempfile::tempdir().unwrap());
    let proxy = proxy(Some(Ca::server(&ca.sign(&["id.example.test"], |_| ()), None, &[])));
    let mut options = through(&proxy, &ca, &folder);
    options.http.proxy = Some(format!("http://user:canary@{}", proxy.address).parse().unwrap());
    let seen = probe(&app("oauth2", "https://id.example.test/token"), options).await;
    assert_eq!(answer(&seen).meaning, Meaning::Token);
    let received = proxy.received().concat().to_lowercase();
    let agent = format!("user-agent: credwatch/{}\r\n", env!("CARGO_PKG_VERSION"));
    assert!(received.contains("proxy-authorization: basic dxnlcjpjyw5hcnk=\r\n") && received.contains(&agent));
}
