//! The task that looks from time to time for what can go; it ends with the server.

use std::{sync::Arc, time::Duration};

use tokio::{
    task::JoinHandle,
    time::{Instant, MissedTickBehavior, interval_at},
};

use crate::services::Services;

/// The shortest interval: a sweep looks at everything.
const INTERVAL_MIN: Duration = Duration::from_millis(10);

/// Runs while it is held.
pub(crate) struct Sweeper(JoinHandle<()>);

impl Sweeper {
    /// Sweeps at the interval of the settings.
    pub(crate) fn start(services: Arc<Services>) -> Self {
        let interval = services.settings.sweep_interval.max(INTERVAL_MIN);
        Self(tokio::spawn(async move {
            let mut ticks = interval_at(Instant::now() + interval, interval);
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            loop {
                ticks.tick().await;
                let now = services.clock.now();
                services.store.with(|model| model.sweep(now, &services.settings));
            }
        }))
    }
}

impl Drop for Sweeper {
    fn drop(&mut self) {
        self.0.abort();
    }
}
