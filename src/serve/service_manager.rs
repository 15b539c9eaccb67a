//! What systemd wants to hear (sd_notify(3)); without `NOTIFY_SOCKET` nothing is said.

use std::future::pending;

use sd_notify::NotifyState;
use tokio::time::{MissedTickBehavior, interval};

pub(super) fn ready() {
    tell(&NotifyState::Ready);
}

pub(super) fn stopping() {
    tell(&NotifyState::Stopping);
}

/// Answers the watchdog from the task that keeps the timetable; never ends.
pub(super) async fn keep_alive() {
    let Some(limit) = sd_notify::watchdog_enabled().filter(|limit| !limit.is_zero()) else {
        return pending().await;
    };
    // sd_watchdog_enabled(3) recommends half the limit.
    let mut ticks = interval(limit / 2);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        tell(&NotifyState::Watchdog);
    }
}

fn tell(state: &NotifyState<'_>) {
    if let Err(error) = sd_notify::notify(std::slice::from_ref(state)) {
        tracing::warn!("the service manager could not be told {state}: {error}");
    }
}
