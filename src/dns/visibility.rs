//! Waiting until a record is seen by everybody who answers for its zone.

use std::fmt;
use std::net::SocketAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use futures_util::future::join_all;
use hickory_net::proto::rr::RecordType;
use tokio::time::Instant;

use crate::core::dns_record::RecordName;
use crate::core::dns_settings::{DNS_PORT, WaitFor};
use crate::core::text::printable;

use super::exchange::{NoAnswer, exchange};
use super::reply::{Reply, question};
use super::{DnsClient, LookupError};

/// Between the first two looks at a server; then half as much longer each time.
const FIRST_PAUSE: Duration = Duration::from_millis(250);

/// Between any two looks at a server at most.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// One address of a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    /// Its name, if it has one.
    pub host: Option<RecordName>,
    /// Where it is asked.
    pub address: SocketAddr,
}

impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (ip, port) = (self.address.ip(), self.address.port());
        let place = if port == DNS_PORT { ip.to_string() } else { self.address.to_string() };
        match &self.host {
            Some(host) => write!(f, "{host} ({place})"),
            None => f.write_str(&place),
        }
    }
}

/// What a server showed when it was asked last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Seen {
    /// It was not asked yet.
    Nothing,
    /// What is awaited.
    Wanted,
    /// Other records of this name and type; none at all perhaps.
    Other(Vec<String>),
    /// Another name that this one stands for.
    Alias(RecordName),
    /// An error code.
    Code(String),
    /// No answer, and why.
    NoAnswer(String),
    /// There is no way to ask it from here, so it does not count.
    NoRoute,
}

impl fmt::Display for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nothing => f.write_str("it was not asked"),
            Self::Wanted => f.write_str("it shows the record"),
            Self::Other(texts) if texts.is_empty() => f.write_str("it has no such record"),
            Self::Other(texts) => {
                let shown: Vec<String> =
                    texts.iter().take(3).map(|text| format!("\"{}\"", printable(text))).collect();
                write!(f, "it shows {}", shown.join(", "))?;
                if texts.len() > 3 { write!(f, " and {} more", texts.len() - 3) } else { Ok(()) }
            }
            Self::Alias(target) => write!(f, "it says that the name stands for {target}"),
            Self::Code(code) => write!(f, "it answers {code}"),
            Self::NoAnswer(why) => f.write_str(why),
            Self::NoRoute => f.write_str("there is no route to it from here"),
        }
    }
}

/// Why a record can't be said to be visible.
#[derive(Clone, Debug, thiserror::Error)]
pub enum NotVisible {
    /// Who should show it is not known.
    #[error(transparent)]
    Lookup(#[from] LookupError),
    /// Nobody should show it.
    #[error("the zone {zone} has no server with an address")]
    NoServer {
        /// Its topmost name.
        zone: RecordName,
    },
    /// Some do not show it.
    #[error("the TXT record of {name} is not visible everywhere{}", after(*waited))]
    Missing {
        /// The record's name.
        name: RecordName,
        /// How long it was awaited.
        waited: Duration,
        /// Who does not show it, and what they show instead.
        servers: Vec<(Server, Seen)>,
    },
}

/// How long was waited, if at all.
fn after(waited: Duration) -> String {
    if waited.as_secs() == 0 { String::new() } else { format!(" after {} s", waited.as_secs()) }
}

/// Whether texts hold what is awaited.
pub type Wanted<'a> = &'a (dyn Fn(&[String]) -> bool + Send + Sync);

impl DnsClient {
    /// Looks at every server of the record's zone again and again until all show texts that are `wanted`; at each once
    /// if `patience` is zero. Tells who is awaited.
    ///
    /// # Errors
    /// [`NotVisible`] when patience ends.
    pub async fn await_texts(
        &self,
        name: &RecordName,
        wanted: Wanted<'_>,
        patience: Duration,
        tell: &(dyn Fn(&str) + Send + Sync),
    ) -> Result<(), NotVisible> {
        let recursion = match self.settings.wait_for {
            WaitFor::Authoritative => false,
            WaitFor::Resolvers => true,
            WaitFor::Nobody => return Ok(()),
        };
        let begin = Instant::now();
        let servers = self.witnesses(name).await?;
        let watch = Watch { name, recursion, wanted, end: begin + patience };
        let seen = Mutex::new(vec![Seen::Nothing; servers.len()]);
        let note = |position: usize, what| {
            let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
            seen[position] = what;
            tell(&progress(name, &servers, &seen));
        };
        let watched = servers.iter().enumerate();
        join_all(watched.map(|(position, server)| {
            let note = &note;
            watch.until_wanted(server.address, move |what| note(position, what))
        }))
        .await;
        let seen = seen.into_inner().unwrap_or_else(PoisonError::into_inner);
        verdict(name, begin.elapsed(), servers.into_iter().zip(seen).collect())
    }

    /// Who must show a record: every address of every server of its zone, or the resolvers.
    async fn witnesses(&self, name: &RecordName) -> Result<Vec<Server>, NotVisible> {
        if self.settings.wait_for == WaitFor::Resolvers {
            let servers = self.resolver.servers().iter();
            return Ok(servers.map(|address| Server { host: None, address: *address }).collect());
        }
        let apex = self.zone(name).await?.apex;
        let cell = self.zones.lock().await.entry(apex.clone()).or_default().clone();
        let servers = cell.get_or_try_init(|| self.servers_of(&apex)).await?;
        if servers.is_empty() { Err(NotVisible::NoServer { zone: apex }) } else { Ok(servers.clone()) }
    }

    async fn servers_of(&self, apex: &RecordName) -> Result<Vec<Server>, LookupError> {
        let hosts = self.resolver.ask(apex, RecordType::NS).await?.name_servers(apex);
        let addresses = join_all(hosts.iter().map(|host| self.addresses(host))).await;
        let mut servers = Vec::new();
        for (host, addresses) in hosts.into_iter().zip(addresses) {
            servers.extend(addresses?.into_iter().map(|address| Server {
                host: Some(host.clone()),
                address: (address, self.settings.port()).into(),
            }));
        }
        Ok(servers)
    }
}

/// What is awaited, and until when.
struct Watch<'a> {
    name: &'a RecordName,
    recursion: bool,
    wanted: Wanted<'a>,
    end: Instant,
}

impl Watch<'_> {
    /// Looks at one server until it shows what is wanted, can't be asked at all, or time is up.
    async fn until_wanted(&self, server: SocketAddr, note: impl Fn(Seen)) {
        let mut pause = FIRST_PAUSE;
        loop {
            let seen = self.look(server).await;
            let settled = matches!(seen, Seen::Wanted | Seen::NoRoute);
            note(seen);
            let left = self.end.saturating_duration_since(Instant::now());
            if settled || left.is_zero() {
                return;
            }
            tokio::time::sleep(pause.min(left)).await;
            pause = (pause * 3 / 2).min(LONGEST_PAUSE);
        }
    }

    async fn look(&self, server: SocketAddr) -> Seen {
        let reply = match exchange(server, question(self.name, RecordType::TXT, self.recursion)).await {
            Ok(response) => Reply(response.into_message()),
            Err(NoAnswer::NoRoute) => return Seen::NoRoute,
            Err(other) => return Seen::NoAnswer(other.to_string()),
        };
        let texts = reply.texts(self.name);
        if (self.wanted)(&texts) {
            Seen::Wanted
        } else if !reply.is_answer() {
            Seen::Code(reply.code().to_string())
        } else if let (true, Some(target)) = (texts.is_empty(), reply.alias(self.name)) {
            Seen::Alias(target)
        } else {
            Seen::Other(texts)
        }
    }
}

/// Who is awaited, in a line.
fn progress(name: &RecordName, servers: &[Server], seen: &[Seen]) -> String {
    let shown = seen.iter().filter(|seen| **seen == Seen::Wanted).count();
    let missing = servers.iter().zip(seen).find(|(_, seen)| !matches!(seen, Seen::Wanted | Seen::NoRoute));
    match missing {
        Some((server, _)) => {
            format!("waiting for {server} to show {name} ({shown} of {} servers do)", servers.len())
        }
        None => format!("{name} is visible ({shown} of {} servers show it)", servers.len()),
    }
}

/// Servers that can't be asked from here do not count, as long as others can.
fn verdict(name: &RecordName, waited: Duration, servers: Vec<(Server, Seen)>) -> Result<(), NotVisible> {
    let any = servers.iter().any(|(_, seen)| *seen == Seen::Wanted);
    let missing: Vec<(Server, Seen)> = servers
        .into_iter()
        .filter(|(_, seen)| *seen != Seen::Wanted && !(any && *seen == Seen::NoRoute))
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    Err(NotVisible::Missing { name: name.clone(), waited, servers: missing })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server(host: &str, address: &str) -> Server {
        Server { host: Some(host.parse().unwrap()), address: address.parse().unwrap() }
    }

    fn judge(seen: &[Seen]) -> Vec<Seen> {
        let servers = seen.iter().map(|seen| (server("ns.a.test", "192.0.2.1:53"), seen.clone()));
        match verdict(&"_x.a.test".parse().unwrap(), Duration::from_secs(3), servers.collect()) {
            Ok(()) => Vec::new(),
            Err(NotVisible::Missing { servers, .. }) => servers.into_iter().map(|(_, seen)| seen).collect(),
            Err(other) => panic!("{other}"),
        }
    }

    #[test]
    fn all_must_show_it_but_those_without_a_route() {
        let none = Seen::Other(vec![]);
        assert_eq!(judge(&[Seen::Wanted, Seen::Wanted]), []);
        assert_eq!(judge(&[Seen::Wanted, Seen::NoRoute]), []);
        assert_eq!(judge(&[Seen::Wanted, none.clone(), Seen::NoRoute]), [none]);
        assert_eq!(judge(&[Seen::NoRoute]), [Seen::NoRoute]);
        assert_eq!(judge(&[Seen::Nothing]), [Seen::Nothing]);
    }

    #[test]
    fn progress_names_the_server_that_is_awaited() {
        let servers = [server("ns1.a.test", "192.0.2.1:53"), server("ns2.a.test", "[::1]:5300")];
        let told = |seen: [Seen; 2]| progress(&"_x.a.test".parse().unwrap(), &servers, &seen);
        assert_eq!(
            told([Seen::Wanted, Seen::Other(vec![])]),
            "waiting for ns2.a.test ([::1]:5300) to show _x.a.test (1 of 2 servers do)"
        );
        assert_eq!(told([Seen::Wanted, Seen::Wanted]), "_x.a.test is visible (2 of 2 servers show it)");
    }

    #[test]
    fn what_was_seen_is_told_without_escape_sequences() {
        let texts = ["one", "\u{1b}[31mtwo", "three", "four"].map(ToString::to_string).to_vec();
        let told = Seen::Other(texts).to_string();
        assert_eq!(told, "it shows \"one\", \"\u{fffd}[31mtwo\", \"three\" and 1 more");
        assert_eq!(server("ns.a.test", "192.0.2.1:53").to_string(), "ns.a.test (192.0.2.1)");
    }
}
