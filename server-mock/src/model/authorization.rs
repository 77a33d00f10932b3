//! Authorizations (RFC 8555 §7.1.4) and the life of their challenges.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::{
    AccountId, AuthorizationId, Challenge, ChallengeKind, ChallengeState, Identifier, Model, Problem,
    Settings, moment::after, owner::is_or_is_below, rate_limit::Occasion,
};

/// The states of RFC 8555 §7.1.6. `revoked` is for the server's own withdrawals, which it does not do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AuthorizationStatus {
    /// No challenge is fulfilled yet.
    Pending,
    /// One is.
    Valid,
    /// One failed.
    Invalid,
    /// The client gave it up.
    Deactivated,
    /// Its time is over.
    Expired,
}

/// An account's proof, or attempt at one, to hold an identifier.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Authorization {
    /// Its name.
    pub id: AuthorizationId,
    /// Whose it is.
    pub account: AccountId,
    /// What it is about, never with `*.`.
    pub identifier: Identifier,
    /// Whether it is for the wildcard name below the identifier.
    pub wildcard: bool,
    /// Whether it is for all names below the identifier too (RFC 9444).
    pub subdomains: bool,
    /// Until when it counts.
    pub expires: OffsetDateTime,
    /// The ways to prove it, one of each kind.
    pub challenges: Vec<Challenge>,
    state: AuthorizationStatus,
}

impl Authorization {
    /// Its state at this moment.
    #[must_use]
    pub fn status(&self, now: OffsetDateTime) -> AuthorizationStatus {
        match self.state {
            AuthorizationStatus::Pending | AuthorizationStatus::Valid if now >= self.expires => {
                AuthorizationStatus::Expired
            }
            state => state,
        }
    }

    /// Whether it is in this state, whatever the time.
    pub(super) fn is_in_state(&self, state: AuthorizationStatus) -> bool {
        self.state == state
    }

    /// The identifier of orders that it is for: with `*.` if it is for the wildcard name.
    #[must_use]
    pub fn ordered_identifier(&self) -> Identifier {
        self.identifier.ordered(self.wildcard)
    }

    /// Whether it is for this identifier of an order.
    #[must_use]
    pub fn covers(&self, identifier: &Identifier) -> bool {
        let below = match (&self.identifier, identifier) {
            (Identifier::Dns(domain), Identifier::Dns(name)) => {
                self.subdomains && identifier.wildcard_base().is_none() && is_or_is_below(name, domain)
            }
            _ => false,
        };
        below || self.ordered_identifier() == *identifier
    }

    /// How it was proved.
    #[must_use]
    pub fn method(&self) -> Option<ChallengeKind> {
        let valid = |challenge: &&Challenge| matches!(challenge.state, ChallengeState::Valid { .. });
        self.challenges.iter().find(valid).map(|challenge| challenge.kind)
    }

    /// Its challenge of this kind.
    #[must_use]
    pub fn challenge(&self, kind: ChallengeKind) -> Option<&Challenge> {
        self.challenges.iter().find(|challenge| challenge.kind == kind)
    }

    /// Why it failed.
    #[must_use]
    pub fn error(&self) -> Option<&Problem> {
        self.challenges.iter().find_map(|challenge| match &challenge.state {
            ChallengeState::Invalid { error } => Some(error),
            _ => None,
        })
    }
}

impl Model {
    /// An authorization of this account.
    ///
    /// # Errors
    /// `malformed` with 404, or `unauthorized` when it is another account's.
    pub fn authorization(
        &self,
        id: &AuthorizationId,
        account: &AccountId,
    ) -> Result<&Authorization, Problem> {
        let authorization = self.authorizations.get(id).ok_or_else(|| Problem::not_found("authorization"))?;
        if authorization.account != *account {
            return Err(Problem::unauthorized("this authorization belongs to another account"));
        }
        Ok(authorization)
    }

    /// Makes a pending authorization.
    pub(super) fn begin_authorization(
        &mut self,
        account: &AccountId,
        scope: Scope,
        now: OffsetDateTime,
        settings: &Settings,
        tokens: &mut dyn FnMut() -> String,
    ) -> AuthorizationId {
        let ordered = scope.ordered_identifier();
        // The owner's names are known, but not who holds each name below them.
        let born_valid = !scope.subdomains && self.born_valid(account, &ordered, settings);
        let pending = |kind| Challenge::new(kind, tokens());
        // Nothing was or is to be proven by a challenge where CAcert knows already.
        let challenges =
            if born_valid { Vec::new() } else { scope.challenges(settings).map(pending).collect() };
        let Scope { identifier, wildcard, subdomains } = scope;
        let authorization = Authorization {
            id: tokens().into(),
            account: account.clone(),
            identifier,
            wildcard,
            subdomains,
            expires: after(now, settings.authorization_lifetime),
            challenges,
            state: if born_valid { AuthorizationStatus::Valid } else { AuthorizationStatus::Pending },
        };
        let id = authorization.id.clone();
        if born_valid {
            self.proofs.insert((account.clone(), ordered), id.clone());
        }
        self.authorizations.insert(id.clone(), authorization);
        id
    }

    /// Whether an authorization for the identifier is valid from the start, by what CAcert knows of the owner.
    pub(super) fn born_valid(
        &self,
        account: &AccountId,
        identifier: &Identifier,
        settings: &Settings,
    ) -> bool {
        let owner = self.accounts.get(account).and_then(|account| self.owners.get(&account.owner));
        owner.is_some_and(|owner| owner.has_verified(identifier, settings.prevalid_authorizations))
    }

    /// A valid authorization of the account for an identifier of an order: the latest for itself or, if there is
    /// none, one for a domain above it with all names below.
    pub(super) fn valid_authorization(
        &self,
        account: &AccountId,
        identifier: &Identifier,
        now: OffsetDateTime,
    ) -> Option<&Authorization> {
        let valid = |id| {
            let authorization: &Authorization = self.authorizations.get(id)?;
            (authorization.status(now) == AuthorizationStatus::Valid).then_some(authorization)
        };
        let own = self.proofs.get(&(account.clone(), identifier.clone())).and_then(valid);
        if own.is_some() || self.subdomain_proofs.is_empty() {
            return own;
        }
        match identifier {
            Identifier::Dns(name) if identifier.wildcard_base().is_none() => domains_of(name)
                .find_map(|domain| valid(self.subdomain_proofs.get(&(account.clone(), domain.to_owned()))?)),
            _ => None,
        }
    }

    /// Deactivates an authorization (RFC 8555 §7.5.2).
    ///
    /// # Errors
    /// As [`authorization`](Self::authorization); `malformed` when it is neither pending nor valid.
    pub fn deactivate_authorization(
        &mut self,
        id: &AuthorizationId,
        account: &AccountId,
        now: OffsetDateTime,
    ) -> Result<(), Problem> {
        match self.authorization(id, account)?.status(now) {
            AuthorizationStatus::Pending | AuthorizationStatus::Valid | AuthorizationStatus::Deactivated => {}
            _ => return Err(Problem::malformed("only a pending or valid authorization can be deactivated")),
        }
        if let Some(authorization) = self.authorizations.get_mut(id) {
            authorization.state = AuthorizationStatus::Deactivated;
        }
        Ok(())
    }

    /// The client says that it is ready: `true` when a validation must start now, `false` when one runs
    /// already or the matter is settled (RFC 8555 §7.5.1, §8.2).
    ///
    /// # Errors
    /// As [`authorization`](Self::authorization); `malformed` with 404 when it has no such challenge.
    pub fn begin_validation(
        &mut self,
        id: &AuthorizationId,
        account: &AccountId,
        kind: ChallengeKind,
        now: OffsetDateTime,
    ) -> Result<bool, Problem> {
        let authorization = self.authorization(id, account)?;
        authorization.challenge(kind).ok_or_else(|| Problem::not_found("challenge"))?;
        if authorization.status(now) != AuthorizationStatus::Pending {
            return Ok(false);
        }
        Ok(self.challenge_mut(id, kind).is_some_and(Challenge::begin))
    }

    /// The pause after the attempt with this number is over: `true` when the next one must start now, `false` when
    /// the client asked for it earlier, or the matter is settled (RFC 8555 §8.2).
    pub fn begin_retry(
        &mut self,
        id: &AuthorizationId,
        kind: ChallengeKind,
        failures: usize,
        now: OffsetDateTime,
    ) -> bool {
        let pending =
            |authorization: &Authorization| authorization.status(now) == AuthorizationStatus::Pending;
        if !self.authorizations.get(id).is_some_and(pending) {
            return false;
        }
        let Some(challenge) = self.challenge_mut(id, kind) else { return false };
        challenge.failures.len() == failures && challenge.begin()
    }

    /// What an earlier run of the server was validating when it ended, or would have tried again: an attempt at each
    /// must start now.
    pub fn resume_validations(&mut self) -> Vec<(AuthorizationId, AccountId, ChallengeKind)> {
        let going_on = |challenge: &&Challenge| {
            challenge.state == ChallengeState::Processing && challenge.mail.is_none()
        };
        let each = self.authorizations.values().flat_map(|authorization| {
            let challenges = authorization.challenges.iter().filter(going_on);
            challenges
                .map(|challenge| (authorization.id.clone(), authorization.account.clone(), challenge.kind))
        });
        let all: Vec<_> = each.collect();
        for (id, _, kind) in &all {
            if let Some(challenge) = self.challenge_mut(id, *kind) {
                challenge.retry_at = None;
            }
        }
        all
    }

    /// Records the verdict of a validation that [`begin_validation`](Self::begin_validation) started. Gives the number
    /// of failures when there is to be another attempt after the pause of the settings.
    ///
    /// A verdict about an authorization that was deactivated or has expired meanwhile settles the challenge
    /// but revives nothing.
    pub fn conclude_validation(
        &mut self,
        id: &AuthorizationId,
        kind: ChallengeKind,
        verdict: Result<(), Problem>,
        now: OffsetDateTime,
        settings: &Settings,
    ) -> Option<usize> {
        let authorization = self.authorizations.get(id)?;
        let pending = authorization.status(now) == AuthorizationStatus::Pending;
        if verdict.is_err() {
            let (account, identifier) = (authorization.account.clone(), authorization.identifier.clone());
            self.rates.note(settings.limits.failed_validations, Occasion::Failure(account, identifier), now);
        }
        let valid = verdict.is_ok();
        let challenge = self.challenge_mut(id, kind)?;
        // Of replies by mail the first counts.
        let again = pending && challenge.mail.is_none();
        challenge.conclude(verdict, now, if again { settings.validation_retries } else { 0 });
        if challenge.state == ChallengeState::Processing {
            challenge.retry_at = Some(after(now, settings.validation_retry_pause));
            return Some(challenge.failures.len());
        }
        if !pending {
            return None;
        }
        self.settle(id, kind, valid, after(now, settings.authorization_lifetime));
        None
    }

    /// A pending authorization becomes valid or invalid by this challenge.
    fn settle(&mut self, id: &AuthorizationId, kind: ChallengeKind, valid: bool, expires: OffsetDateTime) {
        let Some(authorization) = self.authorizations.get_mut(id) else { return };
        authorization.expires = expires;
        // RFC 8555 §7.1.4: settled, it has the challenge that settled it and no other.
        authorization.challenges.retain(|challenge| challenge.kind == kind);
        authorization.challenges.shrink_to_fit();
        if !valid {
            authorization.state = AuthorizationStatus::Invalid;
            return;
        }
        authorization.state = AuthorizationStatus::Valid;
        let proof = (authorization.account.clone(), authorization.ordered_identifier());
        if let (true, Identifier::Dns(name)) = (authorization.subdomains, &authorization.identifier) {
            self.subdomain_proofs.insert((proof.0.clone(), name.clone()), id.clone());
        }
        self.proofs.insert(proof, id.clone());
    }

    pub(super) fn challenge_mut(
        &mut self,
        id: &AuthorizationId,
        kind: ChallengeKind,
    ) -> Option<&mut Challenge> {
        let challenges = &mut self.authorizations.get_mut(id)?.challenges;
        challenges.iter_mut().find(|challenge| challenge.kind == kind)
    }
}

/// What an authorization is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Scope {
    pub(super) identifier: Identifier,
    pub(super) wildcard: bool,
    pub(super) subdomains: bool,
}

impl Scope {
    /// An identifier of an order, and nothing else.
    pub(super) fn of(identifier: &Identifier) -> Self {
        let base = identifier.wildcard_base();
        let plain = base.map_or_else(|| identifier.clone(), |name| Identifier::Dns(name.to_owned()));
        Self { identifier: plain, wildcard: base.is_some(), subdomains: false }
    }

    /// A domain with all names below it.
    pub(super) fn domain(name: &str) -> Self {
        Self { identifier: Identifier::Dns(name.to_owned()), wildcard: false, subdomains: true }
    }

    /// As an order names it.
    pub(super) fn ordered_identifier(&self) -> Identifier {
        self.identifier.ordered(self.wildcard)
    }

    /// The challenges that could prove it.
    pub(super) fn challenges(&self, settings: &Settings) -> impl Iterator<Item = ChallengeKind> {
        let beyond_name = self.wildcard || self.subdomains;
        let nameless = settings.caa_identities.is_empty();
        ChallengeKind::ALL.iter().copied().filter(move |kind| {
            kind.proves(&self.identifier, beyond_name) && !(nameless && *kind == ChallengeKind::DnsPersist01)
        })
    }
}

/// The name and every domain above it.
fn domains_of(name: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(name), |name| name.split_once('.').map(|(_, parent)| parent))
}
