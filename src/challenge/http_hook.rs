//! http-01 and tls-alpn-01 by a hook of the user's.

use std::sync::Arc;

use async_trait::async_trait;

use crate::hooks::{ChallengeKind, Hook, HookChallenge};

use super::{ChallengeError, Proof, Solver, Tell, Verdict};

/// Has a hook put files or certificates in place.
pub(super) struct HttpHook {
    hook: Arc<Hook>,
    kind: ChallengeKind,
}

impl HttpHook {
    pub(super) fn new(hook: Arc<Hook>, kind: ChallengeKind) -> Self {
        Self { hook, kind }
    }

    fn challenges(&self, proofs: &[Proof]) -> Vec<HookChallenge> {
        proofs.iter().map(|proof| challenge(self.kind, proof, None)).collect()
    }
}

/// A proof as hooks are told of it.
pub(super) fn challenge(kind: ChallengeKind, proof: &Proof, record: Option<String>) -> HookChallenge {
    HookChallenge {
        kind,
        name: proof.name.clone(),
        token: proof.token.to_string(),
        key_authorization: proof.key_authorization.clone(),
        record,
    }
}

#[async_trait]
impl Solver for HttpHook {
    fn challenge_types(&self) -> &'static [&'static str] {
        match self.kind {
            ChallengeKind::TlsAlpn01 => &["tls-alpn-01"],
            ChallengeKind::Http01 | ChallengeKind::Dns01 => &["http-01"],
        }
    }

    async fn present(&self, proof: &Proof) -> Result<(), ChallengeError> {
        Ok(self.hook.deploy(&self.challenges(std::slice::from_ref(proof))).await?)
    }

    async fn clean_up(&self, proof: &Proof) -> Result<(), ChallengeError> {
        Ok(self.hook.clean(&self.challenges(std::slice::from_ref(proof))).await?)
    }

    async fn show(&self, proofs: &[Proof], _tell: Tell<'_>) -> Result<(), ChallengeError> {
        Ok(self.hook.deploy(&self.challenges(proofs)).await?)
    }

    async fn judged(&self, proof: &Proof, verdict: &Verdict) {
        self.hook.judged(&challenge(self.kind, proof, None), verdict).await;
    }

    async fn take_down(&self, proofs: &[Proof]) -> Result<(), ChallengeError> {
        Ok(self.hook.clean(&self.challenges(proofs)).await?)
    }

    fn turn(&self) -> Option<&tokio::sync::Mutex<()>> {
        self.hook.turn()
    }

    async fn end(&self, error: Option<&str>) {
        self.hook.end(error).await;
    }

    fn advice(&self, name: &str) -> String {
        let port = if self.kind == ChallengeKind::TlsAlpn01 { 443 } else { 80 };
        format!(
            "the hook {} must bring the proof to the server that answers for {name} on port {port}; -v shows what it said",
            self.hook.name()
        )
    }
}
