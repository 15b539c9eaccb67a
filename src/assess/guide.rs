//! What each finding means in general: for `explain`, and the first words of every remedy.

use super::FindingCode;

/// A finding's general part.
pub(super) struct Guide {
    pub(super) title: &'static str,
    pub(super) what: &'static str,
    pub(super) why: &'static str,
    pub(super) todo: &'static str,
}

impl FindingCode {
    pub(super) const fn guide(self) -> Guide {
        let (title, what, why, todo) = self.texts();
        Guide { title, what, why, todo }
    }

    #[rustfmt::skip]
    const fn texts(self) -> (&'static str, &'static str, &'static str, &'static str) {
        match self {
            Self::InvalidSecret => (
                "The secret is wrong",
                "The provider knows the app and refuses the value credwatch sent.",
                "The value was mistyped, cut short or changed on the way; somebody deleted or replaced the secret at the provider; or it expired at a provider that does not say so (AVEVA, Keycloak). Entra has also called an expired secret wrong.",
                "Compare the value's first characters with what the provider shows; if they differ or the secret is gone, make a new one.",
            ),
            Self::ExpiredSecret => (
                "The secret has expired",
                "The provider says that the secret's time is over. Whatever uses it has stopped working.",
                "Nobody renewed it in time, or the value in use is an older one than the one that was renewed.",
                "Make a new secret and put it where the old one is used.",
            ),
            Self::SecretIdInsteadOfValue => (
                "The secret's ID stands where its value belongs",
                "Entra shows two things for a secret: its ID, a GUID, and its value. The one in use is a GUID, so it was not sent.",
                "The ID was copied in place of the value; the portal keeps showing the ID, the value only once.",
                "The value cannot be looked up any more: make a new secret.",
            ),
            Self::AppNotFound => (
                "The app is not known",
                "The provider does not know this client id in this tenant or realm, so it did not look at the secret. Keycloak says the same of a disabled client.",
                "The client id or the tenant is mistyped, the app was deleted, or it was never consented to in this tenant.",
                "Compare client id and tenant with the app's page at the provider; if the app is gone on purpose, take it out of the inventory.",
            ),
            Self::TenantNotFound => (
                "The tenant is not known",
                "The provider knows no such tenant, realm or authorization server.",
                "It is mistyped or deleted, or lies in another national cloud.",
                "Check `tenant` (and `cloud`, `realm` or `authorization_server`) against the provider's own page.",
            ),
            Self::AppDisabled => (
                "The app is disabled",
                "The provider knows the app and lets nobody sign in as it.",
                "Somebody switched it off, or the provider did, after abuse or for non-payment.",
                "Find out who disabled it and why; enable it again, or set `enabled: false` in the inventory if it shall stay off.",
            ),
            Self::PrincipalMissing => (
                "A service principal is missing",
                "The app, or the resource it asks for, is registered but not present in this tenant.",
                "The app was made by a script that does not create the service principal, it was deleted under Enterprise applications, or the scope names a resource this tenant does not have.",
                "Create the service principal of the app in the tenant, or correct `scope`.",
            ),
            Self::PolicyBlocked => (
                "A policy blocks the token",
                "The provider will not give this app a token from here, or not for this resource.",
                "Conditional Access, a missing grant or consent, a service account that is switched off, or an address that is not allowed. The secret itself may be in order: `secret_accepted` says so where the provider had checked it.",
                "Ask whoever keeps the provider's policies whether the app may do this; for the test alone, allow the address credwatch runs from.",
            ),
            Self::BadRequest => (
                "The request was refused",
                "The server did not get as far as the secret: it misses something in the request or does not like its form.",
                "The wrong `auth_method`, a missing entry in `params`, a public client, or an endpoint of another version.",
                "Correct the app's entry in the inventory: `auth_method`, `params`, `token_endpoint`.",
            ),
            Self::BadScope => (
                "The scope was refused",
                "The server does not give tokens for the scope or resource that was asked for; whether the secret is right stays open.",
                "A mistyped scope, a missing `/.default`, or a resource the app has no permission for.",
                "Correct `scope` or `params.resource` in the inventory.",
            ),
            Self::Throttled => (
                "The provider throttles",
                "The provider has had too many requests and answers no more for now.",
                "Many apps of one tenant tested at once, or something else hammers the same endpoint.",
                "Nothing at once: the next run tries again. If it comes back, lower `http.per_host` or spread the runs with `--shard`.",
            ),
            Self::Transient => (
                "The provider failed",
                "The provider answered with a fault of its own (HTTP 5xx).",
                "An outage or maintenance at the provider.",
                "Nothing at once: the next run tries again. If it stays, look at the provider's status page.",
            ),
            Self::AssertionInvalid => (
                "The key or certificate was refused",
                "The server does not accept the signed assertion, or the certificate of the TLS handshake.",
                "The certificate is not registered with the app, or no longer; the key belongs to another one; audience, issuer or algorithm are not the expected ones; or a clock is wrong.",
                "Compare the certificate's thumbprint and end with those registered for the app, and this machine's clock with the time.",
            ),
            Self::Other => (
                "An unknown refusal",
                "The server refused for a reason credwatch has no rule for. It says nothing about the secret.",
                "A new or rare error, or one that belongs to another kind of sign-in.",
                "Read the server's own sentence, and give its trace id to the provider's support if it does not help.",
            ),
            Self::Unreachable => (
                "The endpoint cannot be reached",
                "No answer came: name resolution, connection, TLS or time failed.",
                "A mistyped host, a firewall, a proxy, a certificate of a private CA, or an outage.",
                "Try the endpoint from the machine credwatch runs on; set `http.proxy` or `ca` in the settings where the network needs it.",
            ),
            Self::BadResponse => (
                "This is no token endpoint's answer",
                "What came back is a web page, is cut short, too large, or a redirect.",
                "A wrong address, a captive portal or a proxy that answers in the server's place.",
                "Check the token endpoint's address, and what stands between it and this machine.",
            ),
            Self::Activating => (
                "Not active everywhere yet",
                "The secret is refused, but so new that the provider may still be spreading it.",
                "Providers take seconds to minutes until every server knows a new secret.",
                "Nothing at once: the next run tells. After the activation window it counts as wrong.",
            ),
            Self::Unreadable => (
                "The value could not be read",
                "The reference in the inventory led to no value, so nothing was sent.",
                "An unset variable, a missing file or missing rights, a failing program, or a PEM without key or certificate.",
                "Mend the reference, or the place it points to, for the user credwatch runs as.",
            ),
            Self::Expiring => (
                "It expires soon",
                "The credential's end lies within the warning time.",
                "Every secret with an end comes to it.",
                "Make a new one now, while the old one still works.",
            ),
            Self::Expired => (
                "Its end has passed",
                "By its date the credential is over; the test could not say so, or was not made.",
                "Nobody renewed it in time, or the inventory's date is old.",
                "Make a new one, or correct `expires` if it was renewed already.",
            ),
            Self::NeverExpires => (
                "It never expires",
                "The credential has no end, or one so far off (12/31/2299) that it means never.",
                "It was made that way. Who ever learnt the value can use it for good.",
                "Replace it by one with an end, or set `policy.never: ok` if this is accepted.",
            ),
            Self::LifetimeTooLong => (
                "It lives too long",
                "From its creation (or from today) to its end it lives longer than `policy.max_lifetime`.",
                "A longer end was chosen than the policy allows.",
                "Replace it by one with a nearer end, or raise `policy.max_lifetime`.",
            ),
            Self::ExpiryUndeclared => (
                "No end is written down",
                "The inventory has no `expires`, and the credential does not tell its end.",
                "The field was left out.",
                "Look the end up at the provider and write it as `expires` (a date, or never).",
            ),
            Self::DeclaredDateWrong => (
                "The written end is wrong",
                "The inventory's `expires` and what the server or the certificate says contradict each other.",
                "The credential was renewed and the inventory was not, or the value in use belongs to another credential of the app.",
                "Look the end up at the provider and correct `expires` (and `secret_id`).",
            ),
            Self::SecretHasWhitespace => (
                "White space around the value",
                "A space, tab or line break stands before or after the value; it was not sent.",
                "It was copied with it, or a file was written with more than one line end. One line end after the value is dropped anyway.",
                "Store the value again without white space around it.",
            ),
            Self::SecretEmpty => (
                "The value is empty",
                "The reference was read and there was nothing in it.",
                "A variable set to nothing, an empty file, or a program that printed nothing.",
                "Store the value where the reference points.",
            ),
            Self::HostNotAllowed => (
                "The endpoint is not on the allow list",
                "The settings list the hosts that may receive a secret, and this one is not among them, so nothing was sent.",
                "A new provider or region, a mistyped endpoint, or somebody who would like the secret to go elsewhere.",
                "If the host is right, add it to `allow` in the settings; if not, correct the app's entry.",
            ),
            Self::InternalError => (
                "A fault of credwatch",
                "credwatch itself failed on this one credential; the others are not affected.",
                "A defect in credwatch.",
                "Report the place named in the message to credwatch's maintainers; the credential was not judged.",
            ),
            Self::RotationUnderWay => (
                "The secret is being replaced",
                "credwatch made a new secret, or is about to, and has not finished putting it in the old one's place.",
                "The app opted in to rotation and its secret was due. A rotation takes as long as its grace, in which both secrets work.",
                "Nothing, unless the message names somebody: each run with `--rotate` goes on by itself.",
            ),
            Self::RotationHandover => (
                "Somebody has to put the new secret in",
                "A new secret is made and tested, and one of its places can only be filled, or only be checked, by a person. It is critical once it is overdue.",
                "`deliver_to` names a person, or a hook that cannot read back what it wrote.",
                "Put the new secret in where the message says, and confirm it; the old one works meanwhile.",
            ),
            Self::RotationBlocked => (
                "The rotation stands still",
                "credwatch met something in a rotation that it must not decide by itself: it changes nothing any more, and keeps both secrets.",
                "Something else writes to a store, a secret vanished at the provider, a hand-over is overdue, or the state is damaged or older than the world; the message says which.",
                "Mend what the message names; nothing is changed until then.",
            ),
            Self::RotationFailed => (
                "The rotation could not begin or go on",
                "In this run a step of the rotation was not possible. Nothing was lost: the next run tries again.",
                "The plan does not fit, the provider's management API or a store cannot be used, or the clocks disagree; the message says which.",
                "Remove what the message names; the next run with `--rotate` tries again.",
            ),
            Self::OrphanLeft => (
                "A secret nobody holds is left at the provider",
                "credwatch made a secret whose value is lost (a crash, a lost answer), and could not remove it. No new one is made beside it. The run counts as incomplete.",
                "The provider refused the removal, or it could not be made sure that no store holds the value.",
                "Remove what stands in the way of its removal; each run with `--rotate` tries again.",
            ),
            Self::PredecessorKept => (
                "The old secret was kept",
                "A rotation is over, or as far as it gets by itself, and the secret it replaced is still at the provider.",
                "`retire` is not set, something spoke against its removal for 14 days, or the provider lists several secrets and only a person can say which one is the old one (then it is a warning).",
                "Make sure that nobody uses the old secret, and have it removed.",
            ),
            Self::PredecessorStillAccepted => (
                "The removed secret still works",
                "The old secret was removed at the provider, and a day later the token endpoint still took it.",
                "The provider keeps it in a cache, or the same value is registered under another id.",
                "Look the app's secrets up at the provider: while the old value works, whoever has it can sign in.",
            ),
        }
    }

    /// Whether its remedy is a new credential, made at the provider and typed into the product.
    pub(super) const fn asks_for_a_new_one(self) -> bool {
        matches!(
            self,
            Self::InvalidSecret
                | Self::ExpiredSecret
                | Self::SecretIdInsteadOfValue
                | Self::Expiring
                | Self::Expired
                | Self::NeverExpires
                | Self::LifetimeTooLong
        )
    }
}
