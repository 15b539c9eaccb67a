//! AWS Secrets Manager: `aws-secrets-manager:ARN_OR_NAME[#KEY]`, with a key the secret is a JSON object.
//!
//! A write makes a version labelled AWSPENDING and moves AWSCURRENT to it, away from the version that was seen. Credentials
//! and region come from where Amazon's own tools find them.

mod client;
mod fault;
#[cfg(test)]
mod tests;

use aws_sdk_secretsmanager::{Client, operation::get_secret_value::builders::GetSecretValueFluentBuilder};
use sha2::{Digest, Sha256};
use tokio::sync::OnceCell;
use zeroize::Zeroizing;

use async_trait::async_trait;

use super::{
    Abilities, Content, Fence, Store, StoreFault, Version, Writable, Write, WriteFault,
    object::{Object, json},
};
use crate::secret::Secret;

pub use client::Way;

/// One secret, or one key of it.
pub struct AwsSecretsManager {
    way: Way,
    id: String,
    key: Option<String>,
    client: OnceCell<Client>,
}

/// One version of the whole secret.
struct Held {
    version: String,
    text: Zeroizing<String>,
}

impl AwsSecretsManager {
    /// `place` is `ARN_OR_NAME` or `ARN_OR_NAME#KEY`.
    #[must_use]
    pub fn new(way: Way, place: &str) -> Self {
        let (id, key) = place.split_once('#').map_or((place, None), |(id, key)| (id, Some(key.to_owned())));
        Self { way, id: id.to_owned(), key, client: OnceCell::new() }
    }

    async fn client(&self) -> Result<&Client, StoreFault> {
        self.client.get_or_try_init(|| self.way.client(&self.id)).await
    }

    async fn held(&self, ask: GetSecretValueFluentBuilder) -> Result<Option<Held>, StoreFault> {
        let reply = match ask.secret_id(&self.id).send().await {
            Err(error) if fault::is_absent(&error) => return Ok(None),
            reply => reply.map_err(|error| fault::of_reading(&error))?,
        };
        match (reply.version_id, reply.secret_string.map(Zeroizing::new)) {
            (Some(version), Some(text)) => Ok(Some(Held { version, text })),
            _ => Err(StoreFault::Unusable("the secret holds bytes and no text".to_owned())),
        }
    }

    /// With the label named: a plain read may still see the version that had it before.
    async fn labelled(&self, label: &str) -> Result<Option<Held>, StoreFault> {
        self.held(self.client().await?.get_secret_value().version_stage(label)).await
    }

    async fn content(&self, label: &str) -> Result<Content, StoreFault> {
        match self.labelled(label).await? {
            None => Ok(Content { version: None, value: None }),
            Some(held) => Content::held(Some(held.version()), self.value(&held)?),
        }
    }

    fn value(&self, held: &Held) -> Result<Option<Secret>, StoreFault> {
        let Some(key) = &self.key else { return Ok(Some(Secret::new(held.text.to_string()))) };
        let member = held.object().map(|object| object.member(key));
        match member {
            Some(Ok(member)) => Ok(member),
            Some(Err(_)) => Err(StoreFault::Unusable(format!("the value is no text (key {key})"))),
            None => Err(StoreFault::Unusable(format!("the secret is no JSON object, so there is no key {key} in it"))),
        }
    }

    /// The whole secret with our value in it.
    fn changed(&self, held: Option<&Held>, value: &Secret) -> Zeroizing<String> {
        let Some(key) = &self.key else { return Zeroizing::new(value.expose().to_owned()) };
        let object = held.and_then(Held::object).unwrap_or_default();
        let room = held.map_or(0, |held| held.text.len()) + key.len() + value.expose().len();
        let bytes = json(&object.with(key, value), room);
        Zeroizing::new(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// The token makes a repeated request harmless and is the new version's id: as long as no other value comes with it.
    fn token(&self, idempotency: &str) -> String {
        let digest = Sha256::new().chain_update(self.id.as_bytes());
        let digest = digest.chain_update([0]).chain_update(self.key.as_deref().unwrap_or_default());
        let digest = digest.chain_update([0]).chain_update(idempotency).finalize();
        digest.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    async fn may_write(&self) -> Result<Writable, StoreFault> {
        self.content("AWSCURRENT").await?;
        let about = self.client().await?.describe_secret().secret_id(&self.id).send().await;
        let no = |reason: &str| Ok(Writable::No(reason.to_owned()));
        match about {
            Ok(about) if about.rotation_enabled == Some(true) => {
                no("AWS rotates this secret itself; switch that off, or leave it to AWS")
            }
            Ok(about) if about.owning_service.is_some() => no("another AWS service manages this secret"),
            Err(error) if fault::is_absent(&error) => no("there is no such secret; create it, empty or with any value"),
            _ => Ok(Writable::Unknown),
        }
    }
}

impl Held {
    fn version(&self) -> Version {
        Version(self.version.clone())
    }

    fn object(&self) -> Option<Object<'_>> {
        serde_json::from_str(&self.text).ok()
    }
}

#[async_trait]
impl Store for AwsSecretsManager {
    fn abilities(&self) -> Abilities {
        Abilities { readable: true, compare_and_set: true, fence: Fence::Rewrite }
    }

    async fn read(&self) -> Result<Content, StoreFault> {
        self.content("AWSCURRENT").await
    }

    async fn write(&self, write: Write<'_>) -> Result<Version, WriteFault> {
        let client = self.client().await?;
        let held = self.labelled("AWSCURRENT").await?;
        let value = held.as_ref().map_or(Ok(None), |held| self.value(held))?;
        if held.as_ref().map(Held::version).as_ref() != write.before.version || !write.before.holds(value.as_ref()) {
            return Err(WriteFault::Refused("the secret holds something else than was seen before".to_owned()));
        }
        let text = self.changed(held.as_ref(), write.value);
        let put = client.put_secret_value().secret_id(&self.id).client_request_token(self.token(write.idempotency));
        let put = put.version_stages("AWSPENDING").secret_string(text.as_str()).send().await;
        let put = put.map_err(|error| fault::of_writing(&error))?;
        let Some(ours) = put.version_id else {
            return Err(WriteFault::Unknown("the answer to the write names no version".to_owned()));
        };
        let unknown = |fault: StoreFault| WriteFault::Unknown(fault.to_string());
        let pending = self.held(client.get_secret_value().version_id(&ours)).await.map_err(unknown)?;
        if pending.is_none_or(|pending| pending.text != text) {
            return Err(WriteFault::Unknown("the new version does not hold what was written".to_owned()));
        }
        // A secret's first version is the current one at once.
        if !put.version_stages.unwrap_or_default().iter().any(|label| label == "AWSCURRENT") {
            let step = client.update_secret_version_stage().secret_id(&self.id).version_stage("AWSCURRENT");
            let step = step.set_remove_from_version_id(held.map(|held| held.version)).move_to_version_id(&ours);
            step.send().await.map_err(|error| fault::of_writing(&error))?;
        }
        Ok(Version(ours))
    }

    async fn previous(&self) -> Result<Content, StoreFault> {
        self.content("AWSPREVIOUS").await
    }

    async fn forget_previous(&self) -> Result<(), StoreFault> {
        Ok(())
    }

    async fn writable(&self) -> Writable {
        match self.may_write().await {
            Ok(writable) => writable,
            Err(StoreFault::Unavailable(_)) => Writable::Unknown,
            Err(fault) => Writable::No(fault.to_string()),
        }
    }
}
