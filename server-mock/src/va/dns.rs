//! The only resolver: asks one server, keeps nothing, knows no hosts file and no search domains.

use std::{
    net::{IpAddr, SocketAddr},
    str::FromStr,
    sync::Arc,
    time::Duration,
};

use hickory_resolver::{
    TokioResolver,
    config::{
        ConnectionConfig, LookupIpStrategy, NameServerConfig, ResolveHosts, ResolverConfig, ResolverOpts,
    },
    net::{DnsError, NetError, NoRecords, runtime::TokioRuntimeProvider},
    proto::{
        op::{Query, ResponseCode},
        rr::{
            LowerName, Name, RData, Record, RecordType,
            rdata::{CAA, TXT},
        },
    },
};

use crate::model::{Problem, ProblemType};

/// How long one question waits for its answer.
const QUESTION_TIMEOUT: Duration = Duration::from_secs(2);
/// How long the answer may take with all aliases that lead to it.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);
/// How often a question is repeated.
const RETRIES: usize = 1;

/// What a DNS server of this very process knows.
pub trait Zone: Send + Sync + 'static {
    /// What the server would answer to this question: its code and records, aliases followed.
    fn answer(&self, name: &LowerName, kind: RecordType) -> (ResponseCode, Vec<Record>);
}

/// A DNS client of one server.
#[derive(Clone)]
pub(super) struct Resolver {
    source: Source,
    server: SocketAddr,
}

#[derive(Clone)]
enum Source {
    Server(Box<TokioResolver>),
    /// The same answers without packets: an order with its CAA checks asks eight questions.
    Zone(Arc<dyn Zone>),
}

impl Resolver {
    /// A client that asks `server`, over UDP and, for long answers, TCP.
    pub(super) fn new(server: SocketAddr) -> Result<Self, NetError> {
        Ok(Self { source: Source::Server(Box::new(client(server)?)), server })
    }

    /// A client of the server in this process that listens at `server`.
    pub(super) fn of_zone(zone: Arc<dyn Zone>, server: SocketAddr) -> Self {
        Self { source: Source::Zone(zone), server }
    }

    /// The addresses of a name, IPv6 first.
    ///
    /// # Errors
    /// A `dns` problem when the name has none or the server does not say.
    pub(super) async fn addresses(&self, name: &str) -> Result<Vec<IpAddr>, Problem> {
        let problem = |error| self.problem(name, "address", &error);
        let mut addresses: Vec<_> = match &self.source {
            Source::Server(resolver) => {
                in_time(resolver.lookup_ip(absolute(name))).await.map_err(problem)?.iter().collect()
            }
            Source::Zone(zone) => ask_addresses(&**zone, name).map_err(problem)?,
        };
        addresses.sort_by_key(IpAddr::is_ipv4);
        Ok(addresses)
    }

    /// The texts of a name, each put together from its character-strings; none when the name has none.
    ///
    /// # Errors
    /// A `dns` problem when the name does not exist or the server does not say.
    pub(super) async fn texts(&self, name: &str) -> Result<Vec<Vec<u8>>, Problem> {
        let found = match self.records(name, RecordType::TXT).await {
            Err(error) if error.is_no_records_found() && !error.is_nx_domain() => Vec::new(),
            found => found.map_err(|error| self.problem(name, "TXT", &error))?,
        };
        let text = |data| match data {
            RData::TXT(TXT { txt_data, .. }) => Some(txt_data.concat()),
            _ => None,
        };
        Ok(found.into_iter().filter_map(text).collect())
    }

    /// The CAA records of a name, none when it does not exist (RFC 8659 §3).
    ///
    /// # Errors
    /// A `dns` problem when the server does not say.
    pub(super) async fn caa(&self, name: &str) -> Result<Vec<CAA>, Problem> {
        let found = match self.records(name, RecordType::CAA).await {
            Err(error) if error.is_no_records_found() => Vec::new(),
            found => found.map_err(|error| self.problem(name, "CAA", &error))?,
        };
        let caa = |data| match data {
            RData::CAA(caa) => Some(caa),
            _ => None,
        };
        Ok(found.into_iter().filter_map(caa).collect())
    }

    async fn records(&self, name: &str, kind: RecordType) -> Result<Vec<RData>, NetError> {
        match &self.source {
            Source::Server(resolver) => {
                let found = in_time(resolver.lookup(absolute(name), kind)).await?;
                Ok(found.answers().iter().map(|record| record.data.clone()).collect())
            }
            Source::Zone(zone) => ask(&**zone, name, kind),
        }
    }

    fn problem(&self, name: &str, what: &str, error: &NetError) -> Problem {
        let server = self.server;
        let detail = match error {
            _ if error.is_nx_domain() => format!("{name} does not exist in the DNS (NXDOMAIN from {server})"),
            _ if error.is_no_records_found() => {
                format!("{name} has no A and no AAAA record in the DNS (asked {server})")
            }
            NetError::Dns(DnsError::ResponseCode(code)) => {
                format!("the DNS server {server} answered {code} when asked for {what} records of {name}")
            }
            NetError::Timeout => format!("the DNS server {server} did not answer when asked for {name}"),
            other => format!("could not ask the DNS server {server} for {what} records of {name}: {other}"),
        };
        Problem::new(ProblemType::Dns, detail)
    }
}

/// The client itself, also for libraries that ask by themselves.
pub(super) fn client(server: SocketAddr) -> Result<TokioResolver, NetError> {
    let mut connections = vec![ConnectionConfig::udp(), ConnectionConfig::tcp()];
    for connection in &mut connections {
        connection.port = server.port();
    }
    let server_config = NameServerConfig::new(server.ip(), true, connections);
    let config = ResolverConfig::from_parts(None, vec![], vec![server_config]);
    let mut builder = TokioResolver::builder_with_config(config, TokioRuntimeProvider::default());
    *builder.options_mut() = options();
    builder.build()
}

/// Asks a zone as a server is asked, errors included.
fn ask(zone: &dyn Zone, name: &str, kind: RecordType) -> Result<Vec<RData>, NetError> {
    let name = Name::from_str(&absolute(name))?;
    let (code, records) = zone.answer(&LowerName::new(&name), kind);
    let found: Vec<RData> =
        records.into_iter().filter(|record| record.record_type() == kind).map(|record| record.data).collect();
    match code {
        ResponseCode::NoError if !found.is_empty() => Ok(found),
        ResponseCode::NoError | ResponseCode::NXDomain => {
            Err(DnsError::NoRecordsFound(NoRecords::new(Query::query(name, kind), code)).into())
        }
        code => Err(DnsError::ResponseCode(code).into()),
    }
}

/// Addresses of either kind; that one kind can't be had does not matter as long as there is the other.
fn ask_addresses(zone: &dyn Zone, name: &str) -> Result<Vec<IpAddr>, NetError> {
    let found = match (ask(zone, name, RecordType::AAAA), ask(zone, name, RecordType::A)) {
        (Err(_), Err(error)) => return Err(error),
        (v6, v4) => v6.into_iter().chain(v4).flatten(),
    };
    Ok(found.filter_map(|data| data.ip_addr()).collect())
}

async fn in_time<T>(lookup: impl Future<Output = Result<T, NetError>>) -> Result<T, NetError> {
    tokio::time::timeout(ANSWER_TIMEOUT, lookup).await.unwrap_or(Err(NetError::Timeout))
}

/// The name as one that no search domain is appended to.
fn absolute(name: &str) -> String {
    format!("{}.", name.trim_end_matches('.'))
}

fn options() -> ResolverOpts {
    let mut options = ResolverOpts::default();
    options.timeout = QUESTION_TIMEOUT;
    options.attempts = RETRIES;
    options.cache_size = 0;
    options.use_hosts_file = ResolveHosts::Never;
    options.ip_strategy = LookupIpStrategy::Ipv6AndIpv4;
    options
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testbed::{DnsFailure, DnsServer, DnsTable, RecordData};

    #[tokio::test]
    async fn a_zone_answers_as_its_server_does() {
        let table = Arc::new(DnsTable::default());
        let server = DnsServer::start("127.0.0.1:0".parse().unwrap(), Arc::clone(&table)).await.unwrap();
        let add = |name, data| table.add(name, &data).unwrap();
        add("alias.test", RecordData::Cname("farm.test".into()));
        add("farm.test", RecordData::A([127, 0, 0, 2].into()));
        add("farm.test", RecordData::Aaaa("::1".parse().unwrap()));
        add("farm.test", RecordData::Txt("text".into()));
        add("farm.test", RecordData::Caa { flags: 0, tag: "issue".into(), value: ";".into() });
        add("v6.test", RecordData::Aaaa("::1".parse().unwrap()));
        add("circle.test", RecordData::Cname("circle.test".into()));
        for failure in [DnsFailure::NxDomain, DnsFailure::ServFail, DnsFailure::Refused] {
            table.fail(&format!("{failure:?}.test"), failure).unwrap();
        }
        let zone = Resolver::of_zone(Arc::clone(&table) as Arc<dyn Zone>, server.local_addr());
        let server = Resolver::new(server.local_addr()).unwrap();
        for default in [Some([127, 0, 0, 1].into()), None] {
            table.set_default_ipv4(default);
            for name in [
                "alias.test",
                "farm.test",
                "v6.test",
                "none.test",
                "circle.test",
                "nxdomain.test",
                "servfail.test",
                "refused.test",
            ] {
                assert_eq!(zone.addresses(name).await, server.addresses(name).await, "{name}");
                assert_eq!(zone.texts(name).await, server.texts(name).await, "{name}");
                assert_eq!(zone.caa(name).await, server.caa(name).await, "{name}");
            }
        }
    }
}
