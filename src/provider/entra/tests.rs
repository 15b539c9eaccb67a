use super::*;
use crate::{inventory::TokenEndpoint, provider::FieldFaultKind};

const TENANT: &str = "d0070a32-58f9-456f-933e-cf72e5638957";

fn fields() -> Fields {
    Fields { tenant: Some(TENANT.to_owned()), ..Fields::default() }
}

fn endpoint(fields: &Fields) -> String {
    match Entra.endpoints(fields).unwrap().token {
        TokenEndpoint::Known(url) => url.to_string(),
        TokenEndpoint::Discover { .. } => panic!("discovery"),
    }
}

#[test]
fn every_cloud_has_its_host_and_scope() {
    for (cloud, host, scope) in [
        ("global", "login.microsoftonline.com", "https://graph.microsoft.com/.default"),
        ("usgov", "login.microsoftonline.us", "https://graph.microsoft.us/.default"),
        ("dod", "login.microsoftonline.us", "https://dod-graph.microsoft.us/.default"),
        ("china", "login.partner.microsoftonline.cn", "https://microsoftgraph.chinacloudapi.cn/.default"),
        ("bleu", "login.sovcloud-identity.fr", "00000003-0000-0000-c000-000000000000/.default"),
        ("delos", "login.sovcloud-identity.de", "00000003-0000-0000-c000-000000000000/.default"),
        ("govsg", "login.sovcloud-identity.sg", "00000003-0000-0000-c000-000000000000/.default"),
    ] {
        let fields = Fields { cloud: Some(cloud.to_owned()), ..fields() };
        assert_eq!(endpoint(&fields), format!("https://{host}/{TENANT}/oauth2/v2.0/token"));
        assert_eq!(Entra.default_scope(&fields).unwrap(), scope);
    }
    assert_eq!(endpoint(&fields()), format!("https://login.microsoftonline.com/{TENANT}/oauth2/v2.0/token"));
    let fault = Entra.endpoints(&Fields { cloud: Some("mars".to_owned()), ..fields() }).unwrap_err();
    assert_eq!(fault.field, "cloud");
}

#[test]
fn a_resource_without_scope_goes_to_the_v1_endpoint() {
    let mut fields = Fields { has_resource_param: true, ..fields() };
    assert_eq!(endpoint(&fields), format!("https://login.microsoftonline.com/{TENANT}/oauth2/token"));
    assert_eq!(Entra.default_scope(&fields), None);
    fields.scope = Some("x/.default".to_owned());
    assert!(endpoint(&fields).ends_with("/oauth2/v2.0/token"));
}

#[test]
fn an_authority_takes_the_hosts_place_with_or_without_the_tenant() {
    for authority in ["http://127.0.0.1:9400", "http://127.0.0.1:9400/", &format!("http://127.0.0.1:9400/{TENANT}/")] {
        let fields = Fields { authority: Some(authority.parse().unwrap()), ..fields() };
        assert_eq!(endpoint(&fields), format!("http://127.0.0.1:9400/{TENANT}/oauth2/v2.0/token"));
    }
    let us = Fields { authority: Some("https://login.microsoftonline.us".parse().unwrap()), ..fields() };
    assert_eq!(Entra.default_scope(&us).unwrap(), "https://graph.microsoft.us/.default");
    let whole =
        Fields { authority: Some("https://login.microsoftonline.com/x/oauth2/token".parse().unwrap()), ..fields() };
    assert_eq!(Entra.endpoints(&whole).unwrap_err().field, "authority");
    let graph = Fields { graph: Some("http://127.0.0.1:9401/".parse().unwrap()), ..fields() };
    assert_eq!(Entra.default_scope(&graph).unwrap(), "http://127.0.0.1:9401/.default");
    assert_eq!(Entra.endpoints(&graph).unwrap().management, graph.graph);
}

#[test]
fn a_tenant_is_a_guid_or_a_domain_and_one_tenant() {
    for good in [TENANT, "example.onmicrosoft.com", "EXAMPLE.org"] {
        assert!(Entra.endpoints(&Fields { tenant: Some(good.to_owned()), ..Fields::default() }).is_ok(), "{good}");
    }
    for bad in ["common", "Organizations", "consumers", "undefined", "a/b.org", "", "x..org", "${TENANT}"] {
        let fault = Entra.endpoints(&Fields { tenant: Some(bad.to_owned()), ..Fields::default() }).unwrap_err();
        assert_eq!((fault.field, fault.kind), ("tenant", FieldFaultKind::Invalid), "{bad}");
    }
    assert_eq!(Entra.endpoints(&Fields::default()).unwrap_err().kind, FieldFaultKind::Missing);
    let over = Fields { token_endpoint: Some("https://id.example.org/t".parse().unwrap()), ..Fields::default() };
    assert_eq!(endpoint(&over), "https://id.example.org/t");
}

#[test]
fn only_a_guid_looks_like_a_secret_id() {
    assert!(Entra.is_secret_id("6befd701-d38a-45b1-bbad-79ddca296f85"));
    assert!(Entra.is_secret_id("6BEFD701-D38A-45B1-BBAD-79DDCA296F85"));
    for value in [
        "",
        "6befd701-d38a-45b1-bbad-79ddca296f8",
        "6befd701d38a45b1bbad79ddca296f85",
        "gbefd701-d38a-45b1-bbad-79ddca296f85",
    ] {
        assert!(!Entra.is_secret_id(value), "{value}");
    }
}

#[test]
fn no_number_stands_in_the_table_twice() {
    let mut codes: Vec<u64> = aadsts_codes().collect();
    codes.sort_unstable();
    let all = codes.len();
    codes.dedup();
    assert_eq!(codes.len(), all);
}

fn meaning(status: u16, error: &str, said: &str, codes: &[u64]) -> Meaning {
    let body = serde_json::json!({"error": error, "error_description": said, "error_codes": codes}).to_string();
    Entra.read(&Reply::parse(status, body.as_bytes()).0, Sent::default())
}

#[test]
fn every_listed_number_is_read_by_the_table() {
    for code in aadsts_codes().filter(|code| ![70002, 50012].contains(code)) {
        let expected = aadsts(code).unwrap().meaning;
        for (error, said, codes) in [("invalid_client", "", vec![code]), ("x", &*format!("AADSTS{code}: ..."), vec![])]
        {
            assert_eq!(meaning(401, error, said, &codes), expected, "{code}");
        }
    }
}

#[test]
fn the_most_specific_number_decides_and_the_text_where_a_number_had_two_lives() {
    let policy = Meaning::PolicyBlocked { authenticated: true };
    for (said, codes, expected) in [
        (
            "AADSTS70002: Error validating credentials. AADSTS50012: Invalid client secret is provided.",
            &[70002, 50012][..],
            Meaning::SecretRefused,
        ),
        (
            "AADSTS70002: Error validating credentials. AADSTS50012: Client assertion contains an invalid signature.",
            &[70002],
            Meaning::AssertionRefused,
        ),
        (
            "AADSTS70002: Error. AADSTS50012: Client is public so neither may be presented.",
            &[],
            Meaning::RequestRefused,
        ),
        (
            "AADSTS70002: Error. AADSTS70008: The provided authorization code has expired.",
            &[70002, 70008],
            Meaning::Unknown,
        ),
        ("AADSTS70002: Error. AADSTS50126: Invalid username or password", &[70002, 50126], Meaning::Unknown),
        ("AADSTS70002: Error. AADSTS50027: Invalid JWT token.", &[70002, 50027], Meaning::AssertionRefused),
        (
            "AADSTS70002: The request body must contain the following parameter: 'client_secret or client_assertion'.",
            &[70002],
            Meaning::RequestRefused,
        ),
        ("AADSTS70002: The client does not exist or is not enabled for consumers.", &[70002], Meaning::ClientUnknown),
        (
            "AADSTS70001: Application with identifier 'x' was not found in the directory y",
            &[70001],
            Meaning::ClientUnknown,
        ),
        ("AADSTS70001: Application 'x' is disabled.", &[70001], Meaning::ClientDisabled),
        ("AADSTS50001: Resource 'x' is disabled.", &[50001], Meaning::ClientDisabled),
        ("AADSTS50001: Resource identifier is not provided.", &[50001], Meaning::ScopeRefused),
        (
            "AADSTS65005: Invalid resource. The client has requested access to a resource which is not listed in the requested permissions",
            &[65005],
            Meaning::ScopeRefused,
        ),
        ("AADSTS65005: The app required resource access list is not discoverable", &[65005], policy),
        ("AADSTS90014: The required field 'scope' is missing from the credential.", &[90014], Meaning::RequestRefused),
        ("AADSTS90014: The required field 'aud' is missing from the credential.", &[90014], Meaning::AssertionRefused),
        (
            "AADSTS900023: Specified tenant identifier 'x' is neither a valid DNS name, nor a valid external domain.",
            &[],
            Meaning::TenantUnknown,
        ),
    ] {
        assert_eq!(meaning(401, "invalid_client", said, codes), expected, "{said}");
    }
}

#[test]
fn a_number_cut_off_is_not_guessed() {
    let reply = Reply::parse(401, br#"{"error":"invalid_client","error_descr"#).0;
    assert_eq!(Entra.read(&reply, Sent::default()), Meaning::NotATokenAnswer);
}

#[test]
fn an_unknown_number_makes_no_refused_secret() {
    for (status, error, codes, expected) in [
        (401, "invalid_client", &[7_999_999][..], Meaning::Unknown),
        (401, "invalid_client", &[], Meaning::SecretRefused),
        (400, "unauthorized_client", &[7_999_999], Meaning::Unknown),
        (400, "invalid_scope", &[7_999_999], Meaning::ScopeRefused),
        (400, "invalid_request", &[7_999_999], Meaning::RequestRefused),
        (400, "invalid_grant", &[7_999_999], Meaning::Unknown),
        (500, "invalid_client", &[7_999_999], Meaning::ServerFault),
        (429, "invalid_client", &[7_999_999], Meaning::Throttled),
        (403, "access_denied", &[], Meaning::Unknown),
        (418, "teapot", &[7_999_999], Meaning::Unknown),
    ] {
        assert_eq!(meaning(status, error, "", codes), expected, "{status} {error} {codes:?}");
    }
}
