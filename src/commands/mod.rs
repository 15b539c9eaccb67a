//! The commands: thin shells over the modules, one file each with its `Args` and its `run`.
//!
//! A command returns how it ended; an error means nothing was done and is the user's to mend (exit code 2).

pub mod explain;
pub mod init;
pub mod next;
pub mod schema;
pub mod serve;
pub mod validate;
