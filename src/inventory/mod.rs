//! The inventory: which credentials exist, where they are tested, whom to tell.

mod model;

pub use model::{
    App, AssertionAudience, AuthMethod, Credential, Expires, Inventory, Key, Registration, SigningAlgorithm, Subject,
    TokenEndpoint,
};
