//! Proving control of every name of an order: all fetched, presented, awaited and answered at once.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::future::join_all;

use crate::acme::{AcmeError, Authorization, Challenge, Order, Poll};
use crate::challenge::{Method, Proof, Solver};
use crate::core::identifier::Identifier;
use crate::core::key_authorization::Token;
use crate::core::plan::AuthorizationStatus;
use crate::error::{Error, Kind};

use super::Issuance;

/// How long the server may take to validate one name.
const PATIENCE: Duration = Duration::from_secs(180);

/// The proofs in place at this moment, in the whole run.
#[derive(Default)]
pub struct Presented(Mutex<Vec<(Arc<dyn Solver>, Proof)>>);

impl Presented {
    fn add(&self, solver: &Arc<dyn Solver>, proof: &Proof) {
        self.lock().push((solver.clone(), proof.clone()));
    }

    fn remove(&self, proof: &Proof) {
        self.lock().retain(|(_, presented)| presented != proof);
    }

    /// Takes every proof down, as far as possible.
    pub async fn clean_up_all(&self) {
        let presented = std::mem::take(&mut *self.lock());
        join_all(presented.iter().map(|(solver, proof)| clean_up(&**solver, proof))).await;
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<(Arc<dyn Solver>, Proof)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One name that waits for its proof.
struct Task {
    authorization_url: String,
    challenge_url: String,
    /// Whether the server must be told; one that is being validated already needs no second word.
    unanswered: bool,
    solver: Arc<dyn Solver>,
    proof: Proof,
}

impl Issuance<'_> {
    /// Answers what is pending of an order's authorizations; what is valid already is not answered again.
    pub(super) async fn authorize(&self, order: &mut Order<'_>) -> Result<(), Error> {
        self.tell("asking what is to be proven");
        let urls = order.authorization_urls();
        let fetched = join_all(urls.iter().map(|url| self.session.authorization(url))).await;
        let mut tasks = Vec::new();
        for (url, authorization) in urls.into_iter().zip(fetched) {
            let authorization = authorization?;
            match authorization.status {
                AuthorizationStatus::Valid => self.clean_up_proof_of(&authorization).await,
                AuthorizationStatus::Pending => tasks.push(self.task(url, &authorization)?),
                _ => return Err(failed(&authorization.name(), "its authorization", &authorization, None)),
            }
        }
        let outcome = self.prove(&tasks).await;
        join_all(tasks.iter().map(|task| clean_up(&*task.solver, &task.proof))).await;
        tasks.iter().for_each(|task| self.presented.remove(&task.proof));
        outcome
    }

    /// Takes down what a killed run left in place for an order that needs no proof any more.
    pub(super) async fn clean_up_after_earlier_run(&self, order: &mut Order<'_>) {
        let urls = order.authorization_urls();
        for authorization in join_all(urls.iter().map(|url| self.session.authorization(url))).await {
            match authorization {
                Ok(authorization) => self.clean_up_proof_of(&authorization).await,
                Err(error) => tracing::info!("what an earlier run left in place is not known: {error}"),
            }
        }
    }

    async fn clean_up_proof_of(&self, authorization: &Authorization) {
        if let Ok((solver, _, proof)) = self.answer(authorization) {
            clean_up(&*solver, &proof).await;
        }
    }

    fn task(&self, url: String, authorization: &Authorization) -> Result<Task, Error> {
        let (solver, challenge, proof) = self.answer(authorization)?;
        Ok(Task {
            authorization_url: url,
            challenge_url: challenge.url.clone(),
            unanswered: challenge.status == AuthorizationStatus::Pending,
            solver,
            proof,
        })
    }

    /// The challenge that the chosen method answers, and its proof.
    fn answer<'a>(
        &self,
        authorization: &'a Authorization,
    ) -> Result<(Arc<dyn Solver>, &'a Challenge, Proof), Error> {
        let name = authorization.name();
        let solver = self.solvers.of(&self.method(&name)?, &self.record.dns);
        let kinds = solver.challenge_types();
        let found = kinds.iter().find_map(|kind| Some((*kind, authorization.challenge(kind)?)));
        let Some((kind, challenge)) = found else {
            let offered: Vec<&str> =
                authorization.challenges.iter().map(|challenge| challenge.kind.as_str()).collect();
            let wanted = kinds.join(" or ");
            return Err(Error::new(
                Kind::Challenge,
                format!("the server does not offer {wanted} for {name}"),
            )
            .because(format!("it offers {}", offered.join(", "))));
        };
        let token = challenge.token.as_deref().map(Token::parse);
        let Some(Ok(token)) = token else {
            return Err(
                AcmeError::Protocol(format!("the {kind} challenge for {name} has no usable token")).into()
            );
        };
        let key_authorization = token.key_authorization(self.session.thumbprint());
        let account_url = self.session.account_url().to_owned();
        let proof = Proof { name, challenge_type: kind, account_url, token, key_authorization };
        Ok((solver, challenge, proof))
    }

    /// The method that the user chose for this name.
    fn method(&self, name: &str) -> Result<Method, Error> {
        let identifier: Option<Identifier> = name.parse().ok();
        let method = identifier.and_then(|identifier| self.record.challenges.get(&identifier));
        let method = method.ok_or_else(|| {
            AcmeError::Protocol(format!("the server wants a proof for {name}, which was not ordered"))
        })?;
        Ok(method.parse()?)
    }

    async fn prove(&self, tasks: &[Task]) -> Result<(), Error> {
        self.tell(&format!("showing {}", count(tasks.len(), "proof")));
        let presented = join_all(tasks.iter().map(|task| async {
            self.presented.add(&task.solver, &task.proof);
            task.solver.present(&task.proof).await?;
            task.solver.wait_until_visible(&task.proof, &|what| self.tell(what)).await
        }));
        for outcome in presented.await {
            outcome?;
        }
        self.tell(&format!("waiting for the validation of {}", count(tasks.len(), "name")));
        let outcomes = join_all(tasks.iter().map(|task| self.validate(task))).await;
        join_errors(outcomes.into_iter().filter_map(Result::err).collect())
    }

    /// Tells the server to look, and waits for its verdict.
    async fn validate(&self, task: &Task) -> Result<(), Error> {
        if task.unanswered {
            self.session.answer_challenge(&task.challenge_url).await?;
        }
        let mut poll = Poll::new(PATIENCE);
        let url = &task.authorization_url;
        loop {
            // A moment before the first look too: most servers are done by then.
            let (what, state) = (format!("the authorization of {}", task.proof.name), "being validated");
            let waited = poll.wait(self.session.take_retry_after(url)).await;
            waited.map_err(|waited| AcmeError::StillPending { what, state, waited })?;
            let seen = self.session.authorization(url).await;
            let Some(authorization) = poll.look(seen)? else { continue };
            match authorization.status {
                AuthorizationStatus::Valid => return Ok(()),
                AuthorizationStatus::Pending | AuthorizationStatus::Processing => {}
                _ => {
                    let Proof { name, challenge_type, .. } = &task.proof;
                    let advice = task.solver.advice(name);
                    return Err(failed(name, challenge_type, &authorization, Some(advice)));
                }
            }
        }
    }
}

async fn clean_up(solver: &dyn Solver, proof: &Proof) {
    if let Err(error) = solver.clean_up(proof).await {
        tracing::warn!("{error}");
    }
}

fn failed(name: &str, by: &str, authorization: &Authorization, advice: Option<String>) -> Error {
    let mut error = Error::new(Kind::Challenge, format!("could not validate {name} by {by}"));
    match authorization.error() {
        Some(problem) => {
            error.causes = problem.lines();
            error.problem = Some(Box::new(problem.clone()));
        }
        None => {
            error = error.because(format!("the authorization is {:?}", authorization.status).to_lowercase());
        }
    }
    error.hints.extend(advice);
    error
}

/// Several failures as one: every cause, and each hint once.
fn join_errors(mut errors: Vec<Error>) -> Result<(), Error> {
    if errors.len() < 2 {
        return errors.pop().map_or(Ok(()), Err);
    }
    let kind = errors.iter().map(|error| error.kind).min().unwrap_or(Kind::Challenge);
    let mut joined = Error::new(kind, format!("{} could not be validated", count(errors.len(), "name")));
    for error in errors {
        let cause = error.causes.first().map(|cause| format!(": {cause}")).unwrap_or_default();
        joined.causes.push(format!("{}{cause}", error.message));
        for hint in error.hints {
            if !joined.hints.contains(&hint) {
                joined.hints.push(hint);
            }
        }
        joined.problem = joined.problem.or(error.problem);
    }
    Err(joined)
}

fn count(number: usize, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}s") }
}
