//! The inventory: which credentials exist, where they are tested, whom to tell.
//!
//! [`raw`] is a file as written, [`fields`] its values each valid by itself, [`assemble`] an app that fits together,
//! [`model`] what the rest of credwatch relies on.

mod assemble;
mod fields;
mod model;
mod raw;
mod read;
mod rotation;
mod schema;
mod select;

pub use crate::yaml::{Fault, FaultCode, Faults};
pub(crate) use assemble::written;
pub use model::{
    App, AssertionAudience, AuthMethod, Credential, Expires, Inventory, Key, Registration, SigningAlgorithm, Subject,
    TokenEndpoint,
};
pub use read::read;
pub use rotation::{Delivery, Destination, Rotation};
pub use schema::schema;
pub use select::{NotAShard, Selection, Shard};

#[cfg(test)]
mod tests;
