//! Mail over SMTP: always inside TLS, one transaction per recipient, so that one bad address stops nobody else.

use std::{net::Ipv4Addr, net::Ipv6Addr, net::SocketAddr, path::Path, time::Duration};

use async_trait::async_trait;
use lettre::{
    Address,
    transport::smtp::{
        Error,
        authentication::{Credentials, Mechanism},
        client::{AsyncSmtpConnection, Certificate, TlsParameters},
        commands::{Data, Mail as MailFrom, Rcpt, Rset},
        extension::{ClientId, Extension, MailParameter},
    },
};
use tokio::time::timeout;

use super::{
    Secrets,
    carrier::{Carrier, Content, Parcel, Sent, Tried},
    digest,
    mail::{BadMail, Mail, message_for},
};
use crate::{secret::SecretRef, settings::SmtpTls, text};

/// Until signed in.
const CONNECT: Duration = Duration::from_secs(30);
/// One message; servers that look into it take their time.
const TRANSACTION: Duration = Duration::from_secs(60);

pub struct Smtp<'a> {
    pub host: &'a str,
    pub port: u16,
    pub tls: SmtpTls,
    pub username: Option<&'a str>,
    pub password: Option<&'a SecretRef>,
    /// Private CA (PEM).
    pub ca: Option<&'a Path>,
    pub from: Option<&'a str>,
    pub secrets: &'a dyn Secrets,
    pub line: Line,
}

/// The connection, kept from one recipient to the next.
#[derive(Default)]
pub struct Line {
    open: Option<AsyncSmtpConnection>,
    /// Messages in a row whose connection was lost: the second one ends the channel for this run.
    lost: Vec<String>,
}

#[async_trait]
impl Carrier for Smtp<'_> {
    fn is_webhook(&self) -> bool {
        false
    }

    async fn send(&mut self, parcel: &Parcel<'_>) -> Tried {
        let Some(from) = self.from else { return Sent::Down("`notify.from` is not set".to_owned()).into() };
        let letter = match &parcel.content {
            Content::Test => digest::test_letter(parcel.channel, parcel.now),
            Content::News(news) => digest::letter(news),
        };
        let mail = letter
            .map_err(|error| BadMail::Build(error.to_string()))
            .and_then(|letter| message_for(from, parcel.to, &parcel.id, parcel.now, letter));
        match mail {
            Ok(mail) => self.transact(&mail, &parcel.id).await,
            Err(fault @ BadMail::To) => Sent::Refused(fault.to_string()).into(),
            Err(fault @ (BadMail::From | BadMail::Build(_))) => Sent::Down(fault.to_string()).into(),
        }
    }

    async fn close(&mut self) {
        if let Some(mut connection) = self.line.open.take() {
            // What was accepted is accepted, whatever comes of the farewell.
            let _ = timeout(Duration::from_secs(2), connection.quit()).await;
        }
    }
}

impl Smtp<'_> {
    async fn transact(&mut self, mail: &Mail, id: &str) -> Tried {
        let mut connection = match self.line.open.take() {
            Some(connection) => connection,
            None => match timeout(CONNECT, self.connect()).await {
                Ok(Ok(connection)) => connection,
                Ok(Err(NoLine { reason, again })) => return Tried { sent: Sent::Down(reason), again },
                Err(_) => return Sent::Down(format!("{} did not answer in time", self.place())).into(),
            },
        };
        let step = timeout(TRANSACTION, transaction(&mut connection, mail)).await;
        let step = step.unwrap_or_else(|_| Err(Step::Lost("it did not answer in time".to_owned())));
        match step {
            Ok(()) => {
                self.line = Line { open: Some(connection), lost: Vec::new() };
                Sent::Accepted.into()
            }
            Err(Step::Lost(reason)) => {
                // It may have been taken before the line broke: two copies are enough.
                let is_first = self.line.lost.last().is_none_or(|last| last != id);
                if is_first {
                    self.line.lost.push(id.to_owned());
                }
                let reason = format!("{}: {reason}", self.place());
                let sent = if self.line.lost.len() < 2 { Sent::Kept(reason) } else { Sent::Down(reason) };
                Tried { sent, again: is_first.then_some(Duration::ZERO) }
            }
            Err(Step::Answered(sent)) => {
                self.line.lost.clear();
                if matches!(timeout(CONNECT, connection.command(Rset)).await, Ok(Ok(_))) {
                    self.line.open = Some(connection);
                }
                let again = matches!(sent, Sent::Kept(_)).then_some(Duration::ZERO);
                Tried { sent, again }
            }
        }
    }

    fn place(&self) -> String {
        let tls = match self.tls {
            SmtpTls::Implicit => "implicit TLS",
            SmtpTls::Starttls => "STARTTLS",
        };
        format!("{}:{} ({tls})", text::shortened(self.host, 120), self.port)
    }

    async fn connect(&self) -> Result<AsyncSmtpConnection, NoLine> {
        let hello = ClientId::default();
        let place = self.place();
        let failed = |error: &Error| NoLine::from(error, format!("{place}: {}", explained(error)));
        let tls = self.tls_parameters()?;
        let implicit = matches!(self.tls, SmtpTls::Implicit).then(|| tls.clone());
        let connecting = if self.host.eq_ignore_ascii_case("localhost") {
            // Never asked of DNS.
            let local = [SocketAddr::from((Ipv4Addr::LOCALHOST, self.port)), (Ipv6Addr::LOCALHOST, self.port).into()];
            AsyncSmtpConnection::connect_tokio1(&local[..], Some(CONNECT), &hello, implicit, None).await
        } else {
            AsyncSmtpConnection::connect_tokio1((self.host, self.port), Some(CONNECT), &hello, implicit, None).await
        };
        let mut connection = connecting.map_err(|error| failed(&error))?;
        if matches!(self.tls, SmtpTls::Starttls) {
            if !connection.can_starttls() {
                return Err(format!("{place} offers no STARTTLS, and nothing is sent without TLS").into());
            }
            connection.starttls(tls, &hello).await.map_err(|error| failed(&error))?;
        }
        self.sign_in(&mut connection).await?;
        Ok(connection)
    }

    fn tls_parameters(&self) -> Result<TlsParameters, String> {
        let mut builder = TlsParameters::builder(self.host.to_owned());
        if let Some(path) = self.ca {
            let pem = std::fs::read(path).map_err(|error| format!("the CA {}: {error}", path.display()))?;
            let ca =
                Certificate::from_pem(&pem).map_err(|_| format!("the CA {} is no PEM certificate", path.display()))?;
            builder = builder.add_root_certificate(ca);
        }
        builder.build_rustls().map_err(|error| format!("TLS could not be set up: {}", explained(&error)))
    }

    async fn sign_in(&self, connection: &mut AsyncSmtpConnection) -> Result<(), NoLine> {
        let (Some(username), Some(password)) = (self.username, self.password) else { return Ok(()) };
        let place = self.place();
        let password = self.secrets.resolve(password).await?;
        if connection.server_info().get_auth_mechanism(MECHANISMS).is_none() {
            return Err(format!("{place} offers neither PLAIN nor LOGIN to sign in with a password").into());
        }
        let credentials = Credentials::new(username.to_owned(), password.expose().to_owned());
        connection.auth(MECHANISMS, &credentials).await.map(drop).map_err(|error| {
            // The answer's own words are left out: a server may repeat what it was sent.
            let reason = match error.status() {
                Some(_) if is_exchange_without_passwords(&error) => format!(
                    "{place}: Exchange Online takes no passwords for SMTP any more (5.7.30); send through a relay or a connector of yours"
                ),
                Some(code) => format!("{place} refused the authentication ({code}): mend `username` and `password` of the channel"),
                None => format!("{place}: {}", explained(&error)),
            };
            NoLine::from(&error, reason)
        })
    }
}

/// Why there is no connection to send on.
#[derive(Debug)]
struct NoLine {
    reason: String,
    /// As in [`Tried`].
    again: Option<Duration>,
}

impl NoLine {
    /// A 4xx greeting and the network may pass; a 5xx and what TLS minds do not.
    fn from(error: &Error, reason: String) -> Self {
        let stays = error.is_permanent() || error.is_tls() || error.is_client();
        Self { reason, again: (!stays).then_some(Duration::ZERO) }
    }
}

impl From<String> for NoLine {
    fn from(reason: String) -> Self {
        Self { reason, again: None }
    }
}

const MECHANISMS: &[Mechanism] = &[Mechanism::Plain, Mechanism::Login];

/// Where a transaction ended.
enum Step {
    /// The connection is of no more use.
    Lost(String),
    Answered(Sent),
}

/// RFC 5321 section 3.3, for one recipient.
async fn transaction(connection: &mut AsyncSmtpConnection, mail: &Mail) -> Result<(), Step> {
    let envelope = mail.envelope();
    let mut parameters = Vec::new();
    let ascii = |address: &Address| AsRef::<str>::as_ref(address).is_ascii();
    if !envelope.from().into_iter().chain(envelope.to()).all(ascii) {
        if !connection.server_info().supports_feature(Extension::SmtpUtfEight) {
            let reason = "the server takes no addresses with letters outside ASCII".to_owned();
            return Err(Step::Answered(Sent::Refused(reason)));
        }
        parameters.push(MailParameter::SmtpUtfEight);
    }
    let sender = MailFrom::new(envelope.from().cloned(), parameters);
    // A sender refused for good is refused for everybody.
    connection.command(sender).await.map_err(|error| answered(&error, Sent::Down))?;
    for recipient in envelope.to() {
        let recipient = Rcpt::new(recipient.clone(), Vec::new());
        connection.command(recipient).await.map_err(|error| answered(&error, Sent::Refused))?;
    }
    connection.command(Data).await.map_err(|error| answered(&error, Sent::Refused))?;
    connection.message(&mail.formatted()).await.map_err(|error| answered(&error, Sent::Refused))?;
    Ok(())
}

/// `for_good`: what a 5xx means at this step; 4xx and a lost connection mean "again with the next run".
fn answered(error: &Error, for_good: impl FnOnce(String) -> Sent) -> Step {
    let Some(code) = error.status() else { return Step::Lost(explained(error)) };
    let reason = explained(error);
    match code.to_string().as_str() {
        // RFC 4954 section 6: not signed in, not the recipient's fault.
        "530" | "534" | "535" | "538" => Step::Answered(Sent::Down(reason)),
        "421" => Step::Lost(reason),
        _ if error.is_permanent() => Step::Answered(for_good(reason)),
        _ => Step::Answered(Sent::Kept(reason)),
    }
}

fn is_exchange_without_passwords(error: &Error) -> bool {
    let said = error.to_string();
    said.contains("5.7.30") || said.contains("Basic authentication is not supported")
}

/// The server's answer, or the innermost cause: lettre's own words around it repeat themselves.
fn explained(error: &Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    let said = error.status().map_or_else(|| cause.to_string(), |code| format!("{code} {cause}"));
    text::shortened(&said.split_whitespace().collect::<Vec<_>>().join(" "), 240)
}

#[cfg(test)]
mod tests;
