use super::*;
use crate::{
    management::{FaultKind, ManagementFault},
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

/// Signs nobody in: makes a token for Key Vault.
struct Issuer;

#[async_trait]
impl Access for Issuer {
    async fn token(&self, _: bool) -> Result<Arc<Secret>, ManagementFault> {
        use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
        let claims = BASE64_URL_SAFE_NO_PAD.encode(r#"{"aud":"https://vault.azure.net"}"#);
        Ok(Arc::new(Secret::new(format!("canary.{claims}.token"))))
    }
}

/// Is let in nowhere.
struct Refused(FaultKind);

#[async_trait]
impl Access for Refused {
    async fn token(&self, _: bool) -> Result<Arc<Secret>, ManagementFault> {
        Err(ManagementFault { kind: self.0, message: "our own sign-in is refused".to_owned() })
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
    use wiremock::{Mock, MockServer, ResponseTemplate, matchers::header_exists};
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
        let challenge =
            r#"Bearer authorization="https://login.microsoftonline.com/7a1c9a52-60f3-4e0b-9a55-2f5d7b0c9e11""#;
        let reply = ResponseTemplate::new(status).set_body_string(body).insert_header("www-authenticate", challenge);
        Mock::given(header_exists("authorization")).respond_with(reply).mount(&server).await;
        let fault = store_at(&format!("{}/secrets/etl", server.uri())).read().await.unwrap_err();
        seen.push_str(&format!("{status} {fault}\n"));
    }
    assert!(!seen.contains("canary"), "{seen}");
    insta::assert_snapshot!(seen, @r"
    200 this is no answer of a Key Vault (127.0.0.1)
    200 the secret holds no text
    200 the store holds an empty text
    401 Key Vault does not accept our sign-in; sign in to the vault's own tenant, 7a1c9a52-60f3-4e0b-9a55-2f5d7b0c9e11 (127.0.0.1)
    403 Key Vault refuses: the client lacks a right; `get`, `set` and `list` on secrets are needed, as in the role Key Vault Secrets Officer (127.0.0.1)
    403 the secret's current version is disabled; enable it (127.0.0.1)
    403 the vault's firewall keeps this machine out (127.0.0.1)
    404 Key Vault refuses with 404 (127.0.0.1)
    429 Key Vault asks to be asked less often (127.0.0.1)
    503 Key Vault fails with 503 (127.0.0.1)
    ");
}

#[tokio::test]
async fn without_a_sign_in_nothing_is_sent() {
    let sandbox = Sandbox::start().await.unwrap();
    let (vault, ours) = (sandbox.key_vault(), store(&sandbox));
    vault.put("etl", secret(OLD));
    let now = ours.read().await.unwrap();
    for (kind, later) in [(FaultKind::SignIn, false), (FaultKind::NotSent, true)] {
        let store = AzureKeyVault::new(ours.0.api.clone(), Arc::new(Refused(kind)), ours.0.secret.clone());
        let fault = store.read().await.unwrap_err();
        assert_eq!(fault.to_string(), "our own sign-in is refused (127.0.0.1)");
        assert_eq!(matches!(fault, StoreFault::Unavailable(_)), later, "{fault:?}");
        let written = write_over(&store, now.version.as_ref(), now.value.as_ref()).await;
        assert!(matches!(written, Err(WriteFault::Refused(_))), "{written:?}");
    }
    assert_eq!(vault.history("etl"), [OLD]);
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
