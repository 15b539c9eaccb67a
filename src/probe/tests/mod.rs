//! The whole probe against scripted wires and hostile servers on loopback.

mod connections;
mod hostile;
mod identity;
mod leaks;
mod pace;
mod proxied;
mod server;
mod stored;
mod tls;

use std::{collections::BTreeMap, sync::Arc};

use super::*;
use crate::{
    inventory::{App, AssertionAudience, AuthMethod, Credential, Key, Registration, TokenEndpoint},
    period::Period,
    provider::{self, Meaning},
    secret::SecretRef,
};

const CANARY: &str = "canary~Zq8/Vb+7Xk.Lm2_Rt9-Wp4%Hs6 Jd1&Nc3";
const TOKEN: &str = r#"{"access_token":"canary-token-9f8e7d6c5b4a","token_type":"Bearer","expires_in":3599}"#;

fn app(provider: &str, endpoint: &str) -> App {
    App {
        name: "etl".into(),
        registration: Registration {
            provider: provider::named(provider).unwrap(),
            tenant: None,
            token_endpoint: TokenEndpoint::Known(endpoint.parse().unwrap()),
            management: None,
            realm: None,
        }
        .into(),
        client_id: "etl".to_owned(),
        auth_method: AuthMethod::ClientSecretPost,
        auth_method_is_usual: false,
        assertion_audience: AssertionAudience::TokenEndpoint,
        assertion_alg: None,
        scope: None,
        params: BTreeMap::new(),
        owners: Arc::new([]),
        tags: Arc::new([]),
        notes: None,
        runbook: None,
        used_by: None,
        enabled: true,
        origin: None,
        warn: None,
        critical: None,
        credentials: vec![credential("env:SECRET")],
    }
}

fn issuer_app(issuer: &str) -> App {
    let mut app = app("oauth2", "https://unused.invalid");
    Arc::make_mut(&mut app.registration).token_endpoint = TokenEndpoint::Discover { issuer: issuer.parse().unwrap() };
    app
}

/// `env:NAME`, or `pem:NAME` for a certificate.
fn credential(reference: &str) -> Credential {
    let (kind, name) = reference.split_once(':').unwrap();
    let variable = SecretRef::Env(name.to_owned());
    let key = match kind {
        "pem" => Key::Certificate { pem: variable, key_id: None },
        _ => Key::Secret(variable),
    };
    Credential { label: None, key, secret_id: None, expires: None, created: None, rotate: None }
}

fn subjects(apps: &[App]) -> Vec<Subject<'_>> {
    apps.iter().flat_map(|app| app.credentials.iter().map(move |credential| Subject { app, credential })).collect()
}

fn options() -> Options {
    let http = Http { proxy: None, timeout: Period::from_secs(30), concurrency: 64, per_host: 16 };
    let shutdown = CancellationToken::new();
    Options { http, ca: None, allow: None, offline: false, fingerprint_key: Some([7; 32]), shutdown }
}

fn within(timeout: Period) -> Options {
    let mut options = options();
    options.http.timeout = timeout;
    options
}

fn secrets(variables: &[(&str, &str)]) -> Resolver {
    Resolver::with_environment(vec![], variables.iter().map(|(name, value)| (name.into(), value.into())))
}

async fn probe_with(app: &App, options: Options, secrets: Resolver) -> Observation {
    let app = std::slice::from_ref(app);
    Prober::new(options, secrets).unwrap().run(&subjects(app), |_| ()).await.remove(0)
}

/// One app with [`CANARY`] for its secret.
async fn probe(app: &App, options: Options) -> Observation {
    probe_with(app, options, secrets(&[("SECRET", CANARY)])).await
}

fn answer(observation: &Observation) -> &Answer {
    match &observation.outcome {
        Outcome::Answered(answer) => answer,
        other => panic!("{other:?}"),
    }
}
