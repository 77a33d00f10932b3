//! Challenge mails (RFC 8823 §3.1): when one is due, and what becomes of its challenge when it can't be delivered.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::{
    Authorization, AuthorizationId, AuthorizationStatus, ChallengeKind, ChallengeState, Identifier,
    MailChallenge, MailSettings, Model, Problem, Settings,
};

const KIND: ChallengeKind = ChallengeKind::EmailReply00;

/// The length of the random part of a Message-ID in bytes.
const MESSAGE_ID_BYTES: usize = 16;

/// A challenge mail to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChallengeMail {
    /// The sender, without a display name.
    pub from: String,
    /// The address to be proved.
    pub to: String,
    /// The first part of the token, in base64url.
    pub token_part1: String,
    /// What stands before the `@` of the Message-ID.
    pub message_id: String,
}

/// How far the mail of a challenge is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Dispatch {
    /// It waits until the client says that it is ready.
    Held,
    /// It is to be sent, or is being sent: if the server ends now, it is to be sent again.
    Due,
    /// It has gone out, or will not.
    Done,
}

impl Model {
    /// Gives the e-mail challenges of new authorizations what their mails need; these are due, unless the settings let
    /// them wait for the client. An authorization that has had its mail keeps that. `token` makes unpredictable text
    /// from that many bytes. `true` when mails are due.
    pub fn prepare_mails(
        &mut self,
        ids: &[AuthorizationId],
        settings: &MailSettings,
        token: &dyn Fn(usize) -> String,
    ) -> bool {
        let dispatch = if settings.send_after_post { Dispatch::Held } else { Dispatch::Due };
        let new = |id: &&AuthorizationId| {
            let challenge =
                self.authorizations.get(id).and_then(|authorization| authorization.challenge(KIND));
            challenge.is_some_and(|found| found.mail.is_none() && found.state == ChallengeState::Pending)
        };
        let new: Vec<_> = ids.iter().filter(new).collect();
        for id in &new {
            let Some(challenge) = self.challenge_mut(id, KIND) else { continue };
            challenge.mail = Some(MailChallenge {
                from: settings.from.clone(),
                token_part1: token(settings.token_part1_bytes.get()),
                message_id: token(MESSAGE_ID_BYTES),
                dispatch,
                reply: None,
            });
        }
        let due = dispatch == Dispatch::Due && !new.is_empty();
        if due {
            self.due_mails.extend(new.into_iter().cloned());
        }
        due
    }

    /// The client has said that it is ready: the mail that waited for that is due. When it says so `again`, a mail that
    /// has gone out is due once more, under another Message-ID. `true` when a mail is due.
    pub fn ask_for_mail(
        &mut self,
        id: &AuthorizationId,
        again: bool,
        now: OffsetDateTime,
        token: &dyn Fn(usize) -> String,
    ) -> bool {
        if !self.authorizations.get(id).is_some_and(|authorization| awaits_reply(authorization, now)) {
            return false;
        }
        let Some(mail) = self.challenge_mut(id, KIND).and_then(|challenge| challenge.mail.as_mut()) else {
            return false;
        };
        match mail.dispatch {
            Dispatch::Held => {}
            Dispatch::Done if again => mail.message_id = token(MESSAGE_ID_BYTES),
            Dispatch::Due | Dispatch::Done => return false,
        }
        mail.dispatch = Dispatch::Due;
        self.due_mails.push_back(id.clone());
        true
    }

    /// The next mail to be sent, and its authorization, which wants to know by
    /// [`conclude_mail`](Self::conclude_mail) what came of it.
    pub fn take_due_mail(&mut self, now: OffsetDateTime) -> Option<(AuthorizationId, ChallengeMail)> {
        while let Some(id) = self.due_mails.pop_front() {
            // What was answered, given up or forgotten meanwhile needs no mail.
            let authorization = self.authorizations.get(&id).filter(|found| awaits_reply(found, now));
            if let Some(mail) = authorization.and_then(to_write) {
                return Some((id, mail));
            }
        }
        None
    }

    /// The mail of an authorization has gone out, or will not: then nobody can answer it, and the challenge is invalid.
    pub fn conclude_mail(
        &mut self,
        id: &AuthorizationId,
        outcome: Result<(), Problem>,
        now: OffsetDateTime,
        settings: &Settings,
    ) {
        let Some(challenge) = self.challenge_mut(id, KIND) else { return };
        let open = matches!(challenge.state, ChallengeState::Pending | ChallengeState::Processing);
        let Some(mail) = challenge.mail.as_mut() else { return };
        mail.dispatch = Dispatch::Done;
        // An answer shows that the mail arrived, whatever the mail server said.
        if let (Err(problem), true, None) = (outcome, open, &mail.reply) {
            self.conclude_validation(id, KIND, Err(problem), now, settings);
        }
    }

    /// Finds anew which mails are due.
    pub(super) fn index_due_mails(&mut self) {
        let due = |authorization: &&Authorization| {
            let mail = authorization.challenge(KIND).and_then(|challenge| challenge.mail.as_ref());
            mail.is_some_and(|mail| mail.dispatch == Dispatch::Due)
        };
        self.due_mails =
            self.authorizations.values().filter(due).map(|authorization| authorization.id.clone()).collect();
    }
}

/// Whether a reply could still settle the authorization.
fn awaits_reply(authorization: &Authorization, now: OffsetDateTime) -> bool {
    let mail = authorization.challenge(KIND).and_then(|challenge| challenge.mail.as_ref());
    authorization.status(now) == AuthorizationStatus::Pending && mail.is_some_and(|mail| mail.reply.is_none())
}

fn to_write(authorization: &Authorization) -> Option<ChallengeMail> {
    let Identifier::Email(to) = &authorization.identifier else { return None };
    let mail = authorization.challenge(KIND)?.mail.as_ref()?;
    Some(ChallengeMail {
        from: mail.from.clone(),
        to: to.clone(),
        token_part1: mail.token_part1.clone(),
        message_id: mail.message_id.clone(),
    })
}
