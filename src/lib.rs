//! credwatch tests the credentials of machine identities and says what is wrong, why, and what to do.
//!
//! Data flows one way:
//! [`inventory`] -> [`probe`] -> [`assess`] -> [`notify`] -> [`report`].
//! A provider knows no verdict, `assess` no HTTP, `report` no channel; only [`commands`] sees them all.

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
