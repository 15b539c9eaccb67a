//! Secrets that lie in a store: their reading belongs to the credential's time, and an offline run asks no store.

use std::{sync::Mutex, time::Duration};

use async_trait::async_trait;

use super::*;
use crate::{
    probe::transport::{Request, Response},
    secret::Shelf,
};

/// Notes how long each request may take.
#[derive(Default)]
struct Wired(Mutex<Vec<Duration>>);

#[async_trait]
impl Wire for Arc<Wired> {
    async fn exchange(&self, request: Request<'_>) -> Result<Response, Fault> {
        self.0.lock().unwrap().push(request.timeout);
        let body = TOKEN.as_bytes().to_vec().into();
        Ok(Response { status: 200, retry_after: None, content_type: None, body })
    }
}

/// Counts, and takes its time.
struct Slow(Arc<Mutex<u32>>);

#[async_trait]
impl Shelf for Slow {
    async fn read(&self, _: &'static str, _: &str) -> Result<Secret, Unreadable> {
        *self.0.lock().unwrap() += 1;
        tokio::time::sleep(Duration::from_secs(20)).await;
        Ok(Secret::new(CANARY.to_owned()))
    }
}

async fn seen(key: fn(SecretRef) -> Key, options: Options) -> (Observation, Vec<Duration>, u32) {
    let mut app = app("oauth2", "https://id.example.org/token");
    app.credentials[0].key = key(SecretRef::Store { scheme: "vault", address: "kv/etl#k".to_owned() });
    let (wire, reads) = (Arc::<Wired>::default(), Arc::<Mutex<u32>>::default());
    let secrets = secrets(&[]).with_shelf(|_| Slow(Arc::clone(&reads)));
    let prober = Prober { wire: Box::new(Arc::clone(&wire)), options, secrets: Arc::new(secrets) };
    let observation = prober.run(&subjects(&[app]), |_| ()).await.remove(0);
    let reads = *reads.lock().unwrap();
    (observation, wire.0.lock().unwrap().clone(), reads)
}

#[tokio::test(start_paused = true)]
async fn a_slow_store_leaves_the_endpoint_what_remains_of_the_credentials_time() {
    let (observation, timeouts, reads) = seen(Key::Secret, within(Period::from_secs(30))).await;
    assert!(matches!(observation.outcome, Outcome::Answered(_)), "{observation:?}");
    assert_eq!((timeouts, reads), (vec![Duration::from_secs(10)], 1));
}

#[tokio::test(start_paused = true)]
async fn an_offline_run_asks_no_store() {
    let certificate = |pem| Key::Certificate { pem, key_id: None };
    for key in [Key::Secret as fn(_) -> _, certificate] {
        let (observation, timeouts, reads) = seen(key, Options { offline: true, ..options() }).await;
        assert_eq!(observation.outcome, Outcome::NotTested(NotTested::Offline));
        assert_eq!((timeouts, reads), (vec![], 0));
    }
}
