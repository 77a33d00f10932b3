//! dns-persist-01: looks whether the record is there that was published once, and publishes nothing.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use time::OffsetDateTime;

use crate::core::dns_record::TxtRecord;
use crate::core::persist_record::{DNS_PERSIST_01, Judgement, persist_name};
use crate::dns::{DnsClient, NotVisible};

use super::{ChallengeError, Proof, Solver, Tell};

/// How long others may keep a record that stands for good, in seconds.
const TTL: u32 = 3600;

/// Looks.
pub(super) struct Persist {
    client: Arc<DnsClient>,
}

impl Persist {
    pub(super) fn new(client: Arc<DnsClient>) -> Self {
        Self { client }
    }
}

#[async_trait]
impl Solver for Persist {
    fn challenge_types(&self) -> &'static [&'static str] {
        &[DNS_PERSIST_01]
    }

    async fn present(&self, _proof: &Proof) -> Result<(), ChallengeError> {
        Ok(())
    }

    /// Looks at every server once: nobody is about to publish what is not there.
    async fn wait_until_visible(&self, proof: &Proof, tell: Tell<'_>) -> Result<(), ChallengeError> {
        let Some(demand) = &proof.standing else { return Ok(()) };
        let name = persist_name(&proof.name)
            .map_err(|source| ChallengeError::RecordName { name: proof.name.clone(), source })?;
        let now = OffsetDateTime::now_utc();
        let grants = |texts: &[String]| {
            let mut judgements = texts.iter().map(|text| demand.judge(text, now));
            judgements.any(|judgement| judgement == Judgement::Grants)
        };
        let end = self.client.follow(&name).await?;
        let seen = self.client.await_texts(&end, &grants, Duration::ZERO, tell).await;
        seen.map_err(|source| match source {
            NotVisible::Missing { .. } => {
                let record = TxtRecord { name, value: demand.record(None) }.in_zone_file(TTL);
                ChallengeError::NotStanding { name: proof.name.clone(), record, source }
            }
            other => other.into(),
        })
    }

    async fn clean_up(&self, _proof: &Proof) -> Result<(), ChallengeError> {
        Ok(())
    }

    fn advice(&self, name: &str) -> String {
        format!("`cacert-acme dns-persist {name}` prints the record that must stand")
    }
}
