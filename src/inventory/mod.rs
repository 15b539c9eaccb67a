//! The inventory: which credentials exist, where they are tested, whom to tell.
//!
//! `raw` is a file as written, `fields` are values each valid by itself, `assemble` makes an app that fits together,
//! `across` compares all of them, `model` is what the rest of credwatch relies on.

mod across;
mod assemble;
mod credential;
mod fields;
mod files;
mod model;
mod raw;
mod read;
mod registration;
mod rotation;
mod schema;
mod select;

pub use crate::yaml::{Fault, FaultCode, Faults};
pub use files::files;
pub use model::{
    App, AssertionAudience, AuthMethod, Credential, Expires, Inventory, Key, Origin, Registration, SigningAlgorithm,
    Subject, TokenEndpoint,
};
pub use read::{app_from_fields, read};
pub(crate) use registration::written;
pub use rotation::{Delivery, Destination, Rotation};
pub use schema::schema;
pub use select::{NotAShard, Selection, Shard};

#[cfg(test)]
mod tests;
