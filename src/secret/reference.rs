//! Where a secret lies: what the inventory and the settings carry instead of a value.

use std::path::PathBuf;

use thiserror::Error;

/// A parsed reference. It names a place and never a value, so it may be shown.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum SecretRef {
    /// `env:NAME`
    Env(String),
    /// `file:PATH`, made absolute against the folder of the inventory file when it was read.
    File(PathBuf),
    /// `exec:["/abs/program", "arg"]`, a program the settings allow.
    Exec(Vec<String>),
    /// `vault:MOUNT/PATH#KEY`, `azure-key-vault:URL`, `aws-secrets-manager:NAME[#KEY]`,
    /// `kubernetes:NAMESPACE/NAME#KEY`: a store, by scheme and the address behind it.
    Store { scheme: &'static str, address: String },
}

/// Why a text is no reference. The text itself is never repeated: it may be a pasted secret.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ReferenceFault {
    #[error("this is not a reference but looks like the secret itself")]
    LooksInline,
    #[error("an `exec:` reference is a JSON array of strings whose first is the absolute path of a program")]
    MalformedExec,
    #[error("a `{scheme}:` reference needs {shape}")]
    MalformedStore { scheme: &'static str, shape: &'static str },
}
