//! Which proxy stands before the network.
//!
//! Only `https:` leaves this machine (`http:` is for loopback alone), so one proxy is all there is.

use std::ffi::OsString;

use hyper_util::client::proxy::matcher::Matcher;
use reqwest::{NoProxy, Proxy};
use url::Url;

use super::SetupFault;

/// Never through a proxy: it would be asked for its own loopback.
const LOOPBACK: &str = "localhost,127.0.0.0/8,::1";

/// A proxy and what goes past it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Route {
    pub(super) proxy: Url,
    past: String,
}

/// The settings' proxy, else the one of the environment; either way `NO_PROXY` goes past it.
///
/// # Errors
/// A variable that holds no proxy we can use: going past it unasked is not ours to decide.
pub(super) fn route(
    settings: Option<&Url>,
    variable: impl Fn(&str) -> Option<OsString>,
) -> Result<Option<Route>, SetupFault> {
    let get = |names: [&'static str; 2]| {
        let found = names.into_iter().find_map(|name| Some((name, variable(name)?)));
        found
            .map(|(name, value)| (name, value.to_string_lossy().trim().to_owned()))
            .filter(|(_, value)| !value.is_empty())
    };
    let past =
        get(["NO_PROXY", "no_proxy"]).map_or_else(|| LOOPBACK.to_owned(), |(_, past)| format!("{past},{LOOPBACK}"));
    if let Some(proxy) = settings {
        return Ok(Some(Route { proxy: proxy.clone(), past }));
    }
    let Some((name, value)) = get(["HTTPS_PROXY", "https_proxy"]).or_else(|| get(["ALL_PROXY", "all_proxy"])) else {
        return Ok(None);
    };
    let with_scheme = if value.contains("://") { value } else { format!("http://{value}") };
    let proxy = Url::parse(&with_scheme).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
    let proxy = proxy.filter(Url::has_host).ok_or(SetupFault::Proxy { variable: name })?;
    Ok(Some(Route { proxy, past }))
}

impl Route {
    /// What of the token requests goes through it.
    pub(super) fn matcher(&self) -> Matcher {
        Matcher::builder().https(self.proxy.as_str()).no(self.past.as_str()).build()
    }

    /// The same for messages and pings.
    pub(super) fn rule(&self) -> reqwest::Result<Proxy> {
        Ok(Proxy::https(self.proxy.clone())?.no_proxy(NoProxy::from_string(&self.past)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(settings: Option<&str>, variables: &[(&str, &str)]) -> Result<Option<(String, String)>, SetupFault> {
        let settings = settings.map(|url| url.parse().unwrap());
        let get = |name: &str| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| value.into());
        Ok(route(settings.as_ref(), get)?.map(|route| (route.proxy.to_string(), route.past)))
    }

    #[test]
    fn the_settings_come_before_the_environment() {
        let both = found(Some("http://one:3128"), &[("HTTPS_PROXY", "http://two:3128"), ("NO_PROXY", "internal")]);
        let past = format!("internal,{LOOPBACK}");
        assert_eq!(both.unwrap(), Some(("http://one:3128/".to_owned(), past)));
    }

    #[test]
    fn the_environment_is_read_as_curl_reads_it() {
        for (variables, proxy) in [
            (&[("HTTPS_PROXY", "http://two:3128")][..], Some("http://two:3128/")),
            (&[("https_proxy", "two:3128")], Some("http://two:3128/")),
            (&[("ALL_PROXY", "https://two:3128")], Some("https://two:3128/")),
            (&[("HTTP_PROXY", "http://two:3128")], None),
            (&[("HTTPS_PROXY", "")], None),
            (&[], None),
        ] {
            assert_eq!(found(None, variables).unwrap().map(|(proxy, _)| proxy).as_deref(), proxy, "{variables:?}");
        }
    }

    #[test]
    fn a_proxy_that_cannot_be_used_is_a_fault_that_names_the_variable_alone() {
        let fault = found(None, &[("ALL_PROXY", "socks5://user:canary@two:1080")]).unwrap_err();
        insta::assert_snapshot!(fault, @"ALL_PROXY holds no http or https proxy; write it as http://HOST:PORT");
    }
}
