//! By hand: says what to do and waits until it is done.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;

use crate::core::dns_record::TxtRecord;

use super::dns::Publisher;
use super::{ChallengeError, Person, Proof, Solver};

/// How long others may keep a record that is needed for minutes, in seconds.
const TTL: u32 = 60;

/// The user, who is asked one thing at a time.
struct Hands {
    person: Arc<dyn Person>,
    turn: tokio::sync::Mutex<()>,
    /// What was done in this run, by key authorization.
    done: Mutex<HashSet<String>>,
}

impl Hands {
    fn new(person: &Arc<dyn Person>) -> Self {
        Self { person: person.clone(), turn: tokio::sync::Mutex::default(), done: Mutex::default() }
    }

    /// Asks for something and waits for Enter.
    async fn have_done(&self, proof: &Proof, request: String) -> Result<(), ChallengeError> {
        if !self.person.is_there() {
            return Err(ChallengeError::NobodyThere { name: proof.name.clone() });
        }
        self.lock().insert(proof.key_authorization.clone());
        self.ask(request).await.map(drop)
    }

    /// Asks beside the runtime's thread, which signals still reach meanwhile.
    async fn ask(&self, text: String) -> Result<String, ChallengeError> {
        let _turn = self.turn.lock().await;
        let person = self.person.clone();
        let asked = tokio::task::spawn_blocking(move || person.ask(&text)).await;
        asked.map_err(std::io::Error::other).flatten().map_err(|source| ChallengeError::Terminal { source })
    }

    /// Says that something is needed no more, if it was asked for in this run.
    fn say_done_with(&self, proof: &Proof, text: &str) {
        if self.lock().remove(&proof.key_authorization) {
            self.person.tell(text);
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashSet<String>> {
        // Nothing panics while this lock is held; should it, the set is whole all the same.
        self.done.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// dns-01 by hand.
pub(super) struct ManualDns(Hands);

impl ManualDns {
    pub(super) fn new(person: &Arc<dyn Person>) -> Self {
        Self(Hands::new(person))
    }
}

#[async_trait]
impl Publisher for ManualDns {
    async fn publish(&self, record: &TxtRecord, proof: &Proof) -> Result<(), ChallengeError> {
        let request = format!(
            "To prove {}, add this record to the DNS, beside any others of its name:\n\n  {}\n\n\
             Press Enter when it is there:",
            proof.name,
            record.in_zone_file(TTL)
        );
        self.0.have_done(proof, request).await
    }

    async fn withdraw(&self, record: &TxtRecord, proof: &Proof) -> Result<(), ChallengeError> {
        self.0.say_done_with(proof, &format!("This record is needed no more: {}", record.in_zone_file(TTL)));
        Ok(())
    }

    fn advice(&self, _name: &str) -> String {
        "compare the record with what was asked for; some DNS consoles append the domain to the name by themselves"
            .into()
    }
}

/// http-01 by hand.
pub(super) struct ManualHttp(Hands);

impl ManualHttp {
    pub(super) fn new(person: &Arc<dyn Person>) -> Self {
        Self(Hands::new(person))
    }
}

fn url(proof: &Proof) -> String {
    format!("http://{}/.well-known/acme-challenge/{}", host(&proof.name), proof.token)
}

/// A name, or an address as URLs have it.
fn host(name: &str) -> String {
    if name.contains(':') { format!("[{name}]") } else { name.to_owned() }
}

#[async_trait]
impl Solver for ManualHttp {
    fn challenge_types(&self) -> &'static [&'static str] {
        &["http-01"]
    }

    async fn present(&self, proof: &Proof) -> Result<(), ChallengeError> {
        let request = format!(
            "To prove {}, let {} answer with this text and nothing else:\n\n  {}\n\nPress Enter when it does:",
            proof.name,
            url(proof),
            proof.key_authorization
        );
        self.0.have_done(proof, request).await
    }

    async fn clean_up(&self, proof: &Proof) -> Result<(), ChallengeError> {
        self.0.say_done_with(proof, &format!("{} is needed no more.", url(proof)));
        Ok(())
    }

    fn advice(&self, name: &str) -> String {
        format!("http://{name}/ must lead to the machine with the file from outside, without a login")
    }
}
