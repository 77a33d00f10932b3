//! The task that sends challenge mails when they are due; it ends with the server.

use std::sync::Arc;

use tokio::{
    select,
    task::{JoinHandle, JoinSet},
};
use tracing::{error, warn};

use crate::{
    model::{AuthorizationId, ChallengeMail},
    services::Services,
};

/// How many mails may be under way, pauses between attempts included. The others wait in the model, whose bounds are
/// theirs.
const UNDER_WAY_MAX: usize = 64;

/// Runs while it is held.
pub(crate) struct Courier(JoinHandle<()>);

impl Courier {
    /// Begins with the mails that an earlier run of the server had not sent.
    pub(crate) fn start(services: Arc<Services>) -> Self {
        Self(tokio::spawn(deliver(services)))
    }
}

impl Drop for Courier {
    fn drop(&mut self) {
        self.0.abort();
    }
}

async fn deliver(services: Arc<Services>) {
    let mut under_way = JoinSet::new();
    loop {
        while under_way.len() < UNDER_WAY_MAX {
            let now = services.clock.now();
            let Some((id, mail)) = services.store.with(|model| model.take_due_mail(now)) else { break };
            under_way.spawn(send(Arc::clone(&services), id, mail));
        }
        select! {
            () = services.mail_due.notified(), if under_way.len() < UNDER_WAY_MAX => {}
            Some(ended) = under_way.join_next() => {
                if let Err(panic) = ended {
                    error!(%panic, "sending a challenge mail broke off");
                }
            }
        }
    }
}

async fn send(services: Arc<Services>, id: AuthorizationId, mail: ChallengeMail) {
    // A token must not go out that a restart would forget.
    if let Err(failure) = services.store.written().await {
        warn!(to = mail.to, %failure, "no challenge mail");
        return;
    }
    let outcome = services.mail.send(&mail, services.clock.now()).await;
    if let Err(problem) = &outcome {
        warn!(to = mail.to, reason = problem.detail, "no challenge mail");
    }
    let now = services.clock.now();
    services.store.with(|model| model.conclude_mail(&id, outcome, now, &services.settings));
}
