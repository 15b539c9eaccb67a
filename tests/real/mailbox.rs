//! The Maildir that Postfix delivers into.

use std::{fs, thread::sleep, time::Duration};

use mailparse::{MailHeaderMap, ParsedMail, parse_mail};

use crate::server::Server;

/// One delivered mail.
pub struct Mail {
    pub raw: Vec<u8>,
    pub subject: String,
    pub text: String,
    pub html: String,
}

/// The mails that `address` got, once there are `count`; Postfix delivers after it has accepted.
///
/// # Panics
/// When there are fewer after 20 s, or more.
pub fn mails(postfix: &Server, address: &str, count: usize) -> Vec<Mail> {
    for _ in 0..200 {
        let found = delivered(postfix, address);
        if found.len() >= count {
            assert_eq!(found.len(), count, "mails to {address}");
            return found;
        }
        sleep(Duration::from_millis(100));
    }
    panic!("{} of {count} mails to {address} came", delivered(postfix, address).len());
}

fn delivered(postfix: &Server, address: &str) -> Vec<Mail> {
    // Postfix makes the folder with the first mail, and the names begin with the time.
    let Ok(folder) = fs::read_dir(postfix.file("postfix/mail/inbox/new")) else { return Vec::new() };
    let mut paths: Vec<_> = folder.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths.iter().map(|path| fs::read(path).unwrap()).filter_map(|raw| mail_to(address, raw)).collect()
}

fn mail_to(address: &str, raw: Vec<u8>) -> Option<Mail> {
    let parsed = parse_mail(&raw).unwrap();
    if parsed.headers.get_first_value("Delivered-To").as_deref() != Some(address) {
        return None;
    }
    let subject = parsed.headers.get_first_value("Subject").unwrap();
    let (text, html) = (part(&parsed, "text/plain"), part(&parsed, "text/html"));
    Some(Mail { subject, text, html, raw })
}

fn part(mail: &ParsedMail, kind: &str) -> String {
    let part = mail.parts().find(|part| part.ctype.mimetype == kind);
    part.unwrap_or_else(|| panic!("no {kind} part")).get_body().unwrap()
}
