//! The only resolver: asks one server, keeps nothing, knows no hosts file and no search domains.

use std::{
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use hickory_resolver::{
    TokioResolver,
    config::{
        ConnectionConfig, LookupIpStrategy, NameServerConfig, ResolveHosts, ResolverConfig, ResolverOpts,
    },
    net::{DnsError, NetError, runtime::TokioRuntimeProvider},
    proto::rr::{
        RData, RecordType,
        rdata::{CAA, TXT},
    },
};

use crate::model::{Problem, ProblemType};

/// How long one question waits for its answer.
const QUESTION_TIMEOUT: Duration = Duration::from_secs(2);
/// How often a question is repeated.
const RETRIES: usize = 1;

/// A DNS client of one server.
#[derive(Clone)]
pub(super) struct Resolver {
    resolver: TokioResolver,
    server: SocketAddr,
}

impl Resolver {
    /// A client that asks `server`, over UDP and, for long answers, TCP.
    pub(super) fn new(server: SocketAddr) -> Result<Self, NetError> {
        let mut connections = vec![ConnectionConfig::udp(), ConnectionConfig::tcp()];
        for connection in &mut connections {
            connection.port = server.port();
        }
        let server_config = NameServerConfig::new(server.ip(), true, connections);
        let config = ResolverConfig::from_parts(None, vec![], vec![server_config]);
        let mut builder = TokioResolver::builder_with_config(config, TokioRuntimeProvider::default());
        *builder.options_mut() = options();
        Ok(Self { resolver: builder.build()?, server })
    }

    /// The client itself, for libraries that ask by themselves.
    pub(super) fn into_inner(self) -> TokioResolver {
        self.resolver
    }

    /// The addresses of a name, IPv6 first.
    ///
    /// # Errors
    /// A `dns` problem when the name has none or the server does not say.
    pub(super) async fn addresses(&self, name: &str) -> Result<Vec<IpAddr>, Problem> {
        let problem = |error| self.problem(name, "address", &error);
        let found = self.resolver.lookup_ip(absolute(name)).await.map_err(problem)?;
        let mut addresses: Vec<_> = found.iter().collect();
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
        let found = self.resolver.lookup(absolute(name), kind).await?;
        Ok(found.answers().iter().map(|record| record.data.clone()).collect())
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
