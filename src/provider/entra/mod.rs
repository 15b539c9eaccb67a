//! Microsoft Entra ID.
//!
//! Its answers are read by their AADSTS numbers (providers.md section 3): all of them, because the first may only be
//! an envelope; prose decides for the few numbers that once meant several things.

mod answers;
mod clouds;
mod codes;

pub use codes::{Aadsts, aadsts, aadsts_codes};

use super::{
    AssertionProfile, Endpoints, FieldFault, Fields, Meaning, Provider, Reply, Sent,
    address::{invalid, missing, token, under},
};
use crate::inventory::AuthMethod;

pub(super) use answers::read;

pub struct Entra;

impl Provider for Entra {
    fn name(&self) -> &'static str {
        "entra"
    }

    fn fields(&self) -> &'static [&'static str] {
        &["tenant", "cloud", "authority", "graph"]
    }

    fn endpoints(&self, fields: &Fields) -> Result<Endpoints, FieldFault> {
        let cloud = clouds::of(fields)?;
        let token = token(fields.token_endpoint.as_ref(), || {
            let tenant = tenant(fields)?;
            let authority = match &fields.authority {
                Some(authority) => without_tenant(authority, tenant)?,
                None => cloud.login()?,
            };
            // v1 takes `resource` where v2 takes a scope; AADSTS901002 is v2's answer to `resource`.
            let v1 = fields.has_resource_param && fields.scope.is_none();
            let path: &[&str] = if v1 { &["oauth2", "token"] } else { &["oauth2", "v2.0", "token"] };
            under("authority", &authority, &[&[tenant], path].concat())
        })?;
        let management = fields.graph.clone().or_else(|| cloud.graph?.parse().ok());
        Ok(Endpoints { token, management })
    }

    /// Entra's metadata lists no HMAC method and its assertions must be RS or PS (providers.md section 1).
    fn allows(&self, method: AuthMethod) -> bool {
        method != AuthMethod::ClientSecretJwt
    }

    /// Microsoft Graph, which every tenant has: a scope that is known to be good lets the answer speak of the secret.
    fn default_scope(&self, fields: &Fields) -> Option<String> {
        if fields.has_resource_param {
            return None;
        }
        let resource = match &fields.graph {
            Some(graph) => graph.as_str().trim_end_matches('/'),
            None => clouds::of(fields).ok()?.resource(),
        };
        Some(format!("{resource}/.default"))
    }

    fn assertion(&self) -> AssertionProfile {
        AssertionProfile::Entra
    }

    /// `keyId`s are GUIDs; the values Entra makes never are.
    fn is_secret_id(&self, value: &str) -> bool {
        is_guid(value)
    }

    fn read(&self, reply: &Reply, sent: Sent) -> Meaning {
        read(reply, sent)
    }
}

const TENANT_ADVICE: &str =
    "write the tenant's GUID or one of its verified domains, as the app's overview page shows it";

fn tenant(fields: &Fields) -> Result<&str, FieldFault> {
    let tenant = fields.tenant.as_deref().ok_or_else(|| missing("tenant", TENANT_ADVICE))?;
    if matches!(tenant.to_ascii_lowercase().as_str(), "common" | "organizations" | "consumers") {
        let why = "an app signs in to one tenant, and `common`, `organizations` and `consumers` are none";
        return Err(invalid("tenant", format!("{why}; {TENANT_ADVICE}")));
    }
    if is_guid(tenant) || is_domain(tenant) { Ok(tenant) } else { Err(invalid("tenant", TENANT_ADVICE)) }
}

/// People paste the authority with the tenant in it, or a whole endpoint; the latter ends in AADSTS900023.
fn without_tenant(authority: &url::Url, tenant: &str) -> Result<url::Url, FieldFault> {
    let mut segments: Vec<&str> = authority.path_segments().into_iter().flatten().filter(|s| !s.is_empty()).collect();
    if segments.last().is_some_and(|last| matches!(*last, "authorize" | "token" | "v2.0" | "oauth2")) {
        let advice = "write the login host alone, such as https://login.microsoftonline.com; a whole endpoint goes into token_endpoint";
        return Err(invalid("authority", advice));
    }
    if segments.last().is_some_and(|last| last.eq_ignore_ascii_case(tenant)) {
        segments.pop();
    }
    let mut root = authority.clone();
    root.set_path("/");
    under("authority", &root, &segments)
}

fn is_guid(value: &str) -> bool {
    let groups = [8, 4, 4, 4, 12];
    let parts: Vec<&str> = value.split('-').collect();
    parts.len() == groups.len()
        && parts.iter().zip(groups).all(|(part, len)| part.len() == len && part.bytes().all(|b| b.is_ascii_hexdigit()))
}

fn is_domain(value: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    value.len() <= 253 && value.contains('.') && value.split('.').all(label)
}

#[cfg(test)]
mod tests;
