//! Puts the parts together and runs them.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    pin::Pin,
    sync::Arc,
};

use axum::Router;
use hickory_proto::{
    op::ResponseCode,
    rr::{LowerName, Record, RecordType},
};
use tokio::{net::TcpListener, sync::Notify};
use tokio_rustls::TlsAcceptor;
use tracing::warn;

use crate::{
    admin::{Admin, EabCredentials, admin_router},
    background::EndOnDrop,
    ca::{Authority, CaError, CaSettings, CrlCache},
    clock::{Clock, SystemClock},
    config::Config,
    courier::Courier,
    demo,
    endpoint_tls::{EndpointTls, EndpointTlsError},
    faults::{self, Faults},
    host::Host,
    model::{Problem, Settings},
    random::{OsRandom, Random, SeededRandom},
    server::{Limits, Server},
    services::Services,
    state::{self, Kept, StateError},
    store::Store,
    sweeper::Sweeper,
    testbed::{DnsServer, DnsTable, RecordData},
    va::{
        VaError, ValidationAuthority, ValidationSettings, Zone,
        mail::{Mail, MailError, SmtpServer},
    },
    web::acme_router,
};

/// Why the server did not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// An address can't be listened on.
    #[error("could not listen on {address} for {purpose}")]
    Bind {
        /// What for.
        purpose: &'static str,
        /// Where.
        address: SocketAddr,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// A port that validations connect to, and that nobody can listen on.
    #[error("validations can't connect to port 0: http_port and tls_port must be where clients answer")]
    NoPort,
    /// The state file can't be used.
    #[error("could not use the state file")]
    State(#[from] StateError),
    /// A profile of the configuration can't be offered.
    #[error("could not offer the configured profiles: {0}")]
    Profile(String),
    /// The authority could not be made.
    #[error("could not make the certification authority")]
    Authority(#[from] CaError),
    /// The validation authority could not be made.
    #[error("could not make the validation authority")]
    Validation(#[from] VaError),
    /// Mail could not be set up.
    #[error("could not set up the mail side of e-mail challenges")]
    Mail(#[from] MailError),
    /// The ACME endpoint has no TLS.
    #[error("could not make the ACME endpoint")]
    Endpoint(#[from] EndpointTlsError),
}

/// What is served where, and how patiently.
struct Routers {
    acme: fn(Arc<Services>, &str) -> Router,
    admin: fn(Arc<Services>) -> Router,
    limits: Limits,
}

/// The server, to be started.
#[derive(Clone, Copy, Debug)]
pub struct MockServer;

impl MockServer {
    /// Starts a server; it serves when this returns.
    ///
    /// # Errors
    /// When an address is taken, or keys and clients can't be made.
    pub async fn start(config: Config) -> Result<Handle, StartError> {
        Self::start_at(config, Arc::new(SystemClock)).await
    }

    /// The same with a clock of the caller's.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub async fn start_at(config: Config, clock: Arc<dyn Clock>) -> Result<Handle, StartError> {
        let limits = Limits::default();
        start(config, clock, Routers { acme: acme_router, admin: admin_router, limits }).await
    }
}

/// A running server. Dropped, it ends in the background; [`shutdown`](Self::shutdown) waits for that.
pub struct Handle {
    acme_url: String,
    admin_url: String,
    ca_bundle_pem: String,
    http_port: u16,
    tls_port: u16,
    dns_table: Arc<DnsTable>,
    services: Arc<Services>,
    sweeper: Sweeper,
    courier: Courier,
    background: EndOnDrop,
    acme: Server,
    admin: Server,
    dns: DnsServer,
    mail: Option<SmtpServer>,
}

async fn start(config: Config, clock: Arc<dyn Clock>, routers: Routers) -> Result<Handle, StartError> {
    if config.http_port == 0 || config.tls_port == 0 {
        return Err(StartError::NoPort);
    }
    // Everything is bound before anything is served: the ports are part of what is served.
    let (acme, acme_address) = bind("ACME", config.acme).await?;
    let (admin, admin_address) = bind("the admin API", config.admin).await?;
    let dns_table = Arc::new(DnsTable::default());
    dns_table.set_default_ipv4(config.dns_default);
    let dns = DnsServer::start(config.dns, Arc::clone(&dns_table))
        .await
        .map_err(|source| StartError::Bind { purpose: "the test DNS", address: config.dns, source })?;

    let host = config.host.as_ref();
    let acme_url = format!("https://{}", host_and_port(host, acme_address));
    let admin_url = format!("http://{}", host_and_port(host, admin_address));
    let kept = Kept::open(config.state.as_deref())?;
    let endpoint = EndpointTls::generate(acme_address.ip(), host, kept.endpoint.as_ref())?;
    let (http_port, tls_port) = (config.http_port, config.tls_port);
    let test_dns = TestDns { table: Arc::clone(&dns_table), address: reachable(dns.local_addr()) };
    let mail_listen = config.mail_listen;
    let services = services(config, clock, &admin_url, test_dns, kept)?;
    state::keep(&services.store, &services.authority, &endpoint.ca);
    let services = Arc::new(services);
    let mail = match mail_listen {
        Some(address) => Some(mail_server(address, &services).await?),
        None => None,
    };

    let acme_router = faults::around((routers.acme)(Arc::clone(&services), &acme_url), Arc::clone(&services));
    let acceptor = TlsAcceptor::from(endpoint.config);
    Ok(Handle {
        acme: Server::start(acme, Some(acceptor), acme_router, routers.limits),
        admin: Server::start(admin, None, (routers.admin)(Arc::clone(&services)), routers.limits),
        sweeper: Sweeper::start(Arc::clone(&services)),
        courier: Courier::start(Arc::clone(&services)),
        dns,
        mail,
        acme_url,
        admin_url,
        ca_bundle_pem: endpoint.ca.pem(),
        http_port,
        tls_port,
        dns_table,
        background: EndOnDrop(Arc::clone(&services.background)),
        services,
    })
}

/// The built-in DNS: what it knows and where it listens.
struct TestDns {
    table: Arc<DnsTable>,
    address: SocketAddr,
}

impl Zone for DnsTable {
    fn answer(&self, name: &LowerName, kind: RecordType) -> (ResponseCode, Vec<Record>) {
        let answer = self.answer(name, kind);
        (answer.code, answer.records)
    }
}

fn services(
    config: Config,
    clock: Arc<dyn Clock>,
    admin_url: &str,
    test_dns: TestDns,
    kept: Kept,
) -> Result<Services, StartError> {
    let stream = |number| -> Arc<dyn Random> {
        match config.seed {
            Some(seed) => Arc::new(SeededRandom::stream(seed, number)),
            None => Arc::new(OsRandom),
        }
    };
    let resolver = config.resolver.unwrap_or(test_dns.address);
    let (random, nonce_random) = (stream(2 * kept.runs), stream(2 * kept.runs + 1));
    // A stream from the other end, so that faults change no name.
    let faults = Faults::new(config.faults, stream(u64::MAX - kept.runs));
    let records = Arc::clone(&test_dns.table);
    let publish = move |name: &str, record: &str| {
        if let Err(error) = records.add(name, &RecordData::Txt(record.to_owned())) {
            warn!(%error, name, "the DKIM key could not be published");
        }
    };
    let mail = Mail::new(config.mail, config.smtp, resolver, Box::new(publish))?;
    let ca = CaSettings {
        key: config.ca_key,
        base_url: admin_url.to_owned(),
        alternate_root: config.alternate_root,
    };
    let va = ValidationSettings {
        resolver,
        http_port: config.http_port,
        tls_port: config.tls_port,
        issuers: config.policy.caa_identities.clone(),
    };
    let authority = match &kept.authority {
        Some(record) => Authority::restore(record, &ca, clock.now(), random.as_ref())?,
        None => Authority::generate(&ca, clock.now(), random.as_ref())?,
    };
    prepare(&kept.store, &config.policy, &authority)
        .map_err(|problem| StartError::Profile(problem.detail))?;
    Ok(Services {
        authority,
        crl: CrlCache::default(),
        store: kept.store,
        va: match config.resolver {
            Some(_) => ValidationAuthority::new(&va)?,
            None => ValidationAuthority::beside(test_dns.table.clone(), &va)?,
        },
        mail,
        mail_due: Notify::default(),
        background: Arc::default(),
        clock,
        random,
        nonce_random,
        faults,
        dns_table: test_dns.table,
        settings: config.policy,
    })
}

/// Takes replies by SMTP, and gives them to where the admin API gives them.
async fn mail_server(address: SocketAddr, services: &Arc<Services>) -> Result<SmtpServer, StartError> {
    let admin = Admin::new(Arc::clone(services));
    let inbox = move |mail: Vec<u8>| {
        let admin = admin.clone();
        Box::pin(async move { admin.receive_mail(&mail).await }) as Pin<Box<_>>
    };
    let recipient = &services.mail.settings().from;
    SmtpServer::start(address, recipient, Arc::new(inbox)).await.map_err(|source| StartError::Bind {
        purpose: "replies by mail",
        address,
        source,
    })
}

/// Tells the model what it does not keep: the operator's profiles, and how long the CA lives.
fn prepare(store: &Store, settings: &Settings, authority: &Authority) -> Result<(), Problem> {
    store.with(|model| {
        model.set_issuer_end(authority.not_after());
        settings
            .profiles
            .iter()
            .try_for_each(|(name, profile)| model.put_profile(name.clone(), profile.clone()))
    })
}

async fn bind(purpose: &'static str, address: SocketAddr) -> Result<(TcpListener, SocketAddr), StartError> {
    let bound = async {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        Ok((listener, address))
    };
    bound.await.map_err(|source| StartError::Bind { purpose, address, source })
}

/// How clients name a listening address: with the host's name if it has one, else so that those on this machine can.
fn host_and_port(host: Option<&Host>, address: SocketAddr) -> String {
    if let Some(host) = host {
        return format!("{host}:{}", address.port());
    }
    if address.ip().is_unspecified() { format!("localhost:{}", address.port()) } else { address.to_string() }
}

/// The same for those who can't use a name: "all addresses" can be listened on, not asked.
fn reachable(address: SocketAddr) -> SocketAddr {
    let loopback: IpAddr = match address.ip() {
        IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(_) => std::net::Ipv6Addr::LOCALHOST.into(),
    };
    if address.ip().is_unspecified() { SocketAddr::new(loopback, address.port()) } else { address }
}

impl Handle {
    /// Where ACME clients begin (RFC 8555 §7.1.1).
    #[must_use]
    pub fn directory_url(&self) -> String {
        format!("{}/directory", self.acme_url)
    }

    /// The admin API's base, without a slash at the end.
    #[must_use]
    pub fn admin_url(&self) -> &str {
        &self.admin_url
    }

    /// The CA that verifies the ACME endpoint, made for this run.
    #[must_use]
    pub fn ca_bundle_pem(&self) -> &str {
        &self.ca_bundle_pem
    }

    /// The root that issued certificates chain up to.
    #[must_use]
    pub fn root_pem(&self) -> String {
        self.services.authority.root_pem()
    }

    /// The port that stands in for 80 when names are validated.
    #[must_use]
    pub fn http_port(&self) -> u16 {
        self.http_port
    }

    /// The port that stands in for 443 when names are validated.
    #[must_use]
    pub fn tls_port(&self) -> u16 {
        self.tls_port
    }

    /// Where the built-in DNS answers.
    #[must_use]
    pub fn dns_addr(&self) -> SocketAddr {
        reachable(self.dns.local_addr())
    }

    /// Where replies to challenge mails are taken by SMTP, if anywhere.
    #[must_use]
    pub fn mail_addr(&self) -> Option<SocketAddr> {
        self.mail.as_ref().map(|mail| reachable(mail.local_addr()))
    }

    /// The records of the built-in DNS, to be changed at will.
    #[must_use]
    pub fn dns_table(&self) -> &DnsTable {
        &self.dns_table
    }

    /// What goes wrong on purpose, to be changed at will.
    #[must_use]
    pub fn faults(&self) -> &Faults {
        &self.services.faults
    }

    /// What CAcert's web UI does: owners, EAB keys, revocations.
    #[must_use]
    pub fn admin(&self) -> Admin {
        Admin::new(Arc::clone(&self.services))
    }

    /// Makes a demo owner, an assured member who holds `example.test` with all below it and `alice@example.test`, and
    /// an EAB key with all rights. Each call makes new ones.
    ///
    /// # Errors
    /// None of its own: the model's checks are passed on.
    pub fn create_demo_owner(&self) -> Result<EabCredentials, Problem> {
        demo::create(&self.admin())
    }

    /// The parts of the server, for tests that look inside or prepare something.
    #[must_use]
    pub fn services(&self) -> &Services {
        &self.services
    }

    /// Breaks validations and mails off, takes no more connections, lets requests finish for up to three seconds, closes the
    /// state file, and returns when all is closed.
    pub async fn shutdown(self) {
        let mail = async {
            if let Some(mail) = self.mail {
                mail.shutdown().await;
            }
        };
        drop((self.background, self.sweeper, self.courier));
        tokio::join!(self.acme.shutdown(), self.admin.shutdown(), self.dns.shutdown(), mail);
        self.services.store.close();
    }
}

#[cfg(test)]
mod tests;
