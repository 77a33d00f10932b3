//! What the e-mail challenge keeps beyond the others (RFC 8823 §3): half of its token goes by mail, and the answer
//! comes by mail.

use aws_lc_rs::digest::{SHA256, digest};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::{
    AccountId, AuthorizationId, AuthorizationStatus, ChallengeKind, ChallengeState, Model, Problem,
    ProblemType, Settings, challenge_mail::Dispatch, identifier::is_same_mailbox,
};

const KIND: ChallengeKind = ChallengeKind::EmailReply00;

/// The mail side of a challenge.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MailChallenge {
    /// Who sends the challenge mail and gets the reply.
    pub from: String,
    /// The first part of the token; the challenge's own `token` is the second.
    pub token_part1: String,
    /// What stands before the `@` of the latest mail's Message-ID.
    pub(super) message_id: String,
    /// How far that mail is.
    pub(super) dispatch: Dispatch,
    /// The first reply is the one that counts; what it was worth.
    pub(super) reply: Option<Result<(), Problem>>,
}

/// How the two parts of a token become one: RFC 8823 §3 can be read both ways. They agree when the first part is a
/// multiple of three bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TokenJoining {
    /// The two texts, one after the other.
    #[default]
    Strings,
    /// The bytes that they stand for, encoded together.
    Bytes,
}

impl TokenJoining {
    /// The digest that the reply must bring: SHA-256 of the key authorization, in base64url (RFC 8823 §3.2). `None`
    /// when bytes are to be joined and the parts are no base64url.
    #[must_use]
    pub fn response(self, token_part1: &str, token_part2: &str, thumbprint: &str) -> Option<String> {
        let token = match self {
            Self::Strings => format!("{token_part1}{token_part2}"),
            Self::Bytes => {
                let bytes = |part: &str| URL_SAFE_NO_PAD.decode(part.trim_end_matches('=')).ok();
                URL_SAFE_NO_PAD.encode([bytes(token_part1)?, bytes(token_part2)?].concat())
            }
        };
        Some(URL_SAFE_NO_PAD.encode(digest(&SHA256, format!("{token}.{thumbprint}").as_bytes())))
    }
}

/// What an authentic reply says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MailReply {
    /// Who answers.
    pub from: String,
    /// Whom.
    pub to: String,
    /// The first part of the token, from the subject.
    pub token_part1: String,
    /// The digest in the response block.
    pub digest: String,
}

/// Why an authentic reply changes nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReplyRefused {
    /// Its subject has no token of ours.
    #[error("no challenge mail has this token in its subject")]
    UnknownToken,
    /// Somebody else answers.
    #[error("the reply comes from another address than the challenge mail went to")]
    OtherSender,
    /// It went elsewhere.
    #[error("the reply goes to another address than the challenge mail came from")]
    OtherRecipient,
    /// It is late: an earlier reply counts, or the authorization is no longer pending.
    #[error("the challenge is settled or answered already")]
    Settled,
}

impl Model {
    /// The authorization that a reply is about, and whose it is.
    fn replied_to(
        &self,
        reply: &MailReply,
        now: OffsetDateTime,
    ) -> Result<(AuthorizationId, AccountId), ReplyRefused> {
        // Anybody may send mails, so that a token that is nobody's must cost next to nothing.
        let authorization = self
            .mail_tokens
            .get(&reply.token_part1)
            .and_then(|id| self.authorizations.get(id))
            .ok_or(ReplyRefused::UnknownToken)?;
        let mail = authorization.challenge(KIND).and_then(|challenge| challenge.mail.as_ref());
        let mail = mail.ok_or(ReplyRefused::UnknownToken)?;
        if !is_same_mailbox(&reply.from, &authorization.identifier.value()) {
            return Err(ReplyRefused::OtherSender);
        }
        if !is_same_mailbox(&reply.to, &mail.from) {
            return Err(ReplyRefused::OtherRecipient);
        }
        if mail.reply.is_some() || authorization.status(now) != AuthorizationStatus::Pending {
            return Err(ReplyRefused::Settled);
        }
        Ok((authorization.id.clone(), authorization.account.clone()))
    }

    /// Takes an authentic reply: the first one settles the challenge, once the client has said that it is ready.
    ///
    /// # Errors
    /// When the reply changes nothing. A wrong digest does change something: the challenge becomes invalid.
    pub fn take_reply(
        &mut self,
        reply: &MailReply,
        joining: TokenJoining,
        now: OffsetDateTime,
        settings: &Settings,
    ) -> Result<(), ReplyRefused> {
        let (id, account) = self.replied_to(reply, now)?;
        let thumbprint = self.account_key(&account).map(|key| key.thumbprint()).unwrap_or_default();
        let Some(challenge) = self.challenge_mut(&id, KIND) else { return Err(ReplyRefused::UnknownToken) };
        let Some(mail) = challenge.mail.as_mut() else { return Err(ReplyRefused::UnknownToken) };
        let expected = joining.response(&mail.token_part1, &challenge.token, &thumbprint);
        let right = expected.as_ref() == Some(&reply.digest);
        mail.reply = Some(if right { Ok(()) } else { Err(wrong_digest()) });
        self.settle_by_reply(&id, now, settings);
        Ok(())
    }

    /// Concludes the e-mail challenge when both are there: the client's word that it is ready, and its mail.
    pub fn settle_by_reply(&mut self, id: &AuthorizationId, now: OffsetDateTime, settings: &Settings) {
        let Some(challenge) = self.challenge_mut(id, KIND) else { return };
        if challenge.state != ChallengeState::Processing {
            return;
        }
        if let Some(verdict) = challenge.mail.as_ref().and_then(|mail| mail.reply.clone()) {
            self.conclude_validation(id, KIND, verdict, now, settings);
        }
    }
}

fn wrong_digest() -> Problem {
    let detail = "the digest in the reply is not that of this challenge's key authorization, which joins the token \
                  from the subject, the token of the challenge, a dot and the thumbprint of the account's key";
    Problem::new(ProblemType::IncorrectResponse, detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    const THUMBPRINT: &str = "9jg46WB3rR_AHD-EBXdN7cBkH1WOu0tA3M9fm21mqTI";

    fn response(joining: TokenJoining, part1: &str, part2: &str) -> String {
        joining.response(part1, part2, THUMBPRINT).unwrap()
    }

    #[test]
    fn parts_of_whole_triples_join_alike() {
        let (part1, part2) = ("AAECAwQFBgcICQoLDA0ODxAREhMUFRYX", "GBkaGxwdHh8gISIjJCUmJygpKissLS4v");
        for joining in [TokenJoining::Strings, TokenJoining::Bytes] {
            assert_eq!(response(joining, part1, part2), "QCust7Coptx5uLH2PO7Z4jsmrTzk5U51KwO4SUjVZJQ");
        }
    }

    #[test]
    fn other_parts_join_differently() {
        let (part1, part2) = ("LgYemJLy3F1LDkiJrdIGbEzyFJyOyf6vBdyZ1TG3sME=", "DGyRejmCefe7v4NfDGDKfA");
        let unpadded = part1.trim_end_matches('=');
        let strings = |part1| response(TokenJoining::Strings, part1, part2);
        assert_eq!(strings(part1), "UTyrqyCpFFs9v-eyP8HLf-rg3V-3qnuysAyb5M8fQxM");
        assert_eq!(strings(unpadded), "EZHSBd1AbEhxRry7n_aYwxTSkhUYjPVohi41hnYMMD4");
        for part1 in [part1, unpadded] {
            let bytes = response(TokenJoining::Bytes, part1, part2);
            assert_eq!(bytes, "OM5dMhJasmdHJSre_r7vzyN4Gku8dhDzxfWU0WU_dMo");
        }
    }

    #[test]
    fn what_is_no_base64url_has_no_bytes_to_join() {
        assert_eq!(TokenJoining::Bytes.response("a b", "AAAA", THUMBPRINT), None);
    }
}
