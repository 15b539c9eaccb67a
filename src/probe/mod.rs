//! The probe: asks each credential's token endpoint for a token and writes down what happened.
//!
//! Every wait here is bounded: requests by host and by number, credentials by time and tries, answers by size.

mod allow;
mod answer;
mod assertion;
mod attempt;
mod breaker;
mod claims;
mod client;
mod connect;
mod discovery;
mod dns;
mod fault;
pub(crate) mod isolation;
mod key;
mod observation;
mod pace;
mod pool;
mod proxy;
mod queue;
mod request;
mod retry;
#[cfg(test)]
mod tests;
mod tls;
mod transport;
mod trial;

pub use crate::secret::{Fingerprint, Unreadable};
pub use allow::allows;
pub use assertion::client_assertion;
pub use claims::claims;
pub use client::{body, http_client, http_client_once, why};
pub use dns::{is_forbidden, is_identity_endpoint};
pub use observation::{Answer, BadAnswer, NotTested, Observation, Outcome, Unreachable};
pub use retry::retry_after;

use std::{path::PathBuf, sync::Arc};

use futures::{StreamExt, stream::FuturesUnordered};
use thiserror::Error;
use tokio_util::sync::CancellationToken;

use self::{
    attempt::{Job, Round, Step, first_host},
    breaker::Breaker,
    fault::Fault,
    isolation::Isolated,
    queue::Queue,
    transport::{Request, Response, Transport, Wire},
};
use crate::{
    inventory::Subject,
    secret::{Resolver, Secret},
    settings::{HostPattern, Http, Settings},
};

/// What a prober keeps to.
#[derive(Debug, Clone)]
pub struct Options {
    pub http: Http,
    /// Private CA (PEM), in addition to the system's.
    pub ca: Option<PathBuf>,
    /// Hosts that may receive a secret; `None`: each app's own endpoint.
    pub allow: Option<Vec<HostPattern>>,
    /// Send nothing; certificates are still read for their dates.
    pub offline: bool,
    /// The installation's key; without it no observation has a fingerprint.
    pub fingerprint_key: Option<[u8; 32]>,
    /// Once cancelled, what is not judged yet stays so.
    pub shutdown: CancellationToken,
}

impl Options {
    /// What the settings say, until `shutdown` is cancelled.
    #[must_use]
    pub fn of(settings: &Settings, shutdown: &CancellationToken) -> Self {
        Self {
            http: settings.http.clone(),
            ca: settings.ca.clone(),
            allow: settings.allow.clone(),
            offline: false,
            fingerprint_key: None,
            shutdown: shutdown.clone(),
        }
    }
}

/// Why nothing can be tested at all; the user's to mend.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SetupFault {
    #[error("the CA file {path} cannot be used: {reason}", path = path.display())]
    Ca { path: PathBuf, reason: String },
    #[error("{variable} holds no http or https proxy; write it as http://HOST:PORT")]
    Proxy { variable: &'static str },
    #[error(
        "TLS cannot be set up: the system's CA certificates cannot be read; \
         install them (package ca-certificates) or name a bundle in SSL_CERT_FILE"
    )]
    Tls,
}

/// Tests credentials.
pub struct Prober {
    wire: Box<dyn Wire>,
    options: Options,
    secrets: Arc<Resolver>,
}

impl Prober {
    /// # Errors
    /// The CA file, the proxy or the system's certificates cannot be used; never offline.
    pub fn new(options: Options, secrets: impl Into<Arc<Resolver>>) -> Result<Self, SetupFault> {
        let wire: Box<dyn Wire> = match options.offline {
            true => Box::new(Unplugged),
            false => Box::new(Transport::new(&options.http, options.ca.as_deref())?),
        };
        Ok(Self { wire, options, secrets: secrets.into() })
    }

    /// Tests these credentials and returns what was seen of each, in their order. `progress` is told how many are done.
    ///
    /// May be called again, also on some of them, to see whether an answer has changed.
    pub async fn run(&self, subjects: &[Subject<'_>], progress: impl Fn(usize)) -> Vec<Observation> {
        let seen = self.test_all(subjects, progress).await;
        seen.into_iter().map(|(observation, _)| observation).collect()
    }

    /// Tests one credential and keeps the token that was issued, for [`claims`].
    pub async fn run_one(&self, subject: Subject<'_>) -> (Observation, Option<Secret>) {
        let mut round = self.test_all(&[subject], |_| ()).await;
        round.pop().unwrap_or_else(|| (interrupted(), None))
    }

    async fn test_all(&self, subjects: &[Subject<'_>], progress: impl Fn(usize)) -> Vec<(Observation, Option<Secret>)> {
        let round =
            Round { prober: self, subjects, issuers: discovery::Issuers::default(), breaker: Breaker::default() };
        let mut queue = Queue::new(self.options.http.per_host, self.options.http.concurrency);
        for (index, subject) in subjects.iter().enumerate() {
            queue.push(first_host(*subject), Job::new(index));
        }
        let mut seen: Vec<Option<(Observation, Option<Secret>)>> = subjects.iter().map(|_| None).collect();
        let (mut running, mut pausing) = (FuturesUnordered::new(), FuturesUnordered::new());
        let mut done = 0;
        let stopped = self.options.shutdown.cancelled();
        tokio::pin!(stopped);
        loop {
            while let Some((place, job)) = queue.next() {
                let (index, step) = (job.index, Isolated::new(round.step(job)));
                running.push(async move { (place, index, step.await) });
            }
            if running.is_empty() && pausing.is_empty() {
                break;
            }
            tokio::select! {
                biased;
                () = &mut stopped => break,
                Some((place, index, step)) = running.next() => {
                    queue.finish(place);
                    let step = step.unwrap_or_else(|location| {
                        Step::Done(Observation::local(Outcome::Internal { location }), None)
                    });
                    match step {
                        Step::Done(observation, token) => {
                            if let Some(slot) = seen.get_mut(index) {
                                *slot = Some((observation, token));
                            }
                            done += 1;
                            progress(done);
                        }
                        Step::Again { job, after, host } => pausing.push(async move {
                            tokio::time::sleep(after).await;
                            (host, job)
                        }),
                    }
                }
                Some((host, job)) = pausing.next() => queue.push(&host, job),
            }
        }
        seen.into_iter().map(|seen| seen.unwrap_or_else(|| (interrupted(), None))).collect()
    }
}

fn interrupted() -> Observation {
    Observation::local(Outcome::NotTested(NotTested::Interrupted))
}

/// The wire of an offline run.
struct Unplugged;

#[async_trait::async_trait]
impl Wire for Unplugged {
    async fn exchange(&self, _: Request<'_>) -> Result<Response, Fault> {
        Err(Fault::Offline)
    }
}
