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
            let token_part1 = token(settings.token_part1_bytes.get());
            challenge.mail = Some(MailChallenge {
                from: settings.from.clone(),
                token_part1: token_part1.clone(),
                message_id: token(MESSAGE_ID_BYTES),
                dispatch,
                reply: None,
            });
            self.mail_tokens.insert(token_part1, (*id).clone());
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

    /// Finds anew which mails are due, and whose tokens are in the subjects of replies.
    pub(super) fn index_mails(&mut self) {
        let with_token = |authorization: &Authorization| {
            let mail = authorization.challenge(KIND)?.mail.as_ref()?;
            Some((mail.token_part1.clone(), authorization.id.clone()))
        };
        self.mail_tokens = self.authorizations.values().filter_map(with_token).collect();

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

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;
    use crate::model::{
        AccountId, EabKey, MailReply, Owner, OwnerKind, ProblemType, PublicKey, Rights, TokenJoining,
        account::NewAccount, pre_authorization::NewAuthorization,
    };

    const NOW: OffsetDateTime = datetime!(2030-01-01 00:00 UTC);
    const ALICE: &str = "alice@example.test";

    fn token(bytes: usize) -> String {
        "A".repeat(bytes)
    }

    /// An account with an authorization for Alice's address, whose mail is made as the settings say.
    fn authorized(mail: &MailSettings) -> (Model, AccountId, AuthorizationId) {
        let (mut model, settings) = (Model::default(), Settings::default());
        let owner = Owner {
            kind: OwnerKind::User,
            name: "Alice".to_owned(),
            assurance_points: 0,
            domains: Vec::new(),
            addresses: vec![ALICE.parse().unwrap()],
        };
        model.add_owner("owner".into(), owner, &Settings::default()).unwrap();
        let rights = Rights { client: true, ..Rights::default() };
        model
            .add_eab_key(
                EabKey::new("kid".to_owned(), "owner".into(), rights, vec![7; 64], NOW),
                &Settings::default(),
            )
            .unwrap();
        let account = AccountId::from("account");
        let new = NewAccount {
            id: account.clone(),
            key: PublicKey::Ed25519(vec![1; 32]),
            contact: Vec::new(),
            kid: "kid".to_owned(),
            external_account_binding: serde_json::Value::Null,
        };
        model.create_account(new, NOW, &settings).unwrap();
        let new = NewAuthorization { identifier: Identifier::Email(ALICE.to_owned()), subdomains: false };
        let mut count = 0;
        let mut tokens = || {
            count += 1;
            count.to_string()
        };
        let (id, _) = model.pre_authorize(&account, &new, NOW, &settings, &mut tokens).unwrap();
        assert_eq!(model.prepare_mails(std::slice::from_ref(&id), mail, &token), !mail.send_after_post);
        assert!(!model.prepare_mails(std::slice::from_ref(&id), mail, &token), "it has had its mail");
        (model, account, id)
    }

    fn refused() -> Result<(), Problem> {
        Err(Problem::new(ProblemType::Connection, "nobody there"))
    }

    fn status(model: &Model, account: &AccountId, id: &AuthorizationId) -> AuthorizationStatus {
        model.authorization(id, account).unwrap().status(NOW)
    }

    #[test]
    fn a_mail_is_due_once() {
        let (mut model, account, id) = authorized(&MailSettings::default());
        let (due, mail) = model.take_due_mail(NOW).unwrap();
        assert_eq!((&due, mail.to.as_str()), (&id, ALICE));
        assert_eq!(model.take_due_mail(NOW), None);
        assert!(!model.ask_for_mail(&id, true, NOW, &token), "it is under way");
        model.conclude_mail(&id, Ok(()), NOW, &Settings::default());
        assert!(!model.ask_for_mail(&id, false, NOW, &token), "the first word does not ask for it again");
        assert!(model.ask_for_mail(&id, true, NOW, &|bytes| "B".repeat(bytes)));
        let (_, again) = model.take_due_mail(NOW).unwrap();
        assert_eq!(again.token_part1, mail.token_part1);
        assert_ne!(again.message_id, mail.message_id);
        assert_eq!(status(&model, &account, &id), AuthorizationStatus::Pending);
    }

    #[test]
    fn a_mail_may_wait_for_the_client_who_may_give_up() {
        let mail = MailSettings { send_after_post: true, ..MailSettings::default() };
        let (mut model, account, id) = authorized(&mail);
        assert_eq!(model.take_due_mail(NOW), None);
        assert!(model.ask_for_mail(&id, false, NOW, &token));
        model.deactivate_authorization(&id, &account, NOW).unwrap();
        assert_eq!(model.take_due_mail(NOW), None);
        assert!(!model.ask_for_mail(&id, true, NOW, &token));
    }

    #[test]
    fn without_its_mail_the_challenge_is_invalid_unless_it_is_answered() {
        let settings = Settings::default();
        let (mut model, account, id) = authorized(&MailSettings::default());
        model.take_due_mail(NOW).unwrap();
        model.conclude_mail(&id, refused(), NOW, &settings);
        assert_eq!(status(&model, &account, &id), AuthorizationStatus::Invalid);
        let problem = model.authorization(&id, &account).unwrap().error().unwrap();
        assert_eq!(problem.kind, ProblemType::Connection);

        let (mut model, account, id) = authorized(&MailSettings::default());
        let (_, mail) = model.take_due_mail(NOW).unwrap();
        let challenge = model.authorization(&id, &account).unwrap().challenge(KIND).unwrap();
        let thumbprint = model.account_key(&account).unwrap().thumbprint();
        let joining = TokenJoining::Strings;
        let digest = joining.response(&mail.token_part1, &challenge.token, &thumbprint).unwrap();
        let ChallengeMail { from: to, to: from, token_part1, .. } = mail;
        let reply = MailReply { from, to, token_part1, digest };
        model.take_reply(&reply, joining, NOW, &settings).unwrap();
        model.conclude_mail(&id, refused(), NOW, &settings);
        assert_eq!(
            status(&model, &account, &id),
            AuthorizationStatus::Pending,
            "the client is to say its word"
        );
        assert!(model.begin_validation(&id, &account, KIND, NOW).unwrap());
        model.settle_by_reply(&id, NOW, &settings);
        assert_eq!(status(&model, &account, &id), AuthorizationStatus::Valid);
    }
}
