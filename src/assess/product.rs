//! Where a credential is typed in: the steps in the product that uses it.
//!
//! Only what the products' own set-up pages name; where a product is not known, the steps are general ones.

/// What to do in the product (`used_by` of the inventory), given that the new value is at hand. `None`: nothing is known.
#[must_use]
pub fn steps(product: Option<&str>) -> String {
    let Some(product) = product else {
        return "Put the new value wherever the old one is configured, and have the program read it again.".to_owned();
    };
    let name = product.to_ascii_lowercase();
    match KNOWN.iter().find(|(key, _)| name.contains(key)) {
        Some((_, steps)) => (*steps).to_owned(),
        None => format!(
            "In {}, replace the client secret (or certificate) where this client id is configured, save, and run its own connection test.",
            crate::text::shortened(product, 60)
        ),
    }
}

const KNOWN: [(&str, &str); 6] = [
    (
        "puzzel",
        "In the Puzzel Office 365 Connector's configuration, beside the client id, replace the client secret (or the certificate) and restart the connector, then see that mail is synchronised again.",
    ),
    (
        "deskpro",
        "In Deskpro's settings for the Microsoft app with this client id, paste the new value (not its Secret ID) as the client secret, save, and authenticate its accounts again; for a few minutes Microsoft may still answer invalid_client.",
    ),
    (
        "snaplogic",
        "In the SnapLogic OAuth2 account with this client id, replace \"Client secret\", have it fetch a new access token, and save; \"401 - Authentication failed\" means that the old value is still in use.",
    ),
    (
        "aveva",
        "In the AVEVA product that signs in with this client id, replace the client secret, save, and see that data arrives; AVEVA keeps the old secret valid until it is deleted or expires.",
    ),
    (
        "infusion",
        "In Infusion, replace both fields of the credential: the secret ID, and the secret's value (the longer one, which is no GUID); swapping the two is the usual mistake; save, and see that it connects.",
    ),
    (
        "keycloak",
        "In Keycloak, open the identity provider that uses this client id, replace \"Client Secret\", save, and sign in through it once.",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_products_have_their_own_steps_in_any_spelling() {
        for (product, word) in [
            ("puzzel", "Office 365 Connector"),
            ("Deskpro", "Deskpro's settings"),
            ("SnapLogic", "OAuth2 account"),
            ("aveva-data-hub", "AVEVA"),
            ("Infusion", "secret ID"),
            ("keycloak", "identity provider"),
        ] {
            assert!(steps(Some(product)).contains(word), "{product}");
        }
    }

    #[test]
    fn an_unknown_product_is_named_and_made_harmless() {
        assert!(steps(Some("Ledger 9")).starts_with("In Ledger 9, replace"));
        assert!(!steps(Some("x\u{1b}[31m")).contains('\u{1b}'));
        assert!(steps(None).starts_with("Put the new value"));
    }
}
