//! The machine's own clock and dice.

use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{Clock, Dice};
use crate::clock;

/// Wall time from the one place that reads it; elapsed time from the kernel's clock since boot, which no setting moves and
/// which goes on while the machine sleeps.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

#[async_trait]
impl Clock for SystemClock {
    fn wall(&self) -> DateTime<Utc> {
        clock::now()
    }

    fn elapsed(&self) -> Duration {
        clock::since_boot()
    }

    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }
}

/// The kernel's random numbers.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemDice;

impl Dice for SystemDice {
    fn roll(&self) -> u128 {
        // Each has six fixed bits, at other places once one is turned.
        Uuid::new_v4().as_u128() ^ Uuid::new_v4().as_u128().rotate_left(13)
    }
}
