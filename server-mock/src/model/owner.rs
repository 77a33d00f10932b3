//! Owners: the CAcert members and organisations that ACME accounts belong to.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{
    DomainName, EmailAddress, Identifier, Model, OwnerId, Problem, Settings, identifier::is_same_mailbox,
    settings::PrevalidAuthorizations, sweep::full,
};

/// Assurance points from which CAcert trusts a member's name, and gives longer certificates.
const ASSURED: u16 = 50;

/// What a member can have (CAcert's Assurance Policy).
const ASSURANCE_POINTS_MAX: u16 = 150;

/// The common name in client certificates of members whose name nobody vouches for: "web of trust".
const UNASSURED_NAME: &str = "CAcert WoT User";

/// A member or an organisation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OwnerKind {
    /// A member.
    #[default]
    User,
    /// An organisation, acting through its administrators.
    Organisation,
}

/// Somebody who holds verified names. Every certificate is tied to one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Owner {
    /// A member or an organisation.
    #[serde(default)]
    pub kind: OwnerKind,
    /// The person's or organisation's name.
    pub name: String,
    /// What other members vouch for, 0 to 150.
    #[serde(default)]
    pub assurance_points: u16,
    /// Verified domains; each stands for itself and all names below it.
    #[serde(default)]
    pub domains: Vec<DomainName>,
    /// Verified e-mail addresses.
    #[serde(default)]
    pub addresses: Vec<EmailAddress>,
}

impl Owner {
    /// Refuses what CAcert would not have in its books.
    fn check(&self) -> Result<(), Problem> {
        if self.name.trim().is_empty() {
            return Err(Problem::malformed("`name` is empty"));
        }
        if self.assurance_points > ASSURANCE_POINTS_MAX {
            return Err(Problem::malformed(format!("`assurance_points` are at most {ASSURANCE_POINTS_MAX}")));
        }
        Ok(())
    }

    /// Whether the owner has shown to hold the name. IP addresses can't be verified with CAcert, so the
    /// rights of a key alone decide about them.
    #[must_use]
    pub fn holds(&self, identifier: &Identifier) -> bool {
        match identifier {
            Identifier::Dns(name) => {
                let base = name.strip_prefix("*.").unwrap_or(name);
                self.domains.iter().any(|domain| domain.covers(base))
            }
            Identifier::Ip(_) => true,
            Identifier::Email(address) => {
                self.addresses.iter().any(|own| is_same_mailbox(own.as_str(), address))
            }
        }
    }

    /// How long CAcert's certificates live: 365 days for an organisation's client certificates, 730 days for
    /// assured owners, else 180. An organisation is as trusted as an assured member: it was checked to become one.
    #[must_use]
    pub fn certificate_lifetime(&self, identifiers: &[Identifier]) -> Duration {
        let days = match self.kind {
            OwnerKind::Organisation if is_for_mail(identifiers) => 365,
            OwnerKind::Organisation => 730,
            OwnerKind::User if self.is_assured() => 730,
            OwnerKind::User => 180,
        };
        Duration::from_secs(days * 24 * 3600)
    }

    /// The common name of a client certificate: the name of an assured member or of an organisation, else one
    /// that tells nothing. `None` for server certificates, which name hosts.
    #[must_use]
    pub fn certificate_name(&self, identifiers: &[Identifier]) -> Option<&str> {
        let known = self.kind == OwnerKind::Organisation || self.is_assured();
        is_for_mail(identifiers).then_some(if known { &self.name } else { UNASSURED_NAME })
    }

    /// Whether an authorization for the identifier may be valid from the start, because CAcert has verified the
    /// identifier itself.
    pub(super) fn has_verified(&self, identifier: &Identifier, policy: PrevalidAuthorizations) -> bool {
        match policy {
            PrevalidAuthorizations::Off => false,
            PrevalidAuthorizations::On => !matches!(identifier, Identifier::Ip(_)) && self.holds(identifier),
            PrevalidAuthorizations::Exact => match identifier {
                Identifier::Dns(name) => self.domains.iter().any(|domain| domain.as_str() == name),
                Identifier::Email(_) => self.holds(identifier),
                Identifier::Ip(_) => false,
            },
        }
    }

    fn is_assured(&self) -> bool {
        self.assurance_points >= ASSURED
    }
}

/// Whether the identifiers make a client certificate.
fn is_for_mail(identifiers: &[Identifier]) -> bool {
    identifiers.iter().any(|identifier| matches!(identifier, Identifier::Email(_)))
}

/// Whether `name` is `domain` or a name below it.
pub(super) fn is_or_is_below(name: &str, domain: &str) -> bool {
    let domain = domain.to_ascii_lowercase();
    name == domain || name.strip_suffix(&domain).is_some_and(|front| front.ends_with('.'))
}

impl Model {
    /// Changes what is known of an owner; domains that it lost count no longer, in orders under way too.
    ///
    /// # Errors
    /// `malformed`, with status 404 when there is none.
    pub fn update_owner(&mut self, id: &OwnerId, owner: Owner) -> Result<(), Problem> {
        owner.check()?;
        *self.owners.get_mut(id).ok_or_else(|| Problem::not_found("owner"))? = owner;
        Ok(())
    }

    /// Adds an owner.
    ///
    /// # Errors
    /// `malformed`; `rateLimited` with status 507 when there are as many as may be.
    pub fn add_owner(&mut self, id: OwnerId, owner: Owner, settings: &Settings) -> Result<(), Problem> {
        owner.check()?;
        if self.owners.len() >= settings.capacity.owners {
            return Err(full("owners").with_status(507));
        }
        self.owners.insert(id, owner);
        Ok(())
    }

    /// An owner.
    ///
    /// # Errors
    /// `malformed` with status 404.
    pub fn owner(&self, id: &OwnerId) -> Result<&Owner, Problem> {
        self.owners.get(id).ok_or_else(|| Problem::not_found("owner"))
    }

    /// Every owner.
    pub fn owners(&self) -> impl Iterator<Item = (&OwnerId, &Owner)> {
        self.owners.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_domain_covers_what_is_below_it_and_nothing_that_merely_ends_like_it() {
        let owner = Owner {
            kind: OwnerKind::User,
            name: "Alice".into(),
            assurance_points: 50,
            domains: vec!["Example.test".parse().unwrap()],
            addresses: vec!["alice@example.test".parse().unwrap()],
        };
        for name in ["example.test", "a.b.example.test", "*.example.test"] {
            assert!(owner.holds(&Identifier::Dns(name.into())), "{name}");
        }
        for name in ["badexample.test", "test", "example.test.evil.test"] {
            assert!(!owner.holds(&Identifier::Dns(name.into())), "{name}");
        }
        assert!(owner.holds(&Identifier::Email("alice@example.test".into())));
        assert!(!owner.holds(&Identifier::Email("bob@example.test".into())));
    }
}
