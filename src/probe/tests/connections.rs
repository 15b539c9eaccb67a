//! Connections that are kept: one for many requests, and what becomes of a request when one dies.

use std::time::Duration;

use tokio::time::Instant;

use super::{
    server::{Ca, Server, frame, http, read_frame, read_request},
    *,
};

const KEPT: &str = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n";

fn kept(body: &str) -> String {
    format!("{KEPT}Content-Length: {}\r\n\r\n{body}", body.len())
}

/// This many apps at one endpoint, tested one after the other.
async fn in_turn(count: usize, url: &str, options: Options) -> Vec<Observation> {
    let apps: Vec<App> = (0..count).map(|_| app("oauth2", url)).collect();
    let mut options = options;
    options.http.per_host = 1;
    Prober::new(options, secrets(&[("SECRET", CANARY)])).unwrap().run(&subjects(&apps), |_| ()).await
}

fn all_have_tokens_at_once(seen: &[Observation]) -> bool {
    seen.iter().all(|seen| answer(seen).meaning == Meaning::Token && seen.attempts == 1)
}

#[tokio::test]
async fn one_connection_serves_request_after_request() {
    let server = Server::start(None, |stream| {
        loop {
            read_request(stream)?;
            stream.write_all(kept(TOKEN).as_bytes())?;
        }
    });
    assert!(all_have_tokens_at_once(&in_turn(5, &server.url(), options()).await));
    assert_eq!(server.received().len(), 1);
}

#[tokio::test]
async fn a_slow_server_gets_a_connection_for_each_that_may_ask_at_once() {
    let all_are_there = std::sync::Barrier::new(40);
    let server = Server::start(None, move |stream| {
        read_request(stream)?;
        all_are_there.wait();
        stream.write_all(kept(TOKEN).as_bytes())
    });
    let apps: Vec<App> = (0..40).map(|_| app("oauth2", &server.url())).collect();
    let mut options = within(Period::from_secs(10));
    options.http.per_host = 40;
    let prober = Prober::new(options, secrets(&[("SECRET", CANARY)])).unwrap();
    assert!(all_have_tokens_at_once(&prober.run(&subjects(&apps), |_| ()).await));
}

/// RFC 9112 section 9.3.1: the server may close at any time, also while the next request is on its way.
#[tokio::test]
async fn a_request_on_a_connection_that_died_idle_is_sent_once_more_and_is_nobodys_fault() {
    for reads_the_second in [false, true] {
        let server = Server::start(None, move |stream| {
            read_request(stream)?;
            stream.write_all(kept(TOKEN).as_bytes())?;
            if reads_the_second {
                read_request(stream)?;
            }
            Ok(())
        });
        assert!(all_have_tokens_at_once(&in_turn(3, &server.url(), options()).await), "{reads_the_second}");
        assert_eq!(server.received().len(), 3);
    }
}

#[tokio::test]
async fn an_answer_that_has_begun_is_not_asked_for_behind_the_credentials_back() {
    let server = Server::start(None, |stream| {
        read_request(stream)?;
        stream.write_all(kept(TOKEN).as_bytes())?;
        read_request(stream)?;
        stream.write_all(format!("{KEPT}Transfer-Encoding: chunked\r\n\r\n50\r\n{{\"access_token\"").as_bytes())
    });
    let seen = in_turn(2, &server.url(), options()).await;
    // The second try is its own, after a pause, on a new connection.
    assert_eq!((answer(&seen[1]).meaning, seen[1].attempts), (Meaning::Token, 2));
}

#[tokio::test]
async fn a_connection_is_not_kept_where_the_server_says_so_or_more_came_than_was_asked_for() {
    for answer in [http("200 OK", "", TOKEN), kept(TOKEN) + "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"] {
        let server = Server::start(None, move |stream| {
            loop {
                read_request(stream)?;
                stream.write_all(answer.as_bytes())?;
            }
        });
        assert!(all_have_tokens_at_once(&in_turn(2, &server.url(), options()).await));
        assert_eq!(server.received().len(), 2);
    }
}

/// A flood is read as fast as it comes; the clock must be looked at all the same.
#[tokio::test]
async fn n8_no_flood_of_informational_answers_outlasts_the_credentials_time() {
    for pause in [Duration::ZERO, Duration::from_millis(20)] {
        let flood = Server::start(None, move |stream| {
            read_request(stream)?;
            let many = "HTTP/1.1 100 Continue\r\n\r\n".repeat(if pause.is_zero() { 10_000 } else { 1 });
            while stream.write_all(many.as_bytes()).is_ok() {
                std::thread::sleep(pause);
            }
            Ok(())
        });
        let began = Instant::now();
        let seen = probe(&app("oauth2", &flood.url()), within(Period::from_millis(600))).await;
        assert!(matches!(seen.outcome, Outcome::Unreachable(Unreachable::Timeout(_))), "{seen:?}");
        assert!(began.elapsed() < Duration::from_millis(2500), "{:?}", began.elapsed());
    }
}

#[tokio::test]
async fn compression_nobody_asked_for_is_undone() {
    use std::io::Write;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(TOKEN.as_bytes()).unwrap();
    let whole = encoder.finish().unwrap();
    let said = |body: &[u8]| {
        let head = format!("{KEPT}Content-Encoding: gzip\r\nContent-Length: {}\r\n\r\n", body.len());
        Server::saying([head.as_bytes(), body].concat())
    };
    let seen = probe(&app("oauth2", &said(&whole).url()), options()).await;
    assert_eq!(answer(&seen).meaning, Meaning::Token);
    let seen = probe(&app("oauth2", &said(&whole[..whole.len() / 2]).url()), options()).await;
    let what = "a body whose compression is broken".to_owned();
    assert_eq!(seen.outcome, Outcome::BadAnswer(BadAnswer::NotJson { status: 200, what }));
}

/// Speaks HTTP/2: every request gets a token, unless `instead` does something else with its connection.
fn http2_server(
    ca: &Ca,
    instead: impl Fn(&mut dyn server::Stream, u32) -> std::io::Result<bool> + Send + Sync + 'static,
) -> Server {
    let config = Ca::server(&ca.sign(&["localhost"], |_| ()), None, &[b"h2"]);
    Server::start(Some(config), move |stream| {
        stream.read_exact(&mut [0; 24])?;
        frame(stream, 4, 0, 0, &[])?;
        loop {
            // A DATA frame that ends its stream is the end of a request.
            let (kind, flags, id) = read_frame(stream)?;
            if kind == 0 && flags & 1 == 1 && !instead(stream, id)? {
                frame(stream, 1, 4, id, &[0x88])?;
                frame(stream, 0, 1, id, TOKEN.as_bytes())?;
            }
        }
    })
}

fn trusting(ca: &Ca, folder: &tempfile::TempDir) -> Options {
    let path = folder.path().join("ca.pem");
    std::fs::write(&path, ca.pem()).unwrap();
    Options { ca: Some(path), ..options() }
}

fn https(server: &Server) -> String {
    format!("https://localhost:{}/token", server.address.port())
}

#[tokio::test]
async fn an_http2_host_gets_one_connection_however_many_ask_at_once() {
    let (ca, folder) = (Ca::new(), tempfile::tempdir().unwrap());
    let server = http2_server(&ca, |_, _| Ok(false));
    let apps: Vec<App> = (0..40).map(|_| app("oauth2", &https(&server))).collect();
    let prober = Prober::new(trusting(&ca, &folder), secrets(&[("SECRET", CANARY)])).unwrap();
    assert!(all_have_tokens_at_once(&prober.run(&subjects(&apps), |_| ()).await));
    assert_eq!(server.received().len(), 1);
}

/// RFC 9113 section 6.8: what comes after the last stream that GOAWAY names was not processed.
#[tokio::test]
async fn a_request_that_a_goaway_or_a_refusal_leaves_out_is_sent_once_more() {
    type Instead = fn(&mut dyn server::Stream, u32) -> std::io::Result<bool>;
    let goaway: Instead = |stream, id| match id {
        1 => Ok(false),
        _ => frame(stream, 7, 0, 0, &[0, 0, 0, 1, 0, 0, 0, 0]).and(Err(std::io::ErrorKind::Other.into())),
    };
    let refused: Instead = |stream, id| match id {
        1 => Ok(false),
        _ => frame(stream, 3, 0, id, &[0, 0, 0, 7]).map(|()| true),
    };
    let closed: Instead = |_, id| if id == 1 { Ok(false) } else { Err(std::io::ErrorKind::Other.into()) };
    for instead in [goaway, refused, closed] {
        let (ca, folder) = (Ca::new(), tempfile::tempdir().unwrap());
        let server = http2_server(&ca, instead);
        assert!(all_have_tokens_at_once(&in_turn(3, &https(&server), trusting(&ca, &folder)).await));
        assert_eq!(server.received().len(), 3);
    }
}

#[tokio::test]
async fn a_silent_http2_connection_is_given_up_with_the_first_request_it_fails() {
    let (ca, folder) = (Ca::new(), tempfile::tempdir().unwrap());
    let server = http2_server(&ca, |_, id| Ok(id != 1));
    let mut options = trusting(&ca, &folder);
    options.http.timeout = Period::from_millis(1500);
    let seen = in_turn(2, &https(&server), options).await;
    // The second request of each connection is never answered; its second try finds a new connection.
    assert_eq!((answer(&seen[1]).meaning, seen[1].attempts), (Meaning::Token, 2));
    assert_eq!(server.received().len(), 2);
}

#[tokio::test]
async fn n8_a_flood_in_http2_ends_with_the_credentials_time_too() {
    let (ca, folder) = (Ca::new(), tempfile::tempdir().unwrap());
    // HPACK: `:status` is entry 8 of the static table, its value a literal.
    let flood = http2_server(&ca, |stream, id| {
        loop {
            frame(stream, 1, 4, id, b"\x08\x03100")?;
        }
    });
    let mut options = trusting(&ca, &folder);
    options.http.timeout = Period::from_millis(600);
    let began = Instant::now();
    let seen = in_turn(1, &https(&flood), options).await.remove(0);
    assert!(matches!(seen.outcome, Outcome::Unreachable(_)), "{seen:?}");
    assert!(began.elapsed() < Duration::from_millis(2500), "{:?}", began.elapsed());
}
