//! A process's line to the world: every call goes through it, takes time, and may meet a fault.

use std::{
    convert::Infallible,
    future::{Future, pending},
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::{
    fault::{Op, What},
    world::{Ms, SECOND, Shared, World, utc},
};
use crate::rotate::{Clock, Dice};

/// Whole-call deadline of the real clients.
pub const DEADLINE: Ms = 30 * SECOND;

#[derive(Clone)]
pub struct Line {
    pub world: Shared,
    pub process: usize,
}

/// How an effect was answered.
pub enum Reply<T> {
    Done(T),
    Refused,
    Unknown,
    Throttled(Option<Ms>),
}

impl Line {
    pub async fn sleep(&self, pause: Ms) {
        let until = self.world.with(|world| world.now.saturating_add(pause));
        Sleep { world: self.world.clone(), until }.await;
        self.alive().await;
    }

    /// A dead process goes no further.
    async fn alive(&self) {
        if self.world.with(|world| world.processes.get(self.process).is_none_or(|process| process.is_dead)) {
            pending::<Infallible>().await;
        }
    }

    async fn die(&self) {
        self.kill();
        pending::<Infallible>().await;
    }

    pub fn kill(&self) {
        self.world.with(|world| {
            world.note(|| format!("process {} dies", self.process));
            if let Some(process) = world.processes.get_mut(self.process) {
                process.is_dead = true;
            }
        });
    }

    async fn meet(&self, op: Op, app: usize) -> Option<What> {
        self.alive().await;
        let what = self.world.with(|world| {
            let what = world.faults.meet(op, None);
            if let Some(what) = what {
                world.disturb();
                world.trouble((!what.is_everybodys()).then_some(app));
                world.note(|| format!("fault: {} at {op:?} of app {app}", what.name()));
            }
            what
        });
        if what == Some(What::Panics) {
            std::panic::resume_unwind(Box::new("an adapter's defect"));
        }
        what
    }

    /// A call takes 20 to 300 ms each way.
    async fn travel(&self) {
        let pause = self.world.with(|world| world.rng.between(20, 300));
        self.sleep(pause).await;
    }

    async fn pause(&self, pause: Ms) {
        self.world.with(|world| {
            let until = world.now + pause;
            if let Some(process) = world.processes.get_mut(self.process) {
                process.paused_until = until;
            }
        });
        self.sleep(pause).await;
    }

    /// Something that only looks.
    pub async fn look<T>(&self, op: Op, app: usize, look: impl FnOnce(&mut World) -> T) -> Reply<T> {
        match self.meet(op, app).await {
            Some(what) if what.kills() => self.die().await,
            Some(What::Error) => {
                self.travel().await;
                return Reply::Refused;
            }
            Some(What::Throttle(pause)) => {
                self.travel().await;
                return Reply::Throttled(pause);
            }
            Some(What::Delay(pause)) => self.sleep(pause).await,
            Some(What::Pause(pause)) => self.pause(pause).await,
            _ => {}
        }
        self.travel().await;
        let seen = self.world.with(look);
        self.travel().await;
        Reply::Done(seen)
    }

    /// Something that changes the world, once, if it arrives. `late`: it may arrive without us.
    pub async fn act<T, F>(&self, op: Op, app: usize, late: bool, act: F) -> Reply<T>
    where
        F: FnOnce(&mut World) -> T + Clone + Send + 'static,
    {
        let later = |pause: Ms| {
            let act = act.clone();
            self.world.with(|world| {
                world.disturbed_at = world.disturbed_at.max(world.now + pause);
                world.later(world.now + pause, move |world| {
                    act(world);
                });
            });
        };
        let what = self.meet(op, app).await;
        match what {
            Some(What::KillBefore) => self.die().await,
            Some(What::KillLate(pause)) => {
                if late {
                    later(pause);
                }
                self.die().await;
            }
            Some(What::LateApply(pause)) => {
                if late {
                    later(pause);
                }
                self.sleep(DEADLINE).await;
                return Reply::Unknown;
            }
            Some(What::Unanswered) => {
                self.sleep(DEADLINE).await;
                return Reply::Unknown;
            }
            Some(What::Error) => {
                self.travel().await;
                return Reply::Refused;
            }
            Some(What::Throttle(pause)) => {
                self.travel().await;
                return Reply::Throttled(pause);
            }
            Some(What::Delay(pause)) => self.sleep(pause).await,
            Some(What::Twice(pause)) if late => later(pause + 300),
            _ => {}
        }
        self.travel().await;
        let done = self.world.with(act);
        match what {
            Some(What::KillAfter) => self.die().await,
            Some(What::LostReply) => {
                self.sleep(DEADLINE).await;
                return Reply::Unknown;
            }
            Some(What::Pause(pause)) => self.pause(pause).await,
            _ => {}
        }
        self.travel().await;
        Reply::Done(done)
    }
}

struct Sleep {
    world: Shared,
    until: Ms,
}

impl Future for Sleep {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        self.world.with(|world| {
            if world.now >= self.until {
                return Poll::Ready(());
            }
            world.set_timer(self.until, context.waker().clone());
            Poll::Pending
        })
    }
}

/// The real clock counts since the machine's start, not since the run's.
const UPTIME: Duration = Duration::from_secs(40 * 24 * 60 * 60);

#[async_trait]
impl Clock for Line {
    fn wall(&self) -> DateTime<Utc> {
        self.world.with(|world| {
            let host = world.processes.get(self.process).map_or(0, |process| process.host);
            let off = world.clocks.get(host).copied().unwrap_or_default();
            utc(world.now.saturating_add_signed(off))
        })
    }

    fn elapsed(&self) -> Duration {
        self.world.with(|world| {
            let started = world.processes.get(self.process).map_or(0, |process| process.started);
            UPTIME + Duration::from_millis(world.now - started)
        })
    }

    async fn sleep(&self, duration: Duration) {
        let pause = u64::try_from(duration.as_micros().div_ceil(1000)).unwrap_or(u64::MAX);
        Self::sleep(self, pause).await;
    }
}

impl Dice for Line {
    fn roll(&self) -> u128 {
        self.world.with(|world| (u128::from(world.rng.next()) << 64) | u128::from(world.rng.next()))
    }
}
