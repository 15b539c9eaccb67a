//! The test message of `credwatch notify test`.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};

use super::{
    Desk,
    audience::identity,
    carrier::{Content, Parcel, Sent},
};

/// What became of one test message.
#[derive(Debug, PartialEq, Eq)]
pub struct Trial {
    pub channel: String,
    /// Empty for a webhook.
    pub to: String,
    pub sent: Sent,
}

/// Sends a marked test message through each channel of `names` (all when empty): mails to the admins, to the sender
/// when there are none.
pub async fn test(desk: &Desk<'_>, names: &[String], now: DateTime<Utc>) -> Vec<Trial> {
    let mut trials = Vec::new();
    let wanted = |name: &String| names.is_empty() || names.contains(name);
    for channel in desk.notify.channels.iter().filter(|channel| wanted(&channel.name)) {
        let mut carrier = desk.carrier(channel);
        let recipients: BTreeSet<String> = match desk.notify.admins.as_slice() {
            _ if carrier.is_webhook() => BTreeSet::from([String::new()]),
            [] => desk.notify.from.iter().map(|from| identity(from)).collect(),
            admins => admins.iter().map(|admin| identity(admin)).collect(),
        };
        if recipients.is_empty() {
            let sent = Sent::Down("neither `notify.admins` nor `notify.from` is set".to_owned());
            trials.push(Trial { channel: channel.name.clone(), to: String::new(), sent });
        }
        // A server that cannot be reached is not waited for once per recipient.
        let mut down = None;
        for to in recipients {
            if let Some(sent) = &down {
                trials.push(Trial { channel: channel.name.clone(), to, sent: Sent::clone(sent) });
                continue;
            }
            let id = uuid::Uuid::new_v4().simple().to_string();
            let parcel = Parcel { id, to: &to, channel: &channel.name, now, content: Content::Test };
            let sent = carrier.send(&parcel).await.sent;
            down = matches!(sent, Sent::Down(_)).then(|| sent.clone());
            trials.push(Trial { channel: channel.name.clone(), to, sent });
        }
        carrier.close().await;
    }
    trials
}
