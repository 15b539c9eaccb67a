//! One credential's test, a step at a time: between two steps it holds no place at its host.

use std::{ops::ControlFlow, time::Duration};

use tokio::time::Instant;
use url::Url;
use uuid::Uuid;

use super::{
    NotTested, Observation, Outcome, Prober, Unreachable, Unreadable,
    allow::allows,
    answer,
    breaker::Breaker,
    discovery::{Endpoint, Issuers},
    fault::{self, Fault},
    request::{Material, TokenRequest, host_of},
    retry,
    transport::Request,
};
use crate::{
    clock,
    inventory::{AuthMethod, Key, Subject, TokenEndpoint},
    secret::{Fingerprints, Secret, SecretRef},
};

/// One run over some credentials.
pub(super) struct Round<'a> {
    pub(super) prober: &'a Prober,
    pub(super) subjects: &'a [Subject<'a>],
    pub(super) issuers: Issuers,
    pub(super) breaker: Breaker,
}

/// A credential in the queue. Its secret is read when its turn comes, so that few are in memory at once.
pub(super) struct Job {
    pub(super) index: usize,
    begun: Option<Box<Begun>>,
}

/// A test that has sent something or is about to.
pub(super) struct Begun {
    pub(super) material: Material,
    /// Once it has been discovered.
    pub(super) endpoint: Option<Endpoint>,
    pub(super) since: Instant,
    pub(super) tries: u32,
    pub(super) seen: Observation,
    pub(super) request_id: String,
}

pub(super) enum Step {
    Done(Observation, Option<Secret>),
    /// Not before `after`, in the queue of `host`.
    Again {
        job: Job,
        after: Duration,
        host: String,
    },
}

/// What one try came to.
pub(super) enum Tried {
    Outcome {
        outcome: Outcome,
        retry_after: Option<u64>,
        token: Option<Secret>,
    },
    /// The token endpoint is at another host than the issuer.
    Elsewhere(String),
}

impl From<Outcome> for Tried {
    fn from(outcome: Outcome) -> Self {
        Self::Outcome { outcome, retry_after: None, token: None }
    }
}

impl From<Fault> for Tried {
    fn from(fault: Fault) -> Self {
        Outcome::from(fault).into()
    }
}

impl Job {
    pub(super) const fn new(index: usize) -> Self {
        Self { index, begun: None }
    }
}

impl Begun {
    /// The host that is asked next.
    fn host<'h>(&'h self, subject: Subject<'h>) -> &'h str {
        self.endpoint.as_ref().map_or_else(|| first_host(subject), |endpoint| host_of(&endpoint.url))
    }
}

/// The host that is asked first.
pub(super) fn first_host(subject: Subject<'_>) -> &str {
    match &subject.app.registration.token_endpoint {
        TokenEndpoint::Known(url) | TokenEndpoint::Discover { issuer: url } => host_of(url),
    }
}

impl Round<'_> {
    pub(super) async fn step(&self, job: Job) -> Step {
        let Some(subject) = self.subjects.get(job.index).copied() else {
            return Step::Done(Observation::local(Outcome::NotTested(NotTested::Interrupted)), None);
        };
        let mut begun = match job.begun {
            Some(begun) => begun,
            None => match self.begin(subject).await {
                Ok(begun) => Box::new(begun),
                Err(observation) => return Step::Done(observation, None),
            },
        };
        if begun.tries > 0 && self.breaker.is_open(begun.host(subject)) {
            return Step::Done(begun.seen, None);
        }
        let (outcome, retry_after, token) = match self.attempt(subject, &mut begun).await {
            Tried::Outcome { outcome, retry_after, token } => (outcome, retry_after, token),
            Tried::Elsewhere(host) => {
                let job = Job { index: job.index, begun: Some(begun) };
                return Step::Again { job, after: Duration::ZERO, host };
            }
        };
        let dice = || Uuid::new_v4().as_u128() as f64 / u128::MAX as f64;
        let decided = retry::decide(&outcome, retry_after, begun.tries, self.left(&begun), dice);
        let host = begun.host(subject);
        self.breaker.saw(host, &outcome, decided.is_break());
        match decided {
            ControlFlow::Continue(after) if !self.breaker.is_open(host) => {
                let host = host.to_owned();
                begun.seen.outcome = outcome;
                Step::Again { job: Job { index: job.index, begun: Some(begun) }, after, host }
            }
            _ => Step::Done(Observation { outcome, ..begun.seen }, token),
        }
    }

    /// What can be said without the network, or the value and the time from which its own runs.
    async fn begin(&self, subject: Subject<'_>) -> Result<Begun, Observation> {
        let (app, options) = (subject.app, &self.prober.options);
        if !app.enabled {
            return Err(not_tested(NotTested::Disabled));
        }
        if subject.credential.key == Key::Undeclared {
            return Err(not_tested(NotTested::NothingDeclared));
        }
        let barred = match &app.registration.token_endpoint {
            _ if options.offline => Some(NotTested::Offline),
            TokenEndpoint::Known(url) => self.barred(url),
            TokenEndpoint::Discover { .. } => None,
        };
        let asked = Instant::now();
        let material = self.material(subject, barred.is_some()).await;
        let mut seen = not_tested(NotTested::Interrupted);
        if let Ok(Material::Pem { certificate, .. }) = &material {
            seen.certificate_end = certificate.as_ref().map(|certificate| certificate.end);
        }
        if let Some(reason) = barred {
            return Err(Observation { outcome: Outcome::NotTested(reason), ..seen });
        }
        let material = material.map_err(|reason| Observation::local(Outcome::Unreadable(reason)))?;
        seen.fingerprint = options.fingerprint_key.map(|key| Fingerprints::new(&key).of(material.value()));
        if let Material::Secret(secret) = &material
            && app.registration.provider.is_secret_id(secret.expose())
        {
            return Err(Observation { outcome: Outcome::SecretId, ..seen });
        }
        // A store's answer is the credential's own time; a program may have waited for those of others.
        let since = if is_stored(&subject.credential.key) { asked } else { Instant::now() };
        let request_id = Uuid::new_v4().to_string();
        Ok(Begun { material, endpoint: None, since, tries: 0, seen, request_id })
    }

    /// What the reference leads to; of what is `unsent` only a certificate is read, for its dates.
    async fn material(&self, subject: Subject<'_>, unsent: bool) -> Result<Material, Unreadable> {
        match &subject.credential.key {
            key if self.prober.options.offline && is_stored(key) => Err(Unreadable::Empty),
            Key::Secret(reference) if !unsent => self.prober.secrets.resolve(reference).await.map(Material::Secret),
            Key::Certificate { pem, .. } => {
                let pem = self.prober.secrets.resolve_pem(pem).await?;
                Material::of_pem(pem, !unsent && subject.app.auth_method == AuthMethod::PrivateKeyJwt)
            }
            Key::Secret(_) | Key::Undeclared => Err(Unreadable::Empty),
        }
    }

    pub(super) async fn attempt(&self, subject: Subject<'_>, begun: &mut Begun) -> Tried {
        let left = self.left(begun);
        if left.is_zero() {
            return begun.timed_out(subject).into();
        }
        // Two thirds of the whole: an answer that never comes must leave room to ask again.
        let timeout = left.min(self.prober.options.http.timeout.as_std().mul_f64(2.0 / 3.0));
        let endpoint = match (&begun.endpoint, &subject.app.registration.token_endpoint) {
            (Some(endpoint), _) => endpoint.clone(),
            (None, TokenEndpoint::Known(url)) => Endpoint::declared(url),
            (None, TokenEndpoint::Discover { issuer }) => {
                let endpoint = match self.discovered(issuer, begun, left, timeout).await {
                    Ok(endpoint) => endpoint,
                    Err(fault) => return fault.into(),
                };
                // The tries at the issuer are not the token endpoint's.
                begun.tries = 0;
                begun.endpoint = Some(endpoint.clone());
                if host_of(&endpoint.url) != host_of(issuer) {
                    return Tried::Elsewhere(host_of(&endpoint.url).to_owned());
                }
                endpoint
            }
        };
        begun.tries += 1;
        self.send(subject, begun, &endpoint, timeout).await
    }

    async fn discovered(
        &self,
        issuer: &Url,
        begun: &mut Begun,
        left: Duration,
        timeout: Duration,
    ) -> Result<Endpoint, Fault> {
        begun.tries += 1;
        let tries = begun.tries;
        let is_last = |fault: &Fault| retry::decide(&fault.clone().into(), None, tries, left, || 1.0).is_break();
        let asked = self.issuers.endpoint(&*self.prober.wire, issuer, &begun.request_id, timeout, is_last);
        // Others may be asking already; their time is not ours.
        tokio::time::timeout(left, asked).await.unwrap_or_else(|_| Err(fault::timeout(host_of(issuer), false)))
    }

    async fn send(&self, subject: Subject<'_>, begun: &mut Begun, endpoint: &Endpoint, timeout: Duration) -> Tried {
        let (app, key) = (subject.app, &subject.credential.key);
        let by_tls = app.auth_method == AuthMethod::TlsClientAuth;
        let url = endpoint.tls_url.as_ref().filter(|_| by_tls).unwrap_or(&endpoint.url);
        if let Some(reason) = self.barred(url) {
            return Outcome::NotTested(reason).into();
        }
        let request = match TokenRequest::new(app, key, &begun.material, endpoint, clock::now()) {
            Ok(request) => request,
            Err(reason) => return Outcome::Unreadable(reason).into(),
        };
        begun.seen.correlation_id = Some(begun.request_id.clone());
        let sent = Instant::now();
        let exchanged = self.prober.wire.exchange(Request {
            url,
            form: Some(request.form.clone()),
            authorization: request.authorization.as_ref().map(|value| value.as_str()),
            identity: by_tls.then(|| begun.material.value()),
            id: &begun.request_id,
            timeout,
        });
        let exchanged = exchanged.await;
        let latency = sent.elapsed();
        begun.seen.attempts += u32::from(exchanged.as_ref().map_or_else(was_sent, |_| true));
        match exchanged {
            Ok(response) => {
                begun.seen.latency = Some(latency);
                let told = response.retry_after.as_deref();
                let retry_after = told.and_then(|value| retry::retry_after(value, clock::now()));
                let reading = answer::read(app, &response, retry_after, || request.redactor(&begun.material));
                if reading.correlation_id.is_some() {
                    begun.seen.correlation_id = reading.correlation_id;
                }
                let token = reading.token.filter(|_| self.keeps_tokens()).map(|token| Secret::copied(&token));
                Tried::Outcome { outcome: reading.outcome, retry_after, token }
            }
            Err(fault) => {
                begun.seen.latency = matches!(fault, Fault::BadAnswer(_)).then_some(latency);
                fault.into()
            }
        }
    }

    fn left(&self, begun: &Begun) -> Duration {
        self.prober.options.http.timeout.as_std().saturating_sub(begun.since.elapsed())
    }

    /// Who looks at one credential may want to see its token.
    fn keeps_tokens(&self) -> bool {
        self.subjects.len() == 1
    }

    fn barred(&self, url: &Url) -> Option<NotTested> {
        let list = self.prober.options.allow.as_deref()?;
        (!allows(list, url)).then(|| NotTested::HostNotAllowed { host: url.host_str().unwrap_or_default().to_owned() })
    }
}

impl Begun {
    /// Its time ran out while it waited for a place: what it saw last stands.
    fn timed_out(&self, subject: Subject<'_>) -> Outcome {
        match &self.seen.outcome {
            Outcome::NotTested(_) => fault::timeout(first_host(subject), false).into(),
            seen => seen.clone(),
        }
    }
}

/// Reading it is a request to another machine.
fn is_stored(key: &Key) -> bool {
    matches!(key, Key::Secret(SecretRef::Store { .. }) | Key::Certificate { pem: SecretRef::Store { .. }, .. })
}

/// Whether a fault came after something may have left this machine.
fn was_sent(fault: &Fault) -> bool {
    match fault {
        Fault::Unreachable(reason) => !matches!(reason, Unreachable::ForbiddenAddress(_)),
        Fault::BadAnswer(_) => true,
        Fault::Unreadable(_) | Fault::Offline => false,
    }
}

fn not_tested(reason: NotTested) -> Observation {
    Observation::local(Outcome::NotTested(reason))
}
