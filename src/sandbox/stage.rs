//! The demo's stage: its inventory made true for today, and a directory and secret files that fit it.

use std::{fs, io, net::SocketAddr};

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use uuid::Uuid;

use super::directory::{App, Credential, Directory, Platform, random_secret};
use crate::{
    clock, fsio,
    inventory::{self, Expires, Inventory, Key},
    secret::SecretRef,
};

/// `inventory/demo.yaml` as shipped.
pub const DEMO_INVENTORY: &str = include_str!("../../inventory/demo.yaml");

/// The base URL the shipped file names in the sandbox's place.
const SHIPPED_BASE: &str = "http://127.0.0.1:9470";
/// The day the shipped file's dates are written for.
const SHIPPED_DAY: NaiveDate = match NaiveDate::from_ymd_opt(2027, 1, 1) {
    Some(day) => day,
    None => NaiveDate::MIN,
};

/// The demo's inventory for a sandbox at `address`, with its dates moved to `now`.
#[must_use]
pub fn inventory_for(address: SocketAddr, now: DateTime<Utc>) -> String {
    let passed = now.date_naive() - SHIPPED_DAY;
    let mut text = String::with_capacity(DEMO_INVENTORY.len());
    for line in DEMO_INVENTORY.replace(SHIPPED_BASE, &format!("http://{address}")).lines() {
        text.push_str(&moved(line, passed).unwrap_or_else(|| line.to_owned()));
        text.push('\n');
    }
    text
}

/// A line `expires:` or `created:` with its day moved; one that means never stays.
fn moved(line: &str, by: TimeDelta) -> Option<String> {
    let (key, value) = line.split_once(": ").filter(|(key, _)| matches!(key.trim(), "expires" | "created"))?;
    let (day, time) = value.split_at_checked("2027-01-01".len())?;
    let day: NaiveDate = day.parse().ok()?;
    if clock::is_never(day.and_time(chrono::NaiveTime::MIN).and_utc()) {
        return None;
    }
    Some(format!("{key}: {}{time}", day.checked_add_signed(by)?))
}

/// Registers every app of `inventory` in the directory and writes the secret files its references name.
///
/// What the provider knows is what the inventory declares; the tags named in the file say what goes wrong.
///
/// # Errors
/// A secret that is no file, or one that cannot be written.
pub fn furnish(inventory: &Inventory, directory: &Directory) -> io::Result<()> {
    for app in &inventory.apps {
        let platform = if app.registration.provider.name() == "aveva" { Platform::Aveva } else { Platform::Entra };
        let credentials =
            app.credentials.iter().map(|declared| issue(app, declared, platform)).collect::<io::Result<Vec<_>>>()?;
        directory.register(App {
            platform,
            tenant: app.registration.tenant.clone().unwrap_or_default(),
            client_id: app.client_id.clone(),
            name: app.name.to_string(),
            enabled: !has_tag(app, "disabled-app"),
            credentials,
        });
    }
    Ok(())
}

fn has_tag(app: &inventory::App, tag: &str) -> bool {
    app.tags.iter().any(|known| known == tag)
}

fn issue(app: &inventory::App, declared: &inventory::Credential, platform: Platform) -> io::Result<Credential> {
    let Key::Secret(SecretRef::File(path)) = &declared.key else {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, format!("{}: the secret is not a file", app.name)));
    };
    let end = match declared.expires {
        Some(Expires::At(at)) if !clock::is_never(at) => Some(at),
        _ => None,
    };
    let key_id = declared.secret_id.clone().unwrap_or_else(|| Uuid::new_v4().to_string());
    let credential = Credential::issue(platform, key_id, end);
    let another = random_secret(platform);
    let content = if has_tag(app, "wrong-value") {
        another.expose()
    } else if has_tag(app, "id-pasted") {
        &credential.key_id
    } else {
        credential.value().expose()
    };
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    fsio::replace(path, content.as_bytes(), 0o600)?;
    Ok(credential)
}
