//! Certificate profiles that clients can choose from (draft-ietf-acme-profiles).

use std::{collections::BTreeMap, time::Duration};

use serde::{Deserialize, Serialize};

use super::{Identifier, Model, Problem, ProblemType, duration, sweep::full};

/// The most profiles: each is in the directory, which every client reads.
const PROFILES_MAX: usize = 1000;

/// The types of identifiers, as newOrder names them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum IdentifierType {
    /// DNS names.
    Dns,
    /// IP addresses (RFC 8738).
    Ip,
    /// E-mail addresses (RFC 8823).
    Email,
}

/// A kind of certificate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// For people, in the directory.
    pub description: String,
    /// What its certificates can be for.
    pub identifiers: Vec<IdentifierType>,
    /// How long its certificates live; without it, as long as others.
    #[serde(default, with = "duration::positive_option", skip_serializing_if = "Option::is_none")]
    pub certificate_lifetime: Option<Duration>,
}

impl Profile {
    /// Whether it is for identifiers of this type.
    #[must_use]
    pub fn fits(&self, identifier: &Identifier) -> bool {
        self.identifiers.contains(&match identifier {
            Identifier::Dns(_) => IdentifierType::Dns,
            Identifier::Ip(_) => IdentifierType::Ip,
            Identifier::Email(_) => IdentifierType::Email,
        })
    }
}

/// The two kinds of certificates that CAcert issues, and one that makes renewals frequent.
pub(super) fn defaults() -> BTreeMap<String, Profile> {
    let profile = |name: &str, description: &str, identifiers: &[IdentifierType], days: Option<u64>| {
        let certificate_lifetime = days.map(|days| Duration::from_secs(days * 24 * 3600));
        let description = description.to_owned();
        (name.to_owned(), Profile { description, identifiers: identifiers.to_vec(), certificate_lifetime })
    };
    let hosts = [IdentifierType::Dns, IdentifierType::Ip];
    BTreeMap::from([
        profile("client", "Client certificates for e-mail and login", &[IdentifierType::Email], None),
        profile("server", "Server certificates", &hosts, None),
        profile("shortlived", "Server certificates for six days", &hosts, Some(6)),
    ])
}

impl Model {
    /// Offers a profile, or changes the one with this name.
    ///
    /// # Errors
    /// `malformed` when it has no name, or is for nothing; `rateLimited` with status 507 when there are as many as may
    /// be.
    pub fn put_profile(&mut self, name: String, profile: Profile) -> Result<(), Problem> {
        if name.trim().is_empty() {
            return Err(Problem::malformed("a profile has a name"));
        }
        if profile.identifiers.is_empty() {
            return Err(Problem::malformed(format!("`identifiers` of the profile {name:?} is empty")));
        }
        if self.profiles.len() >= PROFILES_MAX && !self.profiles.contains_key(&name) {
            return Err(full("profiles").with_status(507));
        }
        self.profiles.insert(name, profile);
        Ok(())
    }

    /// Withdraws a profile: orders that chose it can't be finalized any more.
    ///
    /// # Errors
    /// `malformed` with status 404.
    pub fn remove_profile(&mut self, name: &str) -> Result<(), Problem> {
        self.profiles.remove(name).map(|_| ()).ok_or_else(|| Problem::not_found("profile"))
    }

    /// Every profile, by name.
    #[must_use]
    pub fn profiles(&self) -> &BTreeMap<String, Profile> {
        &self.profiles
    }

    /// The profile of an order that names none: the first, by name, that fits.
    pub(super) fn default_profile(&self, identifiers: &[Identifier]) -> Option<String> {
        let fits = |profile: &Profile| identifiers.iter().all(|identifier| profile.fits(identifier));
        self.profiles.iter().find(|(_, profile)| fits(profile)).map(|(name, _)| name.clone())
    }

    /// The profile of this name, if it fits the identifiers.
    ///
    /// # Errors
    /// `invalidProfile` when it is not offered, or is for other identifiers.
    pub(super) fn profile_for(
        &self,
        name: Option<&str>,
        identifiers: &[Identifier],
    ) -> Result<Option<&Profile>, Problem> {
        let Some(name) = name else { return Ok(None) };
        let refused =
            |why: &str| Problem::new(ProblemType::InvalidProfile, format!("the profile {name:?} {why}"));
        let profile = self.profiles.get(name).ok_or_else(|| refused("is not offered"))?;
        match identifiers.iter().find(|identifier| !profile.fits(identifier)) {
            None => Ok(Some(profile)),
            Some(other) => Err(refused(&format!("is not for {}", other.value()))),
        }
    }
}
