//! The mails that new e-mail challenges bring about (RFC 8823 §3.1).

use time::OffsetDateTime;

use super::{App, challenge::too_busy};
use crate::{
    background::Place,
    model::{AuthorizationId, ChallengeMail, Identifier, Model, Problem},
};

/// Room for the mails of a request that may need some.
pub(super) struct Mailing(Option<Place>);

impl Mailing {
    /// Takes room before anything is made that would wait for its mail in vain.
    ///
    /// # Errors
    /// `rateLimited`.
    pub(super) fn begin(app: &App, identifiers: &[Identifier]) -> Result<Self, Problem> {
        let mails = identifiers.iter().any(|identifier| matches!(identifier, Identifier::Email(_)));
        if !mails || app.services.mail.settings().send_after_post {
            return Ok(Self(None));
        }
        app.services.background.place().map(|place| Self(Some(place))).ok_or_else(too_busy)
    }

    /// Sends them, unless they wait for the client's word.
    pub(super) fn send(self, app: &App, mails: Vec<ChallengeMail>, now: OffsetDateTime) {
        if let Some(place) = self.0.filter(|_| !mails.is_empty()) {
            app.services.background.spawn(place, app.services.mail.clone().send(mails, now));
        }
    }
}

/// Gives new authorizations what their mails need.
pub(super) fn prepare(app: &App, model: &mut Model, ids: &[AuthorizationId]) -> Vec<ChallengeMail> {
    let settings = app.services.mail.settings();
    let token = |bytes| app.services.random.token(bytes);
    model.prepare_mails(ids, &settings.from, settings.token_part1_bytes, &token)
}
