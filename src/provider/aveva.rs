//! AVEVA Data Hub / CONNECT data services: an IdentityServer (providers.md section 5).
//!
//! Every refusal of its token endpoint is HTTP 400 with `error` and hardly a word more: `invalid_client` is an unknown or
//! disabled client, a wrong or an expired secret. Only the management API could tell which.

use url::Url;

use super::{
    Endpoints, FieldFault, Fields, Meaning, Provider, Reply, Sent,
    address::{https, invalid, token, under},
    oauth_error,
};
use crate::inventory::AuthMethod;

pub struct Aveva;

/// Regions; the first is the primary one and the default.
const REGIONS: [&str; 4] = ["uswe", "euno", "auea", "jpea"];

impl Provider for Aveva {
    fn name(&self) -> &'static str {
        "aveva"
    }

    fn fields(&self) -> &'static [&'static str] {
        &["tenant", "region", "base_url", "authority"]
    }

    fn endpoints(&self, fields: &Fields) -> Result<Endpoints, FieldFault> {
        let base = base(fields)?;
        let authority = fields.authority.as_ref().unwrap_or(&base);
        let token =
            token(fields.token_endpoint.as_ref(), || under("base_url", authority, &["identity", "connect", "token"]))?;
        Ok(Endpoints { token, management: Some(base) })
    }

    /// Client-credentials clients hold secrets and nothing else.
    fn allows(&self, method: AuthMethod) -> bool {
        matches!(method, AuthMethod::ClientSecretPost | AuthMethod::ClientSecretBasic)
    }

    fn read(&self, reply: &Reply, sent: Sent) -> Meaning {
        oauth_error::read(reply, sent)
    }
}

fn base(fields: &Fields) -> Result<Url, FieldFault> {
    if let Some(base) = &fields.base_url {
        return Ok(base.clone());
    }
    let region = fields.region.as_deref().unwrap_or(REGIONS[0]);
    if !REGIONS.contains(&region) {
        return Err(invalid("region", format!("write one of {}, or give base_url", REGIONS.join(", "))));
    }
    https("region", &format!("{region}.datahub.connect.aveva.com"), "uswe")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::TokenEndpoint;

    fn endpoint(fields: &Fields) -> String {
        match Aveva.endpoints(fields).unwrap().token {
            TokenEndpoint::Known(url) => url.to_string(),
            TokenEndpoint::Discover { .. } => panic!("discovery"),
        }
    }

    #[test]
    fn every_region_has_its_host_and_the_primary_one_is_the_default() {
        let token = "https://uswe.datahub.connect.aveva.com/identity/connect/token";
        assert_eq!(endpoint(&Fields::default()), token);
        for region in REGIONS {
            let fields = Fields { region: Some(region.to_owned()), ..Fields::default() };
            assert_eq!(endpoint(&fields), token.replace("uswe", region));
        }
        let fault = Aveva.endpoints(&Fields { region: Some("mars".to_owned()), ..Fields::default() }).unwrap_err();
        assert_eq!(fault.field, "region");
        assert!(!fault.advice.contains("mars"));
    }

    #[test]
    fn a_base_url_takes_the_regions_place() {
        let fields = Fields { base_url: Some("https://hub.example.org/adh/".parse().unwrap()), ..Fields::default() };
        assert_eq!(endpoint(&fields), "https://hub.example.org/adh/identity/connect/token");
    }
}
