//! The dead-man switch: a monitor outside that raises the alarm when these pings stop (healthchecks style).

use std::time::Duration;

use tokio_util::sync::CancellationToken;
use url::Url;

use super::{
    Secrets,
    webhook::{answered, endpoint},
};
use crate::{exit::Exit, run::Incomplete, secret::SecretRef};

/// A monitor must not hold up the night.
const DEADLINE: Duration = Duration::from_secs(10);

/// Where a run is reported.
#[derive(Clone, Copy)]
pub struct DeadMan<'a> {
    pub url: &'a SecretRef,
    pub secrets: &'a dyn Secrets,
    pub http: &'a reqwest::Client,
    /// Once cancelled nothing is sent: the silence raises the alarm.
    pub stop: &'a CancellationToken,
}

impl DeadMan<'_> {
    /// Tells that a run begins. A failure is only logged: the ping at the end counts.
    pub async fn start(self) {
        if let Err(reason) = self.ping(Some("start")).await {
            tracing::warn!("dead-man switch: {reason}");
        }
    }

    /// Tells how a run ended: `URL` when it was sound (findings are), `URL/fail` when it was not, nothing when there
    /// was no run or it was cut short; then the silence raises the alarm.
    ///
    /// Returns `dead-man-unreachable` when the ping did not arrive; a run that was clean is incomplete then.
    pub async fn finish(self, exit: Exit) -> Option<Incomplete> {
        let suffix = match exit {
            Exit::Clean | Exit::Findings => None,
            Exit::Usage | Exit::Incomplete => Some("fail"),
            Exit::Locked | Exit::Interrupted | Exit::Terminated => return None,
        };
        let reason = self.ping(suffix).await.err()?;
        Some(Incomplete::new("dead-man-unreachable", format!("the dead-man switch was not told: {reason}")))
    }

    async fn ping(self, suffix: Option<&str>) -> Result<(), String> {
        let pinged = async {
            let mut url = endpoint(&self.secrets.resolve(self.url).await?, "`notify.dead_man`")?;
            if let Some(suffix) = suffix {
                append(&mut url, suffix);
            }
            answered(self.http.get(url).timeout(DEADLINE).send().await).map(drop).map_err(|fault| fault.reason)
        };
        tokio::select! {
            biased;
            () = self.stop.cancelled() => Ok(()),
            done = pinged => done,
        }
    }
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
        let (http, stop) = (client(), CancellationToken::new());
        let switch = DeadMan { url: &url, secrets: &vault, http: &http, stop: &stop };
        switch.start().await;
        assert_eq!(switch.finish(exit).await, None);
        stop.cancel();
        assert_eq!(switch.finish(exit).await, None, "nothing is sent any more");
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
        let (http, stop) = (client(), CancellationToken::new());
        let switch = DeadMan { url: &url, secrets: &vault, http: &http, stop: &stop };
        let incomplete = switch.finish(Exit::Clean).await.unwrap();
        assert_eq!(incomplete.code, "dead-man-unreachable");
        assert_eq!(incomplete.message, "the dead-man switch was not told: the receiver answered HTTP 404");
        for (url, said) in [
            ("http://127.0.0.1:1/canary-Uuid4", "the receiver could not be reached"),
            ("http://example.org/canary-Uuid4", "`notify.dead_man` must begin with https://"),
            ("canary-Uuid4", "`notify.dead_man` is no URL"),
        ] {
            let (vault, url) = Vault::with_url(url);
            let switch = DeadMan { url: &url, secrets: &vault, http: &http, stop: &stop };
            let message = switch.finish(Exit::Clean).await.unwrap().message;
            assert_eq!(message, format!("the dead-man switch was not told: {said}"));
        }
    }
}
