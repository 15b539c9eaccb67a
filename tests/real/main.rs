//! The built binary against real servers on loopback. `tests/run` starts them and tells where they are;
//! without it these tests say `skipped` and pass, except where `CI=true`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]

mod canaries;
mod keycloak;
mod keycloak_clock;
mod mailbox;
#[cfg(feature = "aws")]
mod moto;
mod night;
mod oidc_provider;
mod openbao;
mod postfix;
mod references;
mod server;
mod stores;
