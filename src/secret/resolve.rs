//! From a reference to the value, with nothing of the value in any message.

use std::{
    collections::HashMap,
    ffi::OsString,
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
    sync::Arc,
};

use async_trait::async_trait;
use tokio::sync::Semaphore;
use zeroize::Zeroizing;

use super::{ExecRule, Secret, SecretRef, Wiped, program};

/// Longest value from a file or a program; a certificate with its chain and key is a tenth of it.
pub(crate) const LIMIT: usize = 64 * 1024;

/// Programs under way at once: a vault's command line tool is no load generator.
const PROGRAMS: usize = 8;

/// The name no `env:` reference of a file can have; it stands for the value typed by a person.
const TYPED: &str = "-";

/// Why a reference gave no usable value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unreadable {
    /// A sentence that names the reference and the reason, never a value.
    Unresolved(String),
    Whitespace,
    Empty,
    /// The PEM holds no usable key or certificate; the sentence says which part.
    BadKey(String),
}

impl Unreadable {
    /// A clause that names the reference and the reason.
    #[must_use]
    pub fn of(self, reference: &SecretRef) -> String {
        match self {
            Self::Unresolved(reason) => reason,
            Self::Whitespace => format!("{reference} has white space around its value"),
            Self::Empty => format!("{reference} is empty"),
            Self::BadKey(reason) => format!("{reference}: {reason}"),
        }
    }
}

/// Reads what lies in stores; connections and sign-ins are its affair.
#[async_trait]
pub trait Shelf: Send + Sync {
    /// The value as the store holds it now.
    ///
    /// # Errors
    /// It cannot be had in the time one credential has.
    async fn read(&self, scheme: &'static str, address: &str) -> Result<Secret, Unreadable>;
}

/// Turns references into values. It reads the environment once, so that a thousand references cost one pass and a
/// changed variable cannot make one run see two values.
pub struct Resolver {
    environment: Arc<HashMap<OsString, OsString>>,
    allowed: Arc<[ExecRule]>,
    programs: Arc<Semaphore>,
    typed: Option<Zeroizing<Vec<u8>>>,
    shelf: Option<Box<dyn Shelf>>,
}

impl Resolver {
    /// A resolver over this process's environment; `allowed` are the programs that `exec:` may run.
    #[must_use]
    pub fn new(allowed: Vec<ExecRule>) -> Self {
        Self::with_environment(allowed, std::env::vars_os())
    }

    /// The same over given variables.
    #[must_use]
    pub fn with_environment(allowed: Vec<ExecRule>, variables: impl IntoIterator<Item = (OsString, OsString)>) -> Self {
        Self {
            environment: Arc::new(variables.into_iter().collect()),
            allowed: allowed.into(),
            programs: Arc::new(Semaphore::new(PROGRAMS)),
            typed: None,
            shelf: None,
        }
    }

    /// Reads stores too. The shelf signs in to them with what a resolver without stores reads: the way into a store
    /// cannot lie in one.
    #[must_use]
    pub fn with_shelf<S: Shelf + 'static>(self, shelf: impl FnOnce(Arc<Self>) -> S) -> Self {
        let bare = Self {
            environment: Arc::clone(&self.environment),
            allowed: Arc::clone(&self.allowed),
            programs: Arc::clone(&self.programs),
            typed: None,
            shelf: None,
        };
        Self { shelf: Some(Box::new(shelf(Arc::new(bare)))), ..self }
    }

    /// Holds what a person typed or piped in; [`Resolver::typed_reference`] reads it like a file.
    #[must_use]
    pub fn with_typed(self, bytes: Zeroizing<Vec<u8>>) -> Self {
        Self { typed: Some(bytes), ..self }
    }

    /// The reference to the value given to [`Resolver::with_typed`].
    #[must_use]
    pub fn typed_reference() -> SecretRef {
        SecretRef::Env(TYPED.to_owned())
    }

    /// The value, without the line break a file or a program ends it with.
    ///
    /// # Errors
    /// It cannot be had, is empty, or has white space around it, which no provider issues and every copy adds.
    pub async fn resolve(&self, reference: &SecretRef) -> Result<Secret, Unreadable> {
        let secret = self.read(reference).await?;
        check_edges(&secret)?;
        Ok(secret)
    }

    /// A PEM text: white space around it means nothing (RFC 7468 section 2).
    ///
    /// # Errors
    /// It cannot be had, or there is nothing in it.
    pub async fn resolve_pem(&self, reference: &SecretRef) -> Result<Secret, Unreadable> {
        let secret = self.read(reference).await?;
        if secret.expose().trim().is_empty() { Err(Unreadable::Empty) } else { Ok(secret) }
    }

    async fn read(&self, reference: &SecretRef) -> Result<Secret, Unreadable> {
        match reference {
            SecretRef::Env(name) if name == TYPED => {
                let bytes = self.typed.as_ref().ok_or(Unreadable::Empty)?;
                value(bytes).ok_or_else(|| not_text("the value typed in"))
            }
            SecretRef::Env(name) => {
                let value = self.environment.get(name.as_ref() as &std::ffi::OsStr);
                let value = value.ok_or_else(|| unresolved("the variable is not set", &format!("env:{name}")))?;
                let value = value.to_str().ok_or_else(|| not_text(&format!("env:{name}")))?;
                Ok(Secret::new(value.to_owned()))
            }
            SecretRef::File(path) => {
                let shown = format!("file:{}", path.display());
                let path = self.expanded(path, &shown)?;
                // Blocking: a file on a network drive must hold up neither the timers nor the other answers.
                let read = tokio::task::spawn_blocking(move || read_file(&path)).await;
                let bytes = read.map_err(|_| unresolved("reading it was broken off", &shown))?;
                let bytes = bytes.map_err(|reason| unresolved(&reason, &shown))?;
                value(&bytes).ok_or_else(|| not_text(&shown))
            }
            SecretRef::Exec(command) => {
                let shown = format!("exec:{}", command.first().map_or("", String::as_str));
                let rule =
                    self.allowed.iter().find(|rule| rule.program.to_str() == command.first().map(String::as_str));
                let rule =
                    rule.ok_or_else(|| unresolved("the settings do not list the program under `exec`", &shown))?;
                let seen = ["PATH", "HOME", "LANG"].into_iter().chain(rule.env.iter().map(String::as_str));
                let seen =
                    seen.filter_map(|name| Some((name, self.environment.get(name.as_ref() as &std::ffi::OsStr)?)));
                let _permit = self.programs.acquire().await;
                let bytes = program::output(&rule.program, command.get(1..).unwrap_or_default(), seen).await;
                let bytes = bytes.map_err(|reason| unresolved(&reason, &shown))?;
                value(&bytes).ok_or_else(|| not_text(&shown))
            }
            SecretRef::Store { scheme, address } => match &self.shelf {
                Some(shelf) => shelf.read(scheme, address).await,
                None => Err(unresolved(
                    "no store is read for this; use an env:, file: or exec: reference",
                    &reference.to_string(),
                )),
            },
        }
    }

    /// `$CREDENTIALS_DIRECTORY/` is where systemd puts what `LoadCredential=` names.
    fn expanded(&self, path: &Path, shown: &str) -> Result<PathBuf, Unreadable> {
        let Ok(name) = path.strip_prefix("$CREDENTIALS_DIRECTORY") else { return Ok(path.to_owned()) };
        let folder = self.environment.get("CREDENTIALS_DIRECTORY".as_ref() as &std::ffi::OsStr);
        let folder = folder.ok_or_else(|| {
            unresolved("CREDENTIALS_DIRECTORY is not set; systemd sets it for LoadCredential=", shown)
        })?;
        Ok(Path::new(folder).join(name))
    }
}

/// Drops the one LF or CRLF that editors and `echo` add; `None` when it is no UTF-8.
fn value(bytes: &[u8]) -> Option<Secret> {
    let bytes = bytes.strip_suffix(b"\r\n").or_else(|| bytes.strip_suffix(b"\n")).unwrap_or(bytes);
    std::str::from_utf8(bytes).ok().map(|text| Secret::new(text.to_owned()))
}

fn check_edges(secret: &Secret) -> Result<(), Unreadable> {
    // A byte order mark and zero-width characters come with copies out of documents and are as invisible.
    let invisible = |c: char| c.is_whitespace() || matches!(c, '\u{feff}' | '\u{200b}'..='\u{200d}' | '\u{2060}');
    let value = secret.expose();
    match (value.chars().next(), value.chars().next_back()) {
        (None, _) => Err(Unreadable::Empty),
        _ if value.chars().all(invisible) => Err(Unreadable::Empty),
        (Some(first), Some(last)) if invisible(first) || invisible(last) => Err(Unreadable::Whitespace),
        _ => Ok(()),
    }
}

fn read_file(path: &Path) -> Result<Wiped, String> {
    let file = open(path).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => "there is no such file".to_owned(),
        io::ErrorKind::PermissionDenied => "no permission to read the file".to_owned(),
        kind => format!("the file cannot be opened: {kind}"),
    })?;
    let about = file.metadata().map_err(|error| format!("the file cannot be read: {}", error.kind()))?;
    if !about.is_file() {
        return Err("this is no regular file".to_owned());
    }
    // The exact room at once: a buffer that grows leaves copies behind.
    let mut bytes = Wiped::with_capacity(LIMIT + 1);
    let read = file.take(LIMIT as u64 + 1).read_to_end(&mut bytes);
    read.map_err(|error| format!("the file cannot be read: {}", error.kind()))?;
    if bytes.len() > LIMIT { Err(format!("the file is larger than {} KiB", LIMIT / 1024)) } else { Ok(bytes) }
}

/// Opening a FIFO waits for its writer for ever unless told not to.
#[cfg(unix)]
fn open(path: &Path) -> io::Result<File> {
    use rustix::fs::{Mode, OFlags};
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    Ok(File::from(rustix::fs::open(path, flags, Mode::empty())?))
}

#[cfg(not(unix))]
fn open(path: &Path) -> io::Result<File> {
    File::open(path)
}

/// The reason first: it begins a sentence, and a place is no word to begin one.
fn unresolved(reason: &str, place: &str) -> Unreadable {
    Unreadable::Unresolved(format!("{reason} ({place})"))
}

fn not_text(place: &str) -> Unreadable {
    unresolved("the value is not UTF-8 text", place)
}

#[cfg(test)]
mod tests;
