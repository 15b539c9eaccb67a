use super::*;
use crate::{
    period::Period,
    sandbox::{Mishap, Sandbox},
    secret::Fingerprints,
    settings,
    store::Before,
};

const OLD: &str = "canary-old-91b7e2c40d5f";
const NEW: &str = "canary-new-\"3c8d\\61fa";
const THEIRS: &str = "canary-theirs-7e0a9d2b";
const KEY: [u8; 32] = [7; 32];

/// Signs nobody in: makes a token for the scope it is asked for.
struct Issuer;

#[async_trait]
impl Tokens for Issuer {
    async fn token(&self, tenant: &str, scope: &str) -> Result<Arc<Secret>, StoreFault> {
        use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
        assert_eq!(tenant, "7a1c9a52-60f3-4e0b-9a55-2f5d7b0c9e11");
        let claims = format!("{{\"aud\":\"{}\"}}", scope.strip_suffix("/.default").unwrap());
        Ok(Arc::new(Secret::new(format!("canary.{}.token", BASE64_URL_SAFE_NO_PAD.encode(claims)))))
    }
}

fn secret(text: &str) -> Secret {
    Secret::new(text.to_owned())
}

fn store_at(url: &str) -> AzureKeyVault {
    let http = settings::Http { timeout: Period::from_secs(2), ..settings::Http::default() };
    AzureKeyVault::new(Api::new(&http, None).unwrap(), Arc::new(Issuer), url.parse().unwrap())
}

fn store(sandbox: &Sandbox) -> AzureKeyVault {
    store_at(&format!("http://{}/secrets/etl", sandbox.address()))
}

/// Writes over what is there now.
async fn write(store: &AzureKeyVault) -> Result<Version, WriteFault> {
    let now = store.read().await.unwrap();
    write_over(store, now.version.as_ref(), now.value.as_ref()).await
}

async fn write_over(
    store: &AzureKeyVault,
    version: Option<&Version>,
    value: Option<&Secret>,
) -> Result<Version, WriteFault> {
    let fingerprints = Fingerprints::new(&KEY);
    let before = Before { version, fingerprint: value.map(|value| fingerprints.of(value)), fingerprints };
    let write = Write { value: &secret(NEW), before, idempotency: "01M7Q/1/1", key_id: Some("key-2") };
    let written = store.write(write).await;
    if let Err(fault) = &written {
        assert!(!fault.to_string().contains("canary"), "{fault}");
    }
    written
}

async fn value(store: &AzureKeyVault) -> String {
    store.read().await.unwrap().value.unwrap().expose().to_owned()
}

#[tokio::test]
async fn a_write_makes_a_version_and_says_whose_it_is() {
    let sandbox = Sandbox::start().await.unwrap();
    let (vault, store) = (sandbox.key_vault(), store(&sandbox));
    assert!(store.read().await.unwrap().version.is_none());
    vault.put("etl", secret(OLD));
    let version = write(&store).await.unwrap();
    let now = store.read().await.unwrap();
    assert_eq!((now.version, now.value.unwrap().expose()), (Some(version), NEW));
    assert_eq!(vault.tag("etl", "rotation").as_deref(), Some("01M7Q/1/1"));
    assert_eq!(vault.tag("etl", "key_id").as_deref(), Some("key-2"));
    assert_eq!(store.previous().await.unwrap().value.unwrap().expose(), OLD);
}

#[tokio::test]
async fn nothing_is_sent_where_something_else_is_held_than_was_seen() {
    let sandbox = Sandbox::start().await.unwrap();
    let (vault, store) = (sandbox.key_vault(), store(&sandbox));
    let first = Version(vault.put("etl", secret(OLD)));
    let again = Version(vault.put("etl", secret(OLD)));
    for (version, value) in [(&first, OLD), (&again, "another")] {
        let fault = write_over(&store, Some(version), Some(&secret(value))).await.unwrap_err();
        assert!(matches!(fault, WriteFault::Refused(_)), "{fault}");
    }
    assert!(matches!(write_over(&store, None, None).await, Err(WriteFault::Refused(_))));
    assert_eq!(vault.history("etl"), [OLD, OLD]);
}

#[tokio::test]
async fn a_value_that_came_in_between_is_on_top_again() {
    for (mishap, history) in [
        (Mishap::Overtaken(secret(THEIRS)), &[OLD, THEIRS, NEW, THEIRS][..]),
        (Mishap::Followed(secret(THEIRS)), &[OLD, NEW, THEIRS][..]),
    ] {
        let sandbox = Sandbox::start().await.unwrap();
        let (vault, store) = (sandbox.key_vault(), store(&sandbox));
        vault.put("etl", secret(OLD));
        vault.expect(mishap);
        let fault = write(&store).await.unwrap_err();
        assert!(matches!(fault, WriteFault::Refused(_)), "{fault}");
        assert_eq!(vault.history("etl"), history);
        assert_eq!(value(&store).await, THEIRS);
    }
}

#[tokio::test]
async fn a_value_that_could_not_be_put_back_leaves_the_write_in_doubt() {
    let sandbox = Sandbox::start().await.unwrap();
    let (vault, store) = (sandbox.key_vault(), store(&sandbox));
    vault.put("etl", secret(OLD));
    vault.expect(Mishap::Overtaken(secret(THEIRS)));
    vault.expect(Mishap::Throttled);
    assert!(matches!(write(&store).await, Err(WriteFault::Unknown(_))));
}

#[tokio::test]
async fn a_lost_reply_is_a_doubt_and_a_429_is_none() {
    let sandbox = Sandbox::start().await.unwrap();
    let (vault, store) = (sandbox.key_vault(), store(&sandbox));
    vault.put("etl", secret(OLD));
    vault.expect(Mishap::Throttled);
    assert!(matches!(write(&store).await, Err(WriteFault::Refused(_))));
    vault.expect(Mishap::LateApply);
    assert!(matches!(write(&store).await, Err(WriteFault::Unknown(_))));
    assert_eq!(value(&store).await, OLD);
    vault.land();
    assert_eq!(value(&store).await, NEW);
    vault.put("etl", secret(OLD));
    vault.expect(Mishap::LostReply);
    assert!(matches!(write(&store).await, Err(WriteFault::Unknown(_))));
    assert_eq!(value(&store).await, NEW);
}

#[tokio::test]
async fn a_deleted_name_and_a_disabled_version_are_told_with_the_remedy() {
    let sandbox = Sandbox::start().await.unwrap();
    let (vault, store) = (sandbox.key_vault(), store(&sandbox));
    vault.put("etl", secret(OLD));
    assert_eq!(store.writable().await, Writable::Unknown);
    vault.disable("etl");
    let Writable::No(why) = store.writable().await else { panic!("writable") };
    assert!(why.starts_with("the secret's current version is disabled; enable it"), "{why}");
    vault.delete("etl");
    assert_eq!(store.writable().await, Writable::No(SOFT_DELETED.to_owned()));
    assert_eq!(write(&store).await, Err(WriteFault::Refused(SOFT_DELETED.to_owned())));
    assert_eq!(vault.history("etl"), Vec::<String>::new());
}

#[tokio::test]
async fn a_history_of_many_pages_is_read_whole() {
    let sandbox = Sandbox::start().await.unwrap();
    let (vault, store) = (sandbox.key_vault(), store(&sandbox));
    for n in 0..60 {
        vault.put("etl", secret(&format!("value-{n}")));
    }
    assert_eq!(store.0.versions().await.unwrap().len(), 60);
    write(&store).await.unwrap();
}

#[tokio::test]
async fn refusals_are_told_in_words_of_our_own() {
    use wiremock::{
        Mock, MockServer, ResponseTemplate,
        matchers::{any, header_exists},
    };
    let forbidden = |code: &str| {
        format!(r#"{{"error":{{"code":"Forbidden","message":"{OLD}","innererror":{{"code":"{code}"}}}}}}"#)
    };
    let mut seen = String::new();
    for (status, body) in [
        (200, format!("<html>{OLD}")),
        (200, r#"{"id":"https://v/secrets/etl/1"}"#.to_owned()),
        (200, r#"{"id":"https://v/secrets/etl/1","value":""}"#.to_owned()),
        (401, OLD.to_owned()),
        (403, forbidden("AccessDenied")),
        (403, forbidden("SecretDisabled")),
        (403, forbidden("ForbiddenByFirewall")),
        (404, format!("<html>{OLD}")),
        (429, OLD.to_owned()),
        (503, OLD.to_owned()),
    ] {
        let server = MockServer::start().await;
        let reply = ResponseTemplate::new(status).set_body_string(body);
        Mock::given(header_exists("authorization")).respond_with(reply).mount(&server).await;
        let challenge =
            r#"Bearer authorization="https://login.microsoftonline.com/7a1c9a52-60f3-4e0b-9a55-2f5d7b0c9e11""#;
        let reply = ResponseTemplate::new(401).insert_header("www-authenticate", challenge);
        Mock::given(any()).respond_with(reply).with_priority(9).mount(&server).await;
        let fault = store_at(&format!("{}/secrets/etl", server.uri())).read().await.unwrap_err();
        seen.push_str(&format!("{status} {fault}\n"));
    }
    assert!(!seen.contains("canary"), "{seen}");
    insta::assert_snapshot!(seen, @r"
    200 this is no answer of a Key Vault (127.0.0.1)
    200 the secret holds no text
    200 the store holds an empty text
    401 Key Vault does not accept our sign-in: is it of the vault's tenant? (127.0.0.1)
    403 Key Vault refuses: the client lacks a right; `get`, `set` and `list` on secrets are needed, as in the role Key Vault Secrets Officer (127.0.0.1)
    403 the secret's current version is disabled; enable it (127.0.0.1)
    403 the vault's firewall keeps this machine out (127.0.0.1)
    404 Key Vault refuses with 404 (127.0.0.1)
    429 Key Vault asks to be asked less often (127.0.0.1)
    503 Key Vault fails with 503 (127.0.0.1)
    ");
}

#[test]
fn the_scope_is_the_clouds_own() {
    for (host, scope) in [
        ("https://corp.vault.azure.net", Some("https://vault.azure.net/.default")),
        ("https://corp.vault.usgovcloudapi.net", Some("https://vault.usgovcloudapi.net/.default")),
        ("http://127.0.0.1:9470", Some("https://vault.azure.net/.default")),
        ("https://vault.example.org", None),
        ("https://vault", None),
    ] {
        let secret = format!("{host}/secrets/etl").parse().unwrap();
        assert_eq!(rest::scope(&secret).as_deref(), scope, "{host}");
    }
}

#[test]
fn the_challenge_names_the_tenant() {
    let tenant = rest::tenant;
    let of = |authority: &str| format!("Bearer authorization=\"{authority}\", resource=\"https://vault.azure.net\"");
    assert_eq!(tenant(&of("https://login.microsoftonline.com/7a1c-9a52")), Some("7a1c-9a52"));
    assert_eq!(tenant(&of("https://login.microsoftonline.us/7a1c-9a52/")), Some("7a1c-9a52"));
    for other in ["", "https://login.microsoftonline.com/", "https://login/a/b", "https://login/?x", "http://login/t"] {
        assert_eq!(tenant(&of(other)), None, "{other}");
    }
    assert_eq!(tenant("Basic realm=\"canary\""), None);
}
