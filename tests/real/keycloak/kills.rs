//! `kill -9` at random requests of a rotation: plain runs afterwards bring it to its end, and the store always holds a live value.

use std::{
    collections::hash_map::RandomState,
    env, fs,
    hash::{BuildHasher, Hasher},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
        mpsc::{self, Receiver, RecvTimeoutError},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use super::{
    proxy::{self, Reply, regenerates},
    realm::{Realm, Store},
};
use crate::{night::Night, server::Server};

const KILLS: usize = 20;
/// Rotations side by side.
const LINES: usize = 4;
/// Runs of one rotation, the killed one included.
const RUNS: usize = 8;

#[test]
fn killed_at_any_request_the_store_is_live_and_nothing_unknown_is_left() {
    let Some(server) = Server::started("KEYCLOAK") else { return };
    let seed = env::var("CREDWATCH_TEST_SEED")
        .map_or_else(|_| RandomState::new().build_hasher().finish(), |text| text.parse().unwrap());
    println!("CREDWATCH_TEST_SEED={seed}");
    let requests = Round::new(&server, "undisturbed", None).play();
    assert!(requests > 10, "{requests} requests");
    let mut dice = Dice(seed);
    // One in each twentieth of the rotation, so that its rarer requests have their turn, too.
    let kills: Vec<Kill> = (0..KILLS)
        .map(|part| Kill {
            request: 1 + (part * requests + dice.below(requests)) / KILLS,
            after: Duration::from_micros(dice.below(5_000) as u64),
        })
        .collect();
    let server = &server;
    thread::scope(|scope| {
        for line in 0..LINES {
            let kills = &kills;
            scope.spawn(move || {
                for (part, kill) in kills.iter().enumerate().filter(|(part, _)| part % LINES == line) {
                    Round::new(server, &format!("killed-{part}"), Some(*kill)).play();
                }
            });
        }
    });
}

/// SplitMix64.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) % end as u64) as usize
    }
}

#[derive(Debug, Clone, Copy)]
struct Kill {
    /// Counted over all runs of the rotation, from 1.
    request: usize,
    after: Duration,
}

/// One rotation of a client of its own.
struct Round {
    realm: Realm,
    client_id: String,
    old: String,
    store: Store,
    night: Night,
    kill: Option<Kill>,
    /// Requests seen.
    seen: Arc<AtomicUsize>,
    regenerated: Arc<AtomicUsize>,
    /// The request to kill at, when it is seen.
    due: Receiver<String>,
    /// By each run.
    said: Vec<String>,
}

impl Round {
    fn new(server: &Server, client_id: &str, kill: Option<Kill>) -> Self {
        let realm = Realm::new(server, "lasting");
        let old = realm.add(client_id);
        let store = Store::new(&old);
        let (seen, regenerated) = (Arc::<AtomicUsize>::default(), Arc::<AtomicUsize>::default());
        let (tell, due) = mpsc::channel();
        let (count, made) = (Arc::clone(&seen), Arc::clone(&regenerated));
        let base = proxy::start(&realm.base, move |line| {
            made.fetch_add(usize::from(regenerates(line)), Ordering::SeqCst);
            let number = count.fetch_add(1, Ordering::SeqCst) + 1;
            if kill.is_some_and(|kill| kill.request == number) {
                tell.send(line.to_owned()).unwrap();
            }
            Reply::HandedOn
        });
        let mut night = Night::new();
        night.canaries.add(&old);
        let rotate = "grace: 1s, retire: true, retire_without_usage: true";
        realm.watched(&mut night, &base, &store.entry(client_id, rotate));
        Self {
            realm,
            client_id: client_id.to_owned(),
            old,
            store,
            night,
            kill,
            seen,
            regenerated,
            due,
            said: Vec::new(),
        }
    }

    /// Runs until the old secret is gone; how many requests that took.
    fn play(mut self) -> usize {
        let watch = Watch::begin(&self.store);
        let mut killed_at = None;
        let mut over = false;
        for run in 0..RUNS {
            let killed = self.run(run);
            let held = self.store.holds();
            let told = format!("{} {:?} at {killed_at:?}, run {run}", self.client_id, self.kill);
            assert!(self.realm.is_live(&self.client_id, &held), "{told}: the store holds a dead value");
            let secrets = self.realm.secrets(&self.client_id);
            assert!(held == secrets.current || Some(&held) == secrets.rotated.as_ref(), "{told}");
            for value in [&secrets.current].into_iter().chain(&secrets.rotated) {
                // Whatever is at the provider is the old one, or the one the store gets.
                assert!(*value == self.old || *value == secrets.current, "{told}: a third value");
                self.night.canaries.add(value);
            }
            self.night.search();
            killed_at = killed.or(killed_at);
            over = secrets.rotated.is_none() && held == secrets.current && held != self.old;
            if over && (self.kill.is_none() || killed_at.is_some()) {
                break;
            }
        }
        let told = format!("{} {:?} at {killed_at:?}: {:#?}", self.client_id, self.kill, self.said);
        println!("{told}");
        assert_eq!(killed_at.is_some(), self.kill.is_some(), "{told}: nobody was killed");
        let regenerated = self.regenerated.load(Ordering::SeqCst);
        assert!(regenerated <= 1, "{told}: {regenerated} secrets were made");
        let secrets = self.realm.secrets(&self.client_id);
        assert!(self.store.holds() == secrets.current && secrets.rotated.is_none(), "{told}: not over");
        // Killed between the intent and the request, it waits for a day: nothing is asked for twice.
        assert!(over || regenerated == 0, "{told}: not over");
        let held = watch.end();
        let last = self.store.holds();
        assert!(
            held == [self.old.clone()] || held == [self.old.clone(), last],
            "{told}: the store went back or was empty"
        );
        self.seen.load(Ordering::SeqCst)
    }

    /// The request at which it was killed, if it was.
    fn run(&mut self, run: usize) -> Option<String> {
        let mut command = self.night.command(&["rotate", "--inventory", "apps.yaml", "-vv"]);
        let folder = command.get_current_dir().unwrap().to_owned();
        let log = |name: &str| folder.join(format!("{run}.{name}"));
        command.stdout(fs::File::create(log("out")).unwrap()).stderr(fs::File::create(log("err")).unwrap());
        let mut child = command.spawn().unwrap();
        loop {
            match self.due.recv_timeout(Duration::from_millis(2)) {
                Ok(line) => {
                    thread::sleep(self.kill.unwrap().after);
                    child.kill().unwrap();
                    child.wait().unwrap();
                    return Some(line);
                }
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {}
            }
            if let Some(status) = child.try_wait().unwrap() {
                let text = |name: &str| fs::read_to_string(log(name)).unwrap();
                self.said.push(text("out"));
                assert_eq!(
                    status.code(),
                    Some(0),
                    "{} {:?}: {}{}",
                    self.client_id,
                    self.kill,
                    text("out"),
                    text("err")
                );
                return None;
            }
        }
    }
}

/// Reads a store every millisecond and keeps each value it changed to.
struct Watch {
    over: Arc<AtomicBool>,
    seen: JoinHandle<Vec<String>>,
}

impl Watch {
    fn begin(store: &Store) -> Self {
        let over = Arc::<AtomicBool>::default();
        let (end, path) = (Arc::clone(&over), store.path().to_owned());
        let seen = thread::spawn(move || {
            let mut seen: Vec<String> = Vec::new();
            while !end.load(Ordering::SeqCst) {
                let held = fs::read_to_string(&path).unwrap_or_default();
                if seen.last() != Some(&held) {
                    seen.push(held);
                }
                thread::sleep(Duration::from_millis(1));
            }
            seen
        });
        Self { over, seen }
    }

    fn end(self) -> Vec<String> {
        self.over.store(true, Ordering::SeqCst);
        self.seen.join().unwrap()
    }
}
