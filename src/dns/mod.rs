//! The DNS as the client sees it: who answers for a name, what they show, and how zones are updated.

mod delegation;
mod exchange;
mod reply;
mod resolver;
mod update;
mod visibility;

use std::collections::HashMap;
use std::sync::Arc;

use tokio::sync::{Mutex, OnceCell};

use crate::core::dns_record::RecordName;
use crate::core::dns_settings::DnsSettings;

pub use resolver::LookupError;
pub use update::{Change, KeyFault, UpdateError, UpdateKey, UpdateTarget};
pub use visibility::{NotVisible, Seen, Server, Wanted};

use resolver::Resolver;

/// A DNS client with the settings of one certificate.
pub struct DnsClient {
    resolver: Resolver,
    settings: DnsSettings,
    /// The servers of zones that were asked for; whoever asks first finds them.
    zones: Mutex<HashMap<RecordName, Arc<OnceCell<Vec<Server>>>>>,
}

impl DnsClient {
    /// Asks the resolvers of the settings, or else this machine's.
    #[must_use]
    pub fn new(settings: &DnsSettings) -> Self {
        let resolver = Resolver::new(&settings.resolvers);
        Self { resolver, settings: settings.clone(), zones: Mutex::default() }
    }

    /// What the user said.
    #[must_use]
    pub fn settings(&self) -> &DnsSettings {
        &self.settings
    }
}
