//! The built binary, from outside: what users and scripts rely on.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
// A child process lives by the real clock.
#![allow(clippy::disallowed_methods)]

#[cfg(feature = "sandbox")]
mod admin;
mod bad_endpoints;
mod bad_inventory;
mod broken_outputs;
mod commands;
mod endpoint;
mod exit_codes;
mod hand_over;
mod leaks;
#[cfg(target_os = "linux")]
mod leash;
mod program;
mod readme;
mod reports;
mod rotations;
mod selection;
mod stopping;
#[cfg(feature = "sandbox")]
mod stored;
