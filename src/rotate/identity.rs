//! What the journal knows a credential by.

use url::{Position, Url, form_urlencoded::byte_serialize};

use super::{History, Journal, Marker};
use crate::inventory::{Subject, TokenEndpoint};

/// Names a credential at its provider: the provider, where it is reached, tenant, realm, client id and label. The app's
/// name is no part of it, so that a rotation outlives a renaming.
#[must_use]
pub fn identity(subject: Subject<'_>) -> String {
    let (registration, label) = (&subject.app.registration, subject.credential.label.as_deref());
    let reached = match (&registration.management, &registration.token_endpoint) {
        (Some(root), _) => place(root),
        (None, TokenEndpoint::Known(url) | TokenEndpoint::Discover { issuer: url }) => {
            url[Position::BeforeHost..Position::AfterPort].to_owned()
        }
    };
    let parts = [
        registration.provider.name(),
        &reached,
        &plain(registration.tenant.as_deref().unwrap_or_default()),
        registration.realm.as_deref().unwrap_or_default(),
        &plain(&subject.app.client_id),
        label.unwrap_or_default(),
    ];
    // Each part escaped, so that no two credentials share a name.
    parts.map(|part| byte_serialize(part.as_bytes()).collect::<String>()).join("/")
}

/// Markers that the app's other credentials were given. What cannot be read is left out: an unknown marker only stops.
pub(super) fn beside(journal: &dyn Journal, identity: &str) -> Vec<Marker> {
    let app = |identity: &str| identity.rsplit_once('/').map(|(app, _)| app.to_owned());
    let others = journal.identities().unwrap_or_default().into_iter();
    let fellows = others.filter(|other| other != identity && app(other) == app(identity));
    let histories = fellows.filter_map(|fellow| History::replay(&journal.of(&fellow).ok()?).ok());
    histories.flat_map(|history| history.rotations).flat_map(|one| one.attempts).map(|one| one.marker).collect()
}

/// Host, port and path; one server is one place, with a last slash or without.
fn place(root: &Url) -> String {
    root[Position::BeforeHost..Position::AfterPath].trim_end_matches('/').to_owned()
}

/// A GUID means the same in any case; other names may not.
fn plain(text: &str) -> String {
    if uuid::Uuid::try_parse(text).is_ok() { text.to_ascii_lowercase() } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        inventory::Inventory,
        rotate::{Entry, Event, RotationId},
        state::SqliteJournal,
    };

    fn read(yaml: &str) -> Inventory {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("apps.yaml");
        std::fs::write(&file, yaml).unwrap();
        crate::inventory::read(&[file], &crate::settings::Settings::default()).unwrap()
    }

    fn identities(yaml: &str) -> Vec<String> {
        read(yaml).subjects().map(identity).collect()
    }

    const ENTRA: &str =
        "version: 1\napps: [{name: a, provider: entra, tenant: example.org, client_id: C1, secret: env:X}]";

    #[test]
    fn an_app_knows_what_its_other_credentials_were_given() {
        let journal = SqliteJournal::in_memory().unwrap();
        let epoch = journal.take_epoch().unwrap();
        let given = |identity: &str, sequence: u128| {
            let rotation = RotationId::new(1, sequence);
            let marker = Marker::new("0193a7c2-aaaa", rotation, 1);
            let event =
                Event::CreateIntent { attempt: 1, marker: marker.clone(), run: "r".to_owned(), fingerprint: None };
            let at = "2026-11-21T03:00:00Z".parse().unwrap();
            let entry = Entry { identity, rotation, epoch: Some(epoch), at, provider_date: None, event: &event };
            journal.append(entry).unwrap();
            marker
        };
        let (first, _) = (given("entra/t/c/one", 1), given("entra/t/d/one", 2));
        let bare = given("entra/t/c/", 3);
        assert_eq!(beside(&journal, "entra/t/c/two"), [bare.clone(), first.clone()]);
        assert_eq!(beside(&journal, "entra/t/c/one"), [bare]);
        assert_eq!(beside(&journal, "entra/t/c/"), [first]);
    }

    #[test]
    fn each_credential_has_a_name_of_its_own() {
        let yaml = "version: 1\napps:
  - {name: a, provider: entra, tenant: example.org, client_id: 5D55A7F4-9D2F-4B32-8B5B-0AD38FCDDE4C, secret: env:X}
  - {name: b, provider: oauth2, token_endpoint: 'https://id.example.org:8443/oauth2/token', client_id: etl/1, secret: env:X}
  - name: c
    provider: keycloak
    base_url: https://sso.example.org/auth/
    realm: corp
    client_id: etl
    credentials: [{label: one, secret: env:X}, {label: two, secret: env:Y}]
";
        insta::assert_snapshot!(identities(yaml).join("\n"), @r"
        entra/graph.microsoft.com/example.org//5d55a7f4-9d2f-4b32-8b5b-0ad38fcdde4c/
        oauth2/id.example.org%3A8443///etl%2F1/
        keycloak/sso.example.org%2Fauth//corp/etl/one
        keycloak/sso.example.org%2Fauth//corp/etl/two
        ");
    }

    #[test]
    fn a_new_name_or_another_secret_leaves_it_the_same() {
        let renamed = ENTRA.replace("name: a", "name: b").replace("env:X", "env:Y");
        assert_eq!(identities(ENTRA), identities(&renamed));
    }

    #[test]
    fn another_client_tenant_or_provider_does_not() {
        for (one, other) in [
            ("C1", "c1"),
            ("example.org", "example.com"),
            ("provider: entra, tenant: example.org", "provider: okta, domain: e.okta.com"),
        ] {
            assert_ne!(identities(ENTRA), identities(&ENTRA.replace(one, other)), "{other}");
        }
    }
}
