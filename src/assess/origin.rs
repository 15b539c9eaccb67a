//! Where a new credential is made: at the provider.

use crate::{
    inventory::{App, Key, Subject},
    text::printable,
};

/// How to get a new one, in the provider's own words where they are known.
pub(super) fn steps(subject: Subject<'_>) -> String {
    let app = subject.app;
    let client = printable(&app.client_id);
    let certificate = matches!(subject.credential.key, Key::Certificate { .. });
    match (app.registration.provider.name(), certificate) {
        ("entra", false) => format!(
            "In the Entra admin center open App registrations, the app {client}, Certificates & secrets, \"New client secret\", and copy its Value at once: it is shown only now, and the Secret ID beside it is of no use."
        ),
        ("entra", true) => format!(
            "Make a new key and certificate, upload the certificate in the Entra admin center under App registrations, the app {client}, Certificates & secrets, and replace the file."
        ),
        ("aveva", _) => format!(
            "In AVEVA Data Hub add a secret to the client-credentials client {client} (it holds at most ten) and copy it at once."
        ),
        ("keycloak", false) => format!(
            "In Keycloak's admin console{} open Clients, {client}, Credentials, and regenerate the secret; unless a rotation policy is set, the old one stops working at that moment.",
            realm(app)
        ),
        ("keycloak", true) => format!(
            "Make a new key, register its public half in Keycloak's admin console{} under Clients, {client}, Keys, and replace the file.",
            realm(app)
        ),
        ("okta", false) => format!(
            "In Okta's admin console open Applications, the app {client}, General, Client Credentials, and generate a new secret (it holds at most two; the old one works until it is deactivated)."
        ),
        ("auth0", false) => format!(
            "In the Auth0 dashboard open Applications, the app {client}, and rotate its client secret; the old one stops working at that moment."
        ),
        (_, true) => format!(
            "Make a new key, register its public half for the client {client} with the server's operator, and replace the file."
        ),
        (_, false) => format!("Have the server's operator issue a new secret for the client {client}."),
    }
}

fn realm(app: &App) -> String {
    app.registration.realm.as_ref().map(|realm| format!(", realm {},", printable(realm))).unwrap_or_default()
}
