//! Where an app is registered: the provider's fields and the endpoints they lead to.

use super::{assemble::missing, fields::Fields, model::Registration};
use crate::{
    provider::{self, FieldFaultKind, Provider},
    yaml::{At, Check, FaultCode},
};

/// The provider's own fields, as written, with those of the defaults that mean something to this provider.
pub fn registration(
    provider: &'static dyn Provider,
    has_resource_param: bool,
    own: &Fields,
    defaults: &Fields,
    at: &At<'_>,
    check: &mut Check<'_>,
) -> Option<(Registration, Option<String>)> {
    let known = provider.fields();
    for field in written(&own.registration).into_iter().filter(|field| !known.contains(field)) {
        let message = format!("`{}` has no use for this", provider.name());
        let advice = match known {
            [] => "remove it, or check `provider`".to_owned(),
            known => format!("remove it, or check `provider`; this one knows {}", known.join(", ")),
        };
        check.notes.add(&at.key(field), FaultCode::ForeignField, message, advice);
    }
    let mut fields = inherit(&own.registration, &defaults.registration, known);
    fields.has_resource_param = has_resource_param;
    let endpoints = match provider.endpoints(&fields) {
        Ok(endpoints) => endpoints,
        Err(fault) => {
            return match fault.kind {
                FieldFaultKind::Missing => missing(fault.field, fault.advice, at, check),
                FieldFaultKind::Invalid => {
                    let at_defaults = At::Root.key("defaults");
                    let is_own = written(&own.registration).contains(&fault.field);
                    let at = if is_own { at } else { &at_defaults };
                    let message = format!("`{}` cannot work with this", provider.name());
                    check.notes.add(&at.key(fault.field), FaultCode::InvalidValue, message, fault.advice);
                    None
                }
            };
        }
    };
    let scope = fields.scope.clone().or_else(|| provider.default_scope(&fields));
    let registration = Registration {
        provider,
        tenant: fields.tenant,
        token_endpoint: endpoints.token,
        management: endpoints.management,
        realm: fields.realm,
    };
    Some((registration, scope))
}

/// Every field that names where an app is registered.
macro_rules! registration_fields {
    ($apply:ident) => {
        $apply!(tenant, cloud, authority, graph, region, base_url, realm, domain, authorization_server, issuer)
    };
}

/// Those that are written, whether they mean something to a provider or not.
pub fn written(fields: &provider::Fields) -> Vec<&'static str> {
    macro_rules! list {
        ($($field:ident),*) => { [$((stringify!($field), fields.$field.is_some())),*] };
    }
    let all = registration_fields!(list);
    all.into_iter().filter(|(_, is_written)| *is_written).map(|(field, _)| field).collect()
}

fn inherit(own: &provider::Fields, defaults: &provider::Fields, known: &[&str]) -> provider::Fields {
    macro_rules! pick {
        ($($field:ident),*) => {
            provider::Fields {
                $($field: match &own.$field {
                    None if known.contains(&stringify!($field)) => defaults.$field.clone(),
                    value => value.clone(),
                },)*
                token_endpoint: own.token_endpoint.clone().or_else(|| defaults.token_endpoint.clone()),
                has_resource_param: false,
                scope: own.scope.clone().or_else(|| defaults.scope.clone()),
            }
        };
    }
    registration_fields!(pick)
}
