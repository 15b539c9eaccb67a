//! Why no usable answer came, in words of our own: the libraries' texts name URLs with their queries.

use std::{error::Error, io};

use rustls::{AlertDescription, CertificateError, OtherError};

use super::{
    BadAnswer, NotTested, Outcome, Unreachable, Unreadable,
    dns::{Forbidden, Unresolved},
};

/// Why an exchange gave no answer to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Fault {
    Unreachable(Unreachable),
    BadAnswer(BadAnswer),
    /// The client certificate cannot be used.
    Unreadable(Unreadable),
    /// There is no wire.
    Offline,
}

impl From<Fault> for Outcome {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Unreachable(reason) => Self::Unreachable(reason),
            Fault::BadAnswer(answer) => Self::BadAnswer(answer),
            Fault::Unreadable(reason) => Self::Unreadable(reason),
            Fault::Offline => Self::NotTested(NotTested::Offline),
        }
    }
}

/// Why there is no connection. `host` as it is shown; `proxied` where a proxy may stand between.
pub(super) fn of_connection(error: &(dyn Error + 'static), host: &str, proxied: bool) -> Fault {
    let chain = Chain::of(error);
    if chain.holds::<Forbidden>() {
        return unreachable(Unreachable::ForbiddenAddress, host, forbidden());
    }
    if let Some(tls) = chain.find::<rustls::Error>() {
        return unreachable(Unreachable::Tls, host, &tls_reason(tls));
    }
    let kind = chain.find::<io::Error>().map(io::Error::kind);
    if kind == Some(io::ErrorKind::TimedOut) {
        return timeout(host, false);
    }
    if chain.says("tunnel error") {
        let reason = match kind {
            Some(_) if chain.holds::<Unresolved>() => "the name of the proxy cannot be resolved",
            Some(_) => "the proxy cannot be reached",
            None if chain.says("authorization required") => {
                "the proxy demands a sign-in; write it into the proxy's URL"
            }
            None => "the proxy refuses to connect",
        };
        return unreachable(Unreachable::Connect, host, reason);
    }
    if chain.holds::<Unresolved>() {
        return unreachable(Unreachable::Dns, host, "the name cannot be resolved");
    }
    let through = if proxied { ", through the proxy" } else { "" };
    unreachable(Unreachable::Connect, host, &format!("{}{through}", connect_reason(kind)))
}

/// What the error of an exchange means. `status` once the answer's head had come.
pub(super) fn of_exchange(error: &hyper::Error, host: &str, status: Option<u16>) -> Fault {
    let chain = Chain::of(error);
    // In TLS 1.3 a client certificate is refused only after the handshake.
    if let Some(tls) = chain.find::<rustls::Error>() {
        return unreachable(Unreachable::Tls, host, &tls_reason(tls));
    }
    if error.is_parse_too_large() {
        let what = format!("the head of the answer is too large ({host})");
        return Fault::BadAnswer(BadAnswer::NotHttp { what });
    }
    if error.is_parse() {
        let what = format!("the answer is not HTTP ({host})");
        return Fault::BadAnswer(BadAnswer::NotHttp { what });
    }
    let is_cut = chain.find::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::UnexpectedEof);
    match status {
        Some(status) if is_cut || error.is_incomplete_message() => Fault::BadAnswer(BadAnswer::Truncated { status }),
        _ => unreachable(Unreachable::Broken, host, "the connection broke before the answer was complete"),
    }
}

/// Whether the connection was gone before anybody read the request.
pub(super) fn is_unread(error: &hyper::Error) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, NotConnected, UnexpectedEof};
    if error.is_canceled() || error.is_closed() || error.is_incomplete_message() {
        return true;
    }
    let chain = Chain::of(error);
    // RFC 9113 section 8.7: neither was processed.
    let is_refused = |error: &h2::Error| error.is_go_away() || error.reason() == Some(h2::Reason::REFUSED_STREAM);
    let is_gone = |error: &io::Error| {
        matches!(error.kind(), BrokenPipe | ConnectionAborted | ConnectionReset | NotConnected | UnexpectedEof)
    };
    chain.find().is_some_and(is_refused) || chain.find().is_some_and(is_gone)
}

pub(super) fn timeout(host: &str, has_begun: bool) -> Fault {
    let reason = if has_begun { "the answer did not end in time" } else { "no answer came in time" };
    unreachable(Unreachable::Timeout, host, reason)
}

pub(super) const fn forbidden() -> &'static str {
    "this leads to a loopback, link-local or unspecified address; only `localhost` and 127.0.0.1 may lead to this machine"
}

pub(super) fn unreachable(kind: fn(String) -> Unreachable, host: &str, reason: &str) -> Fault {
    Fault::Unreachable(kind(format!("{reason} ({host})")))
}

fn connect_reason(kind: Option<io::ErrorKind>) -> &'static str {
    match kind {
        Some(io::ErrorKind::ConnectionRefused) => "the connection is refused",
        Some(io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable) => "there is no route to it",
        Some(io::ErrorKind::ConnectionReset | io::ErrorKind::UnexpectedEof) => "the connection is closed at once",
        _ => "no connection can be made",
    }
}

fn tls_reason(error: &rustls::Error) -> String {
    let sentence = match error {
        rustls::Error::InvalidCertificate(error) => certificate_reason(error),
        rustls::Error::AlertReceived(alert) => alert_reason(*alert),
        rustls::Error::InvalidMessage(_) => "this port does not speak TLS",
        rustls::Error::PeerIncompatible(_) => "the server offers no TLS that is still safe (1.2 or 1.3)",
        rustls::Error::NoCertificatesPresented => "the server shows no certificate",
        _ => "the TLS handshake failed",
    };
    sentence.to_owned()
}

fn certificate_reason(error: &CertificateError) -> &'static str {
    const UNKNOWN_CA: &str = "the server's certificate is self-signed or from a CA this system does not know; \
                              a private CA is named by `ca` in the settings";
    match error {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => "the server's certificate has expired",
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "the server's certificate is not valid yet; is this machine's clock right?"
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "the server's certificate is for another name"
        }
        // A bad signature is that of a CA that calls itself like a known one.
        CertificateError::UnknownIssuer | CertificateError::BadSignature => UNKNOWN_CA,
        CertificateError::Revoked => "the server's certificate is revoked",
        // A self-signed certificate that calls itself a CA.
        CertificateError::Other(OtherError(inner)) if format!("{inner:?}").contains("CaUsedAsEndEntity") => UNKNOWN_CA,
        _ => "the server's certificate is not acceptable",
    }
}

fn alert_reason(alert: AlertDescription) -> &'static str {
    match alert {
        AlertDescription::CertificateRequired => "the server demands a client certificate",
        AlertDescription::BadCertificate
        | AlertDescription::UnsupportedCertificate
        | AlertDescription::CertificateRevoked
        | AlertDescription::CertificateExpired
        | AlertDescription::CertificateUnknown
        | AlertDescription::UnknownCA
        | AlertDescription::DecryptError
        | AlertDescription::AccessDenied => "the server does not accept the client certificate",
        AlertDescription::ProtocolVersion | AlertDescription::HandshakeFailure => {
            "the server and credwatch have no TLS version or cipher in common"
        }
        AlertDescription::UnrecognisedName => "the server does not know this name",
        _ => "the server broke the TLS handshake off",
    }
}

/// An error and its causes.
struct Chain<'a>(Vec<&'a (dyn Error + 'static)>);

impl<'a> Chain<'a> {
    fn of(error: &'a (dyn Error + 'static)) -> Self {
        Self(std::iter::successors(Some(error), |error| cause(*error)).collect())
    }

    fn find<E: Error + 'static>(&self) -> Option<&'a E> {
        // The innermost says most: an `io::Error` may wrap another.
        self.0.iter().rev().find_map(|error| error.downcast_ref())
    }

    fn holds<E: Error + 'static>(&self) -> bool {
        self.find::<E>().is_some()
    }

    /// For the conditions the libraries tell by text alone; the text itself goes nowhere.
    fn says(&self, text: &str) -> bool {
        self.0.iter().any(|error| error.to_string().to_ascii_lowercase().contains(text))
    }
}

/// An `io::Error` hides the error it wraps from `source`.
fn cause<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a (dyn Error + 'static)> {
    match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
        Some(wrapped) => Some(wrapped),
        None => error.source(),
    }
}
