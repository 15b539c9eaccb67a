//! Who is told, and through which channels.

use std::collections::HashSet;

use super::{
    model::{Channel, ChannelKind, Notify, SmtpTls},
    raw,
};
use crate::yaml::{At, Check, FaultCode};

pub fn notify(raw: raw::Notify, check: &mut Check<'_>) -> Notify {
    let at = At::Root.key("notify");
    let at_channels = at.key("channels");
    let mut names = HashSet::new();
    let mut channels = Vec::new();
    for (index, raw) in raw.channels.unwrap_or_default().into_iter().enumerate() {
        let at = at_channels.index(index);
        let Some(channel) = channel(raw, &at, check) else { continue };
        if !names.insert(channel.name.clone()) {
            let advice = "give each channel a name of its own";
            check.notes.add(&at.key("name"), FaultCode::DuplicateName, "this name is used above", advice);
        }
        channels.push(channel);
    }
    let sends_mail = channels.iter().any(|channel| matches!(channel.kind, ChannelKind::Smtp { .. }));
    let from = match raw.from {
        None if sends_mail => check.missing(&at.key("from"), "the sender's address; mail channels need it"),
        text => check.address(&at.key("from"), text),
    };
    let admins = check.addresses(&at.key("admins"), raw.admins);
    Notify {
        from,
        admins: admins.map(|admins| admins.to_vec()).unwrap_or_default(),
        dead_man: check.reference(&at.key("dead_man"), raw.dead_man),
        channels,
    }
}

/// The keys of each type of channel, besides `name` and `type`.
const SMTP: &[&str] = &["host", "port", "tls", "username", "password"];
const WEBHOOK: &[&str] = &["url", "signing_key"];

fn channel(raw: raw::Channel, at: &At<'_>, check: &mut Check<'_>) -> Option<Channel> {
    let name = match raw.name {
        None => check.missing(&at.key("name"), "names the channel in reports and in `notify test`"),
        ref text => check.line(&at.key("name"), text.clone()),
    };
    let known = match raw.kind.as_deref() {
        Some("smtp") => SMTP,
        Some("webhook") => WEBHOOK,
        Some(_) => {
            let advice = "one of smtp, webhook";
            check.notes.add(&at.key("type"), FaultCode::InvalidValue, "there is no such type of channel", advice);
            return None;
        }
        None => return check.missing(&at.key("type"), "one of smtp, webhook"),
    };
    for key in written(&raw).into_iter().filter(|key| !known.contains(key)) {
        let advice = format!("a channel of this type knows {}", known.join(", "));
        check.notes.add(&at.key(key), FaultCode::ForeignField, "this type of channel has no use for this", advice);
    }
    let kind = if known == SMTP { smtp(raw, at, check) } else { webhook(raw, at, check) };
    Some(Channel { name: name?, kind: kind? })
}

fn written(raw: &raw::Channel) -> Vec<&'static str> {
    let all = [
        ("host", raw.host.is_some()),
        ("port", raw.port.is_some()),
        ("tls", raw.tls.is_some()),
        ("username", raw.username.is_some()),
        ("password", raw.password.is_some()),
        ("url", raw.url.is_some()),
        ("signing_key", raw.signing_key.is_some()),
    ];
    all.into_iter().filter(|(_, is_written)| *is_written).map(|(key, _)| key).collect()
}

fn smtp(raw: raw::Channel, at: &At<'_>, check: &mut Check<'_>) -> Option<ChannelKind> {
    let host = match raw.host {
        None => check.missing(&at.key("host"), "the mail server"),
        text => check.line(&at.key("host"), text),
    };
    let tls = check.choice(&at.key("tls"), raw.tls).unwrap_or(SmtpTls::Starttls);
    let usual = match tls {
        SmtpTls::Implicit => 465,
        SmtpTls::Starttls => 587,
    };
    let port = check.number(&at.key("port"), raw.port, 1..=u16::MAX).unwrap_or(usual);
    match (&raw.username, &raw.password) {
        (Some(_), None) => drop(check.missing::<()>(&at.key("password"), "a reference, as in `env:SMTP_PASSWORD`")),
        (None, Some(_)) => drop(check.missing::<()>(&at.key("username"), "the login that the password belongs to")),
        _ => {}
    }
    let username = check.line(&at.key("username"), raw.username);
    let password = check.reference(&at.key("password"), raw.password);
    Some(ChannelKind::Smtp { host: host?, port, tls, username, password })
}

fn webhook(raw: raw::Channel, at: &At<'_>, check: &mut Check<'_>) -> Option<ChannelKind> {
    let url = match raw.url {
        None => check.missing(&at.key("url"), "a reference to the URL, as in `env:HOOK_URL`"),
        text => check.reference(&at.key("url"), text),
    };
    let signing_key = check.reference(&at.key("signing_key"), raw.signing_key);
    Some(ChannelKind::Webhook { url: url?, signing_key })
}
