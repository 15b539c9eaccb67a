//! Secrets regenerated through the admin API: with a rotation policy the old one lives on, without one it dies at once.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use credwatch::{
    api::Api,
    clock,
    management::{Access, CreateFault, FaultKind, Holder, Keycloak, Management, ManagementFault, Order, Removed},
    secret::Secret,
    settings,
};
use serde_json::Value;

use super::proxy::{self, Reply, regenerates};
use crate::{canaries::Canaries, server::Server};

const DAY: Duration = Duration::from_hours(24);

/// Signs in for each token; the first one is worthless, as one that has lived its 60 s is.
struct SignIn {
    base: String,
    realm: &'static str,
    client_id: &'static str,
    secret: String,
    asked: AtomicUsize,
}

#[async_trait]
impl Access for SignIn {
    async fn token(&self, _refused: bool) -> Result<Arc<Secret>, ManagementFault> {
        let first = self.asked.fetch_add(1, Ordering::Relaxed) == 0;
        let token = if first {
            "over".to_owned()
        } else {
            sign_in(&self.base, self.realm, self.client_id, &self.secret).await.expect("the manager signs in")
        };
        Ok(Arc::new(Secret::new(token)))
    }
}

async fn sign_in(base: &str, realm: &str, client_id: &str, secret: &str) -> Option<String> {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let url = format!("{base}/realms/{realm}/protocol/openid-connect/token");
    let form = [("grant_type", "client_credentials"), ("client_id", client_id), ("client_secret", secret)];
    let body: Value = client.post(url).form(&form).send().await.unwrap().json().await.unwrap();
    body["access_token"].as_str().map(str::to_owned)
}

/// One client of a realm, managed by another.
struct Stage {
    base: String,
    realm: &'static str,
    client_id: &'static str,
    old: String,
    keycloak: Keycloak,
    canaries: Canaries,
}

impl Stage {
    fn new(server: &Server, realm: &'static str, client_id: &'static str, manager: &'static str) -> Self {
        Self::through(server.tells("HTTP"), server, realm, client_id, manager)
    }

    fn through(
        base: String,
        server: &Server,
        realm: &'static str,
        client_id: &'static str,
        manager: &'static str,
    ) -> Self {
        let secret = server.tells("MANAGER");
        let mut canaries = Canaries::default();
        [&secret, &server.tells("OLD")].into_iter().for_each(|secret| canaries.add(secret));
        let access = SignIn { base: base.clone(), realm, client_id: manager, secret, asked: AtomicUsize::new(0) };
        let api = Api::new(&settings::Http::default(), None).unwrap();
        let keycloak = Keycloak::new(api, Arc::new(access), base.parse().unwrap(), realm, client_id);
        Self { base, realm, client_id, old: server.tells("OLD"), keycloak, canaries }
    }

    async fn is_live(&self, value: &str) -> bool {
        sign_in(&self.base, self.realm, self.client_id, value).await.is_some()
    }

    async fn listed(&self) -> Vec<(String, Option<DateTime<Utc>>, bool)> {
        let listing = self.keycloak.list().await.unwrap();
        listing.credentials.into_iter().map(|one| (one.id, one.end, one.active)).collect()
    }

    fn clean(&self, fault: &ManagementFault) -> String {
        let told = format!("{:?}: {fault}", fault.kind);
        self.canaries.assert_absent("a fault", told.as_bytes());
        told
    }
}

fn order() -> Order {
    Order { marker: "credwatch/x".to_owned(), end: clock::now(), on: Holder::Application, value: None }
}

fn is_about(at: Option<DateTime<Utc>>, from_now: Duration) -> bool {
    let off = at.unwrap() - clock::now() - TimeDelta::from_std(from_now).unwrap();
    off.abs() < TimeDelta::minutes(5)
}

#[tokio::test]
async fn with_a_policy_both_values_live_until_the_rotated_one_is_removed() {
    let Some(server) = Server::started("KEYCLOAK") else { return };
    let stage = Stage::new(&server, "rotating", "both", "manager");
    let constraints = stage.keycloak.constraints().await.unwrap();
    assert_eq!((constraints.rotated_grace, constraints.fixed_lifetime), (Some(DAY * 3), Some(DAY * 10)));
    assert_eq!(stage.listed().await, [("current".to_owned(), None, true)]);

    let made = stage.keycloak.create(&order()).await.unwrap();
    assert!(stage.is_live(&stage.old).await && stage.is_live(made.value.expose()).await);
    assert!(is_about(made.end, DAY * 10));
    assert_eq!(stage.keycloak.current().await.unwrap().expose(), made.value.expose());
    match stage.listed().await.as_slice() {
        [(current, end, true), (rotated, rotated_end, true)] => {
            assert_eq!((current.as_str(), *end, rotated.as_str()), ("current", made.end, "rotated"));
            assert!(is_about(*rotated_end, DAY * 3));
        }
        other => panic!("{other:?}"),
    }

    assert_eq!(stage.keycloak.remove("rotated").await, Ok(Removed::Removed));
    assert!(!stage.is_live(&stage.old).await && stage.is_live(made.value.expose()).await);
    assert_eq!(stage.keycloak.remove("rotated").await, Ok(Removed::Gone));
    assert_eq!(stage.listed().await.len(), 1);
}

#[tokio::test]
async fn without_a_policy_the_constraints_say_so_and_the_old_value_dies_at_once() {
    let Some(server) = Server::started("KEYCLOAK") else { return };
    let stage = Stage::new(&server, "plain", "one", "manager");
    let constraints = stage.keycloak.constraints().await.unwrap();
    assert_eq!((constraints.rotated_grace, constraints.fixed_lifetime), (None, None));
    let made = stage.keycloak.create(&order()).await.unwrap();
    assert_eq!(made.end, None);
    assert!(!stage.is_live(&stage.old).await && stage.is_live(made.value.expose()).await);
    assert_eq!(stage.keycloak.remove("rotated").await, Ok(Removed::Gone));
    assert_eq!(stage.listed().await, [("current".to_owned(), None, true)]);
}

#[tokio::test]
async fn a_lost_reply_is_read_back_and_never_asked_for_again() {
    let Some(server) = Server::started("KEYCLOAK") else { return };
    for (realm, old_lives) in [("rotating", true), ("plain", false)] {
        let asked = Arc::<AtomicUsize>::default();
        let count = Arc::clone(&asked);
        let base = proxy::start(&server.tells("HTTP"), move |line| match regenerates(line) {
            true => {
                count.fetch_add(1, Ordering::SeqCst);
                Reply::Lost
            }
            false => Reply::HandedOn,
        });
        let stage = Stage::through(base, &server, realm, "lost", "manager");
        match stage.keycloak.create(&order()).await {
            Err(CreateFault::Unknown(said)) => stage.canaries.assert_absent("a fault", said.as_bytes()),
            other => panic!("{other:?}"),
        }
        let value = stage.keycloak.current().await.unwrap();
        assert_ne!(value.expose(), stage.old);
        assert!(stage.is_live(value.expose()).await);
        assert_eq!(stage.is_live(&stage.old).await, old_lives);
        assert_eq!(asked.load(Ordering::SeqCst), 1, "{realm}");
    }
}

#[tokio::test]
async fn a_client_without_use_for_a_secret_is_refused() {
    let Some(server) = Server::started("KEYCLOAK") else { return };
    for client_id in ["public", "keys"] {
        let stage = Stage::new(&server, "rotating", client_id, "manager");
        assert!(stage.keycloak.constraints().await.unwrap().forbidden.is_some());
        match stage.keycloak.create(&order()).await {
            Err(CreateFault::Refused(fault)) => assert_eq!(fault.kind, FaultKind::Refused),
            other => panic!("{client_id}: {other:?}"),
        }
    }
}

#[tokio::test]
async fn whoever_may_only_look_is_told_so_and_still_learns_the_periods() {
    let Some(server) = Server::started("KEYCLOAK") else { return };
    let (manager, viewer) =
        (Stage::new(&server, "rotating", "seen", "manager"), Stage::new(&server, "rotating", "seen", "viewer"));
    let made = manager.keycloak.create(&order()).await.unwrap();
    let constraints = viewer.keycloak.constraints().await.unwrap();
    assert_eq!((constraints.rotated_grace, constraints.fixed_lifetime), (Some(DAY * 3), Some(DAY * 10)));
    assert_eq!(viewer.keycloak.current().await.unwrap().expose(), made.value.expose());

    let Err(CreateFault::Refused(fault)) = viewer.keycloak.create(&order()).await else { panic!("not refused") };
    insta::assert_snapshot!(viewer.clean(&fault), @"Forbidden: Keycloak: making a secret is answered with HTTP 403");
    let fault = viewer.keycloak.remove("rotated").await.unwrap_err();
    insta::assert_snapshot!(viewer.clean(&fault), @"NoAnswer: Keycloak: removing the rotated secret is answered with HTTP 500, as it is without the right to manage this client, too");
    assert!(viewer.is_live(&viewer.old).await);

    let elsewhere = Stage::new(&server, "rotating", "nobody", "manager");
    assert_eq!(elsewhere.keycloak.list().await.unwrap_err().kind, FaultKind::NotFound);
}
