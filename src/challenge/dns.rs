//! dns-01 and dns-account-01: where the record stands, whoever publishes it, and when everybody sees it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;

use crate::core::dns_record::{TxtRecord, challenge_name, challenge_value};
use crate::dns::DnsClient;

use super::{ChallengeError, Proof, Solver, Tell};

/// A way to publish TXT records.
#[async_trait]
pub(super) trait Publisher: Send + Sync {
    /// Adds the record beside others of its name. Publishing the same record twice is fine.
    async fn publish(&self, record: &TxtRecord, proof: &Proof) -> Result<(), ChallengeError>;

    /// Removes this record and no other; nothing there is fine.
    async fn withdraw(&self, record: &TxtRecord, proof: &Proof) -> Result<(), ChallengeError>;

    /// What the user should look at when the server did not find the record.
    fn advice(&self, name: &str) -> String;
}

/// Knows where records stand, has them published there, and waits until they are seen.
pub(super) struct Dns<P> {
    publisher: P,
    client: Arc<DnsClient>,
    /// The records of this run, by name and key authorization; none where it is certain that nothing was published.
    published: Mutex<HashMap<(String, String), Option<TxtRecord>>>,
}

impl<P: Publisher> Dns<P> {
    pub(super) fn new(publisher: P, client: Arc<DnsClient>) -> Self {
        Self { publisher, client, published: Mutex::default() }
    }

    /// The record that proves, under the name where it really stands: as the user says, or where CNAME records lead.
    pub(super) async fn record(&self, proof: &Proof) -> Result<TxtRecord, ChallengeError> {
        let asked = challenge_name(proof.challenge_type, &proof.name, &proof.account_url);
        let asked =
            asked.map_err(|source| ChallengeError::RecordName { name: proof.name.clone(), source })?;
        let name = match self.client.settings().alias(&proof.name) {
            Some(alias) => alias.clone(),
            None => self.client.follow(&asked).await?,
        };
        Ok(TxtRecord { name, value: challenge_value(&proof.key_authorization) })
    }

    async fn publish(&self, proof: &Proof) -> Result<(), ChallengeError> {
        let record = self.record(proof).await?;
        // Known before it is there: a signal in between must find it.
        self.note(proof, Some(record.clone()));
        self.publisher.publish(&record, proof).await
    }

    fn note(&self, proof: &Proof, record: Option<TxtRecord>) {
        self.published().insert(key(proof), record);
    }

    fn published(&self) -> std::sync::MutexGuard<'_, HashMap<(String, String), Option<TxtRecord>>> {
        // Nothing panics while this lock is held; should it, the map is whole all the same.
        self.published.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn key(proof: &Proof) -> (String, String) {
    (proof.name.clone(), proof.key_authorization.clone())
}

#[async_trait]
impl<P: Publisher> Solver for Dns<P> {
    fn challenge_types(&self) -> &'static [&'static str] {
        self.client.settings().challenge_types()
    }

    async fn present(&self, proof: &Proof) -> Result<(), ChallengeError> {
        let outcome = self.publish(proof).await;
        if outcome.as_ref().is_err_and(ChallengeError::leaves_nothing) {
            self.note(proof, None);
        }
        outcome
    }

    async fn wait_until_visible(&self, proof: &Proof, tell: Tell<'_>) -> Result<(), ChallengeError> {
        let Some(record) = self.published().get(&key(proof)).cloned().flatten() else { return Ok(()) };
        let wanted = |texts: &[String]| texts.contains(&record.value);
        let patience = self.client.settings().timeout();
        Ok(self.client.await_texts(&record.name, &wanted, patience, tell).await?)
    }

    async fn clean_up(&self, proof: &Proof) -> Result<(), ChallengeError> {
        let known = self.published().remove(&key(proof));
        // One that a killed run left behind stands where it would be put today.
        let record = match known {
            Some(Some(record)) => record,
            Some(None) => return Ok(()),
            None => self.record(proof).await?,
        };
        self.publisher.withdraw(&record, proof).await
    }

    fn advice(&self, name: &str) -> String {
        match self.client.settings().alias(name) {
            Some(alias) => format!(
                "the server finds {alias} only if a CNAME record leads there from _acme-challenge before the name"
            ),
            None => self.publisher.advice(name),
        }
    }
}
