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
    /// As the app wrote them; what it inherits is the same for all.
    own: provider::Fields,
    has_resource_param: bool,
    registration: Arc<Registration>,
    scope: Option<Arc<str>>,
}

/// More different ones than this are not looked for.
const MOST_KNOWN: usize = 16;

impl Registrations {
    /// Where an app is registered, and the scope to ask for; by its own fields and those of the defaults that mean
    /// something to this provider.
    pub fn of(
        &mut self,
        provider: &'static dyn Provider,
        own: &provider::Fields,
        defaults: &provider::Fields,
        has_resource_param: bool,
    ) -> Result<(Arc<Registration>, Option<Arc<str>>), FieldFault> {
        let is_same = |known: &&Known| {
            known.registration.provider.name() == provider.name()
                && known.has_resource_param == has_resource_param
                && same(&known.own, own)
        };
        if let Some(known) = self.0.iter().find(is_same) {
            return Ok((Arc::clone(&known.registration), known.scope.clone()));
        }
        let fields = provider::Fields { has_resource_param, ..inherit(own, defaults, provider.fields()) };
        let scope: Option<Arc<str>> = fields.scope.clone().or_else(|| provider.default_scope(&fields)).map(Arc::from);
        let endpoints = provider.endpoints(&fields)?;
        let registration = Arc::new(Registration {
            provider,
            tenant: fields.tenant.clone(),
            token_endpoint: endpoints.token,
            management: endpoints.management,
            realm: fields.realm.clone(),
        });
        if self.0.len() < MOST_KNOWN {
            let (registration, scope) = (Arc::clone(&registration), scope.clone());
            self.0.push(Known { own: own.clone(), has_resource_param, registration, scope });
        }
        Ok((registration, scope))
    }
}

/// Notes the fields of the app's own that mean nothing to its provider.
pub fn note_foreign(provider: &'static dyn Provider, own: &provider::Fields, at: &At<'_>, check: &mut Check<'_>) {
    let known = provider.fields();
    for field in written(own).into_iter().filter(|field| !known.contains(field)) {
        let message = format!("`{}` has no use for this", provider.name());
        let advice = match known {
            [] => "remove it, or check `provider`".to_owned(),
            known => format!("remove it, or check `provider`; this one knows {}", known.join(", ")),
        };
        check.notes.add(&at.key(field), FaultCode::ForeignField, message, advice);
    }
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
    registration_fields!(compare) && one.token_endpoint == other.token_endpoint && one.scope == other.scope
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
