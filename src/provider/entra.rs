//! SKELETON

use super::{Endpoints, FieldFault, FieldFaultKind, Fields, Meaning, Provider, Reply};
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

    fn read(&self, reply: &Reply) -> Meaning {
        if reply.has_token { Meaning::Token } else { Meaning::Unknown }
    }
}
