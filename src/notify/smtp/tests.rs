//! Against a scripted server in the clear; STARTTLS and implicit TLS are tested against Postfix.

use std::sync::{Arc, Mutex};

use chrono::{DateTime, Utc};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
};

use super::*;
use crate::secret::Secret;

struct Vault;

#[async_trait]
impl Secrets for Vault {
    async fn resolve(&self, _: &SecretRef) -> Result<Secret, String> {
        Ok(Secret::new("canary-Smtp7".to_owned()))
    }
}

type Script = fn(&str) -> Option<&'static str>;

/// Answers each command as the script says, else as a willing server; an empty answer hangs up.
async fn server(script: Script) -> (SocketAddr, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let heard = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&heard);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let log = Arc::clone(&log);
            tokio::spawn(async move { converse(stream, script, &log).await });
        }
    });
    (address, heard)
}

async fn converse(stream: TcpStream, script: Script, log: &Mutex<Vec<String>>) {
    let (read, mut write) = stream.into_split();
    let mut lines = BufReader::new(read).lines();
    write.write_all(b"220 fake\r\n").await.unwrap();
    let mut in_data = false;
    while let Ok(Some(line)) = lines.next_line().await {
        if in_data && line != "." {
            continue;
        }
        in_data = line == "DATA";
        log.lock().unwrap().push(line.clone());
        let willing = match line.split([' ', ':']).next().unwrap() {
            "EHLO" => "250-fake\r\n250 AUTH PLAIN LOGIN",
            "AUTH" => "235 welcome",
            "DATA" => "354 go on",
            "QUIT" => "221 bye",
            _ => "250 fine",
        };
        match script(&line) {
            Some("") => return,
            answer => write.write_all(format!("{}\r\n", answer.unwrap_or(willing)).as_bytes()).await.unwrap(),
        }
    }
}

fn smtp<'a>(address: SocketAddr, host: &'a str, password: &'a SecretRef) -> Smtp<'a> {
    Smtp {
        host,
        port: address.port(),
        tls: SmtpTls::Starttls,
        username: Some("credwatch"),
        password: Some(password),
        ca: None,
        from: Some("credwatch@example.org"),
        secrets: &Vault,
        line: Line::default(),
    }
}

async fn dial(address: SocketAddr) -> AsyncSmtpConnection {
    let stream = TcpStream::connect(address).await.unwrap();
    AsyncSmtpConnection::connect_with_transport(Box::new(stream), &ClientId::default()).await.unwrap()
}

fn reference() -> SecretRef {
    SecretRef::Env("SMTP_PASSWORD".to_owned())
}

async fn send(smtp: &mut Smtp<'_>, to: &str) -> Sent {
    let now: DateTime<Utc> = "2026-11-01T03:00:00Z".parse().unwrap();
    smtp.send(&Parcel { id: to.to_owned(), to, channel: "mail", now, content: Content::Test }).await.sent
}

/// What became of messages to ann, bob and zoe on one connection, which is not made anew.
async fn three(script: Script) -> (Vec<Sent>, Vec<String>) {
    let (address, heard) = server(script).await;
    let reference = reference();
    let mut smtp = smtp(address, "127.0.0.1", &reference);
    smtp.line.open = Some(dial(address).await);
    let mut sent = Vec::new();
    for to in ["ann@example.org", "bob@example.org", "zoe@example.org"] {
        sent.push(send(&mut smtp, to).await);
    }
    smtp.close().await;
    let heard = heard.lock().unwrap().clone();
    (sent, heard)
}

#[tokio::test]
async fn each_recipient_has_a_transaction_on_one_connection() {
    let (sent, heard) = three(|_| None).await;
    assert_eq!(sent, [Sent::Accepted, Sent::Accepted, Sent::Accepted]);
    let commands: Vec<_> = heard.iter().map(|line| line.split(' ').next().unwrap()).collect();
    let one = ["MAIL", "RCPT", "DATA", "."];
    assert_eq!(commands, [&["EHLO"][..], &one, &one, &one, &["QUIT"]].concat());
}

#[tokio::test]
async fn one_bad_address_stops_nobody_else() {
    let (sent, _) = three(|line| line.starts_with("RCPT TO:<bob").then_some("550 5.1.1 no such user")).await;
    let refused = Sent::Refused("550 5.1.1 no such user".to_owned());
    assert_eq!(sent, [Sent::Accepted, refused, Sent::Accepted]);
    let (sent, _) = three(|line| line.starts_with("RCPT TO:<bob").then_some("450 4.2.0 greylisted")).await;
    assert_eq!(sent, [Sent::Accepted, Sent::Kept("450 4.2.0 greylisted".to_owned()), Sent::Accepted]);
}

#[tokio::test]
async fn a_message_put_off_or_refused_after_its_body_is_no_accepted_one() {
    let (sent, _) = three(|line| (line == ".").then_some("452 4.3.1 disk full")).await;
    assert!(sent.iter().all(|sent| *sent == Sent::Kept("452 4.3.1 disk full".to_owned())), "{sent:?}");
    let (sent, _) = three(|line| (line == ".").then_some("554 5.7.1 looks like spam")).await;
    assert!(sent.iter().all(|sent| matches!(sent, Sent::Refused(_))), "{sent:?}");
}

#[tokio::test]
async fn a_refused_sender_or_sign_in_is_the_channels_fault_not_the_recipients() {
    for script in [(|line: &str| line.starts_with("MAIL").then_some("553 5.7.1 not your sender")) as Script, |line| {
        line.starts_with("RCPT").then_some("530 5.7.0 authentication required")
    }] {
        let (sent, _) = three(script).await;
        assert!(sent.iter().all(|sent| matches!(sent, Sent::Down(_))), "{sent:?}");
    }
}

#[tokio::test]
async fn a_connection_lost_before_the_answer_keeps_the_message() {
    let (sent, _) = three(|line| (line == ".").then_some("")).await;
    assert!(matches!(&sent[0], Sent::Kept(reason) if reason.contains("incomplete response")), "{sent:?}");
}

#[tokio::test]
async fn m1_what_may_pass_is_worth_another_try() {
    for (script, again) in [
        ((|line: &str| line.starts_with("RCPT").then_some("450 4.2.0 greylisted")) as Script, true),
        (|line| line.starts_with("RCPT").then_some("421 4.3.2 closing"), true),
        (|line| (line == ".").then_some(""), true),
        (|line| line.starts_with("RCPT").then_some("550 5.1.1 no such user"), false),
        (|line| line.starts_with("RCPT").then_some("530 5.7.0 authentication required"), false),
    ] {
        let (address, _) = server(script).await;
        let reference = reference();
        let mut smtp = smtp(address, "127.0.0.1", &reference);
        smtp.line.open = Some(dial(address).await);
        let now = DateTime::UNIX_EPOCH;
        let parcel = Parcel { id: "1".to_owned(), to: "a@example.org", channel: "mail", now, content: Content::Test };
        let tried = smtp.send(&parcel).await;
        assert_eq!(tried.again.is_some(), again, "{tried:?}");
    }
}

#[tokio::test]
async fn a_message_that_loses_the_line_at_each_try_counts_once() {
    let (address, _) = server(|line| line.starts_with("RCPT TO:<bob").then_some("")).await;
    let reference = reference();
    let mut smtp = smtp(address, "127.0.0.1", &reference);
    for to in ["bob@example.org", "bob@example.org", "bob@example.org", "ann@example.org"] {
        smtp.line.open = Some(dial(address).await);
        let sent = send(&mut smtp, to).await;
        assert_eq!(matches!(sent, Sent::Kept(_)), to.starts_with("bob"), "{sent:?}");
    }
}

#[tokio::test]
async fn m3_a_message_that_may_have_been_taken_is_sent_twice_at_most() {
    let (address, _) = server(|line| (line == ".").then_some("")).await;
    let reference = reference();
    let mut smtp = smtp(address, "127.0.0.1", &reference);
    let now = DateTime::UNIX_EPOCH;
    let parcel = Parcel { id: "1".to_owned(), to: "a@example.org", channel: "mail", now, content: Content::Test };
    for again in [true, false] {
        smtp.line.open = Some(dial(address).await);
        assert_eq!(smtp.send(&parcel).await.again.is_some(), again);
    }
}

#[tokio::test]
async fn a_server_without_starttls_gets_nothing() {
    let (address, heard) = server(|_| None).await;
    let reference = reference();
    let sent = send(&mut smtp(address, "127.0.0.1", &reference), "ann@example.org").await;
    let Sent::Down(reason) = sent else { panic!("{sent:?}") };
    assert!(reason.ends_with("offers no STARTTLS, and nothing is sent without TLS"), "{reason}");
    assert_eq!(heard.lock().unwrap().len(), 1, "EHLO alone");
}

#[tokio::test]
async fn a_dead_port_and_a_bad_address_say_so() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let reference = reference();
    let mut smtp = smtp(address, "localhost", &reference);
    let sent = send(&mut smtp, "ann@example.org").await;
    assert!(matches!(&sent, Sent::Down(reason) if reason.starts_with("localhost:")), "{sent:?}");
    assert!(matches!(send(&mut smtp, "the team").await, Sent::Refused(_)));
    smtp.from = None;
    assert_eq!(send(&mut smtp, "ann@example.org").await, Sent::Down("`notify.from` is not set".to_owned()));
}

#[tokio::test]
async fn a_refused_password_is_explained_without_the_servers_words() {
    for (script, expected) in [
        (
            (|line: &str| line.starts_with("AUTH").then_some("535 5.7.8 canary-Smtp7 is wrong")) as Script,
            "refused the authentication (535): mend `username` and `password` of the channel",
        ),
        (
            |line| {
                let said = "550 5.7.30 Basic authentication is not supported for Client Submission.";
                line.starts_with("AUTH").then_some(said)
            },
            "Exchange Online takes no passwords for SMTP any more (5.7.30); send through a relay or a connector of yours",
        ),
        (
            |line| line.starts_with("EHLO").then_some("250 fake"),
            "offers neither PLAIN nor LOGIN to sign in with a password",
        ),
    ] {
        let (address, _) = server(script).await;
        let reference = reference();
        let said = smtp(address, "127.0.0.1", &reference).sign_in(&mut dial(address).await).await.unwrap_err().reason;
        assert!(said.ends_with(expected) && !said.contains("canary"), "{said}");
    }
}
