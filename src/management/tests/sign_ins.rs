use wiremock::{
    Mock, MockServer, Request, ResponseTemplate,
    matchers::{header, method, path},
};

use super::*;

const OURS: &str = "our-request";
const OLD_KEY: &str = "aaaaaaaa-0000-4000-8000-000000000001";
const NEW_KEY: &str = "bbbbbbbb-0000-4000-8000-000000000002";

fn row(id: &str, day: &str, key_id: Option<&str>) -> serde_json::Value {
    serde_json::json!({ "id": id, "correlationId": format!("c-{id}"), "createdDateTime": format!("{day}T03:00:01.1234567Z"),
        "servicePrincipalCredentialKeyId": key_id })
}

/// A tenant whose log shows these sign-ins of the app, and these of people; each page holds one row.
async fn tenant(audience: &str, app: Vec<serde_json::Value>, people: Vec<serde_json::Value>) -> (MockServer, Entra) {
    let server = MockServer::start().await;
    let object = serde_json::json!({ "signInAudience": audience, "passwordCredentials": [], "keyCredentials": [] });
    for of_app in ["/v1.0/applications(appId='etl')", "/v1.0/servicePrincipals(appId='etl')"] {
        let found = ResponseTemplate::new(200).set_body_json(&object);
        Mock::given(method("GET")).and(path(of_app)).respond_with(found).mount(&server).await;
    }
    let root = server.uri();
    let log = move |request: &Request| {
        let asked: std::collections::HashMap<_, _> = request.url.query_pairs().into_owned().collect();
        let filter = &asked["$filter"];
        assert!(filter.contains(" and appId eq 'etl' and createdDateTime ge 2026-11-01T00:00:00Z"), "{filter}");
        let rows = match filter.contains("'servicePrincipal'") {
            true => &app,
            false if filter.contains("'nonInteractiveUser'") => &people,
            false => panic!("{filter}"),
        };
        let skip: usize = asked.get("$skiptoken").map_or(0, |skip| skip.parse().unwrap());
        let mut body = serde_json::json!({ "value": rows.iter().skip(skip).take(1).collect::<Vec<_>>() });
        if skip + 1 < rows.len() {
            let query = request.url.query().unwrap().split("&$skip").next().unwrap();
            body["@odata.nextLink"] = format!("{root}/beta/auditLogs/signIns?{query}&$skiptoken={}", skip + 1).into();
        }
        ResponseTemplate::new(200).set_body_json(body)
    };
    let asked =
        Mock::given(method("GET")).and(path("/beta/auditLogs/signIns")).and(header("authorization", "Bearer t"));
    asked.respond_with(log).mount(&server).await;
    let entra = Entra::new(api(), Arc::new(Token("t".to_owned())), server.uri().parse().unwrap(), "etl");
    entra.list().await.unwrap();
    (server, entra)
}

async fn asked(entra: &Entra) -> Result<Usage, ManagementFault> {
    let question = UsageQuestion {
        key_id: OLD_KEY,
        since: "2026-11-01T00:00:00Z".parse().unwrap(),
        ours: &[OURS.to_owned(), "c-by-correlation".to_owned()],
        control: NEW_KEY,
        control_since: "2026-11-06T00:00:00Z".parse().unwrap(),
    };
    entra.usage(&question).await
}

fn control() -> serde_json::Value {
    row(OURS, "2026-11-07", Some(NEW_KEY))
}

#[tokio::test]
async fn a_log_that_shows_ours_and_nobody_elses_is_proof_of_non_use() {
    let others = row("theirs", "2026-11-07", Some(NEW_KEY));
    let of_ours = row("by-correlation", "2026-11-02", Some(OLD_KEY));
    let refused = row("wrong-secret", "2026-11-02", None);
    let (_server, entra) = tenant("AzureADMyOrg", vec![refused, of_ours, others, control()], Vec::new()).await;
    assert_eq!(asked(&entra).await, Ok(Usage::Unused));
}

#[tokio::test]
async fn a_use_by_somebody_else_is_found_on_the_last_page_and_in_any_case_of_the_id() {
    let theirs = row("theirs", "2026-11-03", Some(&OLD_KEY.to_ascii_uppercase()));
    let (_server, entra) = tenant("AzureADMyOrg", vec![control(), theirs], Vec::new()).await;
    assert_eq!(asked(&entra).await, Ok(Usage::UsedAt("2026-11-03T03:00:01.1234567Z".parse().unwrap())));
}

#[tokio::test]
async fn without_our_own_recent_sign_in_the_log_cannot_tell() {
    let stale = row(OURS, "2026-11-05", Some(NEW_KEY));
    let not_ours = row("theirs", "2026-11-07", Some(NEW_KEY));
    for log in [vec![], vec![stale], vec![not_ours]] {
        let (_server, entra) = tenant("AzureADMyOrg", log, Vec::new()).await;
        let Ok(Usage::CannotTell(why)) = asked(&entra).await else { panic!("told") };
        assert_eq!(why, "the sign-in log does not show our own recent sign-in with the new secret");
    }
}

#[tokio::test]
async fn sign_ins_of_people_and_other_tenants_are_beyond_the_log() {
    let person = row("person", "2026-11-02", None);
    let (_server, entra) = tenant("AzureADMyOrg", vec![control()], vec![person]).await;
    assert!(matches!(asked(&entra).await, Ok(Usage::CannotTell(why)) if why.starts_with("people sign in")));
    let (_server, entra) = tenant("AzureADMultipleOrgs", vec![control()], Vec::new()).await;
    assert!(matches!(asked(&entra).await, Ok(Usage::CannotTell(why)) if why.contains("other tenants")));
}

#[tokio::test]
async fn a_next_page_elsewhere_is_not_asked_for() {
    let elsewhere = MockServer::start().await;
    let server = MockServer::start().await;
    let link = format!("{}/beta/auditLogs/signIns", elsewhere.uri());
    let body = serde_json::json!({ "value": [], "@odata.nextLink": link });
    let page = ResponseTemplate::new(200).set_body_json(body);
    Mock::given(path("/beta/auditLogs/signIns")).respond_with(page).mount(&server).await;
    let entra = Entra::new(api(), Arc::new(Token("t".to_owned())), server.uri().parse().unwrap(), "etl");
    assert_eq!(asked(&entra).await.unwrap_err().kind, FaultKind::NoAnswer);
    assert!(elsewhere.received_requests().await.unwrap().is_empty());
}
