//! N12: whom a secret is not sent to; and HTTP/2 as a real server speaks it.

use super::{
    server::{Ca, Identity, Server, frame, json, read_frame, read_request},
    *,
};

fn tls_server(config: Arc<rustls::ServerConfig>) -> Server {
    Server::start(Some(config), |stream| {
        read_request(stream)?;
        stream.write_all(json("200 OK", TOKEN).as_bytes())
    })
}

fn trusting(ca: &Ca, folder: &tempfile::TempDir) -> Options {
    let path = folder.path().join("ca.pem");
    std::fs::write(&path, ca.pem()).unwrap();
    Options { ca: Some(path), ..options() }
}

fn https(server: &Server, host: &str) -> App {
    app("oauth2", &format!("https://{host}:{}/token", server.address.port()))
}

fn tls_reason(seen: &Observation) -> &str {
    match &seen.outcome {
        Outcome::Unreachable(Unreachable::Tls(reason)) => reason.split_once(" (localhost").unwrap().0,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn n12_a_private_ca_is_trusted_once_the_settings_name_it() {
    let (ca, folder) = (Ca::new(), tempfile::tempdir().unwrap());
    let server = tls_server(Ca::server(&ca.sign(&["localhost", "127.0.0.1"], |_| ()), None, &[]));
    for host in ["localhost", "127.0.0.1"] {
        let seen = probe(&https(&server, host), trusting(&ca, &folder)).await;
        assert_eq!(answer(&seen).meaning, Meaning::Token);
    }
}

#[tokio::test]
async fn n12_a_server_that_cannot_prove_itself_gets_nothing() {
    let (ca, folder) = (Ca::new(), tempfile::tempdir().unwrap());
    let stranger = Ca::new().sign(&["localhost"], |_| ());
    let expired = ca.sign(&["localhost"], |params| {
        (params.not_before, params.not_after) = (rcgen::date_time_ymd(2020, 1, 1), rcgen::date_time_ymd(2021, 1, 1));
    });
    let future = ca.sign(&["localhost"], |params| {
        (params.not_before, params.not_after) = (rcgen::date_time_ymd(2090, 1, 1), rcgen::date_time_ymd(2091, 1, 1));
    });
    let mut reasons = Vec::new();
    for identity in
        [stranger, Identity::self_signed("localhost"), ca.sign(&["id.example.org"], |_| ()), expired, future]
    {
        let server = tls_server(Ca::server(&identity, None, &[]));
        let seen = probe(&https(&server, "localhost"), trusting(&ca, &folder)).await;
        reasons.push(tls_reason(&seen).to_owned());
        assert_eq!(seen.attempts, 1);
        assert!(server.received().iter().all(|received| !received.contains("POST")));
    }
    let plain = Server::start(None, |stream| {
        stream.read_exact(&mut [0; 5])?;
        stream.write_all(json("400 Bad Request", "{}").as_bytes())
    });
    reasons.push(tls_reason(&probe(&https(&plain, "localhost"), trusting(&ca, &folder)).await).to_owned());
    assert!(plain.received().iter().all(|received| !received.contains("POST")));
    insta::assert_snapshot!(reasons.join("\n"), @r#"
    the server's certificate is self-signed or from a CA this system does not know; a private CA is named by `ca` in the settings
    the server's certificate is self-signed or from a CA this system does not know; a private CA is named by `ca` in the settings
    the server's certificate is for another name
    the server's certificate has expired
    the server's certificate is not valid yet; is this machine's clock right?
    this port does not speak TLS
    "#);
}

#[tokio::test]
async fn n12_a_ca_file_that_cannot_be_used_is_a_sentence() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ca.pem");
    let fault = |path: &std::path::Path| {
        let built = Prober::new(Options { ca: Some(path.to_owned()), ..options() }, secrets(&[]));
        built.map(|_| ()).unwrap_err().to_string().replace(folder.path().to_str().unwrap(), "DIR")
    };
    let mut faults = vec![fault(&path)];
    for content in ["", "-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n"] {
        std::fs::write(&path, content).unwrap();
        faults.push(fault(&path));
    }
    insta::assert_snapshot!(faults.join("\n"), @r#"
    the CA file DIR/ca.pem cannot be used: there is no such file
    the CA file DIR/ca.pem cannot be used: there is no certificate in it
    the CA file DIR/ca.pem cannot be used: it is not readable PEM
    "#);
    let offline = Options { ca: Some(path), offline: true, ..options() };
    assert!(Prober::new(offline, secrets(&[])).is_ok());
}

#[tokio::test]
async fn a_client_certificate_is_shown_to_who_asks_for_it() {
    let (ca, clients, folder) = (Ca::new(), Ca::new(), tempfile::tempdir().unwrap());
    let server = tls_server(Ca::server(&ca.sign(&["localhost"], |_| ()), Some(&clients), &[]));
    let by_tls = |reference: &str| App {
        auth_method: AuthMethod::TlsClientAuth,
        credentials: vec![credential(reference)],
        ..https(&server, "localhost")
    };
    let good = clients.sign(&["svc"], |params| params.not_after = rcgen::date_time_ymd(2035, 6, 7)).pem();
    let stranger = Ca::new().sign(&["svc"], |_| ()).pem();
    let two_halves = clients.sign(&["a"], |_| ()).certificate.pem() + &clients.sign(&["b"], |_| ()).key.serialize_pem();
    let variables = [("GOOD", good.as_str()), ("STRANGER", &stranger), ("HALVES", &two_halves), ("SECRET", CANARY)];

    let seen = probe_with(&by_tls("pem:GOOD"), trusting(&ca, &folder), secrets(&variables)).await;
    assert_eq!(answer(&seen).meaning, Meaning::Token);
    assert_eq!(crate::clock::rfc3339(seen.certificate_end.unwrap()), "2035-06-07T00:00:00Z");
    let sent = server.received().concat();
    assert!(sent.ends_with("grant_type=client_credentials&client_id=etl"), "{sent}");

    let seen = probe_with(&by_tls("pem:STRANGER"), trusting(&ca, &folder), secrets(&variables)).await;
    assert_eq!(tls_reason(&seen), "the server does not accept the client certificate");
    let seen = probe_with(&https(&server, "localhost"), trusting(&ca, &folder), secrets(&variables)).await;
    assert_eq!(tls_reason(&seen), "the server demands a client certificate");
    let seen = probe_with(&by_tls("pem:HALVES"), trusting(&ca, &folder), secrets(&variables)).await;
    let reason = "the certificate and the private key in the PEM do not fit together";
    assert_eq!(seen.outcome, Outcome::Unreadable(Unreadable::BadKey(reason.to_owned())));
    assert_eq!(seen.attempts, 0);
}

/// RFC 9113 section 8.1: nginx answers before it has read the body, then resets the stream without an error.
#[tokio::test]
async fn a_whole_answer_before_the_body_was_read_is_an_answer() {
    let (ca, folder) = (Ca::new(), tempfile::tempdir().unwrap());
    let config = Ca::server(&ca.sign(&["localhost"], |_| ()), None, &[b"h2"]);
    let server = Server::start(Some(config), |stream| {
        stream.read_exact(&mut [0; 24])?;
        frame(stream, 4, 0, 0, &[])?;
        loop {
            let (kind, _, stream_id) = read_frame(stream)?;
            if kind == 1 {
                // HPACK: `:status` 200 is entry 8 of the static table.
                frame(stream, 1, 4, stream_id, &[0x88])?;
                frame(stream, 0, 1, stream_id, TOKEN.as_bytes())?;
                frame(stream, 3, 0, stream_id, &[0; 4])?;
            }
        }
    });
    // More than the first window holds: the rest of the body is still to be sent when the answer comes.
    let mut app = https(&server, "localhost");
    app.params.insert("padding".to_owned(), "x".repeat(200_000));
    let seen = probe(&app, trusting(&ca, &folder)).await;
    assert_eq!((answer(&seen).meaning, seen.attempts), (Meaning::Token, 1));
    assert!(server.received().concat().len() < 100_000);
}
