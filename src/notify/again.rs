//! A message that was not taken may be taken in a moment: two more tries in the run, with the same id. What is still not
//! taken then is for the next run.

use std::time::Duration;

use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use super::carrier::{Carrier, Parcel, Sent, Tried};

const PAUSES: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(3)];
/// A server that let a try hang for as long will not answer in three seconds.
const SLOW: Duration = Duration::from_secs(20);
/// How long a message that is on its way when the run is stopped may take to arrive.
const GRACE: Duration = Duration::from_secs(4);

/// Why nothing more is sent.
pub(super) const STOPPED: &str = "the run was stopped";

/// What one channel may still spend on pauses in this run: many recipients put off must not hold up the night. A server
/// that wants to be left alone for longer (Retry-After) is asked by the next run.
pub(super) struct Patience(Duration);

impl Patience {
    pub(super) const fn new() -> Self {
        Self(Duration::from_secs(60))
    }

    /// How long to wait after so many tries, the first of them begun `elapsed` ago; `None`: it stands.
    fn pause(&self, again: Option<Duration>, tries: usize, elapsed: Duration) -> Option<Duration> {
        let pause = again?.max(*PAUSES.get(tries.checked_sub(1)?)?);
        (pause <= self.0 && elapsed < SLOW).then_some(pause)
    }
}

/// Sends a message, again where that may help. Once `stop` is cancelled no further try begins.
pub(super) async fn send(
    carrier: &mut dyn Carrier,
    parcel: &Parcel<'_>,
    patience: &mut Patience,
    stop: &CancellationToken,
) -> Sent {
    let begun = Instant::now();
    let mut tries = 0;
    loop {
        let Tried { sent, again } = tokio::select! {
            biased;
            tried = carrier.send(parcel) => tried,
            () = cut_off(stop) => return Sent::Down(STOPPED.to_owned()),
        };
        tries += 1;
        let Some(pause) = patience.pause(again, tries, begun.elapsed()) else { return sent };
        tokio::select! {
            () = sleep(pause) => patience.0 -= pause,
            () = stop.cancelled() => return sent,
        }
    }
}

async fn cut_off(stop: &CancellationToken) {
    stop.cancelled().await;
    sleep(GRACE).await;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notify::carrier::Content;

    /// Answers each try after a time, and knows when it was asked.
    struct Fake {
        takes: Duration,
        answers: Vec<Tried>,
        ids: Vec<String>,
        since: Instant,
        asked: Vec<u64>,
    }

    #[async_trait::async_trait]
    impl Carrier for Fake {
        fn is_webhook(&self) -> bool {
            true
        }

        async fn send(&mut self, parcel: &Parcel<'_>) -> Tried {
            self.asked.push(self.since.elapsed().as_secs());
            self.ids.push(parcel.id.clone());
            sleep(self.takes).await;
            self.answers.remove(0)
        }

        async fn close(&mut self) {}
    }

    fn put_off(seconds: u64) -> Tried {
        Tried { sent: Sent::Kept("503".to_owned()), again: Some(Duration::from_secs(seconds)) }
    }

    async fn tried(takes: u64, answers: Vec<Tried>, stop_after: Option<u64>) -> (Sent, Vec<u64>, u64) {
        let stop = CancellationToken::new();
        let (began, takes) = (Instant::now(), Duration::from_secs(takes));
        let mut fake = Fake { takes, answers, ids: Vec::new(), since: began, asked: Vec::new() };
        let now = chrono::DateTime::UNIX_EPOCH;
        let parcel = Parcel { id: "7".to_owned(), to: "", channel: "hook", now, content: Content::Test };
        let mut patience = Patience::new();
        let sending = send(&mut fake, &parcel, &mut patience, &stop);
        let stopping = async {
            match stop_after {
                Some(after) => sleep(Duration::from_secs(after)).await,
                None => std::future::pending().await,
            }
            stop.cancel();
            std::future::pending::<()>().await;
        };
        let sent = tokio::select! {
            sent = sending => sent,
            () = stopping => unreachable!("it never ends"),
        };
        assert!(fake.ids.iter().all(|id| id == "7"));
        (sent, fake.asked, began.elapsed().as_secs())
    }

    #[tokio::test(start_paused = true)]
    async fn what_may_pass_is_tried_three_times() {
        let accepted = || Sent::Accepted.into();
        assert_eq!(tried(0, vec![put_off(0), put_off(0), accepted()], None).await, (Sent::Accepted, vec![0, 1, 4], 4));
        let kept = Sent::Kept("503".to_owned());
        assert_eq!(tried(0, vec![put_off(0), put_off(0), put_off(0)], None).await, (kept.clone(), vec![0, 1, 4], 4));
        assert_eq!(tried(0, vec![put_off(5), accepted()], None).await, (Sent::Accepted, vec![0, 5], 5));
        assert_eq!(tried(0, vec![put_off(30), accepted()], None).await, (Sent::Accepted, vec![0, 30], 30));
        assert_eq!(tried(0, vec![put_off(61)], None).await, (kept.clone(), vec![0], 0), "it asked for more");
        assert_eq!(tried(0, vec![put_off(40), put_off(40)], None).await, (kept.clone(), vec![0, 40], 40), "in all");
        assert_eq!(tried(30, vec![put_off(0)], None).await, (kept, vec![0], 30), "it hangs");
        let refused = Sent::Refused("550".to_owned());
        assert_eq!(tried(0, vec![refused.clone().into()], None).await, (refused, vec![0], 0));
    }

    #[tokio::test(start_paused = true)]
    async fn p18_once_told_to_stop_no_try_begins_and_the_last_one_has_seconds() {
        let stopped = || Sent::Down(STOPPED.to_owned());
        assert_eq!(tried(30, vec![put_off(0)], Some(2)).await, (stopped(), vec![0], 6));
        let accepted = || Sent::Accepted.into();
        assert_eq!(tried(5, vec![accepted()], Some(2)).await, (Sent::Accepted, vec![0], 5));
        assert_eq!(tried(0, vec![put_off(5)], Some(2)).await, (Sent::Kept("503".to_owned()), vec![0], 2));
    }

    #[tokio::test(start_paused = true)]
    async fn many_recipients_put_off_do_not_hold_up_the_night() {
        let (began, stop, mut patience) = (Instant::now(), CancellationToken::new(), Patience::new());
        let answers = vec![put_off(0); 300];
        let mut fake = Fake { takes: Duration::ZERO, answers, ids: Vec::new(), since: began, asked: Vec::new() };
        for number in 0..100 {
            let now = chrono::DateTime::UNIX_EPOCH;
            let parcel = Parcel { id: number.to_string(), to: "", channel: "mail", now, content: Content::Test };
            send(&mut fake, &parcel, &mut patience, &stop).await;
        }
        assert!(began.elapsed() <= Duration::from_secs(60), "{:?}", began.elapsed());
        fake.ids.dedup();
        assert_eq!(fake.ids.len(), 100, "each was tried");
    }
}
