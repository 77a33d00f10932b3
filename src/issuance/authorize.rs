//! Proving control of every name of an order: all fetched, presented, awaited and answered at once.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::{join, join_all};

use crate::acme::{AcmeError, Authorization, Challenge, Order, Poll};
use crate::challenge::{Method, Proof, Solver, Verdict};
use crate::core::identifier::Identifier;
use crate::core::key_authorization::Token;
use crate::core::persist_record::DNS_PERSIST_01;
use crate::core::plan::AuthorizationStatus;
use crate::error::{Error, Kind};

use super::Issuance;
use super::presented::{by_solver, take_down};

/// How long the server may take to validate one name.
const PATIENCE: Duration = Duration::from_secs(180);

/// One name that waits for its proof.
struct Task {
    authorization_url: String,
    /// What can be answered for it: the chosen way, then those that remain when a hook declines.
    choices: Vec<Choice>,
}

/// One challenge of an authorization.
struct Choice {
    challenge_url: String,
    /// Whether the server must be told; one that is being validated already needs no second word.
    unanswered: bool,
    solver: Arc<dyn Solver>,
    proof: Proof,
}

impl Issuance<'_> {
    /// Answers what is pending of an order's authorizations; what is valid already is not answered again.
    /// For an order of an earlier run, what that run may have left in place for valid ones is taken down.
    pub(super) async fn authorize(&self, order: &mut Order<'_>, resumed: bool) -> Result<(), Error> {
        self.tell("asking what is to be proven");
        let urls = order.authorization_urls();
        let fetched = join_all(urls.iter().map(|url| self.session.authorization(url))).await;
        let (mut tasks, mut valid) = (Vec::new(), Vec::new());
        for (url, authorization) in urls.into_iter().zip(fetched) {
            let authorization = authorization?;
            match authorization.status {
                AuthorizationStatus::Valid => valid.push(authorization),
                // What is being looked at, or is in a state that we don't know, may become valid.
                AuthorizationStatus::Pending
                | AuthorizationStatus::Processing
                | AuthorizationStatus::Other => {
                    tasks.push(self.task(url, &authorization)?);
                }
                _ => {
                    // Such an order has failed, whenever the server says so (RFC 8555 §7.1.6).
                    self.store.order(self.name).forget()?;
                    self.clean_up_proofs_of(std::slice::from_ref(&authorization)).await;
                    return Err(failed(&authorization.name(), "its authorization", &authorization, None));
                }
            }
        }
        if resumed {
            self.clean_up_proofs_of(&valid).await;
        }
        let outcome = self.prove(&tasks).await;
        // What was taken down after its round is not taken down again.
        let stands = |choice: &&Choice| resumed || self.presented.has(&choice.proof);
        let choices = || tasks.iter().flat_map(|task| &task.choices).filter(stands);
        let taken_down = take_down(choices().map(|choice| (&choice.solver, &choice.proof))).await;
        choices().for_each(|choice| self.presented.remove(&choice.proof));
        let outcome = outcome.and(taken_down);
        if let Err(error) = &outcome {
            self.presented.fail(error);
        }
        outcome
    }

    /// Takes down what a killed run left in place for an order that needs no proof any more.
    pub(super) async fn clean_up_after_earlier_run(&self, order: &mut Order<'_>) {
        let urls = order.authorization_urls();
        let mut authorizations = Vec::new();
        for authorization in join_all(urls.iter().map(|url| self.session.authorization(url))).await {
            match authorization {
                Ok(authorization) => authorizations.push(authorization),
                Err(error) => tracing::info!("what an earlier run left in place is not known: {error}"),
            }
        }
        self.clean_up_proofs_of(&authorizations).await;
    }

    async fn clean_up_proofs_of(&self, authorizations: &[Authorization]) {
        let choices = authorizations.iter().flat_map(|one| self.choices(one).unwrap_or_default());
        let choices: Vec<Choice> = choices.collect();
        if let Err(error) = take_down(choices.iter().map(|choice| (&choice.solver, &choice.proof))).await {
            tracing::warn!("{}", error.message);
        }
    }

    fn task(&self, url: String, authorization: &Authorization) -> Result<Task, Error> {
        Ok(Task { authorization_url: url, choices: self.choices(authorization)? })
    }

    /// The challenges that the chosen method answers, the best first, and their proofs; never none.
    fn choices(&self, authorization: &Authorization) -> Result<Vec<Choice>, Error> {
        let methods = self.method(&authorization.name())?.and_alternatives();
        let (choices, mut failures): (Vec<_>, Vec<_>) =
            methods.iter().map(|method| self.choice(method, authorization)).partition(Result::is_ok);
        match failures.drain(..).next() {
            Some(Err(error)) if choices.is_empty() => Err(error),
            _ => choices.into_iter().collect(),
        }
    }

    /// The challenge that a method answers, and its proof.
    fn choice(&self, method: &Method, authorization: &Authorization) -> Result<Choice, Error> {
        let name = authorization.name();
        let solver = self.solvers.of(method, &self.record.dns);
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
        let proof = self.proof(name, kind, challenge)?;
        let unanswered = authorization.status != AuthorizationStatus::Processing
            && challenge.status == AuthorizationStatus::Pending;
        Ok(Choice { challenge_url: challenge.url.clone(), unanswered, solver, proof })
    }

    fn proof(
        &self,
        name: String,
        challenge_type: &'static str,
        challenge: &Challenge,
    ) -> Result<Proof, Error> {
        let account_url = self.session.account_url().to_owned();
        if challenge_type == DNS_PERSIST_01 {
            let standing = Some(challenge.demand(&account_url, name.starts_with("*."))?);
            let (token, key_authorization) = (Token::default(), String::new());
            return Ok(Proof { name, challenge_type, account_url, token, key_authorization, standing });
        }
        let token = challenge.token.as_deref().map(Token::parse);
        let Some(Ok(token)) = token else {
            let what = format!("the {challenge_type} challenge for {name} has no usable token");
            return Err(AcmeError::Protocol(what).into());
        };
        let key_authorization = token.key_authorization(self.session.thumbprint());
        Ok(Proof { name, challenge_type, account_url, token, key_authorization, standing: None })
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
        let (in_turn, together): (Vec<&Task>, Vec<&Task>) =
            tasks.iter().partition(|task| task.choices.iter().any(|choice| choice.solver.turn().is_some()));
        let (one, other) = join(self.prove_by_places(together), self.prove_in_turn(&in_turn)).await;
        join_errors([one, other].into_iter().filter_map(Result::err).collect())
    }

    /// Proves all at once, but for those that can't stand side by side.
    async fn prove_by_places(&self, tasks: Vec<&Task>) -> Result<(), Error> {
        let places = join_all(tasks.iter().map(|task| async {
            let choice = task.choices.first()?;
            choice.solver.place(&choice.proof).await
        }));
        let mut left: Vec<(Option<String>, &Task)> = places.await.into_iter().zip(tasks).collect();
        while !left.is_empty() {
            let mut taken = HashSet::new();
            let (round, later): (Vec<_>, Vec<_>) = std::mem::take(&mut left)
                .into_iter()
                .partition(|(place, _)| place.as_ref().is_none_or(|place| taken.insert(place.clone())));
            let mut held = Vec::new();
            // In one order for all, so that no two certificates wait for each other.
            for place in BTreeSet::from_iter(taken) {
                held.push(self.solvers.place(&place).lock_owned().await);
            }
            let round: Vec<&Task> = round.into_iter().map(|(_, task)| task).collect();
            let mut outcome = self.prove_together(&round).await;
            if !held.is_empty() {
                let choices = || round.iter().filter_map(|task| task.choices.first());
                let taken_down = take_down(choices().map(|choice| (&choice.solver, &choice.proof))).await;
                choices().for_each(|choice| self.presented.remove(&choice.proof));
                outcome = outcome.and(taken_down);
            }
            outcome?;
            left = later;
        }
        Ok(())
    }

    /// Shows all, then has all validated.
    async fn prove_together(&self, tasks: &[&Task]) -> Result<(), Error> {
        let tasks: Vec<(&str, &Choice)> = tasks
            .iter()
            .filter_map(|task| Some((task.authorization_url.as_str(), task.choices.first()?)))
            .collect();
        if tasks.is_empty() {
            return Ok(());
        }
        self.tell(&format!("showing {}", count(tasks.len(), "proof")));
        let groups = by_solver(tasks.iter().map(|(_, choice)| (&choice.solver, &choice.proof)));
        let tell = |what: &str| self.tell(what);
        let shown = join_all(groups.iter().map(|(solver, proofs)| {
            proofs.iter().for_each(|proof| self.presented.add(solver, proof));
            solver.show(proofs, &tell)
        }));
        for outcome in shown.await {
            outcome?;
        }
        self.tell(&format!("waiting for the validation of {}", count(tasks.len(), "name")));
        let outcomes = join_all(tasks.iter().map(|(url, choice)| self.validate(url, choice))).await;
        join_errors(outcomes.into_iter().filter_map(Result::err).collect())
    }

    /// Tells the server to look; `false` when its answer was lost, and only the authorization knows whether it heard.
    async fn answer_challenge(&self, choice: &Choice, answers: &mut Poll) -> Result<bool, AcmeError> {
        let answer = self.session.answer_challenge(&choice.challenge_url).await;
        Ok(answers.look(answer)?.is_some())
    }

    /// Proves one name after the other; the first failure ends it.
    async fn prove_in_turn(&self, tasks: &[&Task]) -> Result<(), Error> {
        for task in tasks {
            let mut declined = None;
            for choice in &task.choices {
                declined = self.prove_one(&task.authorization_url, choice).await?.err();
                if declined.is_none() {
                    break;
                }
            }
            if let Some(error) = declined {
                return Err(error.context(format!("nothing is left to prove {} by", task.name())));
            }
        }
        Ok(())
    }

    /// Proves one name while nobody else's turn it is; the inner error says that the way was declined.
    async fn prove_one(&self, url: &str, choice: &Choice) -> Result<Result<(), Error>, Error> {
        let Choice { solver, proof, .. } = choice;
        let _turn = match solver.turn() {
            Some(turn) => Some(turn.lock().await),
            None => None,
        };
        self.tell(&format!("showing the proof of {}", proof.name));
        self.presented.add(solver, proof);
        match solver.show(std::slice::from_ref(proof), &|what| self.tell(what)).await {
            Err(error) if error.is_declined() => {
                self.presented.remove(proof);
                return Ok(Err(error.into()));
            }
            shown => shown?,
        }
        self.tell(&format!("waiting for the validation of {}", proof.name));
        let outcome = self.validate(url, choice).await;
        let taken_down = solver.take_down(std::slice::from_ref(proof)).await;
        self.presented.remove(proof);
        outcome?;
        Ok(Ok(taken_down?))
    }

    /// Tells the server to look, waits for its verdict, and passes that on.
    async fn validate(&self, url: &str, choice: &Choice) -> Result<(), Error> {
        let Choice { solver, proof, .. } = choice;
        let outcome = self.verdict(url, choice).await;
        let verdict = match &outcome {
            Ok(authorization) if authorization.status == AuthorizationStatus::Valid => Verdict::Valid,
            Ok(authorization) => Verdict::Invalid(challenge_document(authorization, choice)),
            Err(AcmeError::Refused(refusal)) => {
                Verdict::RequestFailed { status: refusal.status, reason: refusal.problem.to_string() }
            }
            Err(_) => Verdict::Unknown,
        };
        solver.judged(proof, &verdict).await;
        let authorization = outcome?;
        if verdict == Verdict::Valid {
            return Ok(());
        }
        let advice = solver.advice(&proof.name);
        Err(failed(&proof.name, proof.challenge_type, &authorization, Some(advice)))
    }

    /// The authorization when the server has made up its mind.
    async fn verdict(&self, url: &str, choice: &Choice) -> Result<Authorization, AcmeError> {
        let (mut poll, mut answers) = (Poll::new(PATIENCE), Poll::new(PATIENCE));
        let mut answered = !choice.unanswered || self.answer_challenge(choice, &mut answers).await?;
        loop {
            // A moment before the first look too: most servers are done by then.
            let (what, state) = (format!("the authorization of {}", choice.proof.name), "being validated");
            let waited = poll.wait(self.session.take_retry_after(url)).await;
            waited.map_err(|waited| AcmeError::StillPending { what, state, waited })?;
            let seen = self.session.authorization(url).await;
            let Some(authorization) = poll.look(seen)? else { continue };
            match authorization.status {
                AuthorizationStatus::Pending
                | AuthorizationStatus::Processing
                | AuthorizationStatus::Other => {
                    if !answered && choice.is_untouched(&authorization) {
                        answered = self.answer_challenge(choice, &mut answers).await?;
                    }
                }
                _ => return Ok(authorization),
            }
        }
    }
}

impl Task {
    fn name(&self) -> &str {
        self.choices.first().map_or("", |choice| &choice.proof.name)
    }
}

impl Choice {
    /// Whether the server has not begun to look, as far as it tells.
    fn is_untouched(&self, authorization: &Authorization) -> bool {
        let challenge = authorization.challenge(self.proof.challenge_type);
        challenge.is_some_and(|challenge| challenge.status == AuthorizationStatus::Pending)
    }
}

/// A challenge that failed, as hooks are shown it.
fn challenge_document(authorization: &Authorization, choice: &Choice) -> String {
    let Proof { challenge_type, token, .. } = &choice.proof;
    serde_json::json!({
        "type": challenge_type,
        "status": "invalid",
        "url": choice.challenge_url,
        "token": token.as_str(),
        "error": authorization.error(),
    })
    .to_string()
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
