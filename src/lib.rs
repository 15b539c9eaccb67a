//! credwatch tests the credentials of machine identities and says what is wrong, why, and what to do.
//!
//! Data flows one way:
//! [`inventory`] -> [`probe`] -> [`assess`] -> [`notify`] -> [`report`].
//! A provider knows no verdict, `assess` no HTTP, `report` no channel; only [`commands`] sees them all.
//!
//! | modules | what they are |
//! |---|---|
//! | [`cli`], [`commands`] | what was typed; one thin shell for each command |
//! | [`job`], [`serve`], [`schedule`], [`run`], [`exit`] | the nightly run, the standing service, when it is due, how it ended |
//! | [`inventory`], [`settings`] over [`yaml`], [`period`] | the two files: strict, every fault with its place |
//! | [`secret`] | the one type that holds a value, references to it, redaction |
//! | [`provider`], [`probe`] | what each identity provider's answers mean; the requests themselves |
//! | [`assess`] | verdicts, findings, remedies: pure |
//! | [`notify`], [`report`] | who hears what; one file for each format |
//! | [`state`] | what one run leaves for the next, and the rotations' journal |
//! | [`rotate`] | a wing of its own: the pure core says the one next step, the engine does it |
//! | [`management`], [`store`] over [`api`], [`hook`] | what a rotation works on: providers' APIs, places of secrets, programs |
//! | [`clock`], [`fsio`], [`logging`], [`text`] | the only way to the wall clock, to files, to stderr, and from hostile text to a terminal |
//! | `sandbox`, `fault_points` | by feature: the identity providers of demo and tests; places where the tests kill the process |

/// Where a test may kill the process; nothing at all in an ordinary build.
macro_rules! fault_point {
    ($($name:tt)+) => {
        #[cfg(feature = "fault-points")]
        $crate::fault_points::pass(format_args!($($name)+));
    };
}

pub mod api;
pub mod assess;
pub mod cli;
pub mod clock;
pub mod commands;
pub mod exit;
#[cfg(feature = "fault-points")]
pub mod fault_points;
pub mod fsio;
pub mod hook;
pub mod inventory;
pub mod job;
pub mod logging;
pub mod management;
pub mod notify;
pub mod period;
pub mod probe;
mod program;
pub mod provider;
pub mod report;
pub mod rotate;
pub mod run;
#[cfg(feature = "sandbox")]
pub mod sandbox;
pub mod schedule;
pub mod secret;
pub mod serve;
pub mod settings;
pub mod state;
pub mod store;
pub mod text;
pub mod yaml;
