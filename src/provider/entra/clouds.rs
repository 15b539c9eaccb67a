//! The clouds of Entra ID: login host and Graph root (providers.md section 2).

use url::Url;

use crate::provider::{
    FieldFault, Fields,
    address::{https, invalid},
};

pub(super) struct Cloud {
    name: &'static str,
    /// The host tokens are asked at first, then its aliases.
    hosts: &'static [&'static str],
    /// Root of Microsoft Graph, where it is published.
    pub(super) graph: Option<&'static str>,
}

/// Microsoft Graph's application id, the same in every cloud: the resource where a cloud's Graph root is not published.
const GRAPH_APP: &str = "00000003-0000-0000-c000-000000000000";

static CLOUDS: [Cloud; 7] = [
    Cloud {
        name: "global",
        hosts: &["login.microsoftonline.com", "login.windows.net", "login.microsoft.com", "sts.windows.net"],
        graph: Some("https://graph.microsoft.com"),
    },
    Cloud {
        name: "usgov",
        hosts: &["login.microsoftonline.us", "login.usgovcloudapi.net"],
        graph: Some("https://graph.microsoft.us"),
    },
    Cloud { name: "dod", hosts: &["login.microsoftonline.us"], graph: Some("https://dod-graph.microsoft.us") },
    Cloud {
        name: "china",
        hosts: &["login.partner.microsoftonline.cn", "login.chinacloudapi.cn"],
        graph: Some("https://microsoftgraph.chinacloudapi.cn"),
    },
    Cloud { name: "bleu", hosts: &["login.sovcloud-identity.fr"], graph: None },
    Cloud { name: "delos", hosts: &["login.sovcloud-identity.de"], graph: None },
    Cloud { name: "govsg", hosts: &["login.sovcloud-identity.sg"], graph: None },
];

impl Cloud {
    pub(super) fn login(&self) -> Result<Url, FieldFault> {
        let host = self.hosts.first().copied().unwrap_or_default();
        https("cloud", host, "login.microsoftonline.com")
    }

    /// What a token is asked for when the inventory does not say.
    pub(super) fn resource(&self) -> &'static str {
        self.graph.unwrap_or(GRAPH_APP)
    }
}

/// The cloud that is named, else the one the authority's host belongs to, else the global one.
pub(super) fn of(fields: &Fields) -> Result<&'static Cloud, FieldFault> {
    let [global, ..] = &CLOUDS;
    match &fields.cloud {
        Some(name) => CLOUDS.iter().find(|cloud| cloud.name == name).ok_or_else(|| {
            let names = CLOUDS.each_ref().map(|cloud| cloud.name).join(", ");
            invalid("cloud", format!("write one of {names}"))
        }),
        None => {
            let host = fields.authority.as_ref().and_then(Url::host_str).unwrap_or_default();
            Ok(CLOUDS.iter().find(|cloud| cloud.hosts.contains(&host)).unwrap_or(global))
        }
    }
}
