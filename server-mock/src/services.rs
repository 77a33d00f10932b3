//! What the ACME endpoints and the admin API share.

use std::sync::Arc;

use time::OffsetDateTime;
use tokio::sync::Notify;

use crate::{
    background::Background,
    ca::{Authority, CrlCache},
    clock::Clock,
    faults::{Faults, Surroundings},
    model::Settings,
    random::Random,
    store::Store,
    testbed::DnsTable,
    va::{ValidationAuthority, mail::Mail},
};

/// The parts of a running server.
pub struct Services {
    /// Everything that exists.
    pub store: Store,
    /// Signs certificates and CRLs.
    pub authority: Authority,
    /// The latest CRL.
    pub crl: CrlCache,
    /// Validates challenges.
    pub va: ValidationAuthority,
    /// Sends challenge mails and reads replies.
    pub mail: Mail,
    /// Tells that a challenge mail is due.
    pub mail_due: Notify,
    /// The validations that are going on.
    pub background: Arc<Background>,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// Gives tokens and serial numbers.
    pub random: Arc<dyn Random>,
    /// Gives nonces: a stream of its own, so that a client that polls more often changes nothing else.
    pub nonce_random: Arc<dyn Random>,
    /// What goes wrong on purpose.
    pub faults: Faults,
    /// The records of the built-in DNS.
    pub dns_table: Arc<DnsTable>,
    /// The operator's choices.
    pub settings: Settings,
}

impl Surroundings for Services {
    fn faults(&self) -> &Faults {
        &self.faults
    }

    fn store(&self) -> &Store {
        &self.store
    }

    fn authority(&self) -> &Authority {
        &self.authority
    }

    fn settings(&self) -> &Settings {
        &self.settings
    }

    fn now(&self) -> OffsetDateTime {
        self.clock.now()
    }
}
