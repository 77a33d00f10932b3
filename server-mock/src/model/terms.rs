//! The terms of service and who agreed to which (RFC 8555 §7.3.3).

use serde::{Deserialize, Serialize};

use super::{AccountId, Model, Problem, ProblemType, Settings};

/// The one row's name.
const CURRENT: &str = "current";

/// Terms that replaced those of the configuration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Terms {
    /// Where they can be read.
    pub url: String,
    /// How often they were changed; the configuration's are version 0.
    pub version: u64,
}

impl Model {
    /// The terms as they are now.
    #[must_use]
    pub fn terms(&self, settings: &Settings) -> Terms {
        let configured = || Terms { url: settings.terms_of_service.clone(), version: 0 };
        self.terms.get(CURRENT).cloned().unwrap_or_else(configured)
    }

    pub(super) fn terms_version(&self) -> u64 {
        self.terms.get(CURRENT).map_or(0, |terms| terms.version)
    }

    /// Changes the terms; every account has to agree anew before it gets another certificate.
    pub fn change_terms(&mut self, url: String) -> Terms {
        let terms = Terms { url, version: self.terms_version() + 1 };
        self.terms.insert(CURRENT.to_owned(), terms).clone()
    }

    /// The account's user agrees to the terms as they are now.
    ///
    /// # Errors
    /// When there is no such account.
    pub fn agree_to_terms(&mut self, id: &AccountId) -> Result<(), Problem> {
        let version = self.terms_version();
        let account = self.accounts.get(id).ok_or_else(|| Problem::not_found("account"))?;
        if account.agreed_terms != version
            && let Some(account) = self.accounts.get_mut(id)
        {
            account.agreed_terms = version;
        }
        Ok(())
    }

    /// Refuses accounts that have not agreed to the terms as they are now.
    pub(super) fn check_terms(&self, id: &AccountId, settings: &Settings) -> Result<(), Problem> {
        let terms = self.terms(settings);
        if self.acting_account(id)?.agreed_terms == terms.version {
            return Ok(());
        }
        let detail = "the terms have changed: read them, then agree in the CAcert web UI";
        Err(terms.action_required(detail))
    }
}

impl Terms {
    /// The refusal of whoever has not agreed to them.
    #[must_use]
    pub fn action_required(&self, detail: &str) -> Problem {
        let mut problem = Problem::new(ProblemType::UserActionRequired, detail);
        problem.instance = Some(self.url.clone());
        problem
    }
}
