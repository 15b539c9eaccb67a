//! Hooks: programs of the settings that deliver or make secrets where credwatch itself does not know how.
//!
//! A hook is started with its verb as the last argument, gets one JSON object on stdin and answers with one on stdout
//! ([`envelope`]). Values travel there alone: never in arguments, in the environment or on stderr.

mod complaint;
mod envelope;
mod leash;
#[cfg(test)]
mod tests;

pub use envelope::{Create, Created, Listed, Listing, Read, Removed, Request, SCHEMA, Subject, Write, Written, schema};
pub use leash::lead;

use std::{ffi::OsString, time::Duration};

use serde::de::DeserializeOwned;
use thiserror::Error;
use zeroize::Zeroizing;

use crate::{
    program::{self, Finished, Limits, ProgramFault},
    secret::Secret,
    settings,
};

/// All that a hook may see of our environment.
const ENVIRONMENT: [&str; 3] = ["PATH", "HOME", "LANG"];

const LIMITS: Limits = Limits { patience: Duration::from_secs(60), stdout: 256 * 1024, stderr: 4 * 1024 };

/// Nothing was done; later it may (sysexits' `EX_TEMPFAIL`).
const LATER: i32 = 75;
/// Nothing was done, and trying again does not help (sysexits' `EX_NOPERM`).
const REFUSED: i32 = 77;

/// One hook on behalf of one credential.
pub struct Hook {
    name: String,
    program: Vec<String>,
    environment: Vec<(&'static str, OsString)>,
    subject: Subject,
    limits: Limits,
}

/// What became of a verb that was not done.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum HookFault {
    /// The program could not be started.
    #[error("{0}")]
    NotStarted(String),
    /// Exit code 75: nothing was done; later it may.
    #[error("{0}")]
    Later(String),
    /// Exit code 77: nothing was done.
    #[error("{0}")]
    Refused(String),
    /// Any other end, or an answer that cannot be read: it may have been done.
    #[error("{0}")]
    Unknown(String),
}

impl Hook {
    /// `name` is the hook's name in the settings.
    #[must_use]
    pub fn new(name: &str, hook: &settings::Hook, subject: Subject) -> Self {
        let seen = ENVIRONMENT.into_iter().filter_map(|name| Some((name, std::env::var_os(name)?)));
        Self {
            name: name.to_owned(),
            program: hook.program.clone(),
            environment: seen.collect(),
            subject,
            limits: LIMITS,
        }
    }

    /// What the store holds.
    ///
    /// # Errors
    /// No usable answer.
    pub async fn read(&self) -> Result<Read, HookFault> {
        self.ask(Request::Read, None).await
    }

    /// Puts a value into the store. Sent once.
    ///
    /// # Errors
    /// [`HookFault::Unknown`]: it may have been written.
    pub async fn write(&self, value: &Secret, write: Write<'_>) -> Result<Written, HookFault> {
        self.ask(Request::Write { value: value.expose(), length: value.expose().len(), write }, Some(value)).await
    }

    /// Every credential of the app.
    ///
    /// # Errors
    /// No usable answer.
    pub async fn list(&self) -> Result<Listing, HookFault> {
        self.ask(Request::List, None).await
    }

    /// Makes a credential. Sent once.
    ///
    /// # Errors
    /// [`HookFault::Unknown`]: something may have been made.
    pub async fn create(&self, create: Create<'_>) -> Result<Created, HookFault> {
        self.ask(Request::Create(create), None).await
    }

    /// Removes the credential of that id. Sent once.
    ///
    /// # Errors
    /// [`HookFault::Unknown`]: it may have been removed.
    pub async fn remove(&self, id: &str) -> Result<Removed, HookFault> {
        self.ask(Request::Remove { id }, None).await
    }

    /// `value` is the one that is sent.
    async fn ask<A: DeserializeOwned>(&self, request: Request<'_>, value: Option<&Secret>) -> Result<A, HookFault> {
        let verb = request.verb();
        let told = |clause: &str| format!("hook {} ({verb}): {clause}", self.name);
        let Some((program, arguments)) = self.program.split_first() else {
            return Err(HookFault::NotStarted(told("the settings name no program")));
        };
        let mut command = leash::command(program);
        let environment = self.environment.iter().map(|(name, value)| (name, value));
        command.args(arguments).arg(verb).env_clear().envs(environment);
        let input = self.input(request).map_err(|error| HookFault::NotStarted(told(&error)))?;
        let finished = program::run(command, &input, self.limits).await.map_err(|fault| match fault {
            ProgramFault::NotStarted(clause) => HookFault::NotStarted(told(&clause)),
            ProgramFault::Ended(clause) => HookFault::Unknown(told(&clause)),
        })?;
        if let Some(clause) = leash::fault(&finished) {
            return Err(HookFault::NotStarted(told(&clause)));
        }
        if finished.code == Some(0) {
            return serde_json::from_slice(&finished.stdout).map_err(|_| {
                HookFault::Unknown(told(
                    "it ended well, but its output is not the JSON object that this verb answers with",
                ))
            });
        }
        Err(failed(&finished, verb, value, told))
    }

    fn input(&self, request: Request<'_>) -> Result<Zeroizing<Vec<u8>>, String> {
        // Room for everything at once: a buffer that grows leaves copies behind.
        let mut input = Zeroizing::new(Vec::with_capacity(self.limits.stdout * 2));
        let written = serde_json::to_writer(&mut *input, &envelope::Input::new(&self.subject, request));
        written.map_err(|_| "its input cannot be written as JSON".to_owned())?;
        input.push(b'\n');
        Ok(input)
    }
}

fn failed(finished: &Finished, verb: &str, value: Option<&Secret>, told: impl Fn(&str) -> String) -> HookFault {
    let complaint = complaint::of(finished, verb, value).map(|said| format!(": {said}")).unwrap_or_default();
    match finished.code {
        Some(LATER) => {
            HookFault::Later(told(&format!("nothing was done, later it may be (exit code {LATER}){complaint}")))
        }
        Some(REFUSED) => HookFault::Refused(told(&format!("it refuses (exit code {REFUSED}){complaint}"))),
        Some(code) => HookFault::Unknown(told(&format!("the program ended with exit code {code}{complaint}"))),
        None => HookFault::Unknown(told(&format!("the program was ended by a signal{complaint}"))),
    }
}
