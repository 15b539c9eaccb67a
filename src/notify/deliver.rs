//! Sends what is due and remembers what was taken over.

mod books;
mod message_id;

use std::collections::{BTreeSet, HashMap};

use chrono::{DateTime, TimeDelta, Utc};
use tokio_util::sync::CancellationToken;

use super::{
    Desk,
    again::{self, Patience, STOPPED},
    audience::{Audience, View},
    carrier::{Carrier, Content, Parcel, Sent},
    digest::{self, Digest},
    event::Event,
    mail::{BadMail, Mail, message_for},
    policy::{self, Index, Tonight},
};
use crate::{
    run::Incomplete,
    settings::Notify,
    state::{News, State, Told, unavailable},
    text,
};
use books::Books;
use message_id::message_id;

/// Tells everybody what is due to them, channel by channel; none holds up another.
///
/// Returns what could not be delivered; it is due again with the next run. Once `stop` is cancelled nothing more is sent.
pub async fn deliver(
    desk: &Desk<'_>,
    state: &mut dyn State,
    tonight: &Tonight<'_>,
    stop: &CancellationToken,
) -> Vec<Incomplete> {
    let channels = desk.notify.channels.iter().map(|channel| (channel.name.as_str(), desk.carrier(channel))).collect();
    deliver_through(channels, &desk.notify.admins, state, tonight, stop).await
}

/// What has been owed for more than a day, for a run that sends nothing.
pub fn overdue(notify: &Notify, state: &mut dyn State, now: DateTime<Utc>) -> Vec<Incomplete> {
    let owed = match state.owed() {
        Ok(owed) => owed,
        Err(fault) => return vec![unavailable(&fault)],
    };
    let mut owed: Vec<_> = owed.into_iter().filter(|(_, since)| now - *since > TimeDelta::days(1)).collect();
    owed.sort();
    let of_a_channel = |channel: &String| notify.channels.iter().any(|known| known.name == *channel);
    owed.retain(|((channel, _), _)| of_a_channel(channel));
    let sentence = |((channel, person), since): ((String, String), DateTime<Utc>)| {
        let (channel, to, since) = (text::shortened(&channel, 60), towards(&person), since.format("%Y-%m-%d"));
        format!("{channel}: a message{to} is owed since {since}; this run was told to send none")
    };
    owed.into_iter().map(|debt| Incomplete::new("message-undelivered", sentence(debt))).collect()
}

/// Nothing for a webhook.
fn towards(mailbox: &str) -> String {
    if mailbox.is_empty() { String::new() } else { format!(" to {}", text::shortened(mailbox, 200)) }
}

type Carriers<'a> = Vec<(&'a str, Box<dyn Carrier + 'a>)>;

pub(super) async fn deliver_through(
    channels: Carriers<'_>,
    admins: &[String],
    state: &mut dyn State,
    tonight: &Tonight<'_>,
    stop: &CancellationToken,
) -> Vec<Incomplete> {
    if channels.is_empty() {
        return Vec::new();
    }
    let mut books = Books::open(state);
    let audience = Audience::of(admins, tonight.assessments);
    let index = policy::index(tonight.assessments);
    let mut incomplete = Vec::new();
    for (channel, mut carrier) in channels {
        let (told, owed) = (books.told_through(channel), books.owed_through(channel));
        let mut round = Round { channel, tonight, index: &index, audience: &audience, told: &told, owed: &owed };
        round.go(&mut *carrier, &mut books, &mut incomplete, stop).await;
        carrier.close().await;
    }
    incomplete.extend(books.fault.as_ref().map(unavailable));
    incomplete
}

/// One channel in one run.
struct Round<'r> {
    channel: &'r str,
    tonight: &'r Tonight<'r>,
    index: &'r Index<'r>,
    audience: &'r Audience,
    told: &'r HashMap<String, Vec<Told>>,
    owed: &'r HashMap<String, DateTime<Utc>>,
}

/// Why nothing more is sent on a channel, how many wait, and since when the first of them does.
struct Down {
    reason: String,
    waiting: usize,
    since: Option<DateTime<Utc>>,
}

impl Round<'_> {
    async fn go(
        &mut self,
        carrier: &mut dyn Carrier,
        books: &mut Books<'_>,
        incomplete: &mut Vec<Incomplete>,
        stop: &CancellationToken,
    ) {
        let mut patience = Patience::new();
        let mut silent = Vec::new();
        let mut down: Option<Down> = None;
        for person in self.recipients(carrier.is_webhook()) {
            let (mailbox, due) = self.due(person, carrier.is_webhook());
            silent.extend(due.silent);
            if due.events.is_empty() {
                // A partial run does not know whether the debt is still one.
                silent.extend(self.settled(person).filter(|_| !self.tonight.partial));
                continue;
            }
            if down.is_none() && stop.is_cancelled() {
                down = Some(Down { reason: STOPPED.to_owned(), waiting: 0, since: None });
            }
            if let Some(down) = &mut down {
                down.waits(self.owed.get(person));
                silent.extend(self.debt(person));
                continue;
            }
            let parcel = self.parcel(person, mailbox, due.events, &books.state.installation().key);
            let sent = again::send(carrier, &parcel, &mut patience, stop).await;
            let Content::News(digest) = &parcel.content else { continue };
            match sent {
                Sent::Accepted => {
                    let mut news = self.knows(person, &digest.events, false);
                    news.extend(self.settled(person));
                    books.write(&news);
                }
                Sent::Refused(reason) => {
                    books.write(&self.knows(person, &digest.events, true));
                    incomplete.push(self.refused(mailbox, &reason));
                }
                Sent::Kept(reason) => {
                    books.write(self.debt(person).as_slice());
                    incomplete.push(self.kept(mailbox, &reason, self.owed.get(person)));
                }
                Sent::Down(reason) => {
                    books.write(self.debt(person).as_slice());
                    let waits = Down { reason, waiting: 0, since: None };
                    down.insert(waits).waits(self.owed.get(person));
                }
            }
        }
        books.write(&silent);
        incomplete.extend(down.map(|down| self.down(&down)));
    }

    /// Everybody something may be due to, in the same order every night.
    fn recipients(&self, webhook: bool) -> BTreeSet<&str> {
        if webhook {
            return BTreeSet::from([""]);
        }
        let people = self.audience.people.keys().chain(self.told.keys()).chain(self.owed.keys());
        people.map(String::as_str).collect()
    }

    fn due<'e>(&'e self, person: &'e str, webhook: bool) -> (&'e str, policy::Due<'e>) {
        let told = self.told.get(person).map(Vec::as_slice).unwrap_or_default();
        let all = self.tonight.assessments.len();
        let known = self.audience.people.get(person);
        let mailbox = known.map_or(person, |known| &known.mailbox);
        let sees: &mut dyn Iterator<Item = (usize, View)> = match known {
            Some(known) => &mut known.sees(all),
            None if webhook => &mut (0..all).map(|place| (place, View::All)),
            None => &mut std::iter::empty(),
        };
        (mailbox, policy::due(self.tonight, self.index, sees, told, webhook))
    }

    fn parcel<'e>(&'e self, person: &str, mailbox: &'e str, events: Vec<Event<'e>>, key: &[u8]) -> Parcel<'e> {
        let admin = self.audience.people.get(person).is_some_and(|person| person.admin);
        Parcel {
            id: message_id(key, self.channel, person, &events),
            to: mailbox,
            channel: self.channel,
            now: self.tonight.now,
            content: Content::News(digest_of(self.tonight, events, admin)),
        }
    }

    /// What the recipient's memory holds after these events.
    fn knows(&self, person: &str, events: &[Event<'_>], refused: bool) -> Vec<News> {
        let told = |event: &Event<'_>| Told {
            channel: self.channel.to_owned(),
            person: person.to_owned(),
            app: event.app.to_owned(),
            label: event.label.to_owned(),
            code: event.code.to_owned(),
            severity: event.severity,
            days: event.days,
            at: self.tonight.now,
            refused,
        };
        let news = |event| {
            let told = told(event);
            if event.kind.is_resolved() { News::Forgets(told) } else { News::Knows(told) }
        };
        events.iter().map(news).collect()
    }

    fn settled(&self, person: &str) -> Option<News> {
        let (channel, person) = (self.channel.to_owned(), self.owed.get_key_value(person)?.0.clone());
        Some(News::Settled { channel, person })
    }

    /// A debt that is new tonight.
    fn debt(&self, person: &str) -> Option<News> {
        let (channel, is_known) = (self.channel.to_owned(), self.owed.contains_key(person));
        (!is_known).then(|| News::Owed { channel, person: person.to_owned(), since: self.tonight.now })
    }

    fn refused(&self, mailbox: &str, reason: &str) -> Incomplete {
        let (channel, to) = (text::shortened(self.channel, 60), text::shortened(mailbox, 200));
        Incomplete::new(
            "address-refused",
            format!("{channel}: {to} was refused for good ({reason}); it is tried again with its next message"),
        )
    }

    fn kept(&self, mailbox: &str, reason: &str, since: Option<&DateTime<Utc>>) -> Incomplete {
        let (channel, to, since) = (text::shortened(self.channel, 60), towards(mailbox), owed_since(since));
        Incomplete::new(
            "message-undelivered",
            format!("{channel}: the message{to} was not taken ({reason}); it is sent with the next run{since}"),
        )
    }

    fn down(&self, Down { reason, waiting, since }: &Down) -> Incomplete {
        let (channel, since) = (text::shortened(self.channel, 60), owed_since(since.as_ref()));
        let messages = if *waiting == 1 { "1 message".to_owned() } else { format!("{waiting} messages") };
        Incomplete::new(
            "message-undelivered",
            format!("{channel}: {messages} could not be sent ({reason}); to be sent with the next run{since}"),
        )
    }
}

impl Down {
    fn waits(&mut self, since: Option<&DateTime<Utc>>) {
        self.waiting += 1;
        self.since = self.since.into_iter().chain(since.copied()).min();
    }
}

fn owed_since(since: Option<&DateTime<Utc>>) -> String {
    since.map(|since| format!("; owed since {}", since.format("%Y-%m-%d"))).unwrap_or_default()
}

fn digest_of<'e>(tonight: &Tonight<'e>, events: Vec<Event<'e>>, admin: bool) -> Digest<'e> {
    Digest { events, admin, run_id: tonight.run_id, now: tonight.now, last_run: tonight.last_run }
}

/// The mails a first run would send, for the demo; nothing is sent or remembered.
///
/// # Errors
/// A sender that is no address; a recipient that is none gets nothing.
pub fn preview(from: &str, admins: &[String], tonight: &Tonight<'_>) -> Result<Vec<Mail>, BadMail> {
    let audience = Audience::of(admins, tonight.assessments);
    let index = policy::index(tonight.assessments);
    let (told, owed) = (HashMap::new(), HashMap::new());
    let round = Round { channel: "preview", tonight, index: &index, audience: &audience, told: &told, owed: &owed };
    let mut mails = Vec::new();
    for (person, known) in &audience.people {
        let events = round.due(person, false).1.events;
        if events.is_empty() {
            continue;
        }
        let id = message_id(&[], round.channel, person, &events);
        let letter = digest::letter(&digest_of(tonight, events, known.admin));
        let letter = letter.map_err(|error| BadMail::Build(error.to_string()))?;
        match message_for(from, &known.mailbox, &id, tonight.now, letter) {
            Err(BadMail::To) => {}
            mail => mails.push(mail?),
        }
    }
    Ok(mails)
}

#[cfg(test)]
mod tests;
