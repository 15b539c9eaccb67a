//! The AADSTS numbers: one table for the classifier and for `explain`, so that they cannot disagree.
//!
//! Meanings after providers.md section 3 and Microsoft's published list of codes; `authenticated` where the check comes after the
//! credential's. A number for user sign-ins is [`Meaning::Unknown`]: it says nothing about a client credential.

use crate::provider::Meaning::{
    self, AssertionRefused, ClientDisabled, ClientUnknown, PrincipalMissing, RequestRefused, ScopeRefused,
    SecretExpired, SecretRefused, ServerFault, TenantUnknown, Throttled, Unknown,
};

/// One AADSTS number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Aadsts {
    pub code: u64,
    pub meaning: Meaning,
    /// What Entra says with it, in one sentence.
    pub what: &'static str,
    /// What to do, where that is more than what the meaning says in general.
    pub todo: Option<&'static str>,
}

const fn row(code: u64, meaning: Meaning, what: &'static str) -> Aadsts {
    Aadsts { code, meaning, what, todo: None }
}

const fn tip(code: u64, meaning: Meaning, what: &'static str, todo: &'static str) -> Aadsts {
    Aadsts { code, meaning, what, todo: Some(todo) }
}

/// A policy that is looked at after the credential was found good.
const BLOCKED: Meaning = Meaning::PolicyBlocked { authenticated: true };
/// A policy that may stand before the credential's check.
const BARRED: Meaning = Meaning::PolicyBlocked { authenticated: false };

/// The number's entry, if anybody has described it.
#[must_use]
pub fn aadsts(code: u64) -> Option<&'static Aadsts> {
    TABLE.iter().find(|entry| entry.code == code)
}

/// Every number in the table.
pub fn aadsts_codes() -> impl Iterator<Item = u64> {
    TABLE.iter().map(|entry| entry.code)
}

#[rustfmt::skip]
static TABLE: &[Aadsts] = &[
    // The secret
    tip(7000215, SecretRefused, "The client secret is wrong.", "The secret may also have been deleted, pasted as its ID instead of its value, mangled on the way (a `~`, `+` or `%` that was not encoded), expired, or made so recently that not every server knows it yet."),
    tip(7000222, SecretExpired, "The client secret that was sent has expired.", "If the portal shows a later date, the value belongs to another, older secret; a freshly made secret that was mangled on the way has given this number too."),
    tip(70002, RequestRefused, "The credentials could not be validated; an envelope for a further number.", "Read the number that follows it in the same answer; alone, it means that no credential arrived."),
    tip(50012, SecretRefused, "Authentication failed: before 2018 a wrong client secret, also a certificate or assertion that was refused.", "The sentence beside the number says which of the two it was."),
    // The request
    row(7000216, RequestRefused, "No client secret, assertion or request object was in the request."),
    row(7000218, RequestRefused, "The request has neither `client_secret` nor `client_assertion`."),
    tip(700025, RequestRefused, "The app is registered as a public client and must not send a credential.", "Under Authentication of the app registration, switch off public client flows, or register the platform as Web."),
    row(900144, RequestRefused, "A parameter is missing from the request's body; typical when JSON was sent in place of a form."),
    row(90014, RequestRefused, "A required field is missing; the sentence names it."),
    row(90013, RequestRefused, "The input is not valid."),
    row(90004, RequestRefused, "The request is not formed as it must be."),
    row(90005, RequestRefused, "The request asks for two things that exclude each other."),
    row(90007, RequestRefused, "The session id in the request cannot be read."),
    row(90015, RequestRefused, "The query string is too long."),
    row(90023, RequestRefused, "The request is not valid."),
    row(9002313, RequestRefused, "The request is malformed."),
    row(90100, RequestRefused, "A parameter is empty or not valid."),
    row(90102, RequestRefused, "A parameter must be an absolute URI and is not."),
    row(90107, RequestRefused, "The request holds characters that are not allowed."),
    row(90117, RequestRefused, "The request's input is not valid."),
    row(90121, RequestRefused, "The request is empty."),
    row(900561, RequestRefused, "The endpoint takes POST only, and GET was used."),
    row(90056, RequestRefused, "The token endpoint was not addressed as it must be."),
    tip(901002, RequestRefused, "The v2 endpoint does not take `resource`.", "Use `scope` with `/.default`, or leave `scope` out so that the v1 endpoint is used."),
    row(90027, RequestRefused, "This version of the endpoint issues no tokens for personal accounts."),
    row(70003, RequestRefused, "The grant type is not supported."),
    row(70004, RequestRefused, "The redirect URI is not valid."),
    row(70005, RequestRefused, "The response type is not supported."),
    row(70007, RequestRefused, "The response mode is not supported."),
    row(50011, RequestRefused, "The reply address is not one of the app's."),
    row(50050, RequestRefused, "The discovery request is malformed."),
    row(50192, RequestRefused, "No credential was in the request."),
    tip(50194, RequestRefused, "The app is single-tenant and was asked for at `common`.", "Set `tenant` to the app's own tenant."),
    tip(9001023, RequestRefused, "The grant is not supported at `common` or `consumers`.", "Set `tenant` to the app's own tenant."),
    tip(90124, RequestRefused, "The resource is not supported at `common` or `consumers`.", "Set `tenant` to the app's own tenant."),
    tip(90130, RequestRefused, "The app is not supported at `common` or `consumers`.", "Set `tenant` to the app's own tenant."),
    tip(9002332, RequestRefused, "The app is for Entra accounts only and was asked for at `consumers`.", "Set `tenant` to the app's own tenant."),
    row(392200, RequestRefused, "No client certificate came with the TLS handshake."),
    // The app
    tip(700016, ClientUnknown, "The client id is not known in this tenant.", "Compare client id and tenant with the app's overview page. A multi-tenant app must first be consented to in this tenant; in rare cases the directory lags behind and the next run succeeds."),
    row(700011, ClientUnknown, "The client id is not known in the directory."),
    tip(70001, ClientUnknown, "The app is not known in this tenant, or is disabled.", "The sentence beside the number says which of the two it was."),
    tip(7000112, ClientDisabled, "The app is disabled.", "Under Enterprise applications open the app's properties and set sign-in to enabled; if Microsoft disabled the app, that switch does not help and support must be asked."),
    row(500014, ClientDisabled, "The service principal of the resource is disabled."),
    row(1000031, ClientDisabled, "The app cannot be accessed at this time."),
    tip(7000229, PrincipalMissing, "The app has no service principal in this tenant.", "Create it: POST /servicePrincipals with the appId, or `az ad sp create --id CLIENT_ID`. If the answer names the tenant f8cdef31-a31e-4b4a-93e4-5f571e91255a, the address asked is not that of one tenant."),
    row(1001010, PrincipalMissing, "The client or the resource has no service principal."),
    row(650052, PrincipalMissing, "The organisation has no service principal for the resource, or has not subscribed to it."),
    tip(500011, PrincipalMissing, "The resource is not known in this tenant.", "Check `scope` or `params.resource`, and whether tenant and cloud are the right ones."),
    // Tenant and cloud
    tip(90002, TenantUnknown, "The tenant does not exist in this cloud.", "Check the tenant's GUID or domain, and `cloud`."),
    tip(900023, TenantUnknown, "The tenant is neither a GUID nor a domain.", "An authority that ends in /authorize or /token, or a variable that was not filled in, gives this too."),
    row(50059, TenantUnknown, "Nothing in the request says which tenant is meant."),
    row(50128, TenantUnknown, "The domain is not valid, or nothing says which tenant is meant."),
    row(90019, TenantUnknown, "The tenant cannot be told from the request."),
    row(50029, TenantUnknown, "The domain has characters that are not allowed."),
    tip(90038, TenantUnknown, "The tenant lives in another national cloud.", "Set `cloud`."),
    tip(900382, TenantUnknown, "A confidential client was used across clouds.", "Set `cloud` to that of the app's tenant."),
    tip(900432, TenantUnknown, "A confidential client was used across clouds.", "Set `cloud` to that of the app's tenant."),
    row(90051, TenantUnknown, "The national cloud's identifier is not valid."),
    tip(50049, Unknown, "The login host belongs to no known cloud.", "Check `authority` and `cloud`."),
    // Scope and resource
    row(70011, ScopeRefused, "The scope is not valid."),
    tip(1002012, ScopeRefused, "The scope must be the resource with `/.default`.", "Write one resource and `/.default`, such as https://graph.microsoft.com/.default."),
    row(28002, ScopeRefused, "The scope is not valid."),
    row(28003, ScopeRefused, "The scope is empty."),
    row(700022, ScopeRefused, "The scope names more than one resource."),
    row(700023, ScopeRefused, "The scope names no resource."),
    row(50001, ScopeRefused, "The resource does not exist or is disabled."),
    row(650057, ScopeRefused, "The resource is not among the app's requested permissions."),
    row(650054, ScopeRefused, "The app's permissions name a resource that is gone."),
    tip(90009, ScopeRefused, "The app asks for a token for itself by its URI.", "Use the client id with `/.default`."),
    row(501461, ScopeRefused, "The audience is neither the app's id nor in a verified domain."),
    // Policy
    tip(53003, BLOCKED, "A Conditional Access policy blocked the request; the secret had been accepted.", "Find the policy in the service principal's sign-in log, and allow this app or the address credwatch runs from."),
    row(530032, BLOCKED, "A security policy of the tenant blocked the request."),
    row(530034, BLOCKED, "The delegated administrator is blocked after suspicious activity."),
    row(530035, BLOCKED, "Security defaults blocked the request."),
    row(53000, BLOCKED, "Conditional Access asks for a compliant device."),
    row(53001, BLOCKED, "Conditional Access asks for a domain-joined device."),
    row(53002, BLOCKED, "Conditional Access asks for an approved app."),
    row(53011, BLOCKED, "Blocked for risk in the home tenant."),
    row(50131, BLOCKED, "A Conditional Access condition was not met."),
    row(50005, BLOCKED, "Conditional Access does not support this platform."),
    row(50105, BLOCKED, "The app demands an assignment that is missing."),
    tip(501051, BLOCKED, "The app is not assigned to a role of the resource, which demands one.", "Assign the app role under Enterprise applications of the resource, or switch off its assignment requirement."),
    row(50002, BARRED, "Tenant restrictions of a proxy forbid the sign-in."),
    row(500021, BARRED, "Tenant restrictions do not list this tenant."),
    row(500022, BARRED, "Tenant restrictions do not list this tenant."),
    row(500212, BARRED, "The home tenant's outbound access policy forbids it."),
    row(500213, BARRED, "The resource tenant's inbound access policy forbids it."),
    row(1000104, BARRED, "The resource's cloud is not allowed for this tenant."),
    row(65001, BLOCKED, "Nobody has consented to the app."),
    row(65002, BLOCKED, "The API's owner has not pre-authorised this Microsoft app."),
    row(65005, BLOCKED, "The app's list of required resources is not in order."),
    row(650056, BLOCKED, "The app lists no permission for the resource, or nobody has consented."),
    row(90008, BLOCKED, "The app lacks the permission to sign in and read."),
    row(90093, BLOCKED, "Graph forbids the request."),
    row(90094, BLOCKED, "An administrator must consent."),
    row(90095, BLOCKED, "An administrator must be asked for consent."),
    row(90099, BLOCKED, "The app is not authorised in the partner's tenant."),
    row(7000114, BLOCKED, "The app may not act on behalf of others."),
    // Certificates and assertions
    tip(700027, AssertionRefused, "The assertion's signature is refused.", "The certificate is not, or no longer, registered with the app, or has expired: compare its thumbprint with Certificates & secrets."),
    tip(700024, AssertionRefused, "The assertion is outside its time range.", "Check this machine's clock."),
    row(700021, AssertionRefused, "The assertion's issuer or subject is not the client id."),
    row(700030, AssertionRefused, "The certificate's subject name is not authorised."),
    row(50048, AssertionRefused, "The assertion's subject and issuer differ."),
    row(5002723, AssertionRefused, "The assertion names no certificate thumbprint and no key id."),
    row(5002730, AssertionRefused, "The assertion's algorithm is refused."),
    row(5002738, AssertionRefused, "The assertion's algorithm is not one of those allowed."),
    row(50027, AssertionRefused, "The assertion is malformed or not valid."),
    row(50013, AssertionRefused, "The assertion is not valid."),
    row(500133, AssertionRefused, "The assertion is outside its time range."),
    row(500131, AssertionRefused, "The assertion's audience is another."),
    row(50003, AssertionRefused, "A signing key or certificate is missing."),
    row(50006, AssertionRefused, "A signature could not be verified."),
    row(50008, AssertionRefused, "The SAML assertion is missing or not in order."),
    row(50010, AssertionRefused, "The assertion's audience could not be checked."),
    row(50017, AssertionRefused, "The certificate's chain could not be validated."),
    row(50099, AssertionRefused, "A JWT's signature is not valid."),
    tip(50107, AssertionRefused, "The assertion's issuer is no federation realm of the tenant.", "Check the issuer the assertion names, and the federation set up for it."),
    row(50120, AssertionRefused, "The assertion's header is not in order."),
    row(50146, AssertionRefused, "The app's own signing key is missing, expired or not yet valid."),
    row(50169, AssertionRefused, "The realm is not configured."),
    row(90010, AssertionRefused, "The algorithm is not supported."),
    row(90016, AssertionRefused, "A required claim is missing."),
    row(900384, AssertionRefused, "A JWT's signature is not valid."),
    row(70021, AssertionRefused, "No federated credential matches the assertion."),
    row(700211, AssertionRefused, "No federated credential matches the assertion's issuer."),
    row(700212, AssertionRefused, "No federated credential matches the assertion's audience."),
    tip(700213, AssertionRefused, "No federated credential matches the assertion's subject.", "Subjects are compared with upper and lower case."),
    row(7002137, AssertionRefused, "No federated credential matches the assertion."),
    tip(7002138, AssertionRefused, "No federated credential matches the assertion's subject.", "Subjects are compared with upper and lower case."),
    row(700229, AssertionRefused, "Only app-only tokens serve as federated credentials."),
    row(392204, AssertionRefused, "The client certificate is expired or not valid."),
    row(500181, AssertionRefused, "The TLS certificate does not match the one registered."),
    row(51000, AssertionRefused, "Certificates in the TLS handshake are not enabled for this tenant."),
    // Load and outages
    tip(50196, Throttled, "The same request came too often: a loop was detected.", "Wait at least five minutes, and look for a second job that asks with the same app."),
    row(90055, Throttled, "The tenant is throttled."),
    row(50166, Throttled, "A claims provider is throttled."),
    row(90033, ServerFault, "The directory is not available."),
    row(90024, ServerFault, "The request took too much; a transient fault."),
    row(90006, ServerFault, "The service is temporarily unavailable."),
    row(90012, ServerFault, "The request timed out."),
    row(90025, ServerFault, "The request was not finished in time."),
    row(90036, ServerFault, "The directory failed unexpectedly."),
    row(90041, ServerFault, "A service behind Entra is temporarily unavailable."),
    row(90090, ServerFault, "Graph is temporarily unavailable."),
    row(90091, ServerFault, "Graph cannot be reached."),
    row(90092, ServerFault, "Graph failed."),
    row(50033, ServerFault, "A transient fault."),
    row(50000, ServerFault, "The token service failed."),
    row(50087, ServerFault, "A transient fault of strong authentication."),
    row(70012, ServerFault, "The server for personal accounts failed."),
    // User sign-ins: the wrong grant was used, or the answer belongs to another request
    row(50014, Unknown, "A guest has not accepted the invitation."),
    row(50020, Unknown, "The user's account is not in this tenant."),
    row(50034, Unknown, "The user does not exist."),
    row(50053, Unknown, "The user's account is locked."),
    row(50055, Unknown, "The user's password has expired."),
    row(50056, Unknown, "The user has no password."),
    row(50057, Unknown, "The user is disabled."),
    row(50058, Unknown, "Nobody is signed in."),
    row(50072, Unknown, "The user must enrol for a second factor."),
    row(50074, Unknown, "The user must pass a second factor."),
    row(50076, Unknown, "The user must pass a second factor."),
    row(50078, Unknown, "The user's second factor has expired."),
    row(50079, Unknown, "The user must enrol for a second factor."),
    row(50089, Unknown, "The sign-in took too long."),
    row(50097, Unknown, "The user's device must authenticate."),
    row(50126, Unknown, "The user's name or password is wrong."),
    row(50132, Unknown, "The user's session is no longer valid."),
    row(50133, Unknown, "The user's session was revoked."),
    row(50144, Unknown, "The user's password in Active Directory has expired."),
    row(50158, Unknown, "The user did not pass an external challenge."),
    row(50171, Unknown, "The audience may be asked for by users only through other means."),
    row(50173, Unknown, "The user's grant was revoked."),
    row(51004, Unknown, "The user is not in the directory."),
    row(53004, Unknown, "The user must first register for a second factor."),
    row(54005, Unknown, "The authorization code was already used."),
    row(65004, Unknown, "The user declined consent."),
    row(70000, Unknown, "The refresh token is not valid."),
    row(70008, Unknown, "The authorization code or refresh token has expired or was revoked."),
    row(700005, Unknown, "The authorization code belongs to another tenant."),
    row(700082, Unknown, "The refresh token was not used for too long."),
    row(700084, Unknown, "The refresh token of a single-page app has expired."),
    row(70016, Unknown, "The device code is not yet confirmed."),
    row(70018, Unknown, "The device code is wrong."),
    row(70019, Unknown, "The device code has expired."),
    row(70043, Unknown, "The user must sign in again by policy."),
    row(700020, Unknown, "The grant needs a person."),
    row(16000, Unknown, "The user's account is not in this tenant."),
    row(90072, Unknown, "The user's outside account is not in this tenant."),
    row(7000110, Unknown, "Nobody has published what this number means."),
    row(700221, Unknown, "Nobody has published what this number means."),
];
