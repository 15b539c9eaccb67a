//! The built binary, killed: at every fault point, at random requests, and beside another one.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]
// A child process lives by the real clock.
#![allow(clippy::disallowed_methods)]

mod files;
mod home;
mod kills;
mod mounts;
mod tenant;
mod together;
