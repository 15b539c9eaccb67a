//! SKELETON

use super::{Endpoints, FieldFault, FieldFaultKind, Fields, Meaning, Provider, Reply, Sent};
use crate::inventory::TokenEndpoint;

pub struct Okta;

impl Provider for Okta {
    fn name(&self) -> &'static str {
        "okta"
    }

    fn fields(&self) -> &'static [&'static str] {
        &[]
    }

    fn endpoints(&self, fields: &Fields) -> Result<Endpoints, FieldFault> {
        match &fields.token_endpoint {
            Some(url) => Ok(Endpoints { token: TokenEndpoint::Known(url.clone()), management: None }),
            None => Err(FieldFault { field: "token_endpoint", kind: FieldFaultKind::Missing, advice: String::new() }),
        }
    }

    fn read(&self, reply: &Reply, _sent: Sent) -> Meaning {
        reply.plain_meaning()
    }
}
