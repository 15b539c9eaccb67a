//! Where a secret lies: what the inventory and the settings carry instead of a value.

use std::{
    fmt,
    ops::RangeBounds,
    path::{Path, PathBuf},
};

use thiserror::Error;
use url::Url;

/// A parsed reference. It names a place and never a value, so it may be shown.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum SecretRef {
    /// `env:NAME`
    Env(String),
    /// `file:PATH`, made absolute against the folder of the inventory file when it was read. Only a leading
    /// `$CREDENTIALS_DIRECTORY/` is kept, for the resolver to expand.
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
    #[error("`{scheme}:` says where a rotation delivers to; a secret cannot be read from it")]
    NotReadable { scheme: &'static str },
}

/// What systemd's `LoadCredential=` sets; the one variable that a path may begin with.
const CREDENTIALS: &str = "$CREDENTIALS_DIRECTORY/";

/// A kind of store that references may name.
struct StoreScheme {
    name: &'static str,
    /// What an address must look like, for people.
    shape: &'static str,
    fits: fn(&str) -> bool,
}

const STORES: [StoreScheme; 4] = [
    StoreScheme {
        name: "vault",
        shape: "MOUNT/PATH#KEY",
        fits: |address| key_of(address).is_some_and(|(path, _)| is_path(path, 2..)),
    },
    StoreScheme {
        name: "azure-key-vault",
        shape: "the https URL of a secret, as in https://NAME.vault.azure.net/secrets/SECRET",
        fits: is_key_vault,
    },
    StoreScheme {
        name: "aws-secrets-manager",
        shape: "ARN_OR_NAME or ARN_OR_NAME#KEY",
        fits: |address| if address.contains('#') { key_of(address).is_some() } else { !address.is_empty() },
    },
    StoreScheme {
        name: "kubernetes",
        shape: "NAMESPACE/NAME#KEY",
        fits: |address| key_of(address).is_some_and(|(path, _)| is_path(path, 2..3)),
    },
];

impl SecretRef {
    /// Reads a reference; `base` is the folder that relative `file:` paths begin in.
    ///
    /// # Errors
    /// What is wrong with it, without the text.
    pub fn parse(text: &str, base: &Path) -> Result<Self, ReferenceFault> {
        let (scheme, rest) = text.split_once(':').ok_or(ReferenceFault::LooksInline)?;
        if text.chars().any(char::is_control) {
            return Err(ReferenceFault::LooksInline);
        }
        match scheme {
            "env" if is_variable(rest) => Ok(Self::Env(rest.to_owned())),
            "file" => file(rest, base),
            "exec" => exec(rest),
            "hook" => Err(ReferenceFault::NotReadable { scheme: "hook" }),
            "person" => Err(ReferenceFault::NotReadable { scheme: "person" }),
            _ => match STORES.iter().find(|store| store.name == scheme) {
                Some(store) if (store.fits)(rest) => Ok(Self::Store { scheme: store.name, address: rest.to_owned() }),
                Some(store) => Err(ReferenceFault::MalformedStore { scheme: store.name, shape: store.shape }),
                None => Err(ReferenceFault::LooksInline),
            },
        }
    }
}

impl fmt::Display for SecretRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Env(name) => write!(f, "env:{name}"),
            Self::File(path) => write!(f, "file:{}", path.display()),
            Self::Exec(command) => write!(f, "exec:{}", serde_json::Value::from(command.as_slice())),
            Self::Store { scheme, address } => write!(f, "{scheme}:{address}"),
        }
    }
}

fn file(path: &str, base: &Path) -> Result<SecretRef, ReferenceFault> {
    let fault = ReferenceFault::MalformedStore { scheme: "file", shape: "the path of a file" };
    if path.is_empty() || path.ends_with('/') {
        return Err(fault);
    }
    if path.starts_with(CREDENTIALS) {
        return Ok(SecretRef::File(PathBuf::from(path)));
    }
    std::path::absolute(base.join(path)).map(SecretRef::File).map_err(|_| fault)
}

fn exec(json: &str) -> Result<SecretRef, ReferenceFault> {
    let command: Vec<String> = serde_json::from_str(json).map_err(|_| ReferenceFault::MalformedExec)?;
    match command.first() {
        Some(program) if Path::new(program).is_absolute() => Ok(SecretRef::Exec(command)),
        _ => Err(ReferenceFault::MalformedExec),
    }
}

/// `[A-Za-z_][A-Za-z0-9_]*`
#[must_use]
pub fn is_variable(name: &str) -> bool {
    let mut bytes = name.bytes();
    bytes.next().is_some_and(|first| first.is_ascii_alphabetic() || first == b'_')
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

fn key_of(address: &str) -> Option<(&str, &str)> {
    address.rsplit_once('#').filter(|(path, key)| !path.is_empty() && !key.is_empty())
}

/// Parts between slashes, as many as the range says, none of them a way out.
fn is_path(path: &str, parts: impl RangeBounds<usize>) -> bool {
    parts.contains(&path.split('/').count()) && path.split('/').all(|part| !matches!(part, "" | "." | ".."))
}

/// Names are letters, digits and hyphens; a version would freeze what is read.
fn is_key_vault(address: &str) -> bool {
    let Ok(url) = Url::parse(address) else { return false };
    let name = url.path().strip_prefix("/secrets/").unwrap_or_default();
    (url.scheme() == "https" || (url.scheme() == "http" && crate::yaml::is_loopback(&url)))
        && url.username().is_empty()
        && url.password().is_none()
        && url.query().is_none()
        && url.fragment().is_none()
        && !name.is_empty()
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parse(text: &str) -> Result<SecretRef, ReferenceFault> {
        SecretRef::parse(text, Path::new("/srv/inventory"))
    }

    #[test]
    fn a_reference_is_shown_as_it_was_written() {
        for text in [
            "env:PUZZEL_SECRET",
            "env:_x1",
            "file:/run/secrets/etl",
            "file:$CREDENTIALS_DIRECTORY/etl",
            r#"exec:["/usr/bin/op","read","op://vault/item"]"#,
            "vault:secret/app/etl#client_secret",
            "azure-key-vault:https://corp.vault.azure.net/secrets/etl",
            "aws-secrets-manager:arn:aws:secretsmanager:eu-north-1:1:secret:etl",
            "aws-secrets-manager:etl#client_secret",
            "kubernetes:jobs/etl#client-secret",
        ] {
            assert_eq!(parse(text).unwrap().to_string(), text);
        }
    }

    #[test]
    fn a_relative_file_lies_beside_the_inventory() {
        assert_eq!(parse("file:etl.txt").unwrap().to_string(), "file:/srv/inventory/etl.txt");
        assert_eq!(
            parse("file:a/$CREDENTIALS_DIRECTORY/b").unwrap().to_string(),
            "file:/srv/inventory/a/$CREDENTIALS_DIRECTORY/b"
        );
    }

    #[test]
    fn what_is_no_reference_may_be_a_secret_and_is_not_repeated() {
        for text in
            ["canary-7Qm2", "env:canary~7Qm2", "env:", "env: X", "env:1X", "Canary:7Qm2", "", "ENV:X", "env:A\nB"]
        {
            let fault = parse(text).unwrap_err();
            assert_eq!(fault, ReferenceFault::LooksInline, "{text}");
            assert!(!fault.to_string().contains("7Qm2"));
        }
    }

    #[test]
    fn a_store_without_a_full_address_says_what_it_needs() {
        for text in [
            "vault:secret#x",
            "vault:secret/app",
            "vault:secret/../app#x",
            "vault:secret/app#",
            "azure-key-vault:corp/etl",
            "azure-key-vault:http://corp.vault.azure.net/secrets/etl",
            "azure-key-vault:https://corp.vault.azure.net/secrets/etl/0123",
            "aws-secrets-manager:",
            "aws-secrets-manager:etl#",
            "kubernetes:etl#x",
            "kubernetes:a/b/c#x",
            "file:",
            "file:/run/",
        ] {
            let fault = parse(text).unwrap_err();
            assert!(matches!(fault, ReferenceFault::MalformedStore { .. }), "{text}: {fault}");
        }
        for text in ["exec:", "exec:[]", r#"exec:["op"]"#, "exec:/usr/bin/op", r#"exec:["/op", 1]"#] {
            assert_eq!(parse(text), Err(ReferenceFault::MalformedExec), "{text}");
        }
        for text in ["hook:deliver", "person:ops@example.org"] {
            assert!(matches!(parse(text), Err(ReferenceFault::NotReadable { .. })), "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_shown_reference_reads_back(text in "(env|file|exec|vault|kubernetes|aws-secrets-manager):.{0,30}") {
            if let Ok(reference) = parse(&text) {
                prop_assert_eq!(parse(&reference.to_string()), Ok(reference));
            }
        }
    }
}
