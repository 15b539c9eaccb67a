//! The settings file `credwatch.yaml`, folded once into values without gaps.

mod locate;
mod model;
mod notify;
mod raw;
mod read;
mod remote;
mod schema;

pub use locate::{FILE_NAME, locate};
pub use model::{
    Channel, ChannelKind, Hook, HostPattern, Http, Management, ManagementKey, Notify, RotationLimits, Schedule,
    Settings, SmtpTls, Vault, Verb,
};
pub use read::{beside, read};
pub use schema::schema;

#[cfg(test)]
mod tests;
