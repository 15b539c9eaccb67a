//! The dead-man switch: a monitor outside that raises the alarm when these pings stop (healthchecks style).

use std::time::Duration;

use url::Url;

use super::{
    Secrets,
    webhook::{answered, endpoint},
};
use crate::{exit::Exit, run::Incomplete, secret::SecretRef};

/// A monitor must not hold up the night.
const DEADLINE: Duration = Duration::from_secs(10);

/// Tells that a run begins. A failure is only logged: the ping at the end counts.
pub async fn start(url: &SecretRef, secrets: &dyn Secrets, http: &reqwest::Client) {
    if let Err(reason) = ping(url, Some("start"), secrets, http).await {
        tracing::warn!("dead-man switch: {reason}");
    }
}

/// Tells how a run ended: `URL` when it was sound (findings are), `URL/fail` when it was not, nothing when there was
/// no run or it was cut short; then the silence raises the alarm.
///
/// Returns `dead-man-unreachable` when the ping did not arrive; a run that was clean is incomplete then.
pub async fn finish(url: &SecretRef, exit: Exit, secrets: &dyn Secrets, http: &reqwest::Client) -> Option<Incomplete> {
    let suffix = match exit {
        Exit::Clean | Exit::Findings => None,
        Exit::Usage | Exit::Incomplete => Some("fail"),
        Exit::Locked | Exit::Interrupted | Exit::Terminated => return None,
    };
    let reason = ping(url, suffix, secrets, http).await.err()?;
    Some(Incomplete::new("dead-man-unreachable", format!("the dead-man switch was not told: {reason}")))
}

async fn ping(
    url: &SecretRef,
    suffix: Option<&str>,
    secrets: &dyn Secrets,
    http: &reqwest::Client,
) -> Result<(), String> {
    let mut url = endpoint(&secrets.resolve(url).await?, "`notify.dead_man`")?;
    if let Some(suffix) = suffix {
        append(&mut url, suffix);
    }
    answered(http.get(url).timeout(DEADLINE).send().await).map(drop).map_err(|fault| fault.reason)
}

/// Behind the path, before a query.
fn append(url: &mut Url, suffix: &str) {
    if let Ok(mut segments) = url.path_segments_mut() {
        segments.pop_if_empty().push(suffix);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notify::webhook::tests::{Vault, client};
    use wiremock::{Mock, MockServer, ResponseTemplate, matchers::any};

    async fn pings(exit: Exit) -> Vec<String> {
        let server = MockServer::start().await;
        Mock::given(any()).respond_with(ResponseTemplate::new(200)).mount(&server).await;
        let (vault, url) = Vault::with_url(&format!("{}/ping/canary-Uuid4?rid=7", server.uri()));
        start(&url, &vault, &client()).await;
        assert_eq!(finish(&url, exit, &vault, &client()).await, None);
        let requests = server.received_requests().await.unwrap();
        requests
            .iter()
            .map(|request| format!("{} {}", request.method, &request.url[url::Position::BeforePath..]))
            .collect()
    }

    #[tokio::test]
    async fn a_sound_run_pings_the_url_and_an_unsound_one_fail() {
        let start = "GET /ping/canary-Uuid4/start?rid=7";
        let sound = "GET /ping/canary-Uuid4?rid=7";
        let fail = "GET /ping/canary-Uuid4/fail?rid=7";
        assert_eq!(pings(Exit::Clean).await, [start, sound]);
        assert_eq!(pings(Exit::Findings).await, [start, sound]);
        assert_eq!(pings(Exit::Usage).await, [start, fail]);
        assert_eq!(pings(Exit::Incomplete).await, [start, fail]);
        assert_eq!(pings(Exit::Locked).await, [start]);
        assert_eq!(pings(Exit::Terminated).await, [start]);
    }

    #[tokio::test]
    async fn a_monitor_that_refuses_is_reported_without_its_url() {
        let server = MockServer::start().await;
        Mock::given(any()).respond_with(ResponseTemplate::new(404)).mount(&server).await;
        let (vault, url) = Vault::with_url(&format!("{}/canary-Uuid4", server.uri()));
        let incomplete = finish(&url, Exit::Clean, &vault, &client()).await.unwrap();
        assert_eq!(incomplete.code, "dead-man-unreachable");
        assert_eq!(incomplete.message, "the dead-man switch was not told: the receiver answered HTTP 404");
        for (url, said) in [
            ("http://127.0.0.1:1/canary-Uuid4", "the receiver could not be reached"),
            ("http://example.org/canary-Uuid4", "`notify.dead_man` must begin with https://"),
            ("canary-Uuid4", "`notify.dead_man` is no URL"),
        ] {
            let (vault, url) = Vault::with_url(url);
            let message = finish(&url, Exit::Clean, &vault, &client()).await.unwrap().message;
            assert_eq!(message, format!("the dead-man switch was not told: {said}"));
        }
    }
}
