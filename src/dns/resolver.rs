//! Lookups through resolvers, which do the walking.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::future::join;
use hickory_net::proto::rr::RecordType;

use crate::core::dns_record::RecordName;
use crate::core::dns_settings::{DNS_PORT, ResolverAddress};

use super::DnsClient;
use super::exchange::exchange;
use super::reply::{Reply, Zone, question};

/// Where systems say who resolves names (resolv.conf(5)).
const SYSTEM_FILE: &str = "/etc/resolv.conf";

/// No resolver could say.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("could not look up {name} ({kind}): {}", causes.join("; "))]
pub struct LookupError {
    /// What was looked up.
    pub name: RecordName,
    /// The type of record.
    pub kind: String,
    /// What each resolver said.
    pub causes: Vec<String>,
}

/// The resolvers, of which the one that answered last is asked first.
pub(super) struct Resolver {
    servers: Vec<SocketAddr>,
    first: AtomicUsize,
}

impl Resolver {
    /// These, or else the system's.
    pub(super) fn new(named: &[ResolverAddress]) -> Self {
        let servers = match named {
            [] => system_servers(&std::fs::read_to_string(SYSTEM_FILE).unwrap_or_default()),
            named => named.iter().map(|ResolverAddress(address)| *address).collect(),
        };
        Self { servers, first: AtomicUsize::new(0) }
    }

    pub(super) fn servers(&self) -> &[SocketAddr] {
        &self.servers
    }

    /// Asks one after the other until somebody knows.
    pub(super) async fn ask(&self, name: &RecordName, kind: RecordType) -> Result<Reply, LookupError> {
        let mut causes = Vec::new();
        let first = self.first.load(Ordering::Relaxed);
        for turn in 0..self.servers.len() {
            let position = (first + turn) % self.servers.len();
            let server = self.servers[position];
            match exchange(server, question(name, kind, true)).await {
                Ok(response) => {
                    let reply = Reply(response.into_message());
                    if reply.is_answer() {
                        self.first.store(position, Ordering::Relaxed);
                        return Ok(reply);
                    }
                    causes.push(format!("{server} answers {}", reply.code()));
                }
                Err(error) => causes.push(format!("{server}: {error}")),
            }
        }
        Err(LookupError { name: name.clone(), kind: kind.to_string(), causes })
    }
}

impl DnsClient {
    /// The zone that a name is in: walks up until somebody tells.
    pub(super) async fn zone(&self, name: &RecordName) -> Result<Zone, LookupError> {
        let mut candidate = Some(name.clone());
        while let Some(asked) = candidate {
            if let Some(zone) = self.resolver.ask(&asked, RecordType::SOA).await?.zone(&asked) {
                return Ok(zone);
            }
            candidate = asked.parent();
        }
        let causes = vec!["no zone begins at it or above it".to_owned()];
        Err(LookupError { name: name.clone(), kind: RecordType::SOA.to_string(), causes })
    }

    /// The addresses of a host, IPv6 first; none when it has none.
    pub(super) async fn addresses(&self, host: &RecordName) -> Result<Vec<IpAddr>, LookupError> {
        let ask = |kind| self.resolver.ask(host, kind);
        // One kind is enough: some servers fail for the other.
        match join(ask(RecordType::AAAA), ask(RecordType::A)).await {
            (Err(error), Err(_)) => Err(error),
            (v6, v4) => Ok([v6, v4].iter().flatten().flat_map(Reply::addresses).collect()),
        }
    }
}

/// The servers of resolv.conf; this machine itself if there are none, as resolv.conf(5) has it. One whose address
/// has a network interface's name in it is left out.
fn system_servers(text: &str) -> Vec<SocketAddr> {
    let address = |line: &str| {
        let mut words = line.split_whitespace();
        let named = words.next() == Some("nameserver");
        words.next().filter(|_| named)?.parse::<IpAddr>().ok()
    };
    let mut servers: Vec<SocketAddr> =
        text.lines().filter_map(address).map(|address| (address, DNS_PORT).into()).collect();
    if servers.is_empty() {
        servers.push((Ipv4Addr::LOCALHOST, DNS_PORT).into());
    }
    servers
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_systems_resolvers() {
        let text = "# made by hand\nsearch a.test\nnameserver 192.0.2.53\n nameserver\t2001:db8::53 # two\n\
             nameserver fe80::1%eth0\nnameserver\noptions edns0\n";
        assert_eq!(
            system_servers(text),
            ["192.0.2.53:53".parse().unwrap(), "[2001:db8::53]:53".parse().unwrap()]
        );
        assert_eq!(system_servers(""), ["127.0.0.1:53".parse().unwrap()]);
    }
}
