//! The flags that both commands take.

use std::{
    fs,
    net::{Ipv4Addr, SocketAddr, TcpListener},
    path::{Path, PathBuf},
};

use clap::Args;
use server_mock::{Config, Host};

use super::error::ProgramError;

/// What the flags say; they come before the file, and the file before the defaults.
#[derive(Args, Debug, Default)]
pub(super) struct Flags {
    /// Serve ACME here, over TLS [default: 127.0.0.1:14000; exec: a free port]
    #[arg(long, value_name = "ADDR:PORT")]
    acme: Option<SocketAddr>,
    /// Call this host in all URLs, for clients on other machines [default: the address that is listened on]
    #[arg(long, value_name = "NAME")]
    host: Option<Host>,
    /// Serve the admin API here, over HTTP [default: 127.0.0.1:15000; exec: a free port]
    #[arg(long, value_name = "ADDR:PORT")]
    admin: Option<SocketAddr>,
    /// Connect to this port where a CA would connect to 80 [default: 5002; exec: a free port]
    #[arg(long, value_name = "PORT", value_parser = clap::value_parser!(u16).range(1..))]
    http_port: Option<u16>,
    /// Connect to this port where a CA would connect to 443 [default: 5001; exec: a free port]
    #[arg(long, value_name = "PORT", value_parser = clap::value_parser!(u16).range(1..))]
    tls_port: Option<u16>,
    /// Serve the built-in test DNS here [default: 127.0.0.1:8053; exec: a free port]
    #[arg(long, value_name = "ADDR:PORT")]
    dns: Option<SocketAddr>,
    /// Ask this DNS server when validating, instead of the built-in one
    #[arg(long, value_name = "ADDR:PORT")]
    resolver: Option<SocketAddr>,
    /// Send challenge mails to this SMTP server [default: keep them for the admin API]
    #[arg(long, value_name = "ADDR:PORT")]
    smtp: Option<SocketAddr>,
    /// Take replies to challenge mails here, by SMTP [default: through the admin API alone]
    #[arg(long, value_name = "ADDR:PORT")]
    mail_listen: Option<SocketAddr>,
    /// Read a TOML file; flags come before it
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Keep everything in this file; without it all is gone when the server ends
    #[arg(long, value_name = "FILE")]
    state: Option<PathBuf>,
    /// Make keys, tokens and serial numbers reproducible
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Write all addresses to this file, as JSON, as soon as everything is served
    #[arg(long, value_name = "FILE")]
    pub(super) ready_file: Option<PathBuf>,
    /// Log more; may be repeated
    #[arg(short, long, action = clap::ArgAction::Count)]
    pub(super) verbose: u8,
}

impl Flags {
    /// The configuration for a server at its usual addresses.
    pub(super) fn config(&self) -> Result<Config, ProgramError> {
        self.over(Config::default())
    }

    /// The configuration for a server beside others: every port that is not chosen is a free one. The ports for the
    /// command's own servers are held until the server has its own.
    pub(super) fn config_on_free_ports(&self) -> Result<(Config, FreePorts), ProgramError> {
        let free = FreePorts::find().map_err(ProgramError::FreePorts)?;
        let (http_port, tls_port) = free.ports().map_err(ProgramError::FreePorts)?;
        Ok((self.over(Config { http_port, tls_port, ..Config::ephemeral() })?, free))
    }

    fn over(&self, base: Config) -> Result<Config, ProgramError> {
        let file = match &self.config {
            Some(path) => read(path, &base)?,
            None => base,
        };
        Ok(Config {
            acme: self.acme.unwrap_or(file.acme),
            admin: self.admin.unwrap_or(file.admin),
            host: self.host.clone().or(file.host),
            http_port: self.http_port.unwrap_or(file.http_port),
            tls_port: self.tls_port.unwrap_or(file.tls_port),
            dns: self.dns.unwrap_or(file.dns),
            resolver: self.resolver.or(file.resolver),
            smtp: self.smtp.or(file.smtp),
            mail_listen: self.mail_listen.or(file.mail_listen),
            seed: self.seed.or(file.seed),
            state: self.state.clone().or(file.state),
            ..file
        })
    }
}

/// The file over `base`, of which only the ports can differ from the library's defaults.
fn read(path: &Path, base: &Config) -> Result<Config, ProgramError> {
    let document = fs::read_to_string(path)
        .map_err(|source| ProgramError::ReadConfig { path: path.to_owned(), source })?;
    let parse_error = |source| ProgramError::ParseConfig { path: path.to_owned(), source };
    let chosen: toml::Table = toml::from_str(&document).map_err(parse_error)?;
    let file = Config::from_toml(&document).map_err(parse_error)?;
    let has = |entry| chosen.contains_key(entry);
    Ok(Config {
        acme: if has("acme") { file.acme } else { base.acme },
        admin: if has("admin") { file.admin } else { base.admin },
        dns: if has("dns") { file.dns } else { base.dns },
        http_port: if has("http_port") { file.http_port } else { base.http_port },
        tls_port: if has("tls_port") { file.tls_port } else { base.tls_port },
        ..file
    })
}

/// Two different ports that nobody else has on any address, held as long as this lives. The command's own servers
/// will take them.
pub(super) struct FreePorts(TcpListener, TcpListener);

impl FreePorts {
    fn find() -> std::io::Result<Self> {
        let any = (Ipv4Addr::UNSPECIFIED, 0);
        Ok(Self(TcpListener::bind(any)?, TcpListener::bind(any)?))
    }

    fn ports(&self) -> std::io::Result<(u16, u16)> {
        Ok((self.0.local_addr()?.port(), self.1.local_addr()?.port()))
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn file(content: &str) -> tempfile::NamedTempFile {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(content.as_bytes()).unwrap();
        file
    }

    #[test]
    fn flags_come_before_the_file_and_the_file_before_defaults() {
        let file = file("acme = \"127.0.0.1:1\"\nadmin = \"127.0.0.1:2\"\nseed = 3\n");
        let flags = Flags {
            config: Some(file.path().to_owned()),
            admin: Some("127.0.0.1:9".parse().unwrap()),
            ..Flags::default()
        };
        let config = flags.config().unwrap();
        assert_eq!((config.acme.port(), config.admin.port(), config.seed), (1, 9, Some(3)));
        assert_eq!(config.dns, Config::default().dns);
    }

    #[test]
    fn beside_others_only_chosen_ports_are_fixed() {
        let file = file("acme = \"127.0.0.1:14000\"\nca_key = \"rsa2048\"\n");
        let flags = Flags { config: Some(file.path().to_owned()), http_port: Some(80), ..Flags::default() };
        let (config, _) = flags.config_on_free_ports().unwrap();
        assert_eq!((config.acme.port(), config.admin.port(), config.dns.port()), (14000, 0, 0));
        assert_eq!((config.http_port, config.ca_key), (80, server_mock::ca::CaKey::Rsa2048));
        assert!(config.tls_port >= 1024);
    }

    #[test]
    fn bad_files_are_named() {
        let missing = Flags { config: Some("/nonexistent/x.toml".into()), ..Flags::default() };
        assert!(matches!(missing.config(), Err(ProgramError::ReadConfig { .. })));
        let misspelt = file("acem = 1\n");
        let flags = Flags { config: Some(misspelt.path().to_owned()), ..Flags::default() };
        assert!(matches!(flags.config(), Err(ProgramError::ParseConfig { .. })));
    }
}
