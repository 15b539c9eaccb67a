//! `demo --rotate`: one rotation from its plan to the removal of the old secret, with days shortened to seconds.

use std::{
    fs::{self, DirBuilder},
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use anyhow::{Context, ensure};
use chrono::TimeDelta;
use tokio_util::sync::CancellationToken;

use super::narrator::{self, Narrator};
use crate::{
    clock,
    exit::Exit,
    fsio, inventory,
    rotate::{
        Engine, Member, Opening, Outcome, ProbedEndpoint, SystemClock, SystemDice, Target, TokenEndpoint, TrialOutcome,
        Why, told,
    },
    sandbox::{App, Credential, Platform, Sandbox},
    secret::{Fingerprints, Resolver, Secret},
    settings,
    state::SqliteJournal,
};

const TENANT: &str = "7a1c9a52-60f3-4e0b-9a55-2f5d7b0c9e11";
const APP: (&str, &str) = ("payroll-export", "e3b0c442-98fc-4c14-9afb-f4c8996fb924");
const OLD_ID: &str = "2f1d6c3b-5a4e-4b7d-8c9f-0e1a2b3c4d5e";
/// credwatch's own app, which may manage the others.
const MANAGER: &str = "9c8b7a65-4d3e-4f2a-b1c0-d9e8f7a6b5c4";

/// The provider has two replicas: one learns of a change so late.
const LAG: Duration = Duration::from_millis(700);
/// No more than this many runs are needed; a rotation that is not over then has stopped for a reason.
const RUNS: u32 = 6;
/// Between two runs; a night, in truth.
const PAUSE: Duration = Duration::from_millis(1_200);
/// How long the replicas may take to notice the removal.
const NOTICED: Duration = Duration::from_secs(5);

/// The files of the scene.
struct Scene {
    /// Where the app reads its secret.
    secret: PathBuf,
    inventory: PathBuf,
    settings: PathBuf,
    /// The value that is replaced, to see it refused at the end.
    old: Secret,
}

/// Rotates one app of the sandbox before the reader's eyes; its secret's file stays in `out`.
pub(super) async fn show(
    sandbox: &Sandbox,
    folder: &Path,
    out: &Path,
    quiet: bool,
    cancel: &CancellationToken,
) -> anyhow::Result<Exit> {
    let scene = Scene::set(sandbox, folder, out).context("the files of the rotation could not be written")?;
    let settings = settings::read(Some(&scene.settings))?;
    let inventory = inventory::read(std::slice::from_ref(&scene.inventory), &settings)?;
    let journal = SqliteJournal::in_memory()?;
    let secrets = Arc::new(Resolver::new(settings.exec.clone()));
    let opening = Opening::new(&settings, &secrets, *journal.key(), false, cancel);
    let (members, unfit) = opening.muster(&inventory).await?;
    let Some(member) = members.first() else { return Ok(told::unfit(&unfit)) };

    let narrator = Narrator::new(&journal, quiet);
    narrator.say(&format!(
        "\nNow one secret is replaced. `{}` reads its secret from {};\nit ends in 20 days, so its rotation is due. Days are seconds here.\n",
        APP.0,
        scene.secret.display(),
    ));
    let target = member.target();
    let mut exit = Exit::Incomplete;
    for run in 1..=RUNS {
        narrator.say(&format!("run {run}"));
        let outcome = advance(&narrator, &journal, &settings, &target, run, cancel).await?;
        if outcome.history.open().is_none_or(|rotation| rotation.retired.is_some()) {
            exit = verify(&narrator, &scene, member).await?;
            break;
        }
        let is_waiting = matches!(outcome.rest.why, Why::Grace | Why::GateHeld { .. } | Why::NextRun(_));
        if !is_waiting || cancel.is_cancelled() {
            narrator.say(&told::outcome(&target.policy, &outcome, clock::now()).text);
            break;
        }
        let until = outcome.rest.until.and_then(|until| (until - clock::now()).to_std().ok()).unwrap_or_default();
        tokio::select! {
            () = tokio::time::sleep(until.max(PAUSE)) => {}
            () = cancel.cancelled() => break,
        }
    }
    for (_, store) in &member.stores {
        store.forget_previous().await.map_err(|fault| anyhow::anyhow!("the copy of the old secret stays: {fault}"))?;
    }
    Ok(exit)
}

/// One run, as `credwatch rotate` makes one a night.
async fn advance(
    narrator: &Narrator<'_>,
    journal: &SqliteJournal,
    settings: &settings::Settings,
    target: &Target<'_>,
    run: u32,
    cancel: &CancellationToken,
) -> anyhow::Result<Outcome> {
    let (clock, dice, run) = (SystemClock, SystemDice, format!("run {run}"));
    let engine = Engine {
        journal: narrator,
        clock: &clock,
        dice: &dice,
        fingerprints: Fingerprints::new(journal.key()),
        limits: (&settings.rotation).into(),
        budget: settings.rotation.budget(1),
        run: &run,
        epoch: journal.take_epoch()?,
        deadline: settings.rotation.run_deadline.as_std(),
        cancel: cancel.clone(),
        retiring: tokio::sync::Mutex::new(()),
    };
    Ok(Box::pin(engine.advance(target)).await)
}

/// What everybody wants to know at the end: the file's value works, and the old one does not.
async fn verify(narrator: &Narrator<'_>, scene: &Scene, member: &Member<'_>) -> anyhow::Result<Exit> {
    let new = fs::read_to_string(&scene.secret).map(Secret::new).context("the secret's file cannot be read")?;
    let refused = is_refused(&member.endpoint, &scene.old).await;
    let accepted = member.endpoint.try_value(&new).await.outcome == TrialOutcome::Accepted;
    narrator.step("refused", if refused { "the old value: the provider does not know it any more" } else { "not yet" });
    narrator.step("works", if accepted { "the value in the file" } else { "nothing: the file's value is refused" });
    ensure!(refused && accepted, "the rotation did not end as it should; please report this");
    narrator.say(&format!("\n{} holds a secret that works; the old one is refused.", scene.secret.display()));
    narrator
        .say("In earnest a removal is verified an hour after it, and the grace lasts days: see `credwatch rotations`.");
    Ok(Exit::Clean)
}

/// By both replicas, one after the other.
async fn is_refused(endpoint: &ProbedEndpoint<'_>, value: &Secret) -> bool {
    let (step, mut in_a_row) = (LAG / 2, 0);
    let tries = NOTICED.as_millis() / step.as_millis();
    for _ in 0..tries {
        in_a_row = if endpoint.try_value(value).await.outcome == TrialOutcome::Unknown { in_a_row + 1 } else { 0 };
        if in_a_row == 2 {
            return true;
        }
        tokio::time::sleep(step).await;
    }
    false
}

impl Scene {
    fn set(sandbox: &Sandbox, folder: &Path, out: &Path) -> anyhow::Result<Self> {
        let home = fs::canonicalize(out)?.join("rotated");
        // A store's folder that others may write is refused.
        DirBuilder::new().recursive(true).mode(0o700).create(&home)?;
        let secret = home.join(APP.0);
        let end = clock::now() + TimeDelta::days(20);
        let old = Credential::issue(Platform::Entra, OLD_ID.to_owned(), Some(end));
        let manager = Credential::issue(Platform::Entra, MANAGER.to_owned(), None);
        let manager_file = folder.join("manager");
        fsio::replace(&secret, old.value().expose().as_bytes(), 0o600)?;
        fsio::replace(&manager_file, manager.value().expose().as_bytes(), 0o600)?;

        let root = format!("http://{}", sandbox.address());
        let [at_app, at_manager] = [&secret, &manager_file].map(|path| quoted(path));
        let inventory = folder.join("rotated.yaml");
        let (name, client_id) = APP;
        fs::write(
            &inventory,
            format!(
                "version: 1\napps:\n  - name: {name}\n    provider: entra\n    tenant: {TENANT}\n    authority: {root}\n    graph: {root}\n    \
                 client_id: {client_id}\n    secret: {at_app}\n    secret_id: {OLD_ID}\n    expires: {}\n    rotate:\n      \
                 deliver_to: [{at_app}]\n      grace: {}s\n      retire: true\n      retire_without_usage: true\n",
                clock::rfc3339(end),
                narrator::GRACE.as_secs(),
            ),
        )?;
        let settings = folder.join("rotation.yaml");
        fs::write(
            &settings,
            format!(
                "version: 1\nrotation: {{live_deadline: 20s, live_spacing: 400ms, live_for: 1s, settle: 2s, run_gap: 1s}}\n\
                 management:\n  - {{provider: entra, tenant: {TENANT}, authority: \"{root}\", graph: \"{root}\", client_id: {MANAGER}, secret: {at_manager}}}\n"
            ),
        )?;

        let kept = Secret::new(old.value().expose().to_owned());
        for (name, client_id, credential) in [(name, client_id, old), ("credwatch", MANAGER, manager)] {
            sandbox.directory().register(App {
                platform: Platform::Entra,
                tenant: TENANT.to_owned(),
                client_id: client_id.to_owned(),
                name: name.to_owned(),
                enabled: true,
                credentials: vec![credential],
            });
        }
        sandbox.graph().grant(MANAGER, &["Application.ReadWrite.All", "Policy.Read.All"]);
        sandbox.directory().replicate(&[Duration::ZERO, LAG]);
        Ok(Self { secret, inventory, settings, old: kept })
    }
}

/// A file reference; JSON's strings are YAML's too.
fn quoted(path: &Path) -> String {
    serde_json::Value::from(format!("file:{}", path.display())).to_string()
}
