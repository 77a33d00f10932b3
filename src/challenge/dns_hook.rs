//! dns-01 by a hook of the user's.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use futures_util::future::join_all;

use crate::core::dns_record::TxtRecord;
use crate::dns::DnsClient;
use crate::hooks::{ChallengeKind, Hook, HookChallenge};

use super::dns::{Dns, Publisher};
use super::http_hook::challenge;
use super::{ChallengeError, Proof, Solver, Tell, Verdict};

/// Has a hook publish records. Where they stand and whether they are visible is known to `Dns`; the hook is called for
/// all of an order, for some dialects tell it how many there are.
pub(super) struct DnsHook {
    hook: Arc<Hook>,
    dns: Dns<Arc<Notes>>,
    notes: Arc<Notes>,
}

/// Notes where records stand instead of publishing them: names of records by key authorization.
#[derive(Default)]
struct Notes(Mutex<HashMap<String, String>>);

impl Notes {
    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<String, String>> {
        // Nothing panics while this lock is held; should it, the map is whole all the same.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self, proof: &Proof) -> Option<String> {
        self.lock().remove(&proof.key_authorization)
    }
}

#[async_trait]
impl Publisher for Arc<Notes> {
    async fn publish(&self, record: &TxtRecord, proof: &Proof) -> Result<(), ChallengeError> {
        self.lock().insert(proof.key_authorization.clone(), record.name.as_str().to_owned());
        Ok(())
    }

    async fn withdraw(&self, record: &TxtRecord, proof: &Proof) -> Result<(), ChallengeError> {
        self.publish(record, proof).await
    }

    fn advice(&self, name: &str) -> String {
        format!("look for the record of {name} in the DNS")
    }
}

impl DnsHook {
    pub(super) fn new(hook: Arc<Hook>, client: Arc<DnsClient>) -> Self {
        let notes = Arc::<Notes>::default();
        Self { hook, dns: Dns::new(notes.clone(), client), notes }
    }

    fn challenge(&self, proof: &Proof) -> HookChallenge {
        challenge(ChallengeKind::Dns01, proof, self.notes.take(proof))
    }

    /// What the hook is to clean up, with the place of each record. One that can't be found out is the one we know.
    async fn deployed(&self, proofs: &[Proof]) -> Vec<HookChallenge> {
        let deployed: Vec<&Proof> =
            proofs.iter().filter(|proof| self.hook.has_deployed(proof.token.as_str())).collect();
        for failure in join_all(deployed.iter().map(|proof| self.dns.clean_up(proof))).await {
            if let Err(error) = failure {
                tracing::warn!("{error}");
            }
        }
        deployed.into_iter().map(|proof| self.challenge(proof)).collect()
    }
}

#[async_trait]
impl Solver for DnsHook {
    fn challenge_types(&self) -> &'static [&'static str] {
        self.dns.challenge_types()
    }

    async fn present(&self, proof: &Proof) -> Result<(), ChallengeError> {
        self.dns.present(proof).await?;
        Ok(self.hook.deploy(&[self.challenge(proof)]).await?)
    }

    async fn wait_until_visible(&self, proof: &Proof, tell: Tell<'_>) -> Result<(), ChallengeError> {
        self.dns.wait_until_visible(proof, tell).await
    }

    async fn clean_up(&self, proof: &Proof) -> Result<(), ChallengeError> {
        self.take_down(std::slice::from_ref(proof)).await
    }

    async fn show(&self, proofs: &[Proof], tell: Tell<'_>) -> Result<(), ChallengeError> {
        join_all(proofs.iter().map(|proof| self.dns.present(proof)))
            .await
            .into_iter()
            .collect::<Result<(), _>>()?;
        let challenges: Vec<HookChallenge> = proofs.iter().map(|proof| self.challenge(proof)).collect();
        self.hook.deploy(&challenges).await?;
        let visible = proofs.iter().map(|proof| self.dns.wait_until_visible(proof, tell));
        join_all(visible).await.into_iter().collect()
    }

    async fn judged(&self, proof: &Proof, verdict: &Verdict) {
        self.hook.judged(&challenge(ChallengeKind::Dns01, proof, None), verdict).await;
    }

    async fn take_down(&self, proofs: &[Proof]) -> Result<(), ChallengeError> {
        Ok(self.hook.clean(&self.deployed(proofs).await).await?)
    }

    async fn place(&self, proof: &Proof) -> Option<String> {
        if !self.hook.wants_records_alone() {
            return None;
        }
        // What can't be found out is told when the record is to be published.
        self.dns.record(proof).await.ok().map(|record| record.name.to_string())
    }

    fn turn(&self) -> Option<&tokio::sync::Mutex<()>> {
        self.hook.turn()
    }

    async fn end(&self, error: Option<&str>) {
        self.hook.end(error).await;
    }

    fn advice(&self, name: &str) -> String {
        format!(
            "the hook {} must publish the record of {name} in the zone that the server sees; -v shows what it said",
            self.hook.name()
        )
    }
}
