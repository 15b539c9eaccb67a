//! Checks of values that lead somewhere: addresses of servers, references to secrets.

use std::{
    net::{Ipv4Addr, Ipv6Addr},
    path::Path,
};

use url::{Host, Url};

use super::{At, Check, FaultCode, Text};
use crate::secret::{ReferenceFault, SecretRef};

impl Check<'_> {
    /// Where a server begins: what credwatch asks for is put behind it.
    pub fn root(&mut self, at: &At<'_>, text: Option<Text>) -> Option<Url> {
        let url = self.endpoint(at, text)?;
        if url.query().is_some() {
            return self.invalid(
                at,
                "there is a `?` in this address of a server",
                "remove it and what stands behind it",
            );
        }
        Some(url)
    }

    /// An address that requests are sent to. A fragment never is (RFC 6749 section 3.2, RFC 8414 section 2).
    pub fn endpoint(&mut self, at: &At<'_>, text: Option<Text>) -> Option<Url> {
        let url = self.page(at, text)?;
        if url.fragment().is_some() {
            let advice = "remove it and what stands behind it";
            return self.invalid(at, "there is a `#` in this address, which no server ever sees", advice);
        }
        Some(url)
    }

    /// What people open: `https`, or `http` to this machine only.
    pub fn page(&mut self, at: &At<'_>, text: Option<Text>) -> Option<Url> {
        let text = text?;
        let advice = "write it whole, as in `https://id.example.org/path`";
        let Ok(url) = Url::parse(&text) else { return self.invalid(at, "this is no URL", advice) };
        if !matches!(url.scheme(), "https" | "http") || url.host().is_none() {
            return self.invalid(at, "this is no web address", advice);
        }
        if !url.username().is_empty() || url.password().is_some() {
            let advice = "remove the part before the `@`; secrets are references in fields of their own";
            self.notes.add(at, FaultCode::SecretLooksInline, "there is a name or password in this URL", advice);
            return None;
        }
        if url.scheme() == "http" && !is_loopback(&url) {
            let advice = "write `https://`; plain `http://` is for 127.0.0.1, [::1] and localhost";
            self.notes.add(
                at,
                FaultCode::InsecureUrl,
                "plain http to another machine can be read and changed on its way",
                advice,
            );
            return None;
        }
        Some(url)
    }

    /// Where a secret lies. A text that is no reference may be the secret itself and is not repeated.
    pub fn reference(&mut self, at: &At<'_>, text: Option<Text>) -> Option<SecretRef> {
        let fault = match SecretRef::parse(&text?, self.folder) {
            Ok(SecretRef::Exec(command)) if !self.allows(&command) => {
                let advice = "add it to `exec` in credwatch.yaml, with the variables it may see";
                self.notes.add(
                    at,
                    FaultCode::ExecNotAllowed,
                    "the settings do not let references run this program",
                    advice,
                );
                return None;
            }
            Ok(reference) => return Some(reference),
            Err(fault) => fault,
        };
        let (code, advice) = match fault {
            ReferenceFault::LooksInline => (
                FaultCode::SecretLooksInline,
                "write where the secret lies: `env:NAME`, `file:PATH`, `exec:[...]` or a store; and replace the secret if this file was shared",
            ),
            _ => (FaultCode::MalformedReference, "`env:NAME` and `file:PATH` are the simplest references"),
        };
        self.notes.add(at, code, fault.to_string(), advice);
        None
    }

    fn allows(&self, command: &[String]) -> bool {
        command.first().is_some_and(|program| self.programs.iter().any(|rule| rule.program == Path::new(program)))
    }
}

/// Whether a URL names this machine itself: a loopback address, or `localhost`, which is never asked of DNS.
#[must_use]
pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => Ipv4Addr::is_loopback(&address),
        Some(Host::Ipv6(address)) => Ipv6Addr::is_loopback(&address),
        Some(Host::Domain(name)) => name.eq_ignore_ascii_case("localhost"),
        None => false,
    }
}
