//! SKELETON

use super::{Endpoints, FieldFault, FieldFaultKind, Fields, Meaning, Provider, Reply, Sent};
use crate::inventory::TokenEndpoint;

pub struct Entra;

impl Provider for Entra {
    fn name(&self) -> &'static str {
        "entra"
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

    fn assertion(&self) -> super::AssertionProfile {
        super::AssertionProfile::Entra
    }

    fn is_secret_id(&self, value: &str) -> bool {
        uuid::Uuid::try_parse(value).is_ok() && value.len() == 36
    }

    fn read(&self, reply: &Reply, _sent: Sent) -> Meaning {
        reply.plain_meaning()
    }
}
