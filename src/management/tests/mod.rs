#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod auth0;
mod aveva;
mod entra;
mod hook;
mod keycloak;
mod okta;
mod open;
mod sign_ins;

use std::sync::Arc;

use async_trait::async_trait;
use url::Url;

use super::*;
use crate::{api::Api, sandbox::Sandbox, settings};

/// Values that stand for secrets; 40 characters each, so that every part of one is told.
pub const OLD: &str = "canary-old-8Q~7Qm2xZ9pLr4WtB6nKc1DvH3sJf";
pub const NEW: &str = "canary-new-5Rt8YbN2wXq6ZkP0LmC4vGd7HsJ9f";
pub const ADMIN: &str = "canary-adm-3Fg6HjK9lZxC2vBn5M8qWeR1tYu4i";

/// A token that is always the same.
pub struct Token(pub String);

#[async_trait]
impl Access for Token {
    async fn token(&self, _refused: bool) -> Result<Arc<Secret>, ManagementFault> {
        Ok(Arc::new(Secret::new(self.0.clone())))
    }
}

pub fn api() -> Api {
    let http = settings::Http { timeout: crate::period::Period::from_secs(5), ..settings::Http::default() };
    Api::new(&http, None).unwrap()
}

pub fn secret(value: &str) -> Secret {
    Secret::new(value.to_owned())
}

pub fn base(sandbox: &Sandbox) -> Url {
    format!("http://{}", sandbox.address()).parse().unwrap()
}

pub fn order(value: Option<&str>) -> Order {
    let marker = "credwatch/0193a7c2/01M7Q5CQG00000000000000007/1".to_owned();
    let end = "2027-05-01T00:00:00Z".parse().unwrap();
    Order { marker, end, on: Holder::Application, value: value.map(secret) }
}

/// Asks a token endpoint with a form and gives back status and token.
pub async fn ask(url: Url, fields: &[(&str, &str)]) -> (u16, Option<String>) {
    let response = reqwest::Client::builder().no_proxy().build().unwrap().post(url).form(fields).send().await.unwrap();
    let status = response.status().as_u16();
    let body: serde_json::Value = response.json().await.unwrap();
    (status, body["access_token"].as_str().map(str::to_owned))
}

/// How a create failed, in short, and with no part of a secret in it.
pub fn told(result: Result<Created, CreateFault>) -> String {
    let told = match result {
        Ok(_) => "made".to_owned(),
        Err(CreateFault::Refused(fault)) => format!("refused, {:?}: {fault}", fault.kind),
        Err(CreateFault::Unknown(said)) => format!("unknown: {said}"),
    };
    assert_clean(&told);
    told
}

pub fn fault(fault: &ManagementFault) -> String {
    let told = format!("{:?}: {fault}", fault.kind);
    assert_clean(&told);
    told
}

pub fn assert_clean(told: &str) {
    for canary in [OLD, NEW, ADMIN] {
        for part in canary.as_bytes().windows(12) {
            assert!(!told.as_bytes().windows(12).any(|window| window == part), "a part of a secret is in a text");
        }
    }
}
