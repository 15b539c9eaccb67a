//! Every field of an app as a flag, `-` for `_`: one table, so that none is forgotten.

use std::fmt;

use clap::{Arg, ArgAction, ArgMatches, Command, Error, FromArgMatches};
use serde_json::{Map, Value};

/// The app as it was typed, by the inventory's names of the fields. A value may be a secret typed in the wrong place.
pub struct AppFields(pub Map<String, Value>);

impl fmt::Debug for AppFields {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// How often a flag may stand, and what its values become.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shape {
    One,
    /// A list.
    Many,
    /// `NAME=VALUE`, a mapping.
    Pairs,
}

/// Flag, name of its value in the help, help, shape.
type Flag = (&'static str, &'static str, &'static str, Shape);

const FLAGS: &[Flag] = {
    use Shape::{Many, One, Pairs};
    &[
        ("provider", "NAME", "Identity provider: entra, aveva, keycloak, okta, auth0 or oauth2", One),
        ("tenant", "TENANT", "Entra: tenant id or verified domain; AVEVA: tenant id", One),
        ("client-id", "ID", "The client id (Entra: Application ID)", One),
        ("secret", "REF", "Where the secret lies: env:NAME, file:PATH or exec:[...]; - reads it from stdin", One),
        ("certificate", "REF", "Where the PEM with certificate and private key lies", One),
        ("token-endpoint", "URL", "Where the token is asked for [default: what the provider derives]", One),
        ("issuer", "URL", "oauth2: where the token endpoint is looked up", One),
        ("scope", "SCOPE", "The scope to ask for", One),
        ("param", "NAME=VALUE", "Further form parameter of the request, such as resource (repeatable)", Pairs),
        ("auth-method", "METHOD", "How the client authenticates, such as client_secret_basic", One),
        ("assertion-alg", "ALG", "How a client assertion is signed, such as PS256", One),
        ("assertion-audience", "WHICH", "What an assertion names as its audience: token_endpoint or issuer", One),
        ("key-id", "ID", "kid of a client assertion", One),
        ("cloud", "CLOUD", "Entra: the national cloud", One),
        ("authority", "URL", "Entra: another login host", One),
        ("graph", "URL", "Entra: another root of Microsoft Graph", One),
        ("region", "REGION", "AVEVA: the region of the tenant", One),
        ("base-url", "URL", "AVEVA and Keycloak: the server", One),
        ("realm", "REALM", "Keycloak: the realm", One),
        ("domain", "DOMAIN", "Okta and Auth0: the domain", One),
        ("authorization-server", "ID", "Okta: the authorization server", One),
        ("secret-id", "ID", "The provider's id of the secret, never the secret itself", One),
        ("expires", "DATE", "When it ends: a date, an RFC 3339 time, or never", One),
        ("created", "DATE", "When it was made", One),
        ("warn", "DURATION", "Warn from this long before the end, such as 60d [default: the settings' 30d]", One),
        (
            "critical",
            "DURATION",
            "Critical from this long before the end, such as 14d [default: the settings' 7d]",
            One,
        ),
        ("used-by", "PRODUCT", "The product the credential is typed into; gives the remedy its steps", One),
        ("name", "NAME", "What reports call it [default: test]", One),
        ("label", "LABEL", "Tells credentials of one app apart in reports", One),
        ("owners", "ADDRESS", "E-mail address of an owner, for the report (repeatable)", Many),
        ("tags", "TAG", "Tag, for the report (repeatable)", Many),
        ("notes", "TEXT", "Notes, for the report", One),
        ("runbook", "URL", "Where the procedure is described", One),
        ("enabled", "BOOL", "Taken for completeness: what is tested by hand is tested", One),
    ]
};

/// The flag of a field, as it is typed.
pub fn flag_of(field: &str) -> String {
    let flag = FLAGS.iter().find(|(flag, ..)| field_of(flag) == field);
    flag.map_or_else(|| field.to_owned(), |(flag, ..)| format!("--{flag}"))
}

fn field_of(flag: &str) -> String {
    if flag == "param" { "params".to_owned() } else { flag.replace('-', "_") }
}

impl clap::Args for AppFields {
    fn augment_args(command: Command) -> Command {
        FLAGS.iter().fold(command, |command, (flag, value, help, shape)| {
            let action = if *shape == Shape::One { ArgAction::Set } else { ArgAction::Append };
            let arg = Arg::new(*flag).long(*flag).value_name(*value).help(*help).action(action);
            // A secret typed where a reference belongs may begin with a hyphen; clap would repeat it.
            command.arg(arg.help_heading("The app").allow_hyphen_values(*flag == "secret"))
        })
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for AppFields {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, Error> {
        let mut fields = Map::new();
        for (flag, _, _, shape) in FLAGS {
            let Some(values) = matches.get_many::<String>(flag) else { continue };
            let mut values = values.map(String::as_str);
            let value = match shape {
                Shape::One => values.next().map(Value::from),
                Shape::Many => Some(values.collect()),
                Shape::Pairs => Some(Value::Object(values.map(pair).collect::<Result<_, _>>()?)),
            };
            fields.extend(value.map(|value| (field_of(flag), value)));
        }
        Ok(Self(fields))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), Error> {
        Self::from_arg_matches(matches).map(|fields| *self = fields)
    }
}

fn pair(text: &str) -> Result<(String, Value), Error> {
    let (name, value) = text.split_once('=').filter(|(name, _)| !name.is_empty()).ok_or_else(|| {
        Error::raw(
            clap::error::ErrorKind::ValueValidation,
            "--param is written as NAME=VALUE, as in resource=https://api.example.org\n",
        )
    })?;
    Ok((name.to_owned(), value.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_of_an_app_is_a_flag() {
        let schema = crate::inventory::schema();
        let known = &schema["$defs"]["App"]["properties"];
        let mut known: Vec<&String> = known.as_object().unwrap().keys().collect();
        known.retain(|field| !matches!(field.as_str(), "credentials" | "rotate"));
        let mut flags: Vec<String> = FLAGS.iter().map(|(flag, ..)| field_of(flag)).collect();
        known.sort();
        flags.sort();
        assert_eq!(flags.iter().collect::<Vec<_>>(), known);
    }
}
