//! The flags that say how DNS is worked with, shared by the commands that do.

use crate::core::dns_settings::{Alias, DnsChallenge, DnsSettings, Patience, ResolverAddress, WaitFor};

/// How DNS is worked with. What is not said is as it was for the certificate before.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(next_help_heading = "DNS")]
pub struct DnsArgs {
    /// Look names up here instead of asking this machine's resolvers; may be repeated
    #[arg(long, value_name = "ADDR[:PORT]", value_delimiter = ',')]
    pub dns_resolver: Vec<ResolverAddress>,
    /// Where the record stands, if no CNAME tells it: for one name (NAME=RECORD) or for all; may be repeated
    #[arg(long, value_name = "[NAME=]RECORD", value_delimiter = ',')]
    pub dns_alias: Vec<Alias>,
    /// How long to wait until every server shows a record [default: 5m]
    #[arg(long, value_name = "DURATION")]
    pub dns_timeout: Option<Patience>,
    /// Who must show a record before the server is told to look [default: authoritative]
    #[arg(long, value_name = "WHO", value_enum)]
    pub dns_wait_for: Option<WaitFor>,
    /// Which challenge to answer [default: dns-01, or dns-account-01 where only that is offered]
    #[arg(long, value_name = "TYPE", value_enum)]
    pub dns_challenge: Option<DnsChallenge>,
    /// The port that zones' servers are asked on, for tests [default: 53]
    #[arg(long, value_name = "PORT")]
    pub dns_port: Option<u16>,
}

impl DnsArgs {
    /// What is wanted; what was not said is as it was.
    #[must_use]
    pub fn settings(&self, before: Option<&DnsSettings>) -> DnsSettings {
        let before = before.cloned().unwrap_or_default();
        DnsSettings {
            resolvers: if self.dns_resolver.is_empty() {
                before.resolvers
            } else {
                self.dns_resolver.clone()
            },
            aliases: if self.dns_alias.is_empty() { before.aliases } else { self.dns_alias.clone() },
            timeout: self.dns_timeout.or(before.timeout),
            wait_for: self.dns_wait_for.unwrap_or(before.wait_for),
            challenge: self.dns_challenge.or(before.challenge),
            port: self.dns_port.or(before.port),
        }
    }
}
