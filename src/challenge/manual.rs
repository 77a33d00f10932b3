//! By hand: says what to do and waits until it is done.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;

use crate::core::dns_record::TxtRecord;
use crate::core::text::printable;

use super::dns::Publisher;
use super::{ChallengeError, Person, Proof, Solver, Tell};

/// How long a web server may take to show a proof.
const LOOK_TIME: Duration = Duration::from_secs(15);

/// No more of an answer is read, in bytes: a key authorization is far shorter.
const LONGEST_ANSWER: usize = 4096;

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

/// Whether the proof is seen from here, or else what is.
async fn look(proof: &Proof) -> Result<(), String> {
    let told = |error: reqwest::Error| {
        let mut cause: &dyn std::error::Error = &error;
        while let Some(source) = cause.source() {
            cause = source;
        }
        cause.to_string()
    };
    let client = reqwest::Client::builder().timeout(LOOK_TIME).build().map_err(told)?;
    let mut response = client.get(url(proof)).send().await.map_err(told)?;
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(told)? {
        body.extend_from_slice(&chunk);
        if body.len() > LONGEST_ANSWER {
            break;
        }
    }
    let (status, body) = (response.status(), String::from_utf8_lossy(&body));
    if status.is_success() && body.trim_end() == proof.key_authorization {
        return Ok(());
    }
    let beginning: String = printable(&body).chars().take(60).collect();
    Err(format!("it answers {status} with «{beginning}»"))
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

    /// Looks as the server will. What it sees from elsewhere may differ, so the user has the last word.
    async fn wait_until_visible(&self, proof: &Proof, tell: Tell<'_>) -> Result<(), ChallengeError> {
        loop {
            tell(&format!("looking at {}", url(proof)));
            let Err(seen) = look(proof).await else { return Ok(()) };
            let question = format!(
                "From here {} does not show the text: {seen}.\n\
                 Press Enter to have it looked at again, or type «go» to let the server look all the same:",
                url(proof)
            );
            if self.0.ask(question).await?.eq_ignore_ascii_case("go") {
                return Ok(());
            }
        }
    }

    async fn clean_up(&self, proof: &Proof) -> Result<(), ChallengeError> {
        self.0.say_done_with(proof, &format!("{} is needed no more.", url(proof)));
        Ok(())
    }

    fn advice(&self, name: &str) -> String {
        format!("http://{name}/ must lead to the machine with the file from outside, without a login")
    }
}
