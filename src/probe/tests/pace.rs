//! How many at once, how often, how long, in which order; and a fault of ours among them. The wire is a script, the
//! clock is paused.

use std::{
    collections::HashMap,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::time::Instant;

use super::*;
use crate::{
    assess::{self, FindingCode, Policy, Recall, Verdict},
    exit::Exit,
    job::FailOn,
    probe::transport::{Request, Response},
};

/// What the wire does with the nth request of a client id at a host.
type Script = dyn Fn(&Call) -> Result<(u16, &'static str, &'static str), Fault> + Send + Sync;

struct Call {
    host: String,
    client_id: String,
    nth: usize,
}

struct Scripted {
    script: Box<Script>,
    takes: Duration,
    calls: Mutex<HashMap<String, Vec<Duration>>>,
    running: Mutex<HashMap<String, usize>>,
    most_at_a_host: AtomicUsize,
    most: AtomicUsize,
    since: Instant,
}

impl Scripted {
    fn new(
        takes: Duration,
        script: impl Fn(&Call) -> Result<(u16, &'static str, &'static str), Fault> + Send + Sync + 'static,
    ) -> Arc<Self> {
        Arc::new(Self {
            script: Box::new(script),
            takes,
            calls: Mutex::default(),
            running: Mutex::default(),
            most_at_a_host: AtomicUsize::new(0),
            most: AtomicUsize::new(0),
            since: Instant::now(),
        })
    }

    fn calls(&self, client_id: &str) -> Vec<Duration> {
        self.calls.lock().unwrap().get(client_id).cloned().unwrap_or_default()
    }

    fn count(&self, host: &str, change: isize) {
        let mut running = self.running.lock().unwrap();
        let here = running.entry(host.to_owned()).or_default();
        *here = here.checked_add_signed(change).unwrap();
        self.most_at_a_host.fetch_max(*here, Ordering::Relaxed);
        self.most.fetch_max(running.values().sum(), Ordering::Relaxed);
    }
}

#[async_trait::async_trait]
impl Wire for Arc<Scripted> {
    async fn exchange(&self, request: Request<'_>) -> Result<Response, Fault> {
        let host = request::host_of(request.url).to_owned();
        let form: HashMap<String, String> =
            url::form_urlencoded::parse(&request.form.unwrap_or_default()).into_owned().collect();
        let client_id = form.get("client_id").cloned().unwrap_or_default();
        let nth = {
            let mut calls = self.calls.lock().unwrap();
            let calls = calls.entry(client_id.clone()).or_default();
            calls.push(self.since.elapsed());
            calls.len()
        };
        self.count(&host, 1);
        let exchange = async {
            tokio::time::sleep(self.takes).await;
            (self.script)(&Call { host: host.clone(), client_id, nth })
        };
        let done = tokio::time::timeout(request.timeout, exchange).await;
        self.count(&host, -1);
        let (status, retry_after, body) = done.unwrap_or_else(|_| Err(fault::timeout(&host, false)))?;
        let retry_after = Some(retry_after.to_owned()).filter(|value| !value.is_empty());
        Ok(Response { status, retry_after, content_type: None, body: body.as_bytes().to_vec().into() })
    }
}

fn fleet(sizes: &[(&str, usize)]) -> Vec<App> {
    let each = sizes.iter().flat_map(|(host, size)| (0..*size).map(move |number| (host, number)));
    each.map(|(host, number)| App {
        client_id: format!("{host}-{number}"),
        ..app("oauth2", &format!("https://{host}.example/t"))
    })
    .collect()
}

fn prober(wire: &Arc<Scripted>, options: Options) -> Prober {
    let secrets = Arc::new(secrets(&[("SECRET", CANARY)]));
    Prober { wire: Box::new(Arc::clone(wire)), options, secrets }
}

const MILLIS: fn(u64) -> Duration = Duration::from_millis;
const TOKEN_ANSWER: Result<(u16, &str, &str), Fault> = Ok((200, "", TOKEN));
const REFUSAL: &str = r#"{"error":"invalid_client"}"#;

#[tokio::test(start_paused = true)]
async fn limits_hold_and_one_slow_host_delays_no_other() {
    let wire = Scripted::new(MILLIS(10), |call| match call.host.as_str() {
        "slow.example" => Err(fault::timeout("slow.example", false)),
        _ => TOKEN_ANSWER,
    });
    let mut limited = options();
    (limited.http.concurrency, limited.http.per_host) = (6, 4);
    let apps = fleet(&[("slow", 40), ("quick", 40)]);
    let seen = prober(&wire, limited).run(&subjects(&apps), |_| ()).await;
    assert_eq!((wire.most.load(Ordering::Relaxed), wire.most_at_a_host.load(Ordering::Relaxed)), (6, 4));
    assert!(seen[..40].iter().all(|seen| matches!(seen.outcome, Outcome::Unreachable(Unreachable::Timeout(_)))));
    assert!(seen[40..].iter().all(|seen| answer(seen).meaning == Meaning::Token));
    let last_quick = wire.calls("quick-39")[0];
    assert!(last_quick < MILLIS(300), "{last_quick:?}");
}

#[tokio::test(start_paused = true)]
async fn results_stand_in_the_order_of_the_inventory() {
    let wire = Scripted::new(MILLIS(1), |call| Ok((200 + call.nth as u16, "", REFUSAL)));
    let apps: Vec<App> = (0..30)
        .map(|n| App { client_id: format!("app-{}", n % 7), ..app("oauth2", &format!("https://h{}.example/t", n % 3)) })
        .collect();
    let done = Mutex::new(Vec::new());
    let seen = prober(&wire, options()).run(&subjects(&apps), |count| done.lock().unwrap().push(count)).await;
    assert_eq!(seen.len(), 30);
    assert_eq!(done.into_inner().unwrap(), (1..=30).collect::<Vec<_>>());
    let wire = Scripted::new(MILLIS(1), |call| Ok((400 + call.client_id[3..].parse::<u16>().unwrap(), "", REFUSAL)));
    let apps: Vec<App> = (0..30)
        .map(|n| App { client_id: format!("app{n}"), ..app("oauth2", &format!("https://h{}.example/t", n % 3)) })
        .collect();
    let seen = prober(&wire, options()).run(&subjects(&apps), |_| ()).await;
    let statuses: Vec<u16> = seen.iter().map(|seen| answer(seen).status).collect();
    assert_eq!(statuses, (400..430).collect::<Vec<_>>());
}

#[tokio::test(start_paused = true)]
async fn n5_retry_after_is_kept_to_and_bounded_by_the_credentials_time() {
    for (told, attempts, waits) in [
        ("0", 3, Some(200..=1000)),
        ("5", 3, Some(5200..=6000)),
        ("29", 2, Some(29_200..=29_500)),
        ("60", 1, None),
        ("86400", 1, None),
        ("99999999999999999999", 1, None),
        ("-5", 3, Some(200..=1000)),
        ("soon", 3, Some(200..=1000)),
        ("", 3, Some(200..=1000)),
        ("Wed, 01 Jan 2020 00:00:00 GMT", 3, Some(200..=1000)),
        ("Thu, 01 Jan 2099 00:00:00 GMT", 1, None),
    ] {
        let wire = Scripted::new(MILLIS(0), move |_| Ok((429, told, "Too Many Requests")));
        let seen = prober(&wire, options()).run(&subjects(&fleet(&[("a", 1)])), |_| ()).await.remove(0);
        assert_eq!((answer(&seen).meaning, seen.attempts), (Meaning::Throttled, attempts), "{told}");
        let calls = wire.calls("a-0");
        if let Some(waits) = waits {
            let wait = (calls[1] - calls[0]).as_millis();
            assert!(waits.contains(&wait), "{told}: {wait}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn n5_a_throttled_credential_gives_its_place_to_the_next_while_it_waits() {
    let wire = Scripted::new(MILLIS(10), |call| match (call.client_id.as_str(), call.nth) {
        ("a-0", 1) => Ok((429, "5", "Too Many Requests")),
        _ => TOKEN_ANSWER,
    });
    let mut limited = options();
    (limited.http.concurrency, limited.http.per_host) = (1, 1);
    let seen = prober(&wire, limited).run(&subjects(&fleet(&[("a", 3), ("b", 1)])), |_| ()).await;
    assert!(seen.iter().all(|seen| answer(seen).meaning == Meaning::Token));
    assert_eq!(seen[0].attempts, 2);
    assert!(wire.calls("a-2")[0] < MILLIS(100) && wire.calls("b-0")[0] < MILLIS(100));
}

#[tokio::test(start_paused = true)]
async fn n6_what_can_change_is_asked_three_times_and_a_refusal_once() {
    let wire = Scripted::new(MILLIS(0), |call| match call.client_id.as_str() {
        "a-0" => Ok((503, "", "<html>down")),
        "a-1" => Err(fault::timeout("a", false)),
        "a-2" if call.nth < 3 => Ok((500, "", "{}")),
        "a-2" => TOKEN_ANSWER,
        _ => Ok((401, "", REFUSAL)),
    });
    let seen = prober(&wire, options()).run(&subjects(&fleet(&[("a", 4)])), |_| ()).await;
    assert_eq!(seen.iter().map(|seen| seen.attempts).collect::<Vec<_>>(), [3, 3, 3, 1]);
    assert_eq!(answer(&seen[2]).meaning, Meaning::Token);
    assert_eq!(answer(&seen[3]).meaning, Meaning::SecretRefused);
}

#[tokio::test(start_paused = true)]
async fn n6_a_host_that_fails_everybody_is_soon_asked_again_no_more_and_no_other_suffers() {
    let wire = Scripted::new(MILLIS(10), |call| match call.host.as_str() {
        "down.example" => Ok((503, "", "<html>down")),
        _ if call.nth < 3 => Ok((500, "", "{}")),
        _ => TOKEN_ANSWER,
    });
    let seen = prober(&wire, options()).run(&subjects(&fleet(&[("down", 100), ("shaky", 2)])), |_| ()).await;
    let requests: usize = (0..100).map(|number| wire.calls(&format!("down-{number}")).len()).sum();
    assert!(requests < 250, "{requests}");
    assert_eq!(requests, seen[..100].iter().map(|seen| seen.attempts as usize).sum::<usize>());
    for seen in &seen[..100] {
        assert_eq!((answer(seen).meaning, answer(seen).status), (Meaning::ServerFault, 503));
    }
    assert!(seen[100..].iter().all(|seen| seen.attempts == 3 && answer(seen).meaning == Meaning::Token));
}

#[tokio::test(start_paused = true)]
async fn n6_a_host_that_fails_everybody_for_a_moment_is_asked_again() {
    let wire = Scripted::new(MILLIS(10), |call| match call.nth {
        1 | 2 => Ok((503, "", "<html>down")),
        _ => TOKEN_ANSWER,
    });
    let seen = prober(&wire, options()).run(&subjects(&fleet(&[("a", 100)])), |_| ()).await;
    assert!(seen.iter().all(|seen| seen.attempts == 3 && answer(seen).meaning == Meaning::Token));
}

#[tokio::test(start_paused = true)]
async fn n8_no_credential_takes_longer_than_its_time() {
    let wire = Scripted::new(MILLIS(3_600_000), |_| TOKEN_ANSWER);
    let began = Instant::now();
    let seen = prober(&wire, options()).run(&subjects(&fleet(&[("a", 1)])), |_| ()).await.remove(0);
    assert!(matches!(seen.outcome, Outcome::Unreachable(Unreachable::Timeout(_))), "{seen:?}");
    assert_eq!(seen.attempts, 2);
    assert!(began.elapsed() <= MILLIS(30_100) && began.elapsed() > MILLIS(29_000), "{:?}", began.elapsed());
}

#[tokio::test(start_paused = true)]
async fn p19_a_fault_of_ours_in_one_credential_leaves_the_others_alone() {
    let wire = Scripted::new(MILLIS(1), |call| match call.client_id.as_str() {
        "a-1" => panic!("{CANARY}"),
        _ => TOKEN_ANSWER,
    });
    let apps = fleet(&[("a", 3)]);
    let seen = prober(&wire, options()).run(&subjects(&apps), |_| ()).await;
    let Outcome::Internal { location } = &seen[1].outcome else { panic!("{seen:?}") };
    assert!(location.starts_with("src/probe/tests/pace.rs:"), "{location}");
    assert!([0, 2].iter().all(|index| answer(&seen[*index]).meaning == Meaning::Token));

    let (policy, now, recall) = (Policy::default(), "2026-11-21T02:00:00Z".parse().unwrap(), Recall::default());
    let judge = |(subject, seen)| assess::assess(subject, seen, &policy, now, &recall);
    let judged: Vec<_> = subjects(&apps).into_iter().zip(&seen).map(judge).collect();
    let verdicts: Vec<_> = judged.iter().map(|one| one.test.verdict).collect();
    assert_eq!(verdicts, [Verdict::Valid, Verdict::Other, Verdict::Valid]);
    let fault = judged[1].findings.iter().find(|finding| finding.code == FindingCode::InternalError).unwrap();
    assert!(fault.message.contains(location.as_str()) && !fault.message.contains("canary"), "{}", fault.message);
    assert_eq!(FailOn::default().exit(&judged, false), Exit::Incomplete);
}

#[tokio::test(start_paused = true)]
async fn p18_once_told_to_stop_nothing_more_is_sent_and_what_was_seen_stays() {
    let stopping = options();
    let shutdown = stopping.shutdown.clone();
    let wire = Scripted::new(MILLIS(10), move |call| {
        if call.client_id == "a-1" {
            shutdown.cancel();
        }
        TOKEN_ANSWER
    });
    let mut one_by_one = stopping;
    one_by_one.http.per_host = 1;
    let seen = prober(&wire, one_by_one).run(&subjects(&fleet(&[("a", 5)])), |_| ()).await;
    assert_eq!(answer(&seen[0]).meaning, Meaning::Token);
    assert!(seen[2..].iter().all(|seen| seen.outcome == Outcome::NotTested(NotTested::Interrupted)), "{seen:?}");
    assert!(wire.calls("a-2").is_empty());
}

#[tokio::test]
async fn what_need_not_or_must_not_be_sent_is_not() {
    let wire = Scripted::new(MILLIS(0), |_| TOKEN_ANSWER);
    let base = || app("oauth2", "https://id.example.org/t");
    let one = |reference: &str| vec![credential(reference)];
    let undeclared = Credential { key: Key::Undeclared, ..credential("env:X") };
    let apps = [
        App { enabled: false, ..base() },
        App { credentials: vec![undeclared], ..base() },
        App { credentials: one("env:ABSENT"), ..base() },
        App { credentials: one("env:EMPTY"), ..base() },
        App { credentials: one("env:SPACE"), ..base() },
        App { credentials: one("env:GUID"), ..app("entra", "https://login.example.org/t") },
        App { credentials: one("env:GUID"), ..base() },
        app("oauth2", "https://elsewhere.example.net/t"),
    ];
    let variables =
        [("SECRET", CANARY), ("EMPTY", ""), ("SPACE", "canary "), ("GUID", "6befd701-d38a-45b1-bbad-79ddca296f85")];
    let allow = ["*.example.org".to_owned()].map(HostPattern).into();
    let prober = Prober {
        wire: Box::new(Arc::clone(&wire)),
        options: Options { allow: Some(allow), ..options() },
        secrets: Arc::new(secrets(&variables)),
    };
    let seen = prober.run(&subjects(&apps), |_| ()).await;
    let attempts: Vec<u32> = seen.iter().map(|seen| seen.attempts).collect();
    assert_eq!(attempts, [0, 0, 0, 0, 0, 0, 1, 0]);
    let shown: Vec<String> = seen.iter().map(|seen| format!("{:?}", seen.outcome)).collect();
    insta::assert_snapshot!(shown.join("\n"), @r#"
    NotTested(Disabled)
    NotTested(NothingDeclared)
    Unreadable(Unresolved("the variable is not set (env:ABSENT)"))
    Unreadable(Empty)
    Unreadable(Whitespace)
    SecretId
    Answered(Answer { meaning: Token, status: 200, error: None, error_codes: [], description: None, trace_id: None, token_lifetime: Some(3599), retry_after: None })
    NotTested(HostNotAllowed { host: "elsewhere.example.net" })
    "#);
    assert_eq!(wire.calls("etl").len(), 1);
}

#[tokio::test]
async fn a_changed_value_has_another_fingerprint() {
    let wire = Scripted::new(MILLIS(0), |_| TOKEN_ANSWER);
    let print = async |value: &str, key| {
        let prober = Prober {
            wire: Box::new(Arc::clone(&wire)),
            options: Options { fingerprint_key: key, ..options() },
            secrets: Arc::new(secrets(&[("SECRET", value)])),
        };
        prober.run(&subjects(&fleet(&[("a", 1)])), |_| ()).await.remove(0).fingerprint
    };
    let first = print("canary-1", Some([1; 32])).await;
    assert!(first.is_some());
    assert_eq!(first, print("canary-1", Some([1; 32])).await);
    assert_ne!(first, print("canary-2", Some([1; 32])).await);
    assert_ne!(first, print("canary-1", Some([2; 32])).await);
    assert_eq!(print("canary-1", None).await, None);
}
