//! Where an app is registered: the provider's fields and the endpoints they lead to.

use std::sync::Arc;

use super::{assemble::missing, model::Registration};
use crate::{
    provider::{self, FieldFault, FieldFaultKind, Provider},
    yaml::{At, Check, FaultCode},
};

/// Registrations of the file so far: most apps of a file share one, which is then worked out and kept once.
#[derive(Default)]
pub struct Registrations(Vec<Known>);

struct Known {
    fields: provider::Fields,
    registration: Arc<Registration>,
}

/// More different ones than this are not looked for.
const MOST_KNOWN: usize = 16;

impl Registrations {
    /// Where an app is registered, and the scope to ask for.
    pub fn of(
        &mut self,
        provider: &'static dyn Provider,
        fields: provider::Fields,
    ) -> Result<(Arc<Registration>, Option<String>), FieldFault> {
        let scope = fields.scope.clone().or_else(|| provider.default_scope(&fields));
        let is_same =
            |known: &&Known| known.registration.provider.name() == provider.name() && same(&known.fields, &fields);
        if let Some(known) = self.0.iter().find(is_same) {
            return Ok((Arc::clone(&known.registration), scope));
        }
        let endpoints = provider.endpoints(&fields)?;
        let registration = Arc::new(Registration {
            provider,
            tenant: fields.tenant.clone(),
            token_endpoint: endpoints.token,
            management: endpoints.management,
            realm: fields.realm.clone(),
        });
        if self.0.len() < MOST_KNOWN {
            self.0.push(Known { fields, registration: Arc::clone(&registration) });
        }
        Ok((registration, scope))
    }
}

/// The provider's fields, as written, with those of the defaults that mean something to this provider; a field of
/// the app's own that does not is noted.
pub fn fields(
    provider: &'static dyn Provider,
    own: &provider::Fields,
    defaults: &provider::Fields,
    at: &At<'_>,
    check: &mut Check<'_>,
) -> provider::Fields {
    let known = provider.fields();
    for field in written(own).into_iter().filter(|field| !known.contains(field)) {
        let message = format!("`{}` has no use for this", provider.name());
        let advice = match known {
            [] => "remove it, or check `provider`".to_owned(),
            known => format!("remove it, or check `provider`; this one knows {}", known.join(", ")),
        };
        check.notes.add(&at.key(field), FaultCode::ForeignField, message, advice);
    }
    inherit(own, defaults, known)
}

/// Notes what a provider cannot work with, at the app or at the default it comes from.
pub fn note(fault: FieldFault, own: &provider::Fields, at: &At<'_>, check: &mut Check<'_>) {
    match fault.kind {
        FieldFaultKind::Missing => drop(missing::<()>(fault.field, fault.advice, at, check)),
        FieldFaultKind::Invalid => {
            let at_defaults = At::Root.key("defaults");
            let at = if written(own).contains(&fault.field) { at } else { &at_defaults };
            check.notes.add(
                &at.key(fault.field),
                FaultCode::InvalidValue,
                "the provider cannot work with this",
                fault.advice,
            );
        }
    }
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

fn same(one: &provider::Fields, other: &provider::Fields) -> bool {
    macro_rules! compare {
        ($($field:ident),*) => { $(one.$field == other.$field)&&* };
    }
    let rest = (&one.token_endpoint, one.has_resource_param, &one.scope);
    registration_fields!(compare) && rest == (&other.token_endpoint, other.has_resource_param, &other.scope)
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
